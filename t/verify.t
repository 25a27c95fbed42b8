#!/usr/bin/perl

# leaseloft verify, and a second verifier, t/verify.py, written from
# docs/record.md: both accept valid records and refuse forged ones, and the
# first names the entry at fault.  Without Redis and network.

use strict;
use warnings;

use Digest::SHA qw(sha256 sha256_hex);
use File::Temp qw(tempdir);
use JSON::PP;
use Storable qw(dclone);
use Test::More;
use Time::HiRes qw(time);

use lib 't/lib';
use LeaseLoft::Record;

my $build = $ENV{BUILD} // 'build';
my $under = $ENV{LEASELOFT_UNDER} // '';
my $dir = tempdir(CLEANUP => 1);

# verify does not connect to the Redis that the environment names
$ENV{LEASELOFT_REDIS} = 'unix:/nowhere';

my $key = record_key('messages.example.com');
my $foreign = record_key('messages.example.com');

# entries 1 to 12 of property P: two leases, an erased entry
my @all = (lease_of(1, 'opened'), entry_of(2, 'The heating is out'),
           entry_of(3, "Two\nlines, \"quotes\", \\ and \x{fc}"),
           entry_of(4, 'secret'), entry_of(5, "I will look \x{1f527}"),
           lease_of(6, 'ended'), lease_of(7, 'opened'),
           entry_of(8, 'Hello', user => 'u-kim'),
           lease_of(9, 'joined', 'u-ana'), entry_of(10, 'Hi'),
           entry_of(11, '<b>bold</b>'), entry_of(12, 'The last word'));

sub whole {
    my ($property) = @_;

    my @lines = map { { seq => $_, entry => $all[$_ - 1],
                        salt => substr sha256_hex("$property $_"), 0, 32 } }
                1 .. @all;

    my $digest = sha256_hex(pack('H*', $lines[3]{salt}) . $lines[3]{entry});
    $lines[3] = { seq => 4, digest => $digest,
                  erased_at => '2026-11-23T08:00:00.000Z' };

    my $hash = rechain(sha256($property), @lines);

    return {
        head => { record => 'leaseloft/1', property => $property,
                  label => '12 Elm St', time_zone => 'America/New_York',
                  reader => { user => 'u-lena', role => 'landlord',
                              name => 'Lena' },
                  window => { first => 1, last => scalar @all },
                  base => sha256_hex($property),
                  made_at => '2026-11-24T08:00:00.000Z' },
        lines => \@lines,
        reads => [ map { { read => { user => "u-$_", upto => 5,
                                     at => '2026-11-22T12:00:01.000Z' } } }
                   qw(lena tom) ],
        last => { entries => scalar @all,
                  checkpoint => record_note($key, $property, 12, $hash) }
    };
}

my $good = whole('P');
my $note5 = record_note($key, 'P', 5, pack 'H*', $good->{lines}[4]{hash});

# the record of a tenant from entry n on
sub tenant {
    my ($user, $n) = @_;

    my $record = dclone($good);

    $record->{head}{reader} = { user => $user, role => 'tenant', name => 'K' };
    $record->{head}{base} = $record->{lines}[$n - 2]{hash};
    $record->{head}{window}{first} = $n;
    splice @{ $record->{lines} }, 0, $n - 1;
    $_->{read}{upto} = 9 for @{ $record->{reads} };
    $record->{last}{entries} = 13 - $n;

    return $record;
}

# a copy of a record, changed
sub changed {
    my ($change, $record) = @_;

    local $_ = dclone($record // $good);
    $change->();
    return $_;
}

my $runs = 0;

# both verifiers accept the record, or refuse it if $like is given, which the
# error of the first one matches
sub verdict {
    my ($name, $record, $like, %o) = @_;

    my $file = $dir . '/record' . ++$runs;

    open my $f, '>:raw', $file or die $!;
    print $f ref $record ? record_text($record) : $record;
    close $f;

    my @first = ("$build/leaseloft", 'verify', $file);
    my @second = ('t/verify.py', $file);
    my $k = exists $o{key} ? $o{key} : $key->{key};

    if (defined $k) {
        push @first, '--key', $k;
        push @second, $k;
    }

    if ($o{note}) {
        open $f, '>:raw', "$dir/note" or die $!;
        print $f $o{note};
        close $f;

        push @first, '--checkpoint', "$dir/note";
        push @second, '' if !defined $k;
        push @second, "$dir/note";
    }

    my ($status, $out) = run(split(' ', $under), @first);
    my ($other, $said) = run(@second);

    is("$status $other", $like ? '1 1' : '0 0', ($like ? "$name: both verifiers refuse it"
              : "$name: both verifiers accept it"))
        or diag($out, $said);
    like($out, $like // qr/^verified: property \w+, entries/,
         "$name: the output says what was found");
    unlike($said, qr/Traceback/, "$name: verify.py raises no exception");

    unlink $file;
    return $out;
}

sub run {
    my (@command) = @_;

    my $pid = open my $out, '-|' // die;
    if ($pid == 0) {
        open STDERR, '>&', \*STDOUT;
        exec @command;
        exit 127;
    }

    local $/;
    my $said = <$out>;
    close $out;

    return ($? >> 8, $said);
}


# valid records

my $out = verdict('a whole record', $good);
like($out, qr/signed that it held exactly these entries, in this order, at/,
     'the output says what a record proves');
like($out, qr/does not prove who sat at the keyboard/,
     'the output says what a record does not prove');
verdict('without a key', $good, undef, key => undef);
verdict('an older checkpoint that fits', $good, undef, note => $note5);
verdict('the same without a key', $good, undef, note => $note5, key => undef);
like(verdict('a tenant from the start of a lease', tenant('u-kim', 7)),
     qr/nothing about what was written before entry 7/,
     'the output says that earlier entries are not proven');
verdict('a tenant who joined', tenant('u-ana', 9));
verdict('an older checkpoint of the base', tenant('u-kim', 7), undef,
        note => record_note($key, 'P', 6,
                            pack 'H*', $good->{lines}[5]{hash}));
verdict('an empty record',
        changed(sub { $_->{lines} = []; $_->{head}{window}{last} = 0;
                  $_->{reads} = [];
                  $_->{last} = { entries => 0, checkpoint =>
                                 record_note($key, 'P', 0, sha256('P')) } }));
verdict('a record without a checkpoint',
        changed(sub { $_->{last}{checkpoint} = undef }), undef, key => undef);
verdict('two signatures, one by an unknown key',
        changed(sub { $_->{last}{checkpoint} =~ s/\n\n/\n\n\xe2\x80\x94 other.example AAAAAAAA\n/ }));


# the example of the documentation
{
    my $page = do { local (@ARGV, $/) = 'docs/record.md'; <> };
    my ($public) = $page =~ /^ {4}(\S+\+[0-9a-f]{8}\+\S+)$/m;
    my ($example) = $page =~ /^```\n(.*?)^```/ms;

    verdict('the example of docs/record.md', $example, undef,
            key => $public);
}


# forged records

verdict('one byte of a text changed',
        changed(sub { $_->{lines}[1]{entry} =~ s/heating/heatinh/ }),
        qr/entry 2 \(line 3\): its hash is another/);
verdict('one byte of a salt changed',
        changed(sub { $_->{lines}[1]{salt} =~ tr/0-9a-f/1-9a-f0/ }), qr/entry 2 /);
verdict('one byte of a hash changed',
        changed(sub { $_->{lines}[1]{hash} =~ tr/0-9a-f/1-9a-f0/ }), qr/entry 2 /);
verdict('a name changed',
        changed(sub { $_->{lines}[7]{entry} =~ s/u-kim/u-kin/ }), qr/entry 8 /);
verdict('a time changed',
        changed(sub { $_->{lines}[7]{entry} =~ s/12:00/11:00/ }), qr/entry 8 /);
verdict('an entry dropped', changed(sub { splice @{ $_->{lines} }, 4, 1 }),
        qr/entry 5 \(line 6\): is missing: entry 6 is in its place/);
verdict('an entry dropped, and the others renumbered',
        changed(sub { splice @{ $_->{lines} }, 4, 1;
                  $_->{seq}-- for @{ $_->{lines} }[4 .. 10] }),
        qr/entry 5 /);
verdict('an entry doubled',
        changed(sub { splice @{ $_->{lines} }, 4, 0, $_->{lines}[4] }),
        qr/entry 6 .*entry 5 is in its place/);
verdict('two entries swapped',
        changed(sub { @{ $_->{lines} }[4, 5] = @{ $_->{lines} }[5, 4] }),
        qr/entry 5 .*entry 6 is in its place/);
verdict('a text changed with its hash recomputed',
        changed(sub { $_->{lines}[1]{entry} =~ s/out/fine/;
                  rechain(sha256('P'), @{ $_->{lines} }[0, 1]) }),
        qr/entry 3 .*it or the entry before was changed/);
verdict('all hashes recomputed',
        changed(sub { $_->{lines}[1]{entry} =~ s/out/fine/;
                  rechain(sha256('P'), @{ $_->{lines} }) }),
        qr/entry 12 .*not the entry that the checkpoint signs/);
verdict('the last entry dropped',
        changed(sub { pop @{ $_->{lines} }; $_->{head}{window}{last} = 11;
                  $_->{last}{entries} = 11 }),
        qr/entry 11 .*not the entry that the checkpoint signs/);
verdict('an entry added',
        changed(sub { push @{ $_->{lines} }, { seq => 13, salt => '0' x 32,
                                           entry => entry_of(13, 'No') };
                  rechain(pack('H*', $_->{lines}[11]{hash}), $_->{lines}[12]);
                  $_->{head}{window}{last} = 13; $_->{last}{entries} = 13 }),
        qr/entry 13 /);
verdict("a landlord's window that starts later",
        changed(sub { $_->{head}{reader} = $good->{head}{reader} }, tenant('u-kim', 7)),
        qr/entry 6 .*is missing/);
verdict("a tenant's window that starts later", tenant('u-kim', 8),
        qr/entry 8 .*does not let the reader in/);
verdict("a window that starts where another joined", tenant('u-kim', 9),
        qr/entry 9 .*does not let the reader in/);
verdict('a window that starts later, with the old base',
        changed(sub { $_->{head}{base} = $good->{head}{base} }, tenant('u-kim', 7)),
        qr/entry 7 /);
verdict('a window that starts with an erased entry', tenant('u-kim', 4),
        qr/entry 4 .*is erased/);
verdict('the first entries dropped',
        changed(sub { shift @{ $_->{lines} } }), qr/entry 1 .*is missing/);
verdict("another property's entries",
        changed(sub { $_->{lines} = whole('Q')->{lines} }), qr/entry 1 /);
verdict("another property's record under this name",
        changed(sub { $_->{head}{property} = 'P' }, whole('Q')),
        qr/base is not the hash/);
verdict('a checkpoint of another property',
        changed(sub { $_->{last}{checkpoint} = record_note($key, 'Q', 12,
                      pack 'H*', $_->{lines}[11]{hash}) }),
        qr/checkpoint is of another property/);
verdict('a checkpoint by another key of the same name',
        changed(sub { $_->{last}{checkpoint} = record_note($foreign, 'P', 12,
                      pack 'H*', $_->{lines}[11]{hash}) }),
        qr/not signed with the given key/);
verdict('a checkpoint of another origin',
        changed(sub { $_->{last}{checkpoint} = record_note($key, 'P', 12,
                      (pack 'H*', $_->{lines}[11]{hash}),
                      origin => 'evil.example') }),
        qr/not signed with the given key/);
verdict('a checkpoint whose time was changed',
        changed(sub { $_->{last}{checkpoint} =~ s/12:00:00/12:00:01/ }),
        qr/not signed with the given key/);
verdict('a checkpoint whose signature was changed',
        changed(sub { $_->{last}{checkpoint} =~ s/(.)(....==?\n)\z/($1 eq 'A' ? 'B' : 'A') . $2/e }),
        qr/not signed with the given key/);
verdict('a record without a checkpoint, with a key',
        changed(sub { $_->{last}{checkpoint} = undef }), qr/has no checkpoint/);
verdict('a text in place of a checkpoint',
        changed(sub { $_->{last}{checkpoint} = "trust me\n" }),
        qr/checkpoint is malformed/);
verdict('an older checkpoint of another history', $good,
        qr/entry 5 .*another than the given checkpoint/,
        note => record_note($key, 'P', 5, sha256('other')));
verdict('an older checkpoint of another property', $good,
        qr/given checkpoint is of another property/,
        note => record_note($key, 'Q', 5,
                            pack 'H*', $good->{lines}[4]{hash}));
verdict('an older checkpoint of a later entry', $good,
        qr/of entry 13, which the record does not have/,
        note => record_note($key, 'P', 13, sha256('x')));
verdict('an older checkpoint from before the window', tenant('u-kim', 7),
        qr/of entry 5, which the record does not have/, note => $note5);
verdict('an older checkpoint by another key', $good,
        qr/given checkpoint is not signed/,
        note => record_note($foreign, 'P', 5,
                            pack 'H*', $good->{lines}[4]{hash}));
verdict('an erased entry with an invented digest',
        changed(sub { $_->{lines}[3]{digest} = sha256_hex('x') }), qr/entry 4 /);
verdict('an entry passed off as erased',
        changed(sub { $_->{lines}[1] = { seq => 2, digest => sha256_hex('x'),
                      hash => $_->{lines}[1]{hash},
                      erased_at => '2026-11-23T08:00:00.000Z' } }),
        qr/entry 2 /);
verdict('an entry that the service lost',
        changed(sub { $_->{lines}[1] = { seq => 2, lost => JSON::PP::true } }),
        qr/entry 2 .*the service has lost it/);
verdict('an entry that is not JSON',
        changed(sub { $_->{lines}[4]{entry} = 'nonsense';
                  rechain(sha256('P'), @{ $_->{lines} }) }),
        qr/entry 5 .*is not JSON/);
verdict('read marks out of order',
        changed(sub { $_->{reads}[1]{read}{at} = '2026-11-21T00:00:00.000Z' }),
        qr/read marks are not in order/);
verdict('a read mark past the end',
        changed(sub { $_->{reads}[1]{read}{upto} = 13 }), qr/outside the record/);
verdict('another number of entries',
        changed(sub { $_->{last}{entries} = 11 }), qr/counts 11 entries, not 12/);


# malformed files

my $text = record_text($good);
my @lines = map { "$_\n" } split /\n/, $text;

verdict('a file cut off after an entry', join('', @lines[0 .. 6]),
        qr/entry 7 .*cut off/);
verdict('a file cut off within an entry',
        substr($text, 0, length(join '', @lines[0 .. 6]) + 20),
        qr/entry 7 .*cut off/);
verdict('a file cut off before its last line', join('', @lines[0 .. 14]),
        qr/last line is missing/);
verdict('a file cut off by one byte', substr($text, 0, -1), qr/cut off/);
verdict('an empty file', '', qr/empty/);
verdict('a file that goes on', "$text$lines[1]", qr/goes on/);
verdict('a file that goes on without a line feed', "${text}x", qr/goes on/);
verdict('two records in one file', "$text$text", qr/goes on/);
verdict('a member given twice',
        $text =~ s/("seq":5)\}/$1,"seq":5}/r, qr/entry 5 .*malformed/);
verdict('a member given twice within an entry',
        changed(sub { $_->{lines}[4]{entry} =~ s/"text":/"text":"x","text":/;
                  rechain(sha256('P'), @{ $_->{lines} }) }), qr/entry 5 /);
verdict('a member that is unknown',
        $text =~ s/("seq":5)\}/$1,"note":1}/r, qr/entry 5 .*malformed/);
verdict('invalid UTF-8', $text =~ s/heating/heat\xffing/r,
        qr/entry 2 .*not UTF-8/);
verdict('half a surrogate pair', $text =~ s/heating/\\ud800/r, qr/entry 2 /);
verdict('an escaped NUL', $text =~ s/heating/heat\\u0000ing/r, qr/entry 2 /);
verdict('a NUL', $text =~ s/heating/heat\0ing/r,
        qr/entry 2 .*control character/);
verdict('line ends of CR LF', $text =~ s/\n/\r\n/gr,
        qr/control character/);
verdict('a byte order mark', "\xef\xbb\xbf$text", qr/is not JSON/);
verdict('deep JSON',
        join('', $lines[0], '[' x 100000, ']' x 100000, "\n"), qr/entry 1 /);
verdict('deep JSON within an entry',
        changed(sub { $_->{lines}[4]{entry} = '{"seq":5,"a":' . '[' x 2000
                                          . ']' x 2000 . '}';
                  rechain(sha256('P'), @{ $_->{lines} }) }), qr/entry 5 /);
verdict('a number of a million digits',
        $text =~ s/"seq":5\}/'"seq":' . '5' x 200000 . '}'/er, qr/entry 5 /);
verdict('another version', $text =~ s{leaseloft/1}{leaseloft/2}r,
        qr/not of version/);
verdict('a line of plain text', "hello\n", qr/line 1: .*is not JSON/);
verdict('null', "null\n", qr/not that of a record/);

# any byte of any entry's line; when one was erased is not hashed
{
    my $from = length $lines[0];
    my $size = length join '', @lines[1 .. 3];
    my @accepted;

    for (1 .. 150) {
        my $i = $from + int rand $size;
        my $changed = $text;

        substr($changed, $i, 1) ^= chr(1 << int rand 8);

        open my $f, '>:raw', "$dir/byte" or die $!;
        print $f $changed;
        close $f;

        my ($status) = run("$build/leaseloft", 'verify', "$dir/byte");
        push @accepted, $i if $status != 1;
    }

    is("@accepted", '', 'a record with any changed bit is refused');
}

# a line of 100 MB is not read into memory
{
    my $begin = time();
    my $limit = $under || ($ENV{BUILD} // '') =~ /san|palloc/ ? ''
                                                              : 'ulimit -v 60000;';

    my $command = "$limit (printf '\%s' '$lines[0]'; head -c 100000000"
                  . " /dev/zero | tr '\\0' x) | $build/leaseloft verify -";
    my ($status, $said) = run('sh', '-c', $command);

    is($status, 1, 'a line of 100 MB is refused');
    like($said, qr/entry 1 .*longer than 262144 bytes/,
         'the error names the line of 100 MB');
    cmp_ok(time() - $begin, '<', 10, 'a line of 100 MB is refused within 10 s');
}


# usage

for my $case ([['verify'], qr/takes FILE/],
              [['verify', '/nowhere/x'], qr/cannot open/],
              [['verify', $0, '--key', '/nowhere/x'], qr/cannot open/],
              [['verify', $0, '--key', 'a+b+c'], qr/--key must be/],
              [['verify', $0, '--checkpoint', "a\nb\n"], qr/--checkpoint must be/],
              [['verify', $0, '--key', $key->{key} =~ s/\+[0-9a-f]{8}/+00000000/r],
               qr/--key must be/])
{
    my ($args, $like) = @$case;
    my ($status, $said) = run(split(' ', $under), "$build/leaseloft", @$args);

    my $name = "@$args" =~ s/\n/ /gr;

    is($status, 2, "leaseloft $name: the exit status is 2");
    like($said, $like, "leaseloft $name: the error says why");
}

{
    open my $f, '>:raw', "$dir/r" or die $!;
    print $f record_text(changed(sub { $_->{lines}[1]{entry} =~ s/out/on/ }));
    close $f;

    my ($status, $said) = run("$build/leaseloft", 'verify', "$dir/r",
                              '--json');
    my $result = JSON::PP->new->decode($said);

    is($status, 1, 'verify --json exits with 1 for a forged record');
    is("$result->{seq} $result->{line}", '2 3', 'verify --json names the entry');
}

done_testing();
