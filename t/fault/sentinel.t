#!/usr/bin/perl

# Three Sentinels promote the replica when the primary is killed, when a
# failover is requested, and when the primary does not reply.  The replica lacks
# entries each time: those are lost, readers who saw them get reset, and nothing
# else is lost.

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

# a failover to a server that lacks entries: $do is done to the primary, $back
# brings it back, and $until, if given, waits until it no longer takes writes;
# times count from the beginning of the fault
sub fails_over {
    my ($name, $do, $back, $until) = @_;

    ok($s->wait_ready(30), "$name: a failover is possible");

    my $old = $s->primary();
    my $new = $old eq 'redis' ? 'replica' : 'redis';
    my ($lacking, $resets) = ($f->lacking(), $f->resets());
    my $loss = $f->cut_off($s->redis($old), $s->redis($new),
                           sub { ok($s->hold($new),
                                    "$name: the replica is cut off") });
    my $took;

    sleep 0.5 + rand;

    $f->fault($name, sub {
        my $start = time();
        $do->($old);
        $f->lost($loss) if !$until;
        ok($s->wait_primary($new, 20), "$name: the replica is promoted");
        $took = time() - $start;
        $s->release($new);

        if ($until) {
            $until->($old);
            $f->lost($loss);
        }
    }, since => 1);

    diag(sprintf '%s: the replica is promoted after %.1f s', $name, $took);

    $lacking = $f->lacking() - $lacking;
    cmp_ok($lacking, '>', 0,
           "$name: $lacking acknowledged messages are lost with the primary");

    # of 12 readers
    $resets = $f->resets() - $resets;
    cmp_ok($resets, '>=', 6, "$name: readers get reset, $resets times");

    $f->fault("$name: the old primary comes back", sub {
        $back->($old);
        ok($s->wait_replica($old, 40),
           "$name: the old primary becomes a replica");
    });
}

for my $round (1 .. ($Fault::long ? 3 : 1)) {
    fails_over('the primary is killed',
               sub { $ll->stop($_[0], 'KILL') }, sub { $s->restart($_[0]) });

    # Sentinel refuses or gives up a failover while what it knows of the replica
    # is outdated, hence several tries.  The old primary takes writes for about
    # 10 s more, until it becomes a replica.
    fails_over('a failover is requested', sub {
        my ($old) = @_;
        for (1 .. 4) {
            eval { $s->sentinel('FAILOVER', 'leaseloft') };
            last if wait_for(sub { $s->primary() ne $old }, 6);
        }
    }, sub { }, sub {
        my ($old) = @_;
        ok(wait_for(sub { $s->role($old) eq 'slave' }, 20),
           'the old primary takes no more writes');
    });

    # it continues as a primary and takes writes until it becomes a replica
    fails_over('the primary is stopped', sub { $ll->signal($_[0], 'STOP') },
               sub { $ll->signal($_[0], 'CONT') });
}

$f->end();
