#!/usr/bin/perl

# The worker and a Redis that is full, restarted, without functions, or silent:
# a request is acknowledged only once it is processed, and work goes on
# afterwards.

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

is($q->lease('P')->{status}, 200, 'a lease is declared');
is($q->await(say_next())->{status}, 201, 'a send gets 201');


# full: no request is processed, lost or given up, however often it is claimed

# these are queued while there is room, and read when there is none
$ll->signal("worker$_", 'STOP') for 1, 2;
my @held = map { say_next() } 1 .. 5;
push @held, $q->put('read', 'P', 'u-lena', { upto => 2 });
$q->redis('CONFIG', 'SET', 'maxmemory', 1000000);
$ll->signal("worker$_", 'CONT') for 1, 2;

$q->pump(3);
is(scalar(grep { $q->{verdicts}{$_} } @held), 0,
   'a full Redis: no request has a verdict');
is($q->redis('XLEN', $inbox), 6, 'a full Redis: no request is acknowledged');

$q->redis('CONFIG', 'SET', 'maxmemory', 0);
# 200: another worker had claimed the request, and found the message stored
is(scalar(grep { ($q->await($_) || { status => 0 })->{status} !~ /^20[014]$/ }
          @held), 0, 'every request has a verdict once there is room');
ok(settled(), 'no request is left once there is room');
is($q->redis('XLEN', 'll:{q:0}:dead'), 0,
   'no request was given up for lack of room');
is($q->redis('XLEN', 'll:{p:P}:thread'), $n + 1,
   'each message is stored once after the lack of room');


# the functions are deleted

$q->redis('FUNCTION', 'FLUSH');
is($q->await(say_next())->{status}, 201, 'the functions are loaded again');


# the group is deleted with the stream

$q->redis('DEL', $inbox);
ok(wait_for(sub { $q->redis('EXISTS', $inbox) }, 5),
   'a deleted queue is created again');
is($q->await(say_next())->{status}, 201, 'the group is created again');


# connections are killed many times

for (1 .. 20) {
    say_next();
    $q->redis('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    sleep 0.05;
}

ok(settled(), 'every request is processed after 20 kills');
is($q->broken('P'), '', 'the chain is valid after 20 kills');
is($q->redis('XLEN', 'll:{p:P}:thread'), $n + 1,
   'each message is stored once after 20 kills');
is($q->redis('XLEN', 'll:{q:0}:dead'), 0,
   'no request was given up after 20 kills');


# Redis is silent for longer than the worker waits

say_next();
$q->redis('CLIENT', 'PAUSE', 6000, 'WRITE');
sleep 6.2;
ok(settled(), 'every request is processed after a silence');
is($q->redis('XLEN', 'll:{p:P}:thread'), $n + 1,
   'each message is stored once after a silence');


# the primary becomes a replica for a while

$q->redis('REPLICAOF', '127.0.0.1', '1');
$q->pump(0.5);
$q->redis('REPLICAOF', 'NO', 'ONE');
is($q->await(say_next())->{status}, 201,
   'a send gets 201 once Redis is a primary again');


# Redis is restarted with requests under way

my %said;                          # what the workers logged until then

for my $signal (qw(TERM KILL)) {
    $ll->signal("worker$_", 'STOP') for 1, 2;
    say_next() for 1 .. 10;
    $ll->stop('redis', $signal);
    $said{$_} = length $ll->slurp("worker$_.log") for 1, 2;
    $ll->signal("worker$_", 'CONT') for 1, 2;
    sleep 0.5;
    $ll->start('redis');
    $q->connect();

    ok(settled(), "every request is processed after a SIG$signal of Redis");
    is($q->broken('P'), '', "the chain is valid after a SIG$signal of Redis");
    is($q->redis('XLEN', 'll:{p:P}:thread'), $n + 1,
       "each message is stored once after a SIG$signal of Redis");
}

is($q->inbox('u-lena')->{total}, $q->recount('P', 'u-lena'),
   'unread in the inbox is right');


# a worker stops without Redis

# what a worker said last of its connection, since the restart
sub connection {
    my ($i) = @_;
    my $log = substr $ll->slurp("worker$i.log"), $said{$i};
    return ($log =~ /.*(connected to|can't \w+(?: to)?|lost) redis/s)[0] // '';
}

# a worker that is still connecting has said already that Redis is gone
ok(wait_for(sub { connection($_) eq 'connected to' }, 10),
   "worker $_ is connected again") for 1, 2;
$ll->stop('redis');
ok(wait_for(sub { connection(1) ne 'connected to' }, 5),
   'a worker notices that Redis is gone');
is($ll->stop('worker1', 'TERM', 3), 0,
   'a worker exits with 0 on TERM without Redis');
is($ll->stop('worker2', 'TERM', 3), 0, 'the other worker does too');

$ll->finish();
