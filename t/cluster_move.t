#!/usr/bin/perl

# nginx on a Redis Cluster while a slot moves: what has moved is asked for where
# it is by then, however long the rest takes, and whoever takes the slot.

use strict;
use warnings;

use POSIX ();
use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Cluster;

my $ll = LeaseLoft->new(main => 'worker_processes 1;',
                        directives => { leaseloft_ping => '1s',
                                        leaseloft_drain => '1s',
                                        leaseloft_wait => '300ms' });

for my $property (map { "P$_" } 0 .. 5) {
    is($ll->lease($property)->status(), 200, "a lease of $property");
}

$ll->stop('nginx');
$ll->stop('worker1');

# nginx has the rights of conf/leaseloft.acl, and the last primary has no slots
my $users = LeaseLoft::Redis::acl('PASSWORD');
my $cluster = LeaseLoft::Cluster->new($ll, conf => $users,
                                      dealt => [[0, 8191], [8192, 16383]]);
$cluster->import_from(LeaseLoft::Redis->new($ll->dir() . '/redis.sock'));
$ll->stop('redis');
$ll->{url} = 'redis+cluster://nginx:PASSWORD@' . $cluster->address('node0');
$ll->nginx_conf();
$ll->start('nginx');

sub reachable { $ll->get('/internal/health')->json()->{slots}{reachable} }
ok(wait_for(sub { reachable() == 16384 }, 10), 'all slots can be reached');

my ($property) = grep { $cluster->has("ll:{p:$_}:meta") eq 'node0' }
                 map { "P$_" } 0 .. 5;


# the keys of an inbox move one after the other

my $slot = $cluster->slot('ll:{u:u-lena}:inbox');
my $from = $cluster->owner($slot);
my $to = $from eq 'node0' ? 'node1' : 'node0';

# that of a large inbox; Redis refuses functions for which it does not have all
# keys until the whole slot has moved
$cluster->on($from, 'ZADD', 'll:{u:u-lena}:order', 1, 'P0');

$cluster->open_slot($slot, $to);
$cluster->migrate($from, $to, 'll:{u:u-lena}:inbox');

my $pid = fork() // die "fork: $!";
if ($pid == 0) {
    sleep 0.4;
    $cluster->migrate($from, $to, 'll:{u:u-lena}:order');
    POSIX::_exit(0);
}

is($ll->get('/api/inbox', user => 'u-lena')->status(), 200,
   'an inbox of which a part has moved is read once all has');
waitpid $pid, 0;
$cluster->close_slot($slot, $to);


# a slot moves to a primary that has had none

# the queue of the requests of a property on node0
sub queue {
    return (grep { $cluster->has($_) eq 'node0' }
            map { "ll:{q:$_}:requests" } 0 .. 63)[0];
}

my $queue = queue();

$slot = $cluster->slot($queue);
$cluster->move($slot, 'node2', sub {
    is($ll->say($property, 'u-tom', 'hello', client_id => "c-$_")->status(),
       202, 'a message is queued by a primary that has no slot yet'), sleep 2
        for 1 .. 4;
});
is($cluster->on('node2', 'XLEN', $queue), 4, 'it has all of them');
ok(wait_for(sub { reachable() == 16384 }, 10), 'all slots can be reached');


# that of nginx's own channel, by which nginx tests whether it may write

my ($channel) = map { @{ $cluster->on($_, 'PUBSUB', 'SHARDCHANNELS', '*{r*') } }
            'node0';
$cluster->move($cluster->slot($channel), 'node1');

my %faults;
my $end = time() + 2.5;

while (time() < $end) {
    $faults{$_} = 1 for @{ $ll->get('/internal/health')->json()->{faults} };
    sleep 0.05;
}

is(join(' ', grep { /refuses/ } keys %faults), '',
   'a slot that moves is no refusal to write');


# a channel is read where its property has moved, and that connection is lost

my $stream = $ll->events($property, 'u-lena');
ok($stream->wait_event('hello'), 'a stream is open');

sub is_live {
    my ($live) = @_;
    return $stream->wait_event(sub {
        $_[0]{event} eq 'ping' && !($_[0]{json}{live} xor $live)
    }, 10);
}

ok(is_live(1), 'it is live');

$slot = $cluster->slot("ll:{p:$property}:meta");
$cluster->open_slot($slot, 'node1');
my @keys = @{ $cluster->on('node0', 'CLUSTER', 'GETKEYSINSLOT', $slot, 100) };
$cluster->migrate('node0', 'node1', @keys);

# nginx's command waits for the end of the sleep, and its connection ends first
my $redis = $cluster->redis('node1');
$redis->command('MULTI');
$redis->command('DEBUG', 'SLEEP', 1);
$redis->command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
$redis->send_command('EXEC');
$cluster->on('node0', 'SPUBLISH', "ll:{p:$property}:shard", "L 1000 1000\n");
ok(is_live(0), 'a stream whose channel cannot be read is not live');
is($redis->reply()->[1] > 0, 1, 'the connection is lost');

$cluster->cancel_slot($slot, 'node1');
ok(is_live(1), 'the stream is live again');


# a reload, while a slot moves that the old process has to visit

$cluster->move($cluster->slot(queue()), 'node2', sub {
    my ($old) = $ll->nginx_children();

    is($ll->say($property, 'u-tom', 'hello', client_id => 'c-5')->status(),
       202, 'a message is queued where the slot moves');
    $ll->signal('nginx', 'HUP');
    is($stream->wait_event('bye')->{json}{reason}, 'drain',
       'the stream is told of the reload');
    ok(wait_for(sub { !grep { $_ == $old } $ll->nginx_children() }, 10),
       'the old process ends');
    is($ll->say($property, 'u-tom', 'hello', client_id => 'c-6')->status(),
       202, 'a message is queued by the new one');
});
ok(wait_for(sub { reachable() == 16384 }, 10), 'all slots can be reached');

$ll->finish();
