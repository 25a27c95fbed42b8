#!/usr/bin/perl

# A busy worker publishes a batch, begins the next one and reads the one after
# it in one trip.  It is killed, or Redis refuses, at each step of such a trip:
# every message is stored once, in its verdict and in the inboxes.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep);

use lib 't/lib', 't/fault/lib';
use Fault::Proxy;
use LeaseLoft;
use LeaseLoft::Requests;

my $batch = 4;
my @properties = qw(P1 P2 P3);

my $ll = LeaseLoft->new(start => 0);
$ll->start('redis');

my $q = LeaseLoft::Requests->new($ll);
my $proxy = Fault::Proxy->new($ll->dir() . '/redis.sock',
                              $ll->dir() . '/proxy.sock');
my ($sent, $pid) = (0);

sub start_worker {
    $pid = $ll->spawn('worker1', "$LeaseLoft::worker --batch $batch"
                      . " --claim 300 --searchers 0 --redis unix:" . $ll->dir()
                      . '/proxy.sock');
}

# a queue of many batches, for a worker that is stopped meanwhile
sub fill {
    my ($batches) = @_;

    return $q->put_all(map {
        $sent++;
        my $user = (qw(u-lena u-tom))[$sent % 2];
        # a fifth are read marks
        $sent % 5 ? ['send', $properties[$sent % 3], $user,
                     { client_id => "c$sent", text => "text $sent" }]
                  : ['read', $properties[$sent % 3], $user, { upto => 1 }];
    } 1 .. $batches * $batch);
}

sub settled {
    return wait_for(sub {
        $q->pump(0.05);
        $q->redis('XLEN', 'll:{q:0}:requests') == 0
            && $q->redis('XPENDING', 'll:{q:0}:requests', 'workers')->[0] == 0;
    }, 20);
}

sub count { ($q->redis('INFO', 'stats') =~ /^$_[0]:(\d+)/m)[0] }

# what went wrong with these requests, and with all of Redis; '' for nothing
sub wrong {
    my (@numbers) = @_;

    my @wrong;

    push @wrong, 'not settled' if !settled();
    $q->pump(0.1);

    for my $n (@numbers) {
        my %kinds = map { s/^20[01]$/sent/r => 1 } @{ $q->{told}{$n} || [] };
        push @wrong, "verdicts of $n: " . join ' ', %kinds
            if join(' ', keys %kinds) !~ /^(?:sent|204)$/;
    }

    my %total;

    for my $property (@properties) {
        my $broken = $q->broken($property);
        push @wrong, "$property: $broken" if $broken;

        for my $user (qw(u-lena u-tom)) {
            my $unread = $q->recount($property, $user);
            my ($thread) = grep { $_->{property} eq $property }
                           @{ $q->inbox($user)->{threads} };
            $total{$user} += $unread;
            push @wrong, "$user $property: $thread->{unread}, not $unread"
                if $thread->{unread} != $unread;
        }
    }

    for my $user (sort keys %total) {
        my $told = $q->inbox($user)->{total};
        push @wrong, "$user: $told in all, not $total{$user}"
            if $told != $total{$user};
    }

    my $stored = 0;
    $stored += $q->redis('HGET', "ll:{p:$_}:meta", 'n') for @properties;
    my $sends = $sent - int($sent / 5);
    push @wrong, "$stored stored, not $sends" if $stored != $sends;

    return join '; ', @wrong;
}


start_worker();
is(scalar(grep { $q->lease($_)->{status} != 200 } @properties), 0,
   'leases are declared');

# Redis counts reads from sockets: one or more for each trip of the worker, and
# 500 for 200 batches if each is published before the next one begins

kill 'STOP', $pid;
my @numbers = fill(200);
my $reads = count('total_reads_processed');
kill 'CONT', $pid;
$q->await($numbers[-1], 20);
cmp_ok(count('total_reads_processed') - $reads, '<', 200 * 2,
       'a busy worker makes fewer than two trips for each batch');
is(wrong(@numbers), '', 'a full queue is processed');

# inboxes are refused, but not the commands of the next batch that were sent
# with them: these are done, and begin again

my ($library) = @{ $q->redis('FUNCTION', 'LIST', 'WITHCODE') };
my %library = @$library;
my $refusal = "do return redis.error_reply('OOM a test') end\n";
my $code = $library{library_code} =~ s/(function ll1_badge\(.*\n)/$1$refusal/r;

sub duplicates {
    return $q->redis('HVALS', 'll:{w}:workers')->[0] =~ /duplicates=[1-9]/;
}

sub refuse_inboxes {
    kill 'STOP', $pid;
    @numbers = fill(100);
    kill 'CONT', $pid;
    $q->await($numbers[0]);
    $q->redis('FUNCTION', 'LOAD', 'REPLACE', $code);
    sleep 0.3;
    my $left = $q->redis('XLEN', 'll:{q:0}:requests');
    cmp_ok($left, '>', 2 * $batch, 'inboxes are refused while there is work');
    sleep 0.3;
    is($q->redis('XLEN', 'll:{q:0}:requests'), $left,
       'inboxes are refused: no request is acknowledged');
    $q->redis('FUNCTION', 'LOAD', 'REPLACE', $library{library_code});
    is(wrong(@numbers), '', 'inboxes are refused: nothing is wrong afterwards');
}

# the first refusal may meet a batch that the worker publishes alone
for (1 .. 8) {
    refuse_inboxes();
    last if wait_for(\&duplicates, 2);
}

ok(duplicates(),
   'inboxes are refused: messages of the next batch were stored before');

# killed at each command of a trip, the second time that it gets there

for my $step (qw(XREADGROUP ll1_append ll1_mark ll1_badge PUBLISH XDEL XACK)) {
    for my $when (qw(before after)) {
        for my $nth (2, 3 + int rand 4) {
            kill 'STOP', $pid;
            @numbers = fill(8);
            $proxy->tell('strike', $when, $step, $nth);
            kill 'CONT', $pid;

            my $killed = $proxy->line(10);
            is($killed, $pid, "killed $when $step number $nth");
            $ll->stop('worker1', 'KILL');
            start_worker();
            is(wrong(@numbers), '', "killed $when $step: nothing is wrong");
        }
    }
}

$proxy->stop();
$ll->finish();
