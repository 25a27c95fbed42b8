#!/usr/bin/perl

# A worker is stopped for longer than the claim time, with requests that it has
# read and maybe half done, and then continues: two workers have the same
# requests.  Then workers are replaced one after the other.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib', 't/fault/lib';
use Fault;
use LeaseLoft;

my $f = Fault->new(claim => 800);
my $ll = $f->ll();

# the ids of a worker's pending requests
sub pending {
    my ($n) = @_;

    my $pid = $ll->pid("worker$n");
    my $list = $ll->redis('XPENDING', 'll:{q:0}:requests', 'workers', '-', '+',
                          1000);

    return map { $_->[0] } grep { $_->[1] =~ /-$pid-[0-9a-f]+$/ } @$list;
}

# whether a message that was sent after this time is among them
sub sent_after {
    my ($n, $time) = @_;

    for my $id (grep { $_ > 1000 * $time } map { s/-.*//r } pending($n)) {
        my $list = $ll->redis('XRANGE', 'll:{q:0}:requests', $id, $id);
        return 1 if grep { my %field = @{ $_->[1] }; $field{op} eq 'send' }
                         @$list;
    }

    return 0;
}

# the number of the worker that reads the queue; the other one stands by
sub reader {
    my ($last) = sort { $a->{idle} <=> $b->{idle} }
                 map { my %consumer = @$_; \%consumer }
                 @{ $ll->redis('XINFO', 'CONSUMERS', 'll:{q:0}:requests',
                               'workers') };
    my ($pid) = $last->{name} =~ /-(\d+)-[0-9a-f]+$/;

    return $pid == $ll->pid('worker1') ? 1 : 2;
}

# how many messages a worker found in the thread already
sub duplicates {
    my ($n) = @_;

    my $pid = $ll->pid("worker$n");
    my ($count) = $ll->get('/internal/metrics')->body() =~
        /^leaseloft_worker_duplicates_total\{worker="[^"]*-$pid-\w+"\} (\d+)/m;

    return $count;
}


for my $round (1 .. ($Fault::long ? 20 : 5)) {
    my ($n, $before);

    $f->fault('SIGSTOP past the claim time, SIGCONT', sub {
        my $held;

        # a request that comes after the worker is stopped cannot be done by it;
        # the other one may be taken for the reader when it looks for old ones
        for (1 .. 20) {
            sleep rand 0.2;
            $n = reader();
            $before = duplicates($n);
            $ll->signal("worker$n", 'STOP');
            my $time = time();
            last if $held = wait_for(sub { sent_after($n, $time) }, 0.5);
            $ll->signal("worker$n", 'CONT');
        }

        ok($held, 'a stopped worker has a pending message');
        ok(wait_for(sub { !pending($n) }, 5),
           'the other worker claims the message');
        sleep rand;
        $ll->signal("worker$n", 'CONT');
    });

    ok(wait_for(sub { duplicates($n) > $before }, 5),
       'the stopped worker continues and finds the message done');
}

$f->fault('both workers are stopped', sub {
    $ll->signal("worker$_", 'STOP') for 1, 2;
    sleep 3.5;
    is($ll->get('/internal/health')->status(), 503,
       'health is 503 while both workers are stopped');
    $ll->signal("worker$_", 'CONT') for 2, 1;
});

$f->fault('workers are replaced, one after the other', sub {
    for my $n (1, 2, 1, 2) {
        is($ll->stop("worker$n"), 0, 'a replaced worker exits with 0');
        sleep rand 0.3;
        $f->start_worker($n);
        sleep 0.3;
    }
});

$f->fault('the library of functions is lost',
          sub { $ll->redis('FUNCTION', 'FLUSH') });

$f->end();
