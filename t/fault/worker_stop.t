#!/usr/bin/perl

# A worker stands still for longer than the claim time, with requests taken and
# maybe half done, then goes on: two workers hold the same requests.  Then
# workers are replaced one after the other.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib', 't/fault/lib';
use Fault;
use LeaseLoft;

my $f = Fault->new(claim => 800);
my $ll = $f->ll();

# those that Redis has given to a worker and waits for
sub pending {
    my ($n) = @_;

    my $pid = $ll->pid("worker$n");
    my $list = $ll->redis('XPENDING', 'll:{q:0}:requests', 'workers', '-', '+',
                          1000);

    return map { $_->[0] } grep { $_->[1] =~ /-$pid-[0-9a-f]+$/ } @$list;
}

# a message among them that was sent after this time
sub sent_after {
    my ($n, $time) = @_;

    for my $id (grep { $_ > 1000 * $time } map { s/-.*//r } pending($n)) {
        my $list = $ll->redis('XRANGE', 'll:{q:0}:requests', $id, $id);
        return 1 if grep { my %field = @{ $_->[1] }; $field{op} eq 'send' }
                         @$list;
    }

    return 0;
}

# how many it found that were in the thread already
sub duplicates {
    my ($n) = @_;

    my $pid = $ll->pid("worker$n");
    my ($count) = $ll->get('/internal/metrics')->body() =~
        /^leaseloft_worker_duplicates_total\{worker="[^"]*-$pid-\w+"\} (\d+)/m;

    return $count;
}


for my $round (1 .. ($Fault::long ? 20 : 5)) {
    my $n = 1 + int rand 2;
    my $before = duplicates($n);

    $f->fault('SIGSTOP past the claim time, SIGCONT', sub {
        my $held;

        # what comes once it has stopped, it cannot have done
        for (1 .. 20) {
            sleep rand 0.2;
            $ll->signal("worker$n", 'STOP');
            my $time = time();
            last if $held = wait_for(sub { sent_after($n, $time) }, 0.5);
            $ll->signal("worker$n", 'CONT');
        }

        ok($held, 'it holds a message');
        ok(wait_for(sub { !pending($n) }, 5), 'which the other one has taken');
        sleep rand;
        $ll->signal("worker$n", 'CONT');
    });

    ok(wait_for(sub { duplicates($n) > $before }, 5), 'both have done it');
}

$f->fault('both stand still', sub {
    $ll->signal("worker$_", 'STOP') for 1, 2;
    sleep 3.5;
    is($ll->get('/internal/health')->status(), 503, 'health says so');
    $ll->signal("worker$_", 'CONT') for 2, 1;
});

$f->fault('workers are replaced, one after the other', sub {
    for my $n (1, 2, 1, 2) {
        is($ll->stop("worker$n"), 0, 'leaves with 0');
        sleep rand 0.3;
        $f->start_worker($n);
        sleep 0.3;
    }
});

$f->fault('the library is lost', sub { $ll->redis('FUNCTION', 'FLUSH') });

$f->end();
