#!/usr/bin/perl

# The Redis that nginx and the worker are connected to becomes a replica, and
# says so to nobody: its connections stay, it answers reads, and passes on what
# the new primary publishes.  Both find it out by themselves, and connect again
# to what the address leads to by then.

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

# the address that nginx and the worker know
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
    $ll->spawn("redis$n", "redis-server $dir/r$n.conf");
    ok(wait_for(sub { (eval { on($n, 'PING') } // '') eq 'PONG' }, 10),
       "Redis $n");
}

sub replicate {
    my ($n, $from) = @_;
    on($n, 'REPLICAOF', '127.0.0.1', $port[$from]);
    return wait_for(sub {
        my $role = on($n, 'ROLE');
        $role->[0] eq 'slave' && $role->[3] eq 'connected';
    }, 10);
}

ok(replicate(1, 0), 'replicates');
# whether the second has what the first has of the thread, in time
sub in_step {
    my @servers = @_;
    return wait_for(sub {
        my ($here, $there) = map { on($_, 'XLEN', 'll:{p:P}:thread') } @servers;
        return $here == $there;
    }, 5);
}

# who is connected to one, but for replication and this question
sub clients {
    my ($n) = @_;
    return grep { !/ flags=[SM]| cmd=client/ }
           split /\n/, on($n, 'CLIENT', 'LIST');
}

# whether all have come from one to the other: two connections of each nginx
# process, and the worker's
sub moved {
    my ($from, $to) = @_;
    return 1 if wait_for(sub { clients($from) == 0 && clients($to) == 5 }, 5);
    diag(join "\n", "on $from:", clients($from), "on $to:", clients($to));
    return 0;
}

lead_to(0);
$ll->start($_) for qw(worker1 nginx);
ok($ll->wait_healthy(), 'healthy');
is($ll->lease('P')->status(), 200, 'a lease');

my $stream = $ll->events('P', 'u-lena');
ok($stream->wait_event('hello'), 'a stream');
is($ll->say('P', 'u-tom', 'one')->status(), 201, 'a message');
ok($stream->wait_entry(2), 'is seen');


# the roles change; for a while the address leads to the wrong one

my $start = time();

ok(in_step(0, 1), 'the replica has all');
on(1, 'REPLICAOF', 'NO', 'ONE');
ok(replicate(0, 1), 'the roles have changed');

is($ll->say('P', 'u-tom', 'two', client_id => 'two')->status(), 503,
   'nothing can be sent');
ok($ll->wait_healthy(503, 5), 'which health says') or diag(time() - $start);

my $times = () = $ll->slurp('error.log') =~ /READONLY/g;
sleep 2;
my $more = (() = $ll->slurp('error.log') =~ /READONLY/g) - $times;
cmp_ok($more, '<=', 60, "tried again, but not in a hurry: $more times");

lead_to(1);
$start = time();
ok($ll->wait_healthy(200, 5), 'the address follows: healthy');

# 200, if it was stored before and the verdict missed a process that was just
# making its subscription anew, which answers 202 then
my $sent = wait_for(sub {
    my $r = $ll->say('P', 'u-tom', 'two', client_id => 'two');
    $r->status() =~ /^20[01]$/ && $r->json();
}, 5);

is($sent && $sent->{seq}, 3, 'the message can be sent');
cmp_ok(time() - $start, '<', 5, sprintf 'within %.1f s', time() - $start);
my $seen = $stream->wait_entry(3);
is($seen && $seen->{text}, 'two', 'and is seen');


# the address is moved first, and nobody sends: no message is refused

ok(moved(0, 1), 'all connections are with the new one');
ok(in_step(1, 0), 'the replica has all');
on(0, 'REPLICAOF', 'NO', 'ONE');
lead_to(0);
ok(replicate(1, 0), 'and back');
ok(moved(1, 0), 'all connections have moved');
is($ll->say('P', 'u-tom', 'three')->status(), 201,
   'found out before anybody sends');
ok($stream->wait_entry(4), 'and is seen');

ok(wait_for(sub { on(0, 'PUBSUB', 'NUMSUB', 'll:{p:P}:ch')->[1] >= 1 }, 5),
   'the new primary is listened to');


# a process whose two connections are parted by that: what it hears comes by
# way of the replica, and would be lost with it

ok(in_step(0, 1), 'the replica has all');
on(1, 'REPLICAOF', 'NO', 'ONE');
lead_to(1);
on(0, 'CLIENT', 'KILL', 'TYPE', 'normal');
ok(replicate(0, 1), 'the roles have changed');
ok(moved(0, 1), 'those that listen have moved, too');
ok(wait_for(sub { $ll->say('P', 'u-tom', 'four', client_id => 'four')
                     ->json()->{seq} }, 5), 'a message');
ok($stream->wait_entry(5), 'is seen');

my @got = map { $_->{seq} } $stream->entries();
is("@got", '2 3 4 5', 'once each, in order');

$stream->close();
$ll->finish();
