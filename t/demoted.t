#!/usr/bin/perl

# The Redis that nginx and the worker are connected to becomes a replica
# without notice: its connections stay, it answers reads, and it forwards what
# the new primary publishes.  Both notice the change and reconnect to the server
# that the address leads to by then.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new(start => 0, main => 'worker_processes 2;');
my $dir = $ll->dir();
my @port = map { LeaseLoft::free_port() } 0, 1;

sub on {
    my ($n, @command) = @_;
    my $redis = LeaseLoft::Redis->new("$dir/r$n.sock") or return undef;
    return $redis->command(@command);
}

# has the address that nginx and the worker know lead to server $n
sub lead_to {
    my ($n) = @_;
    symlink "$dir/r$n.sock", "$dir/new.sock" or die "symlink: $!";
    rename "$dir/new.sock", "$dir/redis.sock" or die "rename: $!";
}

for my $n (0, 1) {
    mkdir "$dir/redis$n";
    $ll->write("r$n.conf", <<"END");
include $LeaseLoft::root/conf/redis.conf
daemonize no
bind 127.0.0.1
port $port[$n]
dir $dir/redis$n
unixsocket $dir/r$n.sock
repl-diskless-sync-delay 0
END
    $ll->spawn_redis("redis$n", "r$n.conf");
    ok(wait_for(sub { (eval { on($n, 'PING') } // '') eq 'PONG' }, 10),
       "Redis $n runs");
}

sub replicate {
    my ($n, $from) = @_;
    on($n, 'REPLICAOF', '127.0.0.1', $port[$from]);
    return wait_for(sub {
        my $role = on($n, 'ROLE');
        $role->[0] eq 'slave' && $role->[3] eq 'connected';
    }, 10);
}

ok(replicate(1, 0), 'the second Redis replicates the first');

# whether both have the same number of entries of the thread, after a while
sub in_step {
    my @servers = @_;
    return wait_for(sub {
        my ($here, $there) = map { on($_, 'XLEN', 'll:{p:P}:thread') } @servers;
        return $here == $there;
    }, 5);
}

# the clients of a server, but for replicas and this question
sub clients {
    my ($n) = @_;
    return grep { !/ flags=[SM]| cmd=client/ }
           split /\n/, on($n, 'CLIENT', 'LIST');
}

# whether all clients have moved from one server to the other: two connections
# of each nginx process, the worker's and its searcher's
sub moved {
    my ($from, $to) = @_;
    return 1 if wait_for(sub { clients($from) == 0 && clients($to) == 6 }, 5);
    diag(join "\n", "on $from:", clients($from), "on $to:", clients($to));
    return 0;
}

lead_to(0);
$ll->start($_) for qw(worker1 nginx);
ok($ll->wait_healthy(), 'health is 200 with the first Redis');
is($ll->lease('P')->status(), 200, 'a lease is declared');

my $stream = $ll->events('P', 'u-lena');



ok($stream->wait_event('hello'), 'a stream is open');
is($ll->say('P', 'u-tom', 'one')->status(), 201, 'a message is sent');
ok($stream->wait_entry(2), 'the stream gets the message');
# the roles change; for a while the address leads to the old primary

my $start = time();

ok(in_step(0, 1), 'the replica has all entries');
on(1, 'REPLICAOF', 'NO', 'ONE');
ok(replicate(0, 1), 'the old primary is a replica');

is($ll->say('P', 'u-tom', 'two', client_id => 'two')->status(), 503,
   'a send to a replica gets 503');
ok($ll->wait_healthy(503, 5), 'health is 503 while Redis is a replica')
    or diag(time() - $start);

# Two processes have two connections each.  Waits are random: from 25 ms in the
# mean they grow to 500, which makes about 25 times; 320 if they did not grow.
sub refused {
    return scalar(() = $ll->slurp('error.log') =~ /refused the .*READONLY/g);
}

my $times = refused();
sleep 2;
my $more = refused() - $times;
cmp_ok($more, '<=', 60, "reconnecting is bounded: $more times in 2 s");

lead_to(1);
$start = time();
ok($ll->wait_healthy(200, 5),
   'health is 200 once the address leads to the new primary');

# 200 if an earlier try was stored, but its reply missed a process that was
# subscribing again, which then answered 202
my $sent = wait_for(sub {
    my $r = $ll->say('P', 'u-tom', 'two', client_id => 'two');
    $r->status() =~ /^20[01]$/ && $r->json();
}, 5);

is($sent && $sent->{seq}, 3, 'the message can be sent to the new primary');
cmp_ok(time() - $start, '<', 5,
       sprintf 'sends work after %.1f s', time() - $start);
my $seen = $stream->wait_entry(3);
is($seen && $seen->{text}, 'two', 'the stream gets that message');


# the address is moved first, and nobody sends meanwhile: no message is refused

ok(moved(0, 1), 'all connections lead to the new primary');
ok(in_step(1, 0), 'the replica has all entries again');
on(0, 'REPLICAOF', 'NO', 'ONE');
lead_to(0);
ok(replicate(1, 0), 'the roles change back');
ok(moved(1, 0), 'all connections move without a request');
is($ll->say('P', 'u-tom', 'three')->status(), 201,
   'the first send after the change is accepted');
ok($stream->wait_entry(4),
   'the stream gets the first message after the change');

ok(wait_for(sub { on(0, 'PUBSUB', 'NUMSUB', 'll:{p:P}:ch')->[1] >= 1 }, 5),
   'nginx subscribes at the new primary');


# only the connections for commands are closed: a subscription that stays with
# the replica gets forwarded messages, which would be lost with the replica

ok(in_step(0, 1), 'the replica has all entries once more');
on(1, 'REPLICAOF', 'NO', 'ONE');
lead_to(1);
on(0, 'CLIENT', 'KILL', 'TYPE', 'normal');
ok(replicate(0, 1), 'the roles have changed once more');
ok(moved(0, 1), 'subscribers move, too');
ok(wait_for(sub { $ll->say('P', 'u-tom', 'four', client_id => 'four')
                     ->json()->{seq} }, 5), 'a message is sent after the move');
ok($stream->wait_entry(5), 'the stream gets the message after the move');

my @got = map { $_->{seq} } $stream->entries();
is("@got", '2 3 4 5', 'the stream gets each message once, in order');

$stream->close();
$ll->finish();
