#!/usr/bin/perl

# The worker alone, without nginx: verdicts, frames, inboxes, dead letters,
# claims, options.

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
    [ '--batch 0', 2, qr/--batch must be a number from 1 to 1024/ ],
    [ '--queues 65', 2, qr/--queues must be a number from 1 to 64/ ],
    [ '--claim x', 2, qr/--claim must be a number/ ],
    [ '--name "a b"', 2, qr/--name must be/ ],
    [ '--redis http://x', 2, qr/the Redis URL/ ],
    [ '--log loud', 2, qr/--log must be/ ],
    [ '--what', 2, qr/--what is unknown.*; see --help$/ ],
    [ 'what', 2, qr/unexpected argument/ ],
) {
    my ($args, $status, $said) = @$try;
    my $out = qx($program $args 2>&1);
    is($? >> 8, $status, "$args: status");
    like($out, $said, "$args: what it says");
}


# it waits for Redis, and makes what is not there

$ll->spawn('worker1', "$program --redis $ll->{url} --claim 400 --name w1");
sleep 0.3;
$ll->start('redis');

my $q = LeaseLoft::Requests->new($ll);

my $v = $q->lease('P', tenants => [qw(u-tom u-tia)]);
is($v->{status}, 200, 'declared before the worker found its Redis');
is($v->{json}{lease}{state}, 'active', 'active');

my @frames = $q->frames(qr/p:P/);
is(join(' / ', map { $_->[1] } @frames),
   "L 1 1 / E 2 1 1 " . $q->view('P', 'u-tom')->{tag},
   'frames: the lease, then the entry');

# a message

$v = $q->say('P', 'u-tom', ' Hi ', 'c1');
is($v->{status}, 201, 'sent');
is($v->{seq}, 2, 'its number');
is($v->{json}{text}, 'Hi', 'its text');

my @thread = $q->thread('P');
is($thread[1][1], $v->{body}, 'the entry is the verdict, to the byte');

my ($frame) = $q->frames(qr/p:P/);
is($frame->[1], 'E 3 1 2 ' . $q->view('P', 'u-tom')->{tag}, 'frame');
is($frame->[2], $v->{body}, 'its entry');

is($q->say('P', 'u-tom', 'Hi', 'c1')->{status}, 200, 'again');
is($q->say('P', 'u-tom', 'Hi', 'c1')->{body}, $v->{body}, 'the original');
is($q->say('P', 'u-tom', 'Ho', 'c1')->{status}, 409, 'another text');
is($q->say('P', 'u-tia', 'Ho', 'c1')->{status}, 201, 'another sender');
is($q->say('P', 'u-zoe', 'Ho', 'c1')->{status}, 409, 'a stranger');
is($q->say('P', 'u-tom', '', 'c2')->{status}, 422, 'no text');
is($q->say('Q', 'u-tom', 'Ho', 'c1')->{status}, 409, 'no such property');

# read marks

is($q->inbox('u-lena')->{total}, 2, 'two unread');
is($q->inbox('u-tom')->{total}, 1, 'one of them is mine');
@frames = $q->frames(qr/./);
is($q->ask('read', 'P', 'u-lena', { upto => 2 })->{status}, 204, 'read');
is(join(' ', map { $_->[1] } $q->frames(qr/p:P/)), 'R 5 1 u-lena 1',
   'frame of a mark');
is($q->inbox('u-lena')->{total}, 1, 'one left');
is($q->ask('read', 'P', 'u-lena', { upto => 1 })->{status}, 204, 'not back');
is($q->frames(qr/./), 0, 'no frame');
is($q->view('P', 'u-lena')->{you}{read}, 2, 'the mark stays');
is($q->ask('read', 'P', 'u-lena', { upto => 4 })->{status}, 422, 'past it');
is($q->ask('read', 'P', 'u-zoe', { upto => 1 })->{status}, 404, 'a stranger');

# a burst, in one batch or a few: an inbox hears the outcome, each count is
# right

$q->frames(qr/./);
my @n = $q->put_all(map { [ 'send', 'P', 'u-tom',
                            { client_id => "b$_", text => "burst $_" } ] }
                    1 .. 200);
is(scalar(grep { $q->await($_)->{status} != 201 } @n), 0, 'a burst');
is($q->broken('P'), '', 'the chain holds');
is_deeply([ map { $q->await($_)->{seq} } @n ], [ 4 .. 203 ],
          'in the order they were sent');
is($q->inbox('u-lena')->{total}, 201, 'unread');
is($q->inbox('u-tia')->{total}, 201, 'unread by a co-tenant');

my @dense = map { (split / /, $_->[1])[1] } $q->frames(qr/p:P/);
is_deeply(\@dense, [ 6 .. 205 ], 'versions are dense');

# a mark somewhere within, from either side

for my $upto (10, 190, 200) {
    $q->ask('read', 'P', 'u-tia', { upto => $upto });
    is($q->redis('HGET', 'll:{p:P}:meta', 'u:u-tia'),
       $q->recount('P', 'u-tia'), "unread after $upto");
}


# a landlord who joins has it all, also while it grows: counted in parts

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
is($q->await($joins, 30)->{status}, 200, 'joins');
$q->await($_, 30) for @n;
is($q->redis('HGET', 'll:{p:P}:meta', 'u:u-omar'), $q->recount('P', 'u-omar'),
   'what is unread by a landlord who joined');
is($q->inbox('u-omar')->{total}, $q->recount('P', 'u-omar'), 'the inbox too');


# the inbox: order, ties, pages; as sorted when it is read, and as kept in a
# sorted set, which a larger one has (32 threads in worker/lua/functions_inbox.lua)

for my $size (5, 32, 33, 70) {
    my $user = "u-many$size";
    my @names = map { "T$size-$_" } 1 .. $size;

    $q->lease($_, tenants => [$user]) for @names;
    is($q->redis('EXISTS', "ll:{u:$user}:order"), $size > 32 ? 1 : 0,
       "$size threads: whether there is a sorted set");

    $q->say("T$size-2", $user, 'x', 'c');

    my $order = sub {
        return join ' ', map { $_->{property} } @{ $q->inbox($user, 200)->{threads} };
    };
    my @rest = grep { $_ ne "T$size-2" } @names;
    is($order->(), join(' ', "T$size-2", reverse @rest), 'newest first');

    for my $name (@rest) {
        my $head = $q->redis('HGET', "ll:{u:$user}:inbox", ":$name");
        $head =~ s/^(\d+ \d+) \d+/$1 77/ or die "head: $head";
        $q->redis('HSET', "ll:{u:$user}:inbox", ":$name", $head);
        $q->redis('ZADD', "ll:{u:$user}:order", -77, $name) if $size > 32;
    }
    is($order->(), join(' ', "T$size-2", sort @rest), 'ties by property');

    my ($at, $property, @paged) = ('', '');
    for (1 .. $size) {
        my $page = $q->inbox($user, 2, $at, $property);
        push @paged, map { $_->{property} } @{ $page->{threads} };
        last if $page->{next} eq '';
        ($at, $property) = $page->{next} =~ /^(-?\d+)\.(.*)$/;
    }
    is("@paged", $order->(), 'page by page');
}

# what changed since a rev, whichever kept the order; and one thread less

for my $size (5, 33) {
    my $user = "u-many$size";
    my $since = sub {
        my ($rev) = @_;
        my $reply = $q->redis('FCALL_RO', 'll1_inbox_since', 2,
            "ll:{u:$user}:inbox", "ll:{u:$user}:order", $rev);
        my %changed = @{ $reply->[2] };
        return map { $changed{$_} =~ /"property":"([^"]+)"/ }
               sort { $a <=> $b } keys %changed;
    };
    my $rev = $q->inbox($user)->{rev};

    is(join(' ', $since->($rev)), '', 'nothing changed');
    $q->say("T$size-$_", $user, 'x', "since$_") for 3, 1, 4, 3;
    is(join(' ', $since->($rev)), "T$size-3 T$size-1 T$size-4",
       'each once (the id of the 4th was sent before), oldest first');
    $q->say("T$size-3", $user, 'y', 'again');
    is(join(' ', $since->($rev)), "T$size-1 T$size-4 T$size-3", 'as they move');
}

# pending: seen, without a window; taken off: gone from the inbox

my %soon = (starts_at => '2099-01-01T00:00:00Z');
is($q->lease('N', %soon, tenants => [qw(u-mia)])->{json}{lease}{state},
   'pending', 'pending');
is($q->view('N', 'u-mia')->{state}, 'pending', 'is seen');
is($q->inbox('u-mia')->{threads}[0]{last}, undef, 'in the inbox too');
is($q->say('N', 'u-mia', 'x', 'c')->{status}, 409, 'nothing to be said');
is($q->ask('read', 'N', 'u-mia', { upto => 1 })->{status}, 422, 'or read');
is($q->ask('read', 'N', 'u-mia', { upto => 0 })->{status}, 204, 'but nothing');
$q->frames(qr/./);
$q->lease('N', %soon, tenants => [qw(u-tom)]);
is($q->view('N', 'u-mia'), undef, 'taken off');
is(scalar @{ $q->inbox('u-mia')->{threads} }, 0, 'gone');
my ($gone) = $q->frames(qr/u:u-mia/);
is($gone->[2], '', 'a frame says so');
is($q->redis('ZCARD', 'll:{due}:due'), 1, 'its opening is due');


# the set comes and goes with the thread that makes the inbox large

my %later = (starts_at => '2099-01-01T00:00:00Z');
for ([['u-many32'], 33, 1], [['u-else'], 32, 0]) {
    my ($tenants, $n, $set) = @$_;
    $q->lease('T33', %later, tenants => $tenants);
    is(scalar @{ $q->inbox('u-many32')->{threads} }, $n, "$n threads");
    is($q->redis('EXISTS', 'll:{u:u-many32}:order'), $set, 'and the set');
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
   'what is malformed is put aside');

my $dead = $q->redis('XRANGE', 'll:{q:0}:dead', '-', '+');
for my $i (0 .. $#bad) {
    my %letter = @{ $dead->[$i][1] };
    is($letter{why}, $bad[$i][0], "why: $letter{why}");
}

# somebody takes a request and is never heard of again; in one transaction, as
# the worker waits for just that

$q->redis('MULTI');
$q->redis('XADD', $inbox, '*', op => 'send', p => 'P', u => 'u-tom',
          b => '{"client_id":"left","text":"left behind"}',
          r => "$q->{name}.9001");
$q->redis('XREADGROUP', 'GROUP', 'workers', 'gone', 'COUNT', 1, 'STREAMS',
          $inbox, '>');
$q->redis('XPENDING', $inbox, 'workers', '-', '+', 10, 'gone');
my ($id, $read, $pending) = @{ $q->redis('EXEC') };
is($read->[0][1][0][0], $id, 'taken by one who is gone');
is(join(' ', map { $_->[0] } @$pending), $id, 'and pending');

$v = $q->await(9001, 5);
is($v && $v->{status}, 201, 'claimed from the dead');
is(($q->thread('P'))[-1][1], $v->{body}, 'and in the thread');
is_deeply($q->{told}{9001}, [201], 'once');

# a property whose data is damaged fails each time, and only it does

$q->redis('SET', 'll:{p:X}:meta', 'not a hash');
$q->put('send', 'X', 'u-tom', { client_id => 'x', text => 'x' });
is($q->say('P', 'u-tom', 'meanwhile', 'mw')->{status}, 201, 'others go on');
ok(wait_for(sub { $q->redis('XLEN', 'll:{q:0}:dead') == @bad + 1 }, 10),
   'given up after five deliveries');
$dead = $q->redis('XRANGE', 'll:{q:0}:dead', '-', '+');
like({ @{ $dead->[-1][1] } }->{why}, qr/^delivered 5 times, never completed$/, 'why');
ok(wait_for(sub { $q->redis('XPENDING', $inbox, 'workers')->[0] == 0 }, 3),
   'nothing is pending');
ok(wait_for(sub { $q->redis('XLEN', $inbox) == 0 }, 3), 'nothing is left');

# health

sleep 1.2;
my $health = $q->redis('FCALL_RO', 'll1_health', 1, 'll:{w}:workers');
is($health->[1], 1, 'one worker');
is($health->[2][0], 'w1', 'its name');
like($health->[2][1], qr/ messages=\d+ .* dead=8 /, 'what it says');

# told to stop, it leaves nothing behind

is($ll->stop('worker1'), 0, 'stops');
unlike(join(' ', map { $_->[1] } @{
           $q->redis('XINFO', 'CONSUMERS', $inbox, 'workers') }),
       qr/w1/, 'its consumer is gone');
is($q->redis('HLEN', 'll:{w}:workers'), 0, 'and its heartbeat');

$ll->finish();
