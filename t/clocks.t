#!/usr/bin/perl

# Workers whose clocks differ, by up to days: a repeated send is recognised,
# times of entries and read marks do not go back, and leases end in time, since
# all of that goes by the clock of Redis.

use strict;
use warnings;

use POSIX qw(strftime);
use Test::More;
use Time::HiRes qw(time);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Requests;

my $month = 30 * 86400;
my $bucket = int(time() / $month);

# seconds that lead into the next period of 30 days, and into the one before
my $ahead = ($bucket + 1) * $month + 3600 - int time();
my $behind = $bucket * $month - 3600 - int time();

my $ll = LeaseLoft->new(workers => 0, start => 0);
my $q;

my $shift = $ll->dir() . '/clock_shift.so';
is(system("gcc -shared -fPIC -O1 -o $shift t/lib/clock_shift.c"), 0,
   'the library that shifts a clock is built');

# replaces the worker by one whose clock is so many seconds ahead
sub worker {
    my ($seconds) = @_;

    $ll->stop('worker');
    $ll->spawn('worker', "env LD_PRELOAD=$shift CLOCK_SHIFT=$seconds"
               . ' ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0'
               . " $LeaseLoft::worker --redis $ll->{url}");
}

# milliseconds as RFC 3339
sub text_of {
    my ($ms) = @_;
    return strftime('%Y-%m-%dT%H:%M:%S', gmtime int $ms / 1000)
           . sprintf('.%03dZ', $ms % 1000);
}

$ll->start('redis');
$q = LeaseLoft::Requests->new($ll);

my %clocks = (right => 0, ahead => $ahead, behind => $behind,
              'seconds ahead' => 20, 'seconds behind' => -20);


# the same message, by workers whose clocks are in different periods

my $n = 0;

for my $pair (['ahead', 'right'], ['right', 'ahead'], ['behind', 'right'],
              ['right', 'behind'], ['ahead', 'behind'], ['behind', 'ahead'])
{
    my ($one, $other) = @$pair;
    my $p = 'P' . ++$n;

    worker($clocks{$one});
    is($q->lease($p)->{status}, 200,
       "$one, then $other: a lease is declared");

    my $sent = $q->say($p, 'u-tom', 'once', 'c-1');
    is($sent->{status}, 201, "$one, then $other: a message is sent");
    is($q->say($p, 'u-tom', "$_ more", "d-$_")->{status}, 201,
       "$one, then $other: another message is sent") for 1, 2;

    worker($clocks{$other});
    my $again = $q->say($p, 'u-tom', 'once', 'c-1');
    is($again->{status}, 200,
       "$one, then $other: the second worker recognises the client_id");
    is($again->{body}, $sent->{body},
       "$one, then $other: the second worker answers with the first entry");
    is($q->say($p, 'u-tom', 'twice', 'c-1')->{status}, 409,
       "$one, then $other: the same client_id with another text is refused");

    is(join(' ', sort @{ $q->redis('KEYS', "ll:{p:$p}:sent:*") }),
       "ll:{p:$p}:sent:$bucket",
       "$one, then $other: the bucket goes by the clock of Redis");
    cmp_ok($q->redis('PTTL', "ll:{p:$p}:sent:$bucket"), '>',
           ($month - 60) * 1000,
           "$one, then $other: the bucket lives for 30 days at least");
}


# a bucket that is ahead of the clock of Redis, as after a failover

worker(0);
$q->lease('F');
is($q->say('F', 'u-tom', 'before', 'c-1')->{status}, 201,
   'a message is sent before the failover');
$q->redis('RENAME', "ll:{p:F}:sent:$bucket", 'll:{p:F}:sent:' . ($bucket + 1));
$q->redis('HSET', 'll:{p:F}:meta', 'bucket', $bucket + 1);
is($q->say('F', 'u-tom', 'before', 'c-1')->{status}, 200,
   'a repeated send is recognised where the clock of Redis is behind');
is($q->say('F', 'u-tom', 'after', 'c-2')->{status}, 201,
   'a message is sent after the failover');
is($q->say('F', 'u-tom', $$_[0], $$_[1])->{status}, 200,
   "the message from $$_[0] the failover is recognised")
    for ['before', 'c-1'], ['after', 'c-2'];
is(join(' ', @{ $q->redis('KEYS', 'll:{p:F}:sent:*') }),
   'll:{p:F}:sent:' . ($bucket + 1), 'the newest bucket stays in use');


# a heartbeat in the future, of a worker that died before the failover

my $workers = 'll:{w}:workers';

$q->redis('HSET', $workers, 'dead', int(1000 * time() + 20_000) . ' x');
is($q->redis('FCALL_RO', 'll1_health', 1, $workers)->[1], 1,
   'a worker whose heartbeat is in the future does not count as alive');
$q->redis('HDEL', $workers, 'dead');


# times of entries and read marks, by workers with different clocks in turn

$q->lease('T');

for my $i (1 .. 6) {
    worker((0, 20, -20)[$i % 3]);
    $q->say('T', 'u-tom', "n $i", "c-$i");
    is($q->ask('read', 'T', 'u-lena', { upto => $i + 1 })->{status}, 204,
       "read mark $i is accepted");
}

my @times = map { $_->[1] =~ /"at":"([^"]+)"/ } $q->thread('T');
is(scalar @times, 7, 'the thread has seven entries');
is("@times", join(' ', sort @times), 'times of entries do not go back');

my @marks = map { { @{ $_->[1] } } } @{ $q->redis('XRANGE', 'll:{p:T}:reads',
                                                  '-', '+') };
is(join(' ', map { $_->{n} } @marks), '2 3 4 5 6 7',
   'six read marks are stored');
is(join(' ', map { $_->{t} } @marks), join(' ', sort map { $_->{t} } @marks),
   'times of read marks do not go back');

$q->pump(0.2);
my @told = map { $_->[2] =~ /"at":"([^"]+)"/ }
           grep { $_->[1] =~ /^R / } $q->frames(qr/p:T/);

is(join(' ', map { $told[$_] lt $times[$_ + 1] ? "$told[$_]" : () } 0 .. 5),
   '', 'no read mark is older than the entry that was read');
is(join(' ', @told), join(' ', map { text_of($_->{t}) } @marks),
   'published read marks have the stored times');


# a lease ends by the clock of Redis, whatever the worker's clock

for my $clock ('seconds ahead', 'seconds behind') {
    my $p = $clock =~ s/.* //r;

    worker($clocks{$clock});
    is($q->lease("$p-0")->{status}, 200, "a worker $clock serves");

    my $end = time() + 3;
    is($q->lease($p, ends_at => at(3))->{json}{lease}{state}, 'active',
       "a worker $clock: a lease that ends soon is active");

    my $before = at(-0.1);
    is($q->say($p, 'u-tom', 'in time', 'c-1')->{status}, 201,
       "a worker $clock: a message is sent before the end");
    my $after = at(0.1);

    my ($entry) = map { $_->[1] } $q->thread($p, 1);
    my ($at) = $entry =~ /"at":"([^"]+)"/;
    cmp_ok($at, 'gt', $before, "a worker $clock: its time is not too early");
    cmp_ok($at, 'lt', $after, "a worker $clock: its time is not too late");

    ok(wait_for(sub { $q->redis('XLEN', "ll:{p:$p}:thread") == 3 }, 8),
       "a worker $clock: the lease ends");
    cmp_ok(abs(time() - $end), '<', 1, "a worker $clock: it ends in time");
}

$ll->stop('worker');
$ll->finish();
