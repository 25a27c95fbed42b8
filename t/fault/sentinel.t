#!/usr/bin/perl

# Three Sentinels promote the replica when the primary dies, is asked to step
# down, or is silent for longer than they wait for it.  It lacks entries each
# time: those are lost, readers who saw them are told to reset; all else holds.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib', 't/fault/lib';
use Fault;
use Fault::Sentinel;
use LeaseLoft;

my $f = Fault->new(lossy => 1, recover => 20);
my $ll = $f->ll();
my $s = Fault::Sentinel->new($ll);

# the other one takes over, and lacks what it was not told any more: what to do
# to the one that serves, what brings it back, and until when it may go on to
# serve; the time counts from the fault on
sub fails_over {
    my ($name, $do, $back, $until) = @_;

    ok($s->wait_ready(30), "$name: a failover is possible");

    my $old = $s->primary();
    my $new = $old eq 'redis' ? 'replica' : 'redis';
    my ($lacking, $resets) = ($f->lacking(), $f->resets());
    my $loss = $f->cut_off($s->redis($old), $s->redis($new),
                           sub { ok($s->hold($new), "$name: is cut off") });
    my $took;

    sleep 0.5 + rand;

    $f->fault($name, sub {
        my $start = time();
        $do->($old);
        $f->lost($loss) if !$until;
        ok($s->wait_primary($new, 20), "$name: the other one serves");
        $took = time() - $start;
        $s->release($new);

        if ($until) {
            $until->($old);
            $f->lost($loss);
        }
    }, since => 1);

    diag(sprintf '%s: the other one served after %.1f s', $name, $took);

    $lacking = $f->lacking() - $lacking;
    cmp_ok($lacking, '>', 0, "$name: $lacking acknowledged ones were lost");

    # of 12 readers
    $resets = $f->resets() - $resets;
    cmp_ok($resets, '>=', 6, "$name: $resets times told to reset");

    $f->fault("$name: the first one comes back", sub {
        $back->($old);
        ok($s->wait_replica($old, 40), "$name: as a replica");
    });
}

for my $round (1 .. ($Fault::long ? 3 : 1)) {
    fails_over('the primary is killed',
               sub { $ll->stop($_[0], 'KILL') }, sub { $s->restart($_[0]) });

    # which is refused, or given up, when its picture of the replica is old.
    # The first one takes writes for some 10 s more, until it has to follow.
    fails_over('a failover is asked for', sub {
        my ($old) = @_;
        for (1 .. 4) {
            eval { $s->sentinel('FAILOVER', 'leaseloft') };
            last if wait_for(sub { $s->primary() ne $old }, 6);
        }
    }, sub { }, sub {
        my ($old) = @_;
        ok(wait_for(sub { $s->on($old, 'ROLE')->[0] ne 'master' }, 20),
           'the first one serves no more');
    });

    # it wakes up as a primary, which takes writes until it is told otherwise
    fails_over('the primary is silent', sub { $ll->signal($_[0], 'STOP') },
               sub { $ll->signal($_[0], 'CONT') });
}

$f->end();
