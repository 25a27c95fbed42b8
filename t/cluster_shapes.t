#!/usr/bin/perl

# Redis Clusters of other shapes: one primary, nine, and one with so few slots
# that it has no queue of its own.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::ClusterCases;

# the smallest and the largest that have a queue on each primary

for my $n (1, 9) {
    my $name = "$n primaries";

    cluster(primaries => $n);
    start();

    # nginx does not know the primaries yet
    like($ll->lease('early', landlords => ['u-omar'], tenants => ['u-max'])
            ->status(), qr/^20[02]$/, "$name: the first request is queued");
    $ll->started();

    my %property = one_each($cluster->parts());
    works($name, values %property);
    inbox_has($name, $n);

    is(scalar(grep { $cluster->command('EXISTS', "ll:{q:$_}:workers") }
                   0 .. 63), $n, "$name: each has the heartbeat of the worker");
    is(scalar(() = $ll->get('/internal/metrics')->body()
                   =~ /^leaseloft_redis_node_up\{[^}]*\} 1$/mg), $n,
       "$name: metrics have all of them");
    $ll->finish(more => 1);
}


# 1, 20 and 79 % of the slots: no queue is in the first ones

cluster(dealt => [ [ 6900, 7063 ], [ 7064, 10340 ],
                   [ 0, 6899, 10341, 16383 ] ]);
is(scalar(grep { $cluster->has("ll:{q:$_}:requests") eq 'node0' } 0 .. 63), 0,
   'few slots: a primary has no queue');
start();
$ll->started();

my %property = one_each($cluster->parts());
works('few slots', values %property);
inbox_has('few slots', 3);

my ($later) = grep { $cluster->has("ll:{p:$_}:meta") eq 'node0' }
              map { "D$_" } 0 .. 999;
is($ll->lease($later, starts_at => at(2))->status(), 200,
   'few slots: a lease for later is declared');
ok(wait_for(sub {
    ($ll->poll($later, 'u-tom')->{lease}{state} // '') eq 'active'
}, 15), 'few slots: it opens');
is($ll->get("/api/properties/$property{node0}/search?q=text",
            user => 'u-tom')->status(), 200, 'few slots: a search is answered');

my (undef, $said_by_doctor) = $ll->cli('doctor');
my %address = map { $_ => $cluster->address($_) } $cluster->parts();
like($said_by_doctor, qr/^ok +share +\Q$address{node0}\E: 164 of 16384 slots$/m,
     'few slots: doctor knows them');
like($said_by_doctor, qr/^advice +queue +\Q$address{node0}\E: no queue/m,
     '... and that they have no queue');
like($said_by_doctor,
     qr/^advice +share +\Q$address{node2}\E: 12943 of 16384 slots, 2\.4 times /m,
     'doctor advises to deal slots evenly') or diag($said_by_doctor);
is(join(' ', sort $ll->get('/internal/metrics')->body()
                  =~ /^leaseloft_redis_node_slots\{[^}]*\} (\d+)$/mg),
   '12943 164 3277', 'metrics have the slots of each primary');
$ll->finish();
