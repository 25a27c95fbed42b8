#!/usr/bin/perl

# The worker's client of a Redis Cluster, and the functions in one: three
# primaries, three replicas.

use strict;
use warnings;

use IPC::Open2;
use Test::More;
use Time::HiRes qw(time);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Cluster;

my $build = $ENV{BUILD} || 'build';
my $ll = LeaseLoft->new(start => 0);
my $cluster = LeaseLoft::Cluster->new($ll, replicas => 1);
my @port = map { $cluster->{ports}{$_} } $cluster->parts();
my (@pids, $in, $out);

# starts the client with a URL
sub client {
    my ($url) = @_;
    push @pids, open2($out, $in, "$build/t/lib/cluster_call", $url);
}

sub ask { print $in "@_\n"; }
sub answer { my $line = <$out>; $line =~ s/\n//; return $line; }
sub call { ask(@_); return answer(); }

# a command to node N
sub on {
    my ($n, @command) = @_;
    return $cluster->on("node$n", @command);
}

# how many times a node has answered with an error
sub errors {
    my ($n, $error) = @_;
    return on($n, 'INFO', 'errorstats')
           =~ /errorstat_$error:count=(\d+)/ ? $1 : 0;
}


# addresses that are down, and the map

my $down = '127.0.0.1:' . LeaseLoft::free_port();
client('redis+cluster://' . "$down," . $cluster->address('node4'));

is(call('map'), "16384 127.0.0.1:$port[0]=5461 127.0.0.1:$port[1]=5461 "
                . "127.0.0.1:$port[2]=5462",
   'the map is read although the first address of the URL is down');


# each key goes to its primary: b 3300, c 7365, a 15495

my @key = qw(b c a);

for my $n (0 .. 2) {
    is(call('SET', $key[$n], $n), 'OK', "a write to primary $n");
    is(on($n, 'GET', $key[$n]), $n, "primary $n has it");
}

like(call('MGET', 'a', 'b'), qr/^CROSSSLOT /, 'other errors are the reply');


# the functions: every name in one call has one slot, and Redis sees to it

my $library = join '', map { local (@ARGV, $/) = "worker/lua/$_.lua"; <> }
    'functions', map { "functions_$_" } qw(segment view record thread read erase
                                           purge inbox queue service);
on($_, 'FUNCTION', 'LOAD', $library) for 0 .. 2;

# {w} and {u:u2} are in slots of primary 0, {u:U} of another
my $slot = on(0, 'CLUSTER', 'KEYSLOT', 'll:{w}:shard');
is($slot, 3696, 'the channel of all nginx processes is on primary 0');

my $subscriber = $cluster->redis('node0');
$subscriber->send_command('SSUBSCRIBE', 'll:{w}:shard');
is_deeply($subscriber->reply(), ['ssubscribe', 'll:{w}:shard', 1],
          'a client subscribes');

my @revoke = ('ll1_revoke', 1, 'll:{w}:revoked', 'u-tom', 60);
like(eval { on(0, 'FCALL', @revoke, 'll:{w}:shard') }
     && 'ok' || $@, qr/^ok/, 'a function publishes on a sharded channel');
is_deeply($subscriber->reply(), ['smessage', 'll:{w}:shard', 'revoked'],
          'the subscriber gets it');

ok(!eval { on(0, 'FCALL', @revoke, 'll:{r:n}:shard'); 1 },
   'a function cannot publish to another slot');
like($@, qr/slot|non local key/i, 'Redis says why');


# a slot that moved

$slot = on(0, 'CLUSTER', 'KEYSLOT', 'moved');
is(call('GET', 'moved'), 'nil', 'a key in a slot that will move');
$cluster->move($slot, 'node1');
is(call('SET', 'moved', 'x'), 'OK', 'a command follows MOVED');
is($cluster->on('node1', 'GET', 'moved'), 'x', 'the new primary has the key');


# a slot that is moving: keys that the old primary lacks are at the new one

my $tag = '{b}';
$slot = on(0, 'CLUSTER', 'KEYSLOT', $tag);

my @id = map { $cluster->id($_) } $cluster->parts();

on(2, 'CLUSTER', 'SETSLOT', $slot, 'IMPORTING', $id[0]);
on(0, 'CLUSTER', 'SETSLOT', $slot, 'MIGRATING', $id[2]);

is(call('GET', 'b'), '0', 'a key that is still at the old primary is read');
is(call('SET', "${tag}new", 'y'), 'OK', 'a command follows ASK');
is(on(2, 'CLUSTER', 'COUNTKEYSINSLOT', $slot), 1,
   'the importing primary has the key');
is(on(0, 'CLUSTER', 'COUNTKEYSINSLOT', $slot), 1,
   'the old one has its own');

# both keys: TRYAGAIN until the old one has moved
ask('MGET', 'b', "${tag}new");
ok(wait_for(sub { errors(0, 'TRYAGAIN') }), 'Redis answers TRYAGAIN');
on(0, 'MIGRATE', '127.0.0.1', $port[2], 'b', 0, 1000);
on($_, 'CLUSTER', 'SETSLOT', $slot, 'NODE', $id[2]) for 2, 0;
is(answer(), '0 y', 'a command is repeated after TRYAGAIN');


# a primary is killed: its replica takes over

is(call('SET', 'c', 'before'), 'OK', 'a write before the failover');
ok($cluster->redis('node1')->replicated(1), 'its replica has all of it');
$ll->stop('node1', 'KILL');

my $said = call('GET', 'c');
like($said, qr/^(LOST 127\.0\.0\.1:|LOST .|before$)/,
     'a command in a connection that breaks is not repeated');
is($said eq 'before' ? $said : call('GET', 'c'), 'before',
   'the next one waits for the promoted replica');
like(call('map'), qr/^16384 (?!.*:$port[1]=).*:$port[4]=/,
     'the map has the replica in place of the primary');
is(call('GET', 'a'), 2, 'other primaries serve as before');


# a primary is stopped: it accepts connections, and says nothing

is(call('SET', 'b', 'stopped'), 'OK', 'a write before a primary is stopped');
ok($cluster->redis('node2')->replicated(1), 'its replica has all of it');
$ll->signal('node2', 'STOP');
like(call('GET', 'b'), qr/^LOST /, 'a command to it is given up');
my $start = time();
is(call('GET', 'b'), 'stopped', 'the next one goes to the promoted replica');
cmp_ok(time() - $start, '<', 2, 'without waiting for the stopped one again');
$ll->signal('node2', 'CONT');

close $in;
waitpid $_, 0 for splice @pids;


# a cluster that is not complete at start

my $new = LeaseLoft->new(start => 0);
$cluster = LeaseLoft::Cluster->new($new, dealt => [[0, 5460], [5461, 10922]]);
client($cluster->url(1));

like(call('map'), qr/^10923 /, 'a map may lack slots');
is(call('SET', 'b', 1), 'OK', 'the slots that exist can be used');
ask('SET', 'a', 1);
ok(wait_for(sub {
    on(0, 'INFO', 'commandstats') =~ /cluster\|slots:calls=(\d+)/ && $1 > 2
}), 'the map is read again while a command waits');
on(2, 'CLUSTER', 'ADDSLOTSRANGE', 10923, 16383);
is(answer(), 'OK', 'a command waits until its slot has a primary');

close $in;
waitpid $_, 0 for splice @pids;

$_->finish(more => 1) for $ll, $new;

done_testing();
