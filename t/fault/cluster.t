#!/usr/bin/perl

# A Redis Cluster of three primaries, each with a replica, and a worker that
# answers 201 once a replica has a message: primaries are killed and stopped,
# slots move, and servers are added and removed.  Nothing that was acknowledged
# is lost or doubled, and no stream is deaf.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib', 't/fault/lib';
use Fault;
use LeaseLoft;

my $f = Fault->new(cluster => 1, options => '--replicas 1', recover => 20);
my $ll = $f->ll();
my $c = $f->cluster();

# a slot of each property is on some primary
sub home { $c->has("ll:{p:$_[0]}:meta") }
sub primary { home(($f->names())->[$_[0] % 4]) }

sub is_primary { eval { $c->on($_[0], 'ROLE')->[0] eq 'master' } }

# the part of a killed or stopped primary becomes a replica
sub joins {
    my ($name, $part) = @_;
    ok(wait_for(sub {
        my $role = eval { $c->on($part, 'ROLE') } // ['none'];
        $role->[0] eq 'slave' && $role->[3] eq 'connected'
    }, 30), "$name: it becomes a replica");
    ok($c->wait_ready(20), "$name: the cluster is complete");
}

for my $round (0 .. ($Fault::long ? 3 : 1)) {
    my $part = primary($round);
    my $slot = $c->slot('ll:{p:' . $f->names()->[$round % 4] . '}:meta');

    # without a replica of its own, the new primary gets no 201
    $f->fault('a primary is killed', sub {
        $ll->stop($part, 'KILL');
        ok(wait_for(sub { ($c->owner($slot) // $part) ne $part }, 20),
           'a replica takes over');
        sleep rand 2;
        $c->start($part);
        joins('killed', $part);
    });
}

# it continues as a second primary, until it hears of the new one
my $part = primary(2);
my $slot = $c->slot('ll:{p:' . $f->names()->[2] . '}:meta');

$f->fault('a primary is stopped for 30 s', sub {
    my $start = time();

    $ll->signal($part, 'STOP');
    $ll->{pids}{stopped} = delete $ll->{pids}{$part};
    ok(wait_for(sub { ($c->owner($slot) // $part) ne $part }, 20),
       'a replica takes over');
    sleep $start + 30 - time();
    $ll->{pids}{$part} = delete $ll->{pids}{stopped};
    $ll->signal($part, 'CONT');
});
joins('stopped', $part);

# for a shorter time than a failover takes
$f->fault('a primary is stopped for 1 s', sub {
    my $pid = $ll->pid(primary(1));
    kill 'STOP', $pid;
    sleep 1;
    kill 'CONT', $pid;
});

$f->fault('all connections to primaries are killed', sub {
    for my $part (grep { is_primary($_) } $c->parts()) {
        eval { $c->on($part, 'CLIENT', 'KILL', 'TYPE', $_, 'SKIPME', 'yes') }
            for qw(pubsub normal);
    }
});

# another worker takes over, and the first one starts them again
$f->fault('the processes of a worker hang', sub {
    kill 'STOP', $_ for split ' ', `ps -o pid= --ppid ${\ $ll->pid('worker1')}`;
    ok(wait_for(sub {
        3 <= (() = $ll->slurp('worker1.log') =~ /hangs: killed/g)
    }, 45), 'they are killed after 30 s');
}, since => 1, recover => 45);

# all slots of a primary move to another one, and to a new one
sub reshard {
    my ($from, $to, $n) = @_;
    $c->manage('reshard', $c->address($to), '--cluster-from', $c->id($from),
               '--cluster-to', $c->id($to), '--cluster-slots', $n,
               '--cluster-yes');
}

my ($from, $to) = (primary(0),
                   grep { is_primary($_) && $_ ne primary(0) } $c->parts());

# what is left to the first one has no queue of its own, or few
$f->fault('slots are moved', sub { reshard($from, $to, 5400) });

my ($new, $replica);

# all servers know all of them
sub agreed {
    my $n = $c->parts();
    return wait_for(sub { $n == grep { $c->knows($_) == $n } $c->parts() }, 20);
}

$f->fault('a server is added', sub {
    $new = $c->add_part();
    $c->manage('add-node', $c->address($new), $c->address($to));
    ok(agreed(), 'all know the new server');
    $replica = $c->add_part();
    $c->manage('add-node', $c->address($replica), $c->address($to),
               '--cluster-slave', '--cluster-master-id', $c->id($new));
    ok(agreed() && $c->wait_ready(20), 'it has a replica');
    $c->manage('rebalance', $c->address($to), '--cluster-use-empty-masters');
    ok(scalar(grep { $c->owner($_) eq $new } map { 64 * $_ } 0 .. 255),
       'the new server has slots');
});

$f->fault('it is removed', sub {
    $c->manage('rebalance', $c->address($to),
               '--cluster-weight', $c->id($new) . '=0');

    for my $part ($replica, $new) {
        $c->manage('del-node', $c->address($to), $c->id($part));
        $ll->stop($part);
    }
});

$f->end();
