#!/usr/bin/perl

# Workers whose clocks differ, up to days: a message sent again is known, times
# do not go back, and leases end when they end.

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

# seconds to within the next 30 days, and to within those before
my $ahead = ($bucket + 1) * $month + 3600 - int time();
my $behind = $bucket * $month - 3600 - int time();

my $ll = LeaseLoft->new(workers => 0, start => 0);
my $q;

my $shift = $ll->dir() . '/clock_shift.so';
is(system("gcc -shared -fPIC -O1 -o $shift t/lib/clock_shift.c"), 0,
   'a clock to set');

# only a worker whose clock is so many seconds ahead
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


# the same message by workers whose clocks disagree about the 30 days

my $n = 0;

for my $pair (['ahead', 'right'], ['right', 'ahead'], ['behind', 'right'],
              ['right', 'behind'], ['ahead', 'behind'], ['behind', 'ahead'])
{
    my ($one, $other) = @$pair;
    my $p = 'P' . ++$n;

    worker($clocks{$one});
    is($q->lease($p)->{status}, 200, "$one, then $other");

    my $sent = $q->say($p, 'u-tom', 'once', 'c-1');
    is($sent->{status}, 201, 'sent');
    is($q->say($p, 'u-tom', "$_ more", "d-$_")->{status}, 201, 'and more')
        for 1, 2;

    worker($clocks{$other});
    my $again = $q->say($p, 'u-tom', 'once', 'c-1');
    is($again->{status}, 200, 'known to the other');
    is($again->{body}, $sent->{body}, 'the original');
    is($q->say($p, 'u-tom', 'twice', 'c-1')->{status}, 409,
       'with another text refused');

    is(join(' ', sort @{ $q->redis('KEYS', "ll:{p:$p}:sent:*") }),
       "ll:{p:$p}:sent:$bucket", 'held where Redis\'s clock says');
    cmp_ok($q->redis('PTTL', "ll:{p:$p}:sent:$bucket"), '>',
           ($month - 60) * 1000, 'for 30 days at least');
}


# a bucket that is ahead of Redis's clock, as after a failover

worker(0);
$q->lease('F');
is($q->say('F', 'u-tom', 'before', 'c-1')->{status}, 201, 'sent');
$q->redis('RENAME', "ll:{p:F}:sent:$bucket", 'll:{p:F}:sent:' . ($bucket + 1));
$q->redis('HSET', 'll:{p:F}:meta', 'bucket', $bucket + 1);
is($q->say('F', 'u-tom', 'before', 'c-1')->{status}, 200,
   'known to a Redis whose clock is behind');
is($q->say('F', 'u-tom', 'after', 'c-2')->{status}, 201, 'and more is sent');
is($q->say('F', 'u-tom', $$_[0], $$_[1])->{status}, 200, "$$_[0] is known")
    for ['before', 'c-1'], ['after', 'c-2'];
is(join(' ', @{ $q->redis('KEYS', 'll:{p:F}:sent:*') }),
   'll:{p:F}:sent:' . ($bucket + 1), 'the newest bucket stays in use');


# a heartbeat of a worker that died before that failover does not look alive

my $workers = 'll:{w}:workers';

$q->redis('HSET', $workers, 'dead', int(1000 * time() + 20_000) . ' x');
is($q->redis('FCALL_RO', 'll1_health', 1, $workers)->[1], 1,
   'only the living worker counts');
$q->redis('HDEL', $workers, 'dead');


# times of entries and read marks, by workers in turn

$q->lease('T');

for my $i (1 .. 6) {
    worker((0, 20, -20)[$i % 3]);
    $q->say('T', 'u-tom', "n $i", "c-$i");
    is($q->ask('read', 'T', 'u-lena', { upto => $i + 1 })->{status}, 204,
       "marked $i");
}

my @times = map { $_->[1] =~ /"at":"([^"]+)"/ } $q->thread('T');
is(scalar @times, 7, 'seven entries');
is("@times", join(' ', sort @times), 'no entry is older than the one before');

my @marks = map { { @{ $_->[1] } } } @{ $q->redis('XRANGE', 'll:{p:T}:reads',
                                                  '-', '+') };
is(join(' ', map { $_->{n} } @marks), '2 3 4 5 6 7', 'six marks');
is(join(' ', map { $_->{t} } @marks), join(' ', sort map { $_->{t} } @marks),
   'no mark is older than the one before');

$q->pump(0.2);
my @told = map { $_->[2] =~ /"at":"([^"]+)"/ }
           grep { $_->[1] =~ /^R / } $q->frames(qr/p:T/);

is(join(' ', map { $told[$_] lt $times[$_ + 1] ? "$told[$_]" : () } 0 .. 5),
   '', 'none is older than the entry that was read');
is(join(' ', @told), join(' ', map { text_of($_->{t}) } @marks),
   'and they are told as they are kept');



# A lease ends by one clock, whichever worker looks: not by that of a worker
# whose machine is ahead, and not late by that of one that is behind.

for my $clock ('seconds ahead', 'seconds behind') {
    my $p = $clock =~ s/.* //r;

    worker($clocks{$clock});
    is($q->lease("$p-0")->{status}, 200, "a worker that is $clock is there");

    my $end = time() + 3;
    is($q->lease($p, ends_at => at(3))->{json}{lease}{state}, 'active',
       'a lease that ends soon');

    my $before = at(-0.1);
    is($q->say($p, 'u-tom', 'in time', 'c-1')->{status}, 201, 'a message');
    my $after = at(0.1);

    my ($entry) = map { $_->[1] } $q->thread($p, 1);
    my ($at) = $entry =~ /"at":"([^"]+)"/;
    cmp_ok($at, 'gt', $before, 'of the right time');
    cmp_ok($at, 'lt', $after, 'neither late nor early');

    ok(wait_for(sub { $q->redis('XLEN', "ll:{p:$p}:thread") == 3 }, 8),
       'it ends');
    cmp_ok(abs(time() - $end), '<', 1, 'in time');
}

$ll->stop('worker');
$ll->finish();
