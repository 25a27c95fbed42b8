#!/usr/bin/perl

# The number of queues may change, and may differ between nginx and the workers:
# accepted requests are processed, whichever queue they are in.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;

# enough properties to use each of 8 queues
my @properties = map { "P$_" } 1 .. 24;
my $n = 0;

my $ll = LeaseLoft->new(start => 0);

sub start_worker {
    my ($i, @options) = @_;
    $ll->spawn("worker$i",
               "$LeaseLoft::worker --redis $ll->{url} --claim 400 @options");
}

sub start_nginx {
    my ($queues, $wait) = @_;

    $ll->stop('nginx');
    $ll->nginx_conf(directives => { leaseloft_wait => $wait // '100ms',
                                    leaseloft_queues => $queues });
    $ll->start('nginx');
    ok(wait_for(sub { $ll->get("/api/properties/P1/messages", user => 'u-tom')
                         ->status() == 200 }, 10),
       "nginx answers with leaseloft_queues $queues");
}

# sends a message to each property: the distinct statuses
sub send_all {
    my ($text) = @_;
    my %status = map { $ll->say($_, 'u-tom', $text)->status() => 1 }
                 @properties;
    return join ' ', sort keys %status;
}

# how many of the properties have the text as their last message
sub arrived {
    my ($text) = @_;
    return scalar grep {
        ($ll->poll($_, 'u-tom')->{entries}[-1]{text} // '') eq $text
    } @properties;
}

sub lengths {
    return map { $ll->redis('XLEN', "ll:{q:$_}:requests") } 0 .. 7;
}


$ll->start('redis');
start_worker(1);
$ll->start('nginx');
$ll->wait_healthy() or BAIL_OUT('not healthy');
is($ll->lease($_)->status(), 200, "a lease for $_ is declared") for @properties;
$ll->stop('worker1');


# nginx has 8 queues, and no worker runs
start_nginx(8);
ok(wait_for(sub { $ll->say($_, 'u-tom', 'eight', client_id => 'eight')
                     ->status() == 202 }, 10),
   "a send to $_ gets 202 without a worker") for @properties;
is(scalar(grep { $_ == 0 } lengths()), 0, 'each of 8 queues has requests');


# nginx announces its number of queues in a key that expires; without the key,
# workers look for queues themselves
$ll->stop('nginx');
$ll->redis('DEL', 'll:{w}:nginx');
start_worker(1);
ok(wait_for(sub { !grep { $_ } lengths() }, 10),
   'a worker with 1 queue empties 8');
start_nginx(1, '2s');
is(arrived('eight'), 24, 'every request of the 8 queues is processed');
is(send_all('one'), '201', 'sends get 201 with 1 queue');


# nginx has more queues than the workers: the first request of a queue that does
# not exist yet is found
start_nginx(4, '10s');
is(send_all('four'), '201',
   'sends get 201 with 4 queues in nginx and 1 in the worker');
$ll->stop('worker1');
$ll->redis('DEL', map { "ll:{q:$_}:requests" } 1 .. 7);
start_worker(1);
is(send_all('again'), '201', 'sends get 201 where the queues do not exist yet');

start_nginx(8, '10s');
is(send_all('more'), '201',
   'sends get 201 with 8 queues in nginx and 1 in the worker');
is(arrived('more'), 24, 'every message is the last of its thread');


# nginx has fewer queues than the worker
$ll->stop('worker1');
start_worker(1, '--queues 64');
start_nginx(2, '10s');
is(send_all('fewer'), '201',
   'sends get 201 with 2 queues in nginx and 64 in the worker');

is(arrived('fewer'), 24, 'every message is stored');
is($ll->redis('XLEN', "ll:{q:$_}:dead"), 0,
   "no request of queue $_ was given up")
    for 0 .. 7;


# the command line finds dead letters in any queue
$ll->redis('XADD', 'll:{q:7}:requests', '*', 'op', 'none');
ok(wait_for(sub { $ll->redis('XLEN', 'll:{q:7}:dead') == 1 }, 10),
   'an invalid request of queue 7 is given up');
my (undef, $said) = $ll->cli('dead', 'list');
like($said, qr/unknown op/, 'dead list shows the dead letter of queue 7');
(undef, $said) = $ll->cli('doctor');
like($said, qr/^advice +dead +7: 1 /m,
     'doctor counts the dead letter of queue 7');

$ll->finish();
