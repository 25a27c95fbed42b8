#!/usr/bin/perl

# What killed processes leave in Redis and in shared memory is removed after
# some time, with or without a successor: docs/reliability.md has the list.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new(start => 0, workers => 0,
    directives => { leaseloft_max_streams => 3, leaseloft_drain => '60s',
                    leaseloft_wait => '1s' },
    main => 'worker_processes 2;');

sub start_worker {
    my ($i) = @_;
    $ll->spawn("worker$i",
               "$LeaseLoft::worker --redis $ll->{url} --claim 250 --name w$i");
}

sub consumers {
    my $list = eval { $ll->redis('XINFO', 'CONSUMERS', 'll:{q:0}:requests',
                                 'workers') } // [];
    return join ' ', sort map { my %c = @$_; $c{name} } @$list;
}

sub streams { return $ll->metric('streams') }


# consumers: Redis creates one for a worker with the first request that it reads

$ll->start('redis');
start_worker(1);
$ll->start('nginx');
ok($ll->wait_healthy(), 'health is 200 with one worker');
is($ll->lease('P')->status(), 200, 'a lease is declared');
$ll->stop('worker1', 'KILL');

for my $i (2 .. 15) {
    start_worker($i);
    my $said;
    ok(wait_for(sub { $said = $ll->say('P', 'u-tom', "text $i",
                                        client_id => "c$i");
                      $said->status() =~ /^20[01]$/ }, 10),
       "worker $i sends a message")
        or diag($said->status(), ' ', $said->body());
    $ll->stop("worker$i", 'KILL');
}

cmp_ok(scalar(split ' ', consumers()), '>', 5,
       'killed workers leave consumers');
start_worker(16);
ok(wait_for(sub { consumers() =~ /^(?:w16)?$/ }, 20),
   'a running worker removes the consumers of killed ones')
    or diag(consumers());

# a consumer with a pending request stays until another worker has done it
$ll->stop('worker16');
$ll->redis('XGROUP', 'CREATECONSUMER', 'll:{q:0}:requests', 'workers', 'dead');
is($ll->say('P', 'u-tom', 'in hand')->status(), 202,
   'a send without a worker gets 202');
$ll->redis('XREADGROUP', 'GROUP', 'workers', 'dead', 'COUNT', 1, 'STREAMS',
           'll:{q:0}:requests', '>');
is($ll->redis('FCALL', 'll1_sweep', 1, 'll:{q:0}:requests', 'workers', 0), 0,
   'a consumer with a pending request is not removed');
start_worker(17);
ok(wait_for(sub { $ll->poll('P', 'u-tom')->{entries}[-1]{text} eq 'in hand' },
            20), 'another worker does the pending request');
ok(wait_for(sub { consumers() =~ /^(?:w17)?$/ }, 20),
   'a consumer without a pending request is removed')
    or diag(consumers());


# heartbeats of workers and of nginx

my $old = sprintf '%d', (time() - 70) * 1000;
$ll->redis('HSET', 'll:{w}:workers', 'dead', "$old requests=1");
ok(wait_for(sub { !$ll->redis('HEXISTS', 'll:{w}:workers', 'dead') }, 5),
   'a heartbeat of a worker from a minute ago is removed');

my $said = { map { @{ $_->[1] } }
             @{ $ll->redis('XRANGE', 'll:{w}:nginx', '-', '+') } };
is($said->{queues}, 1, 'a heartbeat of nginx has its number of queues');
like($said->{version}, qr/^\d+\.\d+/, 'a heartbeat of nginx has its version');
$ll->redis('DEL', 'll:{w}:nginx');
$ll->redis('XADD', 'll:{w}:nginx', "$old-0", 'name', 'dead', 'queues', 9);
ok(wait_for(sub { !grep { $_->[0] eq "$old-0" }
                  @{ $ll->redis('XRANGE', 'll:{w}:nginx', '-', '+') } }, 5),
   'a heartbeat of nginx from a minute ago is removed');
ok(wait_for(sub { $ll->redis('PTTL', 'll:{w}:nginx') > 0 }, 15),
   'the key with heartbeats of nginx expires');
cmp_ok($ll->redis('PTTL', 'll:{w}:workers'), '>', 0,
       'the key with heartbeats of workers expires');
cmp_ok($ll->redis('PTTL', "ll:{w}:$_"), '<=', 120000,
       "the key with heartbeats of $_ expires within two minutes")
    for qw(workers nginx);


# streams in shared memory: a process that is killed while it drains has no
# successor in its slot

sub open_all {
    my @streams = map { $ll->events('P', 'u-tom') } 1 .. 3;
    my @held = grep { $_->wait_event('hello') } @streams;
    is(scalar @held, 3, "three streams can be opened @_");
    return @streams;
}

sub refused {
    my $stream = $ll->events('P', 'u-tom');
    my $event = $stream->wait_event(sub { 1 });
    $stream->close();
    return $event && $event->{event} eq 'bye';
}

my @streams = open_all('before the reload');
ok(refused(), 'a fourth stream is refused');

my @old = $ll->nginx_children();
$ll->signal('nginx', 'HUP');
ok(wait_for(sub { my %now = map { $_ => 1 } $ll->nginx_children();
                  keys %now > @old && $ll->get('/internal/health')->status() },
            10), 'nginx has reloaded');
ok(refused(), 'the streams of draining processes count');

kill 'KILL', @old;
ok(wait_for(sub { my %now = map { $_ => 1 } $ll->nginx_children();
                  !grep { $now{$_} } @old }, 10),
   'the draining processes are killed');
$_->close() for @streams;
ok(wait_for(sub { streams() == 0 }, 10),
   'the streams of killed draining processes do not count')
    or diag(streams());
@streams = open_all('after draining processes were killed');

# a process that is killed while it serves has a successor in its slot
kill 'KILL', $ll->nginx_children();
$_->close() for @streams;
ok(wait_for(sub { (streams() // 1) == 0 }, 10),
   'the streams of killed processes do not count');
$_->close() for open_all('after processes were killed');
ok(wait_for(sub { streams() == 0 }, 5), 'closed streams do not count');

$ll->expect_log(qr/exited on signal 9/);
$ll->finish();
