#!/usr/bin/perl

# Redis Clusters of other shapes: one primary, nine, and one with so few slots
# that it has no queue of its own.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Cluster;

my ($ll, $cluster);

# a cluster; nothing else runs yet
sub cluster {
    my (%options) = @_;

    $ll = LeaseLoft->new(start => 0, directives => { leaseloft_ping => '1s' });
    $cluster = LeaseLoft::Cluster->new($ll, %options);
    $ll->{url} = $cluster->url();
    $ll->nginx_conf();
}

sub start { $ll->start($_) for qw(worker1 nginx) }

# a property of each part: part => property
sub one_each {
    my @parts = @_;

    my %found;

    for (my $n = 0; keys %found < @parts; $n++) {
        my $part = $cluster->has("ll:{p:P$n}:meta");
        $found{$part} //= "P$n" if grep { $_ eq $part } @parts;
    }

    return %found;
}

# a message to each property is stored and streamed, and the inbox counts them
my $said = 0;

sub works {
    my ($name, @properties) = @_;

    for my $property (@properties) {
        is($ll->lease($property)->status(), 200,
           "$name: a lease of $property is declared");
    }

    my %streams = map { $_ => $ll->events($_, 'u-lena') } @properties;

    for my $property (@properties) {
        my $text = 'text ' . ++$said;
        is($ll->say($property, 'u-tom', $text)->status(), 201,
           "$name: a message to $property is stored");
        ok($streams{$property}->wait_entry(sub {
            ($_[0]{text} // '') eq $text
        }, 10), "$name: a stream of $property gets it");
        ok($streams{$property}->find_event(sub {
            $_[0]{event} eq 'ping' && $_[0]{json}{live}
        }, 10), "$name: it is live");
    }
}

sub inbox_has {
    my ($name, $n) = @_;

    my $inbox;

    ok(wait_for(sub {
        $inbox = $ll->get('/api/inbox?limit=200', user => 'u-lena')->json();
        ($inbox->{total_unread} // -1) == $n
            && @{ $inbox->{threads} } == $n
    }, 10), "$name: an inbox has $n threads with a message")
        or diag($inbox->{total_unread} // 'no inbox');
}

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
