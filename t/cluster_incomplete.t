#!/usr/bin/perl

# Redis Clusters that are not complete while nginx and the worker start: what is
# there is served, and the rest once it is there.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::ClusterCases;

sub health { $ll->get('/internal/health') }


# a primary is down while nginx and the worker start

cluster();
my %property = one_each($cluster->parts());
$ll->stop('node2', 'KILL');
start();

ok(wait_for(sub { health()->json()->{slots}{reachable} == 10922 }, 20),
   'one is down: the slots of the others can be reached');
is(health()->status(), 503, 'one is down: health is 503');
ok(wait_for(sub { health()->json()->{workers} eq 'up' }, 20),
   'one is down: the worker serves the others');
works('one is down', @property{qw(node0 node1)});
is($ll->lease($property{node2})->status(), 503,
   'one is down: it takes no lease');
$cluster->start('node2');
ok($ll->wait_healthy(200, 30), 'one is down: health is 200 once it is up');
works('it is up', $property{node2});
inbox_has('it is up', 3);
$ll->finish(more => 1);


# slots that nobody has yet

cluster();
%property = one_each($cluster->parts());
my $slot = $cluster->slot("ll:{p:$property{node2}}:meta");
my @range = $slot < 13653 ? (10923, 13653) : (13653, 16383);

# their owner first, from which the others would learn them again
ok(wait_for(sub {
    eval { $cluster->on($_, 'CLUSTER', 'DELSLOTSRANGE', @range) }
        for qw(node2 node1 node0);
    return !grep { $cluster->on($_, 'CLUSTER', 'INFO')
                   !~ /^cluster_slots_assigned:13653\r?$/m } $cluster->parts();
}, 10), 'slots are missing: no server has them');
start();

ok(wait_for(sub { health()->body() =~ /No primary has 2731 of the 16384/ }, 20),
   'slots are missing: health says so') or diag(health()->body());
ok(wait_for(sub { health()->json()->{workers} eq 'up' }, 20),
   'slots are missing: the worker serves the others');
works('slots are missing', @property{qw(node0 node1)});
is($ll->lease($property{node2})->status(), 503,
   'slots are missing: a property there has no lease');
$cluster->on('node0', 'CLUSTER', 'ADDSLOTSRANGE', @range);
ok($ll->wait_healthy(200, 30),
   'slots are missing: health is 200 once a primary has them');
works('it is complete', $property{node2});
inbox_has('it is complete', 3);
$ll->finish(more => 1);


# no server is up

cluster();
%property = one_each($cluster->parts());
$ll->stop($_, 'KILL') for $cluster->parts();
start();
is(health()->status(), 503, 'none is up: health is 503');
$cluster->start($_) for $cluster->parts();
ok($ll->wait_healthy(200, 30), 'none is up: health is 200 once they are');
works('all are up', values %property);
inbox_has('all are up', 3);

$ll->finish();
