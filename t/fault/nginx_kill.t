#!/usr/bin/perl

# nginx's processes are killed, one at a time and all at once, and one is
# stopped for a while.  Reloads and new binaries are in nginx_reload.t.

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

# nginx logs an alert for each killed process
$ll->expect_log(qr/exited on signal 9/);

for (1 .. ($Fault::long ? 20 : 5)) {
    $f->fault('kill -9 of an nginx process', sub {
        my @children = $ll->nginx_children();
        kill 'KILL', $children[rand @children];
        sleep rand 0.5;
    });
}

$f->fault('kill -9 of both nginx processes',
          sub { kill 'KILL', $ll->nginx_children() });

$f->fault('an nginx process is stopped for 6 s', sub {
    my ($one) = $ll->nginx_children();
    kill 'STOP', $one;
    sleep 6;
    kill 'CONT', $one;
});

# the streams of killed processes do not count
ok(wait_for(sub {
    my $n = $ll->metric('streams');
    defined $n && $n <= 12;
}), 'the streams of killed processes do not count')
    or diag(grep { /streams/ } split /^/,
            $ll->get('/internal/metrics')->body());

$f->end();
