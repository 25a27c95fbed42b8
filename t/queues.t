#!/usr/bin/perl

# The number of queues may change, and nginx and the workers may disagree about
# it: requests that were accepted are done, whichever queue they are in.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;

# as many properties as it takes to use each of 8 queues
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
                         ->status() == 200 }, 10), "nginx with $queues queues");
}

# a message for each property: the statuses, each once
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
is($ll->lease($_)->status(), 200, "a lease for $_") for @properties;
$ll->stop('worker1');


# 8 queues, and nobody works
start_nginx(8);
ok(wait_for(sub { $ll->say($_, 'u-tom', 'eight', client_id => 'eight')
                     ->status() == 202 }, 10),
   "without a worker, a send to $_ is accepted") for @properties;
is(scalar(grep { $_ == 0 } lengths()), 0, 'each of 8 queues holds some');


# a killed nginx leaves its word for a while; without it, workers look by
# themselves
$ll->stop('nginx');
$ll->redis('DEL', 'll:{w}:nginx');
start_worker(1);
ok(wait_for(sub { !grep { $_ } lengths() }, 10),
   'a worker of 1 queue empties 8');
start_nginx(1, '2s');
is(arrived('eight'), 24, 'every request of the 8 queues is done');
is(send_all('one'), '201', 'with 1 queue sends are answered');


# more queues in nginx than the workers are told: the first request of a queue
# that is not there yet is found
start_nginx(4, '10s');
is(send_all('four'), '201', 'nginx has 4, the worker 1: sends are answered');
$ll->stop('worker1');
$ll->redis('DEL', map { "ll:{q:$_}:requests" } 1 .. 7);
start_worker(1);
is(send_all('again'), '201', 'also where the queues are not there yet');

start_nginx(8, '10s');
is(send_all('more'), '201', 'nginx has 8, the worker 1: sends are answered');
is(arrived('more'), 24, 'each once');


# and fewer
$ll->stop('worker1');
start_worker(1, '--queues 64');
start_nginx(2, '10s');
is(send_all('fewer'), '201', 'nginx has 2, the worker 64: sends are answered');

is(arrived('fewer'), 24, 'all of it');
is($ll->redis('XLEN', "ll:{q:$_}:dead"), 0, "nothing of queue $_ was given up")
    for 0 .. 7;


# the command line finds what was given up, in whatever queue
$ll->redis('XADD', 'll:{q:7}:requests', '*', 'op', 'none');
ok(wait_for(sub { $ll->redis('XLEN', 'll:{q:7}:dead') == 1 }, 10),
   'a request of queue 7 is given up');
my (undef, $said) = $ll->cli('dead', 'list');
like($said, qr/unknown op/, 'dead list has it');
(undef, $said) = $ll->cli('doctor');
like($said, qr/^advice +dead +7: 1 /m, 'doctor too');

$ll->finish();
