#!/usr/bin/perl

# The worker alone, without nginx: options, verdicts, frames, inboxes, dead
# letters and claims.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Requests;

my $ll = LeaseLoft->new(start => 0);
my $program = $LeaseLoft::worker;

# options

for my $try (
    [ '--help', 0, qr/^usage: leaseloft-worker/ ],
    [ '--version', 0, qr/^leaseloft-worker \d+\.\d+\.\d+$/ ],
    [ '--searchers 17', 2, qr/--searchers must be a number from 0 to 16/ ],
    [ '--batch 0', 2, qr/--batch must be a number from 1 to 1024/ ],
    [ '--queues 65', 2, qr/--queues must be a number from 1 to 64/ ],
    [ '--claim x', 2, qr/--claim must be a number/ ],
    [ '--name "a b"', 2, qr/--name must be/ ],
    [ '--redis http://x', 2, qr/the URL of Redis is neither/ ],
    [ '--log loud', 2, qr/--log must be/ ],
    [ '--what', 2, qr/--what is unknown.*; see --help$/ ],
    [ 'what', 2, qr/unexpected argument/ ],
) {
    my ($args, $status, $said) = @$try;
    my $out = qx($program $args 2>&1);
    is($? >> 8, $status, "the exit status with $args is $status");
    like($out, $said, "the output with $args is right");
}


# the worker waits for Redis, and creates the groups it needs

$ll->spawn('worker1', "$program --redis $ll->{url} --claim 400 --name w1");
ok(wait_for(sub { $ll->slurp('worker1.log') =~ /can't connect to redis/ }, 5),
   'a worker logs that there is no Redis');
$ll->start('redis');

my $q = LeaseLoft::Requests->new($ll);

my $v = $q->lease('P', tenants => [qw(u-tom u-tia)]);
is($v->{status}, 200, 'a lease is declared by a worker started before Redis');
is($v->{json}{lease}{state}, 'active', 'the lease is active');

my @frames = $q->frames(qr/p:P/);
is(join(' / ', map { $_->[1] } @frames),
   "L 1 1 / E 2 1 1 " . $q->view('P', 'u-tom')->{tag},
   'the frames are the lease, then the entry');

# a message

$v = $q->say('P', 'u-tom', ' Hi ', 'c1');
is($v->{status}, 201, 'a send gets 201');
is($v->{seq}, 2, 'the verdict has the seq');
is($v->{json}{text}, 'Hi', 'the text is trimmed');

my @thread = $q->thread('P');
is($thread[1][1], $v->{body}, 'the verdict has the bytes of the stored entry');

my ($frame) = $q->frames(qr/p:P/);
is($frame->[1], 'E 3 1 2 ' . $q->view('P', 'u-tom')->{tag},
   'the frame of an entry has version, rev, seq and tag');
is($frame->[2], $v->{body}, 'the frame has the bytes of the entry');

is($q->say('P', 'u-tom', 'Hi', 'c1')->{status}, 200, 'the same send gets 200');
is($q->say('P', 'u-tom', 'Hi', 'c1')->{body}, $v->{body},
   'the same send gets the original entry');
is($q->say('P', 'u-tom', 'Ho', 'c1')->{status}, 409,
   'the same client_id with another text gets 409');
is($q->say('P', 'u-tia', 'Ho', 'c1')->{status}, 201,
   'the same client_id of another sender gets 201');
is($q->say('P', 'u-zoe', 'Ho', 'c1')->{status}, 409,
   'a send by a user without a lease gets 409');
is($q->say('P', 'u-tom', '', 'c2')->{status}, 422,
   'a send with empty text gets 422');
is($q->say('Q', 'u-tom', 'Ho', 'c1')->{status}, 409,
   'a send to an unknown property gets 409');

# read marks

is($q->inbox('u-lena')->{total}, 2, 'two messages are unread for the landlord');
is($q->inbox('u-tom')->{total}, 1, 'the own message is not unread');
@frames = $q->frames(qr/./);
is($q->ask('read', 'P', 'u-lena', { upto => 2 })->{status}, 204,
   'a mark gets 204');
is(join(' ', map { $_->[1] } $q->frames(qr/p:P/)), 'R 5 1 u-lena 1',
   'the frame of a mark has user and seq');
is($q->inbox('u-lena')->{total}, 1, 'unread counts from the mark');
is($q->ask('read', 'P', 'u-lena', { upto => 1 })->{status}, 204,
   'an older mark gets 204');
is($q->frames(qr/./), 0, 'an older mark publishes nothing');
is($q->view('P', 'u-lena')->{you}{read}, 2, 'an older mark moves nothing');
is($q->ask('read', 'P', 'u-lena', { upto => 4 })->{status}, 422,
   'a mark past the head gets 422');
is($q->ask('read', 'P', 'u-zoe', { upto => 1 })->{status}, 404,
   'a mark by a user without a lease gets 404');

# a burst in one batch or a few: an inbox is told the outcome, and counts are
# right

$q->frames(qr/./);
my @n = $q->put_all(map { [ 'send', 'P', 'u-tom',
                            { client_id => "b$_", text => "burst $_" } ] }
                    1 .. 200);
is(scalar(grep { $q->await($_)->{status} != 201 } @n), 0,
   'each of 200 sends at once gets 201');
is($q->broken('P'), '', 'the chain is valid after the burst');
is_deeply([ map { $q->await($_)->{seq} } @n ], [ 4 .. 203 ],
          'the burst is stored in the order of sending');
is($q->inbox('u-lena')->{total}, 201, 'the burst is unread for the landlord');
is($q->inbox('u-tia')->{total}, 201,
   'the burst is unread for the other tenant');

my @dense = map { (split / /, $_->[1])[1] } $q->frames(qr/p:P/);
is_deeply(\@dense, [ 6 .. 205 ], 'versions of frames have no hole');

# marks within the thread, near either end

for my $upto (10, 190, 200) {
    $q->ask('read', 'P', 'u-tia', { upto => $upto });
    is($q->unread('P', 'u-tia'), $q->recount('P', 'u-tia'), "unread after a mark at $upto is right");
}


# a landlord who joins sees the whole thread, which grows meanwhile

sub grow {
    my ($from, $to) = @_;
    return $q->put_all(map { [ 'send', 'P', 'u-tia',
                               { client_id => "g$_", text => "grows $_" } ] }
                       $from .. $to);
}

@n = grow(1, 2500);
my $joins = $q->put('lease', 'P', '', {
    lease_id => 'L-1', label => 'x', time_zone => 'Europe/Berlin',
    landlords => [ map { { user => $_, name => 'N' } } qw(u-lena u-omar) ],
    tenants => [ map { { user => $_, name => 'N' } } qw(u-tom u-tia) ],
    starts_at => '2026-01-01T00:00:00Z', ends_at => undef,
});
push @n, grow(2501, 2600);
is($q->await($joins, 30)->{status}, 200,
   'the declaration that adds a landlord gets 200');
$q->await($_, 30) for @n;
is($q->unread('P', 'u-omar'), $q->recount('P', 'u-omar'),
   'unread of the landlord who joined is right');
is($q->inbox('u-omar')->{total}, $q->recount('P', 'u-omar'),
   'the inbox of the landlord who joined has the same total');


# the inbox: order, ties and pages; a small one is sorted when it is read, one
# of over 32 threads (worker/lua/functions_inbox.lua) has a sorted set

for my $size (5, 32, 33, 70) {
    my $user = "u-many$size";
    my @names = map { "T$size-$_" } 1 .. $size;

    for my $name (@names) {
        # of two in one millisecond, neither is the newer one
        my $ms = int(1000 * time());
        sleep 0.0002 while int(1000 * time()) == $ms;
        $q->lease($name, tenants => [$user]);
    }

    is($q->redis('EXISTS', "ll:{u:$user}:order"), $size > 32 ? 1 : 0,
       "$size threads: an inbox of over 32 has a sorted set");

    $q->say("T$size-2", $user, 'x', 'c');

    my $order = sub {
        return join ' ', map { $_->{property} }
                         @{ $q->inbox($user, 200)->{threads} };
    };
    my @rest = grep { $_ ne "T$size-2" } @names;
    is($order->(), join(' ', "T$size-2", reverse @rest),
       "$size threads: the newest is first");

    for my $name (@rest) {
        my $head = $q->redis('HGET', "ll:{u:$user}:inbox", $name);
        $head =~ s/^(\d+ \d+) \d+/$1 77/ or die "head: $head";
        $q->redis('HSET', "ll:{u:$user}:inbox", $name, $head);
        $q->redis('ZADD', "ll:{u:$user}:order", -77, $name) if $size > 32;
    }
    is($order->(), join(' ', "T$size-2", sort @rest),
       "$size threads: ties are ordered by property");

    my ($at, $property, @paged) = ('', '');
    for (1 .. $size) {
        my $page = $q->inbox($user, 2, $at, $property);
        push @paged, map { $_->{property} } @{ $page->{threads} };
        last if $page->{next} eq '';
        ($at, $property) = $page->{next} =~ /^(-?\d+)\.(.*)$/;
    }
    is("@paged", $order->(),
       "$size threads: page by page has each thread once");
}

# threads that changed since a rev, whether or not there is a sorted set

for my $size (5, 33) {
    my $user = "u-many$size";
    my $since = sub {
        my ($rev) = @_;
        my $reply = $q->redis('FCALL_RO', 'll1_inbox_since', 2,
            "ll:{u:$user}:inbox", "ll:{u:$user}:order", $rev);
        my %changed = @{ $reply->[2] };
        return map { $changed{$_} } sort { $a <=> $b } keys %changed;
    };
    my $rev = $q->inbox($user)->{rev};

    is(join(' ', $since->($rev)), '',
       "$size threads: nothing has changed since the rev");
    $q->say("T$size-$_", $user, 'x', "since$_") for 3, 1, 4, 3;
    is(join(' ', $since->($rev)), "T$size-3 T$size-1 T$size-4",
       "$size threads: each changed thread is listed once, oldest first");
    $q->say("T$size-3", $user, 'y', 'again');
    is(join(' ', $since->($rev)), "T$size-1 T$size-4 T$size-3",
       "$size threads: a thread that changes again moves to the end");
}

# a pending lease is seen without a window; removed from it, the thread leaves
# the inbox

my %soon = (starts_at => '2099-01-01T00:00:00Z');
is($q->lease('N', %soon, tenants => [qw(u-mia)])->{json}{lease}{state},
   'pending', 'a lease that starts later is pending');
is($q->view('N', 'u-mia')->{state}, 'pending',
   'a party sees the pending lease');
is($q->inbox('u-mia')->{threads}[0]{last}, undef,
   'a party has the pending lease in the inbox');
is($q->say('N', 'u-mia', 'x', 'c')->{status}, 409,
   'a send to a pending lease gets 409');
is($q->ask('read', 'N', 'u-mia', { upto => 1 })->{status}, 422,
   'a mark on a pending lease gets 422');
is($q->ask('read', 'N', 'u-mia', { upto => 0 })->{status}, 204,
   'a mark of 0 on a pending lease gets 204');
$q->frames(qr/./);
$q->lease('N', %soon, tenants => [qw(u-tom)]);
is($q->view('N', 'u-mia'), undef, 'a removed party sees nothing');
is(scalar @{ $q->inbox('u-mia')->{threads} }, 0,
   'the inbox of a removed party is empty');
my ($gone) = $q->frames(qr/u:u-mia/);
is($gone->[2], '', 'a removed party is sent a frame without a thread');
is($q->redis('ZCARD', 'll:{due}:due'), 1,
   'the start of the pending lease is due');


# the sorted set comes and goes with the thread that makes the inbox large

my %later = (starts_at => '2099-01-01T00:00:00Z');
for ([['u-many32'], 33, 1], [['u-else'], 32, 0]) {
    my ($tenants, $n, $set) = @$_;
    $q->lease('T33', %later, tenants => $tenants);
    is(scalar @{ $q->inbox('u-many32')->{threads} }, $n,
       "the inbox has $n threads");
    is($q->redis('EXISTS', 'll:{u:u-many32}:order'), $set,
       "$n threads: an inbox of over 32 has a sorted set");
}


# dead letters: invalid requests, and those that are delivered too often

my $inbox = 'll:{q:0}:requests';
my @good = (op => 'send', p => 'P', u => 'u-tom', b => '{}', r => 'x.1');
my @bad = (
    [ 'unknown op', @good, op => 'jump' ],
    [ 'unknown op', p => 'P' ],
    [ 'invalid property', @good, p => '../P' ],
    [ 'invalid user', @good, u => 'a b' ],
    [ 'invalid user', @good, op => 'lease' ],
    [ 'no body', @good[0 .. 5], r => 'x.1' ],
    [ 'invalid reply address', @good, r => 'nobody' ],
);

for my $bad (@bad) {
    my ($why, @fields) = @$bad;
    my %fields = @fields;
    $q->redis('XADD', $inbox, '*', %fields);
}

ok(wait_for(sub { $q->redis('XLEN', 'll:{q:0}:dead') == @bad }, 5),
   'invalid requests become dead letters');

my $dead = $q->redis('XRANGE', 'll:{q:0}:dead', '-', '+');
for my $i (0 .. $#bad) {
    my %letter = @{ $dead->[$i][1] };
    is($letter{why}, $bad[$i][0], "a dead letter says: $letter{why}");
}

# a letter is listed once, also if it is moved again

my %first = @{ $dead->[0][1] };
is($q->redis('FCALL', 'll1_bury', 2, $inbox, 'll:{q:0}:dead', 'workers',
             $first{id}, why => 'again'), 0,
   'a request that was acknowledged does not become a second letter');
is($q->redis('XLEN', 'll:{q:0}:dead'), scalar @bad,
   'each letter is listed once');

# a consumer takes a request and dies; in one transaction, as the worker waits
# for the same request

$q->redis('MULTI');
$q->redis('XADD', $inbox, '*', op => 'send', p => 'P', u => 'u-tom',
          b => '{"client_id":"left","text":"left behind"}',
          r => "$q->{name}.9001");
$q->redis('XREADGROUP', 'GROUP', 'workers', 'gone', 'COUNT', 1, 'STREAMS',
          $inbox, '>');
$q->redis('XPENDING', $inbox, 'workers', '-', '+', 10, 'gone');
my ($id, $read, $pending) = @{ $q->redis('EXEC') };
is($read->[0][1][0][0], $id, 'the request is delivered to the dead consumer');
is(join(' ', map { $_->[0] } @$pending), $id, 'the request is pending');

$v = $q->await(9001, 5);
is($v && $v->{status}, 201, 'the request is claimed and gets 201');
is(($q->thread('P'))[-1][1], $v->{body}, 'its entry is in the thread');
is_deeply($q->{told}{9001}, [201], 'it gets one verdict');

# a property whose data is damaged fails each time; other properties work

$q->redis('SET', 'll:{p:X}:meta', 'not a hash');
$q->put('send', 'X', 'u-tom', { client_id => 'x', text => 'x' });
is($q->say('P', 'u-tom', 'meanwhile', 'mw')->{status}, 201,
   'a send to another property gets 201');
ok(wait_for(sub { $q->redis('XLEN', 'll:{q:0}:dead') == @bad + 1 }, 10),
   'the request is given up after five deliveries');
$dead = $q->redis('XRANGE', 'll:{q:0}:dead', '-', '+');
like({ @{ $dead->[-1][1] } }->{why},
     qr/^delivered 5 times, never completed: WRONGTYPE [\w ]+$/,
     'the dead letter says so, and why');
ok(wait_for(sub { $q->redis('XPENDING', $inbox, 'workers')->[0] == 0 }, 3),
   'no request is pending');
ok(wait_for(sub { $q->redis('XLEN', $inbox) == 0 }, 3), 'no request is left');

# health, once the heartbeat counts the last dead letter

my $health;
wait_for(sub {
    $health = $q->redis('FCALL_RO', 'll1_health', 1, 'll:{w}:workers');
    ($health->[2][1] // '') =~ / dead=8 /;
}, 5);
is($health->[1], 1, 'health has one worker');
is($health->[2][0], 'w1', 'health has the name of the worker');
like($health->[2][1], qr/ messages=\d+ .* dead=8 /,
     'health has the counts of the worker');

# told to stop, the worker leaves nothing behind

is($ll->stop('worker1'), 0, 'the worker exits with 0 on TERM');
unlike(join(' ', map { $_->[1] } @{
           $q->redis('XINFO', 'CONSUMERS', $inbox, 'workers') }),
       qr/w1/, 'the worker deletes its consumer');
is($q->redis('HLEN', 'll:{w}:workers'), 0, 'the worker deletes its heartbeat');

$ll->finish();
