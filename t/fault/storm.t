#!/usr/bin/perl

# A reconnect storm: all streams are closed at the same moment and opened again
# at once with Last-Event-ID, while messages keep coming.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib', 't/fault/lib';
use Fault;
use Fault::Crowd;
use LeaseLoft;

my $many = $ENV{LEASELOFT_STREAMS} // ($Fault::long ? 5000 : 1000);

my $f = Fault->new(rate => $many > 2000 ? 1 : 4, recover => 30,
    directives => { leaseloft_max_streams => 100000, leaseloft_zone => '4m' },
    stack => { main => 'worker_processes 2;' });
my $ll = $f->ll();

my $crowd = Fault::Crowd->start($ll, $f->names(), $many);
ok($crowd->wait_open($many, 60), "$many streams are open");

for (1 .. ($Fault::long ? 5 : 3)) {
    $f->fault("storm of $many", sub {
        my $start = time();
        $crowd->drop();
        ok($crowd->wait_open($many, 60),
           'all streams are open again after a storm');
        diag(sprintf '%d streams are back after %.2f s', $many,
             time() - $start);
    });
}

# the same when all of nginx's processes are killed
$ll->expect_log(qr/exited on signal 9/);
$f->fault("all of nginx's processes killed, $many streams", sub {
    my $start = time();
    my $opened = $crowd->opened();
    kill 'KILL', $ll->nginx_children();
    wait_for(sub { $crowd->opened() >= $opened + $many }, 60);
    ok($crowd->wait_open($many, 60),
       'all streams are open again after all processes were killed');
    diag(sprintf '%d streams are back after %.2f s', $many, time() - $start);
});

# when Redis is gone for a moment, no stream is closed
my $opened = $crowd->opened();
$f->fault("Redis is killed, $many streams", sub {
    $ll->stop('redis', 'KILL');
    sleep 0.5;
    $ll->start('redis');
});
is($crowd->opened(), $opened, 'no stream is closed when Redis is killed');

$f->end(keep => 1);
my $report = $crowd->finish($f->{heads});
diag("$many streams saw $report->{entries} entries,"
     . " opened $report->{opened} times");
is(join("\n", @{ $report->{problems} }), '',
   'each stream gets each entry once');
$ll->finish();
