#!/usr/bin/perl

# Redirections of a Redis Cluster: those that name no host, as with
# "cluster-preferred-endpoint-type unknown-endpoint" behind a port forwarding,
# which mean the host that was asked; of a subscription by an outdated map; and
# of health.

use strict;
use warnings;

use IPC::Open2;
use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::ClusterCases;

cluster(conf => "cluster-preferred-endpoint-type unknown-endpoint\n");
start();
$ll->started();

my %property = one_each($cluster->parts());
works('no host', values %property);
inbox_has('no host', 3);

sub slot { $cluster->slot("ll:{p:$property{$_[0]}}:meta") }

# the last error of a command to a part
sub refusal {
    my ($part, @command) = @_;
    return eval { $cluster->on($part, @command); 1 } ? 'none' : $@;
}

like(refusal('node0', 'GET', "ll:{p:$property{node1}}:meta"),
     qr/^redis: MOVED \d+ :\d+$/, 'redirections name no host');

# a number in an INFO of a part
sub info {
    my ($part, $section, $regex) = @_;
    return $cluster->on($part, 'INFO', $section) =~ $regex ? $1 : 0;
}

sub asked { info($_[0], 'errorstats', qr/errorstat_ASK:count=(\d+)/) }


# ASK: a message is queued, by one command, where the slot of the queue goes

my ($queue) = grep { $cluster->has($_) eq 'node0' }
              map { "ll:{q:$_}:requests" } 0 .. 63;
my $before = asked('node0');

$cluster->move($cluster->slot($queue), 'node1', sub {
    is($ll->say($property{node0}, 'u-tom', 'asked', client_id => 'asked')
          ->status(), 202, 'a message is queued while the slot moves');
    cmp_ok(asked('node0'), '>', $before, '... by ASK');
});
ok(wait_for(sub {
    $ll->poll($property{node0}, 'u-tom')->{head} =~ /^3\./
}, 10), 'it is carried out');


# MOVED: whatever still has the old map follows

my $moved = slot('node1');
my $rejected = qr/cmdstat_ssubscribe:.*rejected_calls=(\d+)/;
my $stream = $ll->events($property{node1}, 'u-lena');

ok($stream->wait_event('hello'), 'a stream is open');
$before = info('node1', 'commandstats', $rejected);
$cluster->move($moved, 'node2');
is($ll->say($property{node1}, 'u-tom', 'moved', client_id => 'moved')
      ->status() =~ /^20[12]$/ ? 1 : 0, 1, 'a message is sent after a move');
ok($stream->wait_entry(sub { ($_[0]{text} // '') eq 'moved' }, 10),
   'the stream gets it');
cmp_ok(info('node1', 'commandstats', $rejected), '>', $before,
       'the subscription was redirected');
ok($stream->find_event(sub { $_[0]{event} eq 'ping' && $_[0]{json}{live} }, 5),
   'the stream is live');


# the worker's client

my $pid = open2(my $out, my $in, "$LeaseLoft::build/t/lib/cluster_call",
                $cluster->url(1));

sub call {
    print $in "@_\n";
    chomp(my $line = <$out>);
    return $line;
}

my $slot = $cluster->slot('b');                # 3300
is(call('SET', 'b', 1), 'OK', 'the client of the worker writes a key');
$cluster->move($slot, 'node1');
is(call('SET', 'b', 2), 'OK', 'it follows MOVED');
is($cluster->on('node1', 'GET', 'b'), 2, '... to the host that it had asked');
$cluster->open_slot($slot, 'node2');
is(call('SET', '{b}new', 3), 'OK', 'it follows ASK');
is($cluster->on('node2', 'CLUSTER', 'COUNTKEYSINSLOT', $slot), 1,
   '... to that host');
$cluster->migrate('node1', 'node2', 'b');
$cluster->close_slot($slot, 'node2');
close $in;
waitpid $pid, 0;


# health asks one of the primaries for the heartbeats there, and asks where they
# have gone, while their slot moves.  None is written meanwhile, so the last one
# has to be new

ok($ll->wait_healthy(200, 20), 'health is 200');

sub calls { info($_[0], 'commandstats', qr/cmdstat_fcall_ro:calls=(\d+)/) }

my %calls = map { $_ => calls($_) } $cluster->parts();
$ll->get('/internal/health') for 1 .. 20;
my ($part) = grep { calls($_) - $calls{$_} >= 20 } $cluster->parts();
my ($to) = grep { $_ ne $part } $cluster->parts();
my ($name) = grep { $cluster->has($_) eq $part }
             map { "ll:{q:$_}:workers" } 0 .. 63;
my $healthy = time() * 1000;
ok(wait_for(sub {
    my ($beat) = $cluster->command('HGETALL', $name)->[1] =~ /^(\d+)/;
    $beat > $healthy
}, 5), 'a heartbeat follows');

$before = asked($part);
$cluster->move($cluster->slot($name), $to, sub {
    my %status;
    $status{ $ll->get('/internal/health')->status() }++ for 1 .. 20;
    is(join(' ', sort keys %status), 200, 'health is 200 while its keys move');
    cmp_ok(asked($part) - $before, '>=', 20, '... by ASK');
});

$ll->finish();
