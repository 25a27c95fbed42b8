#!/usr/bin/perl

# nginx: a process is killed, many reloads with many streams, a new binary.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib', 't/fault/lib';
use Fault;
use LeaseLoft;

my $f = Fault->new(
    directives => { leaseloft_drain => '3s' },
    stack => { main => 'worker_processes 2;' });
my $ll = $f->ll();

# that one of its processes was killed is nothing that nginx passes over
$ll->expect_log(qr/exited on signal 9/);

for (1 .. ($Fault::long ? 20 : 5)) {
    $f->fault('kill -9 of an nginx process', sub {
        my @children = $ll->nginx_children();
        kill 'KILL', $children[rand @children];
        sleep rand 0.5;
    });
}

$f->fault('kill -9 of both', sub { kill 'KILL', $ll->nginx_children() });

$f->fault('an nginx process stands still for 6 s', sub {
    my ($one) = $ll->nginx_children();
    kill 'STOP', $one;
    sleep 6;
    kill 'CONT', $one;
});

# streams of the killed do not count any more
ok(wait_for(sub {
    my ($n) = $ll->get('/internal/metrics')->body()
                  =~ /^leaseloft_streams(?:\{[^}]*\})? (\d+)/m;
    defined $n && $n <= 12;
}), 'the streams of the killed are counted no more')
    or diag(grep { /streams/ } split /^/,
            $ll->get('/internal/metrics')->body());

$f->end();
