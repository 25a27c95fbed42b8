#!/usr/bin/perl

# A worker is killed before and after each command that it sends to Redis, that
# is, at each step of the write path: earlier commands are carried out, later
# ones are not.  A proxy between them counts the commands, and stops the worker
# whose connection gets to the chosen one.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib', 't/fault/lib';
use Fault;
use LeaseLoft;

# searchers read by the same commands, in processes of their own
my $f = Fault->new(proxy => 'workers', socket => 1, claim => 800,
                   options => '--seal-after 8 --seal-size 4 --searchers 0');
my $ll = $f->ll();
my $strikes = $Fault::long ? 10 : 2;

my @steps = qw(XREADGROUP ll1_state ll1_append ll1_badge PUBLISH XACK XDEL
               ll1_mark ll1_lease ll1_badges ll1_due ll1_beat XAUTOCLAIM
               XPENDING XCLAIM ll1_unsealed ll1_seal);


# leases change rarely, and with them the steps that concern leases
sub change_lease {
    $ll->lease('P1', landlords => [qw(u-lena u-omar)],
               tenants => [qw(u-tom1 u-ana1 u-mia1)], label => 'label ' . rand);
}

# a worker with a new connection claims its own pending requests
sub cut_workers {
    my @ids = $ll->redis('CLIENT', 'LIST') =~ /^id=(\d+) .* cmd=xreadgroup /mg;
    $ll->redis('CLIENT', 'KILL', 'ID', $_) for @ids;
}

# a process that makes workers get to a rare step again and again: its pid, or 0
# if the step is not rare
sub stir {
    my ($step) = @_;

    my $do = $step =~ /lease|due|badges|state/ ? \&change_lease
           : $step =~ /XPENDING|XCLAIM/ ? \&cut_workers : return 0;
    my $pid = fork() // die "fork: $!";

    return $pid if $pid;

    for (;;) {
        sleep 0.1;
        eval { $do->() };
    }
}


for my $step (@steps) {
    for my $when (qw(before after)) {
        for my $n (1 .. $strikes) {
            $f->fault("$when $step", sub {
                my $stir = stir($step);
                my $pid = $f->proxy()->strike($when, $step,
                                              1 + (!$stir && int rand 2), 5);

                # every other time no other send completes the work: a worker
                # that claims the request has to
                $f->still($n % 2 ? @{ $f->names() } : ());

                if ($stir) {
                    kill 'KILL', $stir;
                    waitpid $stir, 0;
                }

                my ($one) = grep { $ll->pid("worker$_") == $pid } 1, 2;
                ok($one, "$when $step: a worker gets there and is killed");
                $f->kill_worker($one) if $one;
            }, quiet => 1);
        }
    }
}

my @times = map { @$_ } values %{ $f->{times} };
my ($worst) = sort { $b <=> $a } @times;
diag(sprintf '%d places, %d kills: senders and readers continue within %.2f s',
     2 * @steps, scalar @times, $worst);

$f->end();
