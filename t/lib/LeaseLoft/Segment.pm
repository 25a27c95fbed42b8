package LeaseLoft::Segment;

# Sealed segments, decoded by what docs/data.md and the head of
# common/segment.c say; an implementation of its own, but for zstd.

use strict;
use warnings;

use Digest::SHA qw(sha256);
use Exporter 'import';
use File::Temp;
use POSIX qw(floor strftime);

our @EXPORT_OK = qw(thread_of unseal);

my @base64 = ('A' .. 'Z', 'a' .. 'z', 0 .. 9, '-', '_');
my $dictionary;


# thread_of($redis, $property, $prefix): all entries as XRANGE returns them,
# [ID, [e, ENTRY, s, SALT, h, HASH, u, SENDER]]; $redis runs a command.  The
# salt of an erased one is its digest
sub thread_of {
    my ($redis, $property, $prefix) = @_;

    my $key = ($prefix // 'll') . ":{p:$property}";
    my ($state, @entries) = '';

    # until nothing is sealed or erased meanwhile
    while (1) {
        my $now = join ' ', map { $_ // '0 1' }
                  @{ $redis->('HMGET', "$key:meta", 'sealed', 'erasures') };
        last if $now eq $state;

        $state = $now;
        my ($sealed, $size) = split ' ', $state;

        @entries = ((map { unseal($redis->('HGET', "$key:segments", $_)) }
                     0 .. $sealed / $size - 1),
                    @{ $redis->('XRANGE', "$key:thread", '-', '+') },
                    erased($redis, $key));
        @entries = sort { $a->[0] <=> $b->[0] }
                   map { $_->[0] =~ s/-0$//; $_ } @entries;
        $_->[0] .= '-0' for @entries;
    }

    return @entries;
}


# entries that were erased and are not sealed yet
sub erased {
    my ($redis, $key) = @_;

    my @fields = @{ $redis->('HGETALL', "$key:segments") };
    my @entries;

    while (my ($field, $value) = splice @fields, 0, 2) {
        $field =~ /^e(\d+)$/ or next;

        my ($digest, $hash, $user, $entry) = unpack 'a32 a32 C/a a*', $value;
        push @entries, ["$1-0", [e => $entry, s => $digest, h => $hash,
                                 u => $user]];
    }

    return @entries;
}


my %known;

# the entries of a segment
sub unseal {
    my ($data) = @_;

    return @{ $known{$data} //= [ decode($data) ] };
}


sub decode {
    my ($data) = @_;

    my ($magic, $number, $count, $parties, $frame, $length, $first, $before,
        $after, $at, $time, $rest) =
        unpack 'a3 C C C N N Q> a32 a32 a24 q> a*', $data;

    die "no segment\n" if $magic ne "LS\1" || $number != 1;

    my $text = expand(substr $data, $frame);
    die "a text of another length\n" if length $text != $length;

    my @senders = unpack "C$count", $rest;
    my $s = { data => substr($data, 118 + $count, $frame - 118 - $count) };
    my @rows = map { [ take($s, ord take($s, 1)),
                       take($s, unpack 'n', take($s, 2)) ] } 1 .. $parties;
    my ($hash, @entries) = $before;

    for my $i (0 .. $count - 1) {
        my $seq = $first + $i;
        my $n = number($s);
        my ($kind, $given) = ($n & 7, $n & 8 ? take($s, 32) : undef);
        my $entry = substr $text, 0, $n >> 4, '';
        my ($user, $from) = @{ $senders[$i] ? $rows[$senders[$i] - 1]
                                            : ['', ''] };
        my $salt = $kind == 3 ? '' : take($s, $kind == 4 ? 32 : 16);

        if ($kind == 1 || $kind == 2) {
            $time += number($s);
            $entry = qq({"seq":$seq,"kind":"message","from":$from,)
                     . qq("text":"$entry","at":") . time_of($time)
                     . '","client_id":"' . id($s, $kind) . '"}';
        }

        $hash = $kind == 3 ? '' : $given // sha256($hash
            . ($kind == 4 ? $salt : sha256($salt . $entry)));

        push @entries, ["$seq-0", [e => $entry, s => $salt, h => $hash,
                                   u => $user]];
    }

    die "another hash\n" if ($hash || "\0" x 32) ne $after;
    die "another time\n" if $entries[-1][1][1] !~ /"at":"\Q$at\E"/;
    die "more than its records\n" if $s->{data} ne '' || $text ne '';

    return @entries;
}


sub take {
    my ($s, $n) = @_;

    die "too short\n" if length $s->{data} < $n;

    return substr $s->{data}, 0, $n, '';
}


sub number {
    my ($s) = @_;

    my ($n, $shift) = (0, 0);

    while (1) {
        my $byte = ord take($s, 1);
        $n |= ($byte & 127) << $shift;
        return $n if $byte < 128;
        $shift += 7;
    }
}


sub id {
    my ($s, $kind) = @_;

    return join '-', unpack '(A8)(A4)(A4)(A4)(A12)', unpack 'H*', take($s, 16)
        if $kind == 1;

    my $n = ord take($s, 1);
    my $bits = unpack 'B*', take($s, int(($n * 6 + 7) / 8));

    return join '', map { $base64[oct '0b' . substr $bits, $_ * 6, 6] }
                    0 .. $n - 1;
}


sub time_of {
    my ($ms) = @_;

    my $seconds = floor($ms / 1000);

    return strftime('%Y-%m-%dT%H:%M:%S', gmtime $seconds)
           . sprintf('.%03dZ', $ms - $seconds * 1000);
}


sub expand {
    my ($frame) = @_;

    if (!$dictionary) {
        open my $f, '<', 'common/segment.c' or die "common/segment.c: $!";
        my ($words) = do { local $/; <$f> } =~ /ll_segment_words\[\] =(.*?);\n/s;

        $dictionary = File::Temp->new();
        print $dictionary join '', map { s/\\"/"/gr }
                                   $words =~ /^\s+"(.*)"$/mg;
        $dictionary->flush();
    }

    my $file = File::Temp->new();
    print $file $frame;
    $file->flush();

    my $text = qx(zstd -q -d -c -D $dictionary $file);
    die "zstd fails\n" if $?;

    return $text;
}


1;
