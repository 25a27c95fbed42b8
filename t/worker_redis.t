#!/usr/bin/perl

# The worker and a Redis that is full, restarted, emptied of functions, or
# silent: nothing is acknowledged before it is done, and all goes on afterwards.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Requests;

my $ll = LeaseLoft->new(start => 0);
$ll->start('redis');

for my $i (1, 2) {
    $ll->spawn("worker$i",
        "$LeaseLoft::worker --redis $ll->{url} --claim 300");
}

my $q = LeaseLoft::Requests->new($ll);
my $inbox = 'll:{q:0}:requests';
my $n = 0;

sub settled {
    return wait_for(sub {
        $q->redis('XPENDING', $inbox, 'workers')->[0] == 0
            && $q->redis('XLEN', $inbox) == 0
    }, 10);
}

sub say_next {
    $n++;
    return $q->put('send', 'P', 'u-tom', { client_id => "c$n", text => "t$n" });
}

is($q->lease('P')->{status}, 200, 'declared');
is($q->await(say_next())->{status}, 201, 'sent');


# full: nothing is done, nothing is lost, nobody is blamed, for longer than
# claims take

# these get in while there is room, and are looked at when there is none
$ll->signal("worker$_", 'STOP') for 1, 2;
my @held = map { say_next() } 1 .. 5;
push @held, $q->put('read', 'P', 'u-lena', { upto => 2 });
$q->redis('CONFIG', 'SET', 'maxmemory', 1000000);
$ll->signal("worker$_", 'CONT') for 1, 2;

$q->pump(3);
is(scalar(grep { $q->{verdicts}{$_} } @held), 0, 'full: no verdict');
is($q->redis('XLEN', $inbox), 6, 'nothing is acknowledged');

$q->redis('CONFIG', 'SET', 'maxmemory', 0);
is(scalar(grep { ($q->await($_) || { status => 0 })->{status} !~ /^20[14]$/ }
          @held), 0, 'room again: all done');
ok(settled(), 'nothing is left');
is($q->redis('XLEN', 'll:{q:0}:dead'), 0, 'nothing was given up');
is($q->redis('XLEN', 'll:{p:P}:thread'), $n + 1, 'each is there once');


# the functions are gone

$q->redis('FUNCTION', 'FLUSH');
is($q->await(say_next())->{status}, 201, 'functions are loaded again');


# the group is gone, with the stream

$q->redis('DEL', $inbox);
sleep 0.6;
is($q->await(say_next())->{status}, 201, 'the group is made again');


# connections are cut, often

for (1 .. 20) {
    say_next();
    $q->redis('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    sleep 0.05;
}

ok(settled(), 'after twenty cuts all is done');
is($q->broken('P'), '', 'and whole');
is($q->redis('XLEN', 'll:{p:P}:thread'), $n + 1, 'each is there once');
is($q->redis('XLEN', 'll:{q:0}:dead'), 0, 'nothing was given up');


# silent for longer than the worker waits

say_next();
$q->redis('CLIENT', 'PAUSE', 6000, 'WRITE');
sleep 6.2;
ok(settled(), 'after a silence all is done');
is($q->redis('XLEN', 'll:{p:P}:thread'), $n + 1, 'each is there once');


# a read-only replica is no place to stay

$q->redis('REPLICAOF', '127.0.0.1', '1');
$q->pump(0.5);
$q->redis('REPLICAOF', 'NO', 'ONE');
is($q->await(say_next())->{status}, 201, 'it is the primary again');


# killed and started again, with work under way

for my $signal (qw(TERM KILL)) {
    $ll->signal("worker$_", 'STOP') for 1, 2;
    say_next() for 1 .. 10;
    $ll->stop('redis', $signal);
    $ll->signal("worker$_", 'CONT') for 1, 2;
    sleep 0.5;
    $ll->start('redis');
    $q->connect();

    ok(settled(), "Redis had a SIG$signal: all is done");
    is($q->broken('P'), '', 'and whole');
    is($q->redis('XLEN', 'll:{p:P}:thread'), $n + 1, 'each is there once');
}

is($q->inbox('u-lena')->{total}, $q->recount('P', 'u-lena'), 'unread');


# a worker that is told to stop while Redis is away stops

$ll->stop('redis');
sleep 0.3;
is($ll->stop('worker1', 'TERM', 3), 0, 'stops without Redis');
is($ll->stop('worker2', 'TERM', 3), 0, 'the other one too');

$ll->finish();
