#!/usr/bin/perl

# Three Sentinels promote the replica when the primary dies, is asked to step
# down, or is silent for longer than they wait for it.  What lacks at the
# replica is lost, readers are told to reset; all else holds.

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

# the other one takes over: what to do to the one that serves, and what brings
# it back; the time counts from the fault on
sub fails_over {
    my ($name, $do, $back) = @_;

    ok($s->wait_ready(30), "$name: a failover is possible");

    my $old = $s->primary();
    my $new = $old eq 'redis' ? 'replica' : 'redis';
    my $took;

    $f->fault($name, sub {
        my $start = time();
        $do->($old);
        ok($s->wait_primary($new, 20), "$name: the other one serves");
        $took = time() - $start;
    }, since => 1);

    diag(sprintf '%s: the other one served after %.1f s', $name, $took);

    $back->($old) if $back;
    ok($s->wait_replica($old, 40), "$name: the first one is a replica now");
}

for my $round (1 .. ($Fault::long ? 3 : 1)) {
    fails_over('the primary is killed',
               sub { $ll->stop($_[0], 'KILL') }, sub { $s->restart($_[0]) });

    # which is refused, or given up, when its picture of the replica is old
    fails_over('a failover is asked for', sub {
        my ($old) = @_;
        for (1 .. 4) {
            eval { $s->sentinel('FAILOVER', 'leaseloft') };
            last if wait_for(sub { $s->primary() ne $old }, 6);
        }
    });

    # it wakes up as a primary, which takes writes until it is told otherwise
    fails_over('the primary is silent',
               sub { $ll->signal($_[0], 'STOP') },
               sub { sleep 3; $ll->signal($_[0], 'CONT') });
}

$f->end();
