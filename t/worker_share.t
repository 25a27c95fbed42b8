#!/usr/bin/perl

# Workers share the queues: each reads its own, so that they do not send the
# same messages, and those of others as soon as nobody reads these.

use strict;
use warnings;

use List::Util qw(sum0);
use Test::More;
use Time::HiRes qw(time);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Requests;

my $ll = LeaseLoft->new(start => 0);
$ll->start('redis');

my $q = LeaseLoft::Requests->new($ll);
my $n = 0;

sub start_worker {
    my ($name, $queues) = @_;
    $ll->spawn($name, "$LeaseLoft::worker --redis $ll->{url} --name $name"
               . ' --queues ' . ($queues // 1));
}

# a counter of a worker, by its heartbeat
sub counter {
    my ($name, $counter) = @_;

    my $record = $q->redis('HGET', 'll:{w}:workers', $name) // '';
    return $record =~ / \Q$counter\E=(\d+)/ ? $1 : -1;
}

# 1 once 40 messages are divided like that, and none is sent to Redis twice; the
# machine may stall a worker, so that another one helps for a while
sub shared {
    my ($expected, $send, @names) = @_;

    return wait_for(sub {
        my @before = map { counter($_, 'messages') } @names;
        my @twice = map { counter($_, 'conflicts') } @names;
        my @counts;

        $send->();
        wait_for(sub {
            @counts = map { counter($names[$_], 'messages') - $before[$_] }
                      0 .. $#names;
            sum0(@counts) == 40;
        }, 10);

        return join(' ', @counts) eq $expected
            && "@twice" eq join ' ', map { counter($_, 'conflicts') } @names;
    }, 20);
}

# 1 once these workers have had two heartbeats
sub beaten {
    my (@names) = @_;

    my %before = map { $_ => $q->redis('HGET', 'll:{w}:workers', $_) } @names;
    my %times;

    # each of them knows the others after its second one
    return wait_for(sub {
        for my $name (@names) {
            my $now = $q->redis('HGET', 'll:{w}:workers', $name) // '';
            $times{$name}{$now}++ if $now ne ($before{$name} // '');
        }
        return !grep { keys %{ $times{$_} || {} } < 2 } @names;
    }, 10);
}

sub say_some {
    my ($count) = @_;

    return $q->put_all(map {
        $n++;
        ['send', 'P' . $n % 4, 'u-tom', { client_id => "c$n", text => "t$n" }]
    } 1 .. $count);
}

sub statuses {
    my ($seconds, @numbers) = @_;

    $q->await($_, $seconds) for @numbers;
    my %seen = map { ($q->{verdicts}{$_} || { status => 'none' })->{status}
                     => 1 } @numbers;
    return join ' ', sort keys %seen;
}


# one queue: one of two workers reads it

start_worker($_) for qw(a b);
ok(beaten(qw(a b)), 'two workers know of each other');
is(scalar(grep { $q->lease("P$_")->{status} != 200 } 0 .. 3), 0,
   'leases are declared');
is(statuses(10, say_some(40)), '201', 'all messages are stored');
ok(shared('40 0', sub { say_some(40) }, qw(a b)),
   'one queue: one of two workers reads it');

# stalled: requests that it has taken are claimed, the others do not wait

$ll->signal('a', 'STOP');
my @first = say_some(1);
my $start = time();
ok(wait_for(sub { $q->pump(0.01); say_some(1); counter('b', 'requests') > 0 },
            10), 'its worker is stalled: the other reads the queue');
my $took = time() - $start;
cmp_ok($took, '<', 3, sprintf 'that takes %.2f s, heartbeat included', $took);
$ll->signal('a', 'CONT');
is(statuses(15, @first), '201', 'what the stalled worker had taken is stored');

# killed: its heartbeat still counts

ok(wait_for(sub { $q->redis('XLEN', 'll:{q:0}:requests') == 0 }, 15),
   'the queue is empty');
$ll->stop($_) for qw(a b);
start_worker($_) for qw(c d);
ok(beaten(qw(c d)), 'two other workers know of each other');
like($q->redis('CLIENT', 'LIST'), qr/name=c /, 'one of them is connected');
$ll->stop('c', 'KILL');

# until it knows, Redis may give it a request, which waits to be claimed
ok(wait_for(sub { $q->redis('CLIENT', 'LIST') !~ /name=c / }, 10),
   'Redis knows that the one which reads is gone');
my @times = map {
    my $start = time();
    is(statuses(5, say_some(1)), '201', "message $_ after a kill is stored");
    time() - $start;
} 1 .. 5;
cmp_ok($times[0], '<', 2, sprintf 'the first waits for %.2f s', $times[0]);
cmp_ok($times[4], '<', 1, sprintf 'the fifth for %.2f s', $times[4]);
$ll->stop('d');

# as if its heartbeat had been long ago
$q->redis('HDEL', 'll:{w}:workers', 'c');

# four queues: each worker reads two of them

start_worker($_, 4) for qw(e f);
ok(beaten(qw(e f)), 'two workers of four queues know of each other');

ok(shared('20 20', sub {
    for (1 .. 40) {
        $n++;
        $q->redis('XADD', 'll:{q:' . $n % 4 . '}:requests', '*', 'op', 'send',
                  'p', 'P' . $n % 4, 'u', 'u-tom', 'b',
                  qq({"client_id":"c$n","text":"t$n"}), 'r', "nobody.$n");
    }
}, qw(e f)), 'four queues: each of two workers reads two');

$ll->finish();
