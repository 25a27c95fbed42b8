#!/usr/bin/perl

# Sealed entries: every response is the same as before they were sealed.  A
# damaged segment is named in the log, and only its own entries are lost.

use strict;
use warnings;

use JSON::PP;
use Test::More;

use lib 't/lib';
use LeaseLoft;

my $SIZE = 8;

my $ll = LeaseLoft->new(worker_options => '--seal-after 0',
                        directives => { leaseloft_linger => '0' });
my @paths;

sub sealed { return $ll->redis('HGET', 'll:{p:P}:meta', 'sealed') // '' }


# --- a thread of three leases, with texts and client_ids of all kinds ---

sub lease {
    my ($id, $tenants, $from, $to) = @_;

    return $ll->lease('P', lease_id => $id, tenants => $tenants,
                      landlords => ['u-lena', 'u-karl'], starts_at => $from,
                      ends_at => $to);
}

my @texts = ('short', 'a "quote" \ and },"text":"', "two\nlines\t.", 'x' x 4000,
             "\x{fc}ber \x{1f600} \x{2028}", ',"at":"2020-01-01T00:00:00.000Z');
my @ids = ('c-%d', '018f2d3a-9bcd-4eef-8a01-%012d', 'A_-z%d', '%064d',
           '018F2D3A-9bcd-4eef-8a01-%012d', '%022d');
my $n = 0;

sub talk {
    my ($times, @users) = @_;

    for (1 .. $times) {
        $n++;
        $ll->say('P', $users[$n % @users], $texts[$n % 6] . $n,
                 client_id => sprintf $ids[$n % 5], $n)->status() == 201
            or die "not sent\n";
    }
}

$texts[3] = 'x' x 3990;

lease('L-1', ['u-tom', 'u-ana'], '2026-01-01T00:00:00Z', undef);
talk(13, 'u-tom', 'u-lena');
lease('L-1', ['u-tom', 'u-mia'], '2026-01-01T00:00:00Z', undef);
talk(15, 'u-mia', 'u-lena', 'u-karl');
lease('L-1', ['u-tom', 'u-mia'], '2026-01-01T00:00:00Z', at(-1));
lease('L-2', ['u-ida'], at(-1), undef);
talk(30, 'u-ida', 'u-lena');
$ll->mark('P', 'u-lena', 20);
$ll->mark('P', 'u-mia', 22);

my @users = qw(u-lena u-karl u-tom u-ana u-mia u-ida u-nobody);
my @thread = $ll->thread('P');
my $head = @thread;


# --- all responses that readers get ---

my @tags = ('00000000', map { my %f = @{ $_->[1] }; unpack 'H8', $f{h} }
                        @thread);

for my $at (0, 7, 9, 16, 33, $head, $head + 1) {
    my $tag = $tags[$at] // 'ffffffff';

    push @paths, map {; "messages?limit=$_", "messages?before=$at&limit=$_",
                       "messages?after=$at&limit=$_",
                       "messages?after=$at.$tag&limit=$_",
                       "messages?after=$at.00000001&limit=$_" } 7, 200;
}

sub told {
    my %told;

    for my $user (@users) {
        for my $path (@paths) {
            my $r = $ll->get("/api/properties/P/$path", user => $user);
            $told{"$user $path"} = join ' ', $r->status(),
                                   $r->header('ETag') // '', $r->body();
        }

        next if $user eq 'u-nobody';

        for my $place (0, 5, "16.$tags[16]", '16.00000001', "24.$tags[24]") {
            my $stream = $ll->events('P', $user, query => "after=$place");
            my $end = $stream->wait_event('hello')->{json}{head};
            $stream->wait_event(sub { $_[0]{event} eq 'reset'
                                      || ($_[0]{id} // '') eq $end }, 3)
                or die "no end of $user $place\n";
            $told{"$user stream $place"} = join "\n",
                map { "$_->{event} " . ($_->{id} // '') . " $_->{data}" }
                grep { $_->{event} =~ /^(?:hello|reset|)$/ } $stream->events();
            $stream->close();
        }

        $told{"$user unread"} = ($ll->cli('unread', $user))[1];
    }

    return \%told;
}

sub differing {
    my ($one, $other) = @_;

    return join "\n", grep { $one->{$_} ne ($other->{$_} // '') }
                      sort keys %$one;
}

my $before = told();
is(differing($before, told()), '', 'responses are the same when repeated');
is(sealed(), '', 'nothing is sealed yet');

$ll->stop('worker1');
$ll->spawn('worker1', "$LeaseLoft::worker --redis $ll->{url} --seal-after 5"
                      . " --seal-size $SIZE");

# a request for which the worker reads the property has it seal what it can
is($ll->say('P', 'u-ana', 'too late')->status(), 409,
   'a message of a former tenant is refused');

my $last = int(($head - 5) / $SIZE) * $SIZE;
ok(wait_for(sub { sealed() eq "$last $SIZE" }, 5),
   'all but the newest entries are sealed');
is($ll->redis('XLEN', 'll:{p:P}:thread'), $head - $last,
   'sealed entries are no longer in the stream');
is_deeply([ $ll->thread('P') ], \@thread,
          'each entry, salt, hash and sender is as before');
is(differing($before, told()), '', 'responses are the same, byte by byte');

is_deeply([ $ll->cli('unread', 'rebuild') ]->[0], 0,
          'unread rebuild exits with 0');
is(differing($before, told()), '', 'unread is the same after a rebuild');


# --- client_ids of sealed messages ---

my %first = @{ $thread[40][1] };
my ($client_id, $sender) = ($first{e} =~ /"client_id":"([^"]+)"/, $first{u});
my $text = JSON::PP->new->utf8->decode($first{e})->{text};

my $again = $ll->say('P', $sender, $text, client_id => $client_id);
is($again->status(), 200, 'a sealed message that is sent again gets 200');
is($again->body(), $first{e}, 'the 200 has the bytes of the sealed message');
like($ll->say('P', $sender, 'other', client_id => $client_id)->json()->{type},
     qr{/client-id-reused$},
     'the client_id of a sealed message with another text is refused');


# --- a read mark within sealed entries, which have to be counted ---

my $mine = grep { my %f = @{ $_->[1] }; $f{u} && $f{u} ne 'u-karl' }
           @thread[12 .. $#thread];
$ll->mark('P', 'u-karl', 12);
is($ll->poll('P', 'u-karl')->{you}{unread}, $mine,
   'unread is right after a mark within sealed entries');


# --- the thread grows ---

my $live = $ll->events('P', 'u-ida');
$live->wait_event('hello');
talk(3 * $SIZE, 'u-ida', 'u-lena');
ok($live->wait_entry($head + 3 * $SIZE), 'an open stream gets new messages');
ok(wait_for(sub { (sealed() =~ /^(\d+)/)[0] >= $last + 2 * $SIZE }, 5),
   'more entries are sealed as the thread grows');
$head += 3 * $SIZE;
@thread = $ll->thread('P');
is(join(',', map { $_->[0] =~ /^(\d+)/ } @thread), join(',', 1 .. $head),
   'every entry is stored once');


# --- damage ---

sub seqs {
    my ($user, $query) = @_;

    return join ' ', map { ($_->{kind} eq 'lost' ? '-' : '') . $_->{seq} }
                     @{ $ll->poll('P', $user, $query)->{entries} };
}

my $range = join ' ', map { $_ > $SIZE && $_ <= 2 * $SIZE ? "-$_" : $_ }
                      1 .. $head;
my $segment = $ll->redis('HGET', 'll:{p:P}:segments', 1);
my $text_place = unpack 'N', substr $segment, 6, 4;

for my $case (
    ['missing', undef], ['empty', ''], ['of zeros', "\0" x length $segment],
    ['cut off', substr $segment, 0, -1], ['too long', "$segment."],
    ['another one', $ll->redis('HGET', 'll:{p:P}:segments', 2)],
    map { my ($name, $at) = @$_; my $bytes = $segment;
          substr($bytes, $at, 1) ^= "\x01"; [$name, $bytes] }
        ['of another count', 4], ['with another length', 12],
        ['with another first hash', 22], ['with another last hash', 60],
        ['with another time', 117], ['with another salt', $text_place - 30],
        ['with another text', length($segment) - 20])
{
    my ($name, $bytes) = @$case;

    $ll->redis('HDEL', 'll:{p:P}:segments', 1);
    $ll->redis('HSET', 'll:{p:P}:segments', 1, $bytes) if defined $bytes;

    is(seqs('u-lena', 'limit=200'), $range,
       "a segment $name: only its own entries are lost");
}

is(seqs('u-lena', 'after=12&limit=10'), '-13 -14 -15 -16 17 18 19 20 21 22',
   'a poll after a cursor has the lost entries');
is(seqs('u-lena', 'after=12.00000001&limit=2'), '-13 -14',
   'a poll after a cursor with the tag of a lost entry has them');

my $replay = $ll->events('P', 'u-lena', query => 'after=0');
$replay->wait_entry($head);
is(join(' ', map { ($_->{kind} eq 'lost' ? '-' : '') . $_->{seq} }
             $replay->entries()), $range,
   'a replay has the lost entries');

like($ll->slurp('error.log'),
     qr/segment 1 of property "P" is missing or damaged .* 9 to 16 /,
     'the log names the property and the segment');

talk(1, 'u-ida');
is($ll->poll('P', 'u-ida', 'limit=1')->{entries}[0]{seq}, $head + 1,
   'a message is sent in spite of a damaged segment');

$ll->redis('HSET', 'll:{p:P}:segments', 1, $segment);
is(seqs('u-lena', "before=$head&limit=200"), join(' ', 1 .. $head - 1),
   'a segment that is restored is read again');

$ll->finish();
