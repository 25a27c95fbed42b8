#!/usr/bin/perl

# Redis closes the connections of its clients, sleeps, or is stopped.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib', 't/fault/lib';
use Fault;
use LeaseLoft;

my $f = Fault->new();
my $ll = $f->ll();

sub kill_clients {
    my ($type) = @_;
    eval { $ll->redis('CLIENT', 'KILL', 'TYPE', $type, 'SKIPME', 'yes') };
}

for my $type (qw(pubsub normal)) {
    for (1 .. ($Fault::long ? 20 : 4)) {
        $f->fault("CLIENT KILL TYPE $type", sub { kill_clients($type) });
        sleep rand 0.3;
    }
}

$f->fault('CLIENT KILL of both types, ten times in 3 s', sub {
    for (1 .. 10) {
        kill_clients($_) for qw(pubsub normal);
        sleep rand 0.6;
    }
});

for my $seconds (1, 5) {
    $f->fault("DEBUG SLEEP $seconds", sub {
        my $redis = LeaseLoft::Redis->new($ll->dir() . '/redis.sock');
        $redis->send_command('DEBUG', 'SLEEP', $seconds);
        $redis->reply($seconds + 5);
    });
}

for my $seconds (5, $Fault::long ? 60 : ()) {
    $f->fault("SIGSTOP for $seconds s", sub {
        $ll->signal('redis', 'STOP');
        ok($ll->wait_healthy(503, 5),
           'health is 503 within 5 s while Redis is stopped');
        sleep $seconds - 4;
        $ll->signal('redis', 'CONT');
    }, recover => 15);
}

$f->end();
