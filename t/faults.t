#!/usr/bin/perl

# Workers, Redis and nginx's processes are killed or stopped under load, in
# short; the long forms of this are in t/fault (make test-faults).

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep);

use lib 't/lib', 't/fault/lib';
use Fault;
use LeaseLoft;

$ENV{LEASELOFT_SEED} //= 1;

my $f = Fault->new(claim => 700, rate => 10, recover => 25,
                   directives => { leaseloft_drain => '1s' });
my $ll = $f->ll();

$ll->expect_log(qr/exited on signal 9/);

$f->fault('workers are killed', sub {
    for (1 .. 6) {
        sleep rand 0.3;
        $f->kill_worker(1 + int rand 2);
    }
});

$f->fault('a worker is stopped for longer than the claim time', sub {
    $ll->signal('worker1', 'STOP');
    sleep 1.1;
    $ll->signal('worker1', 'CONT');
});

for my $type (qw(pubsub normal)) {
    $f->fault("CLIENT KILL TYPE $type", sub {
        eval { $ll->redis('CLIENT', 'KILL', 'TYPE', $type) };
    });
}

$f->fault('Redis is killed', sub {
    $ll->stop('redis', 'KILL');
    sleep 0.3;
    $ll->start('redis');
});

$f->fault("one of nginx's processes is killed", sub {
    kill 'KILL', ($ll->nginx_children())[0];
});

$f->fault('nginx is reloaded twice', sub {
    for (1, 2) {
        $ll->signal('nginx', 'HUP');
        sleep 0.6;
    }
});

$f->fault('the library of functions is lost', sub {
    $ll->redis('FUNCTION', 'FLUSH');
});

$f->end();
