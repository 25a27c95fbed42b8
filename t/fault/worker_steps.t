#!/usr/bin/perl

# A worker is killed before and after each command that it gives Redis: after
# each step of the write path, with what it had sent before done and what
# follows not.  A proxy between the two counts the commands and strikes.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib', 't/fault/lib';
use Fault;
use LeaseLoft;

my $f = Fault->new(proxy => 'workers', claim => 800);
my $ll = $f->ll();

my @steps = qw(XREADGROUP ll1_state ll1_append ll1_badge PUBLISH XACK XDEL
               ll1_mark ll1_lease ll1_threads ll1_due ll1_beat XAUTOCLAIM);

for my $step (@steps) {
    for my $when (qw(before after)) {
        $f->fault("$when $step", sub {
            for (1 .. ($Fault::long ? 10 : 2)) {
                my $n = 1 + int rand 2;
                my $lease;

                # states are asked for, and leases changed, now and then only
                if ($step =~ /lease|due|threads|state/) {
                    $lease = fork() // die;
                    if ($lease == 0) {
                        for (1 .. 20) {
                            sleep 0.1;
                            $ll->lease('P1', landlords => [qw(u-lena u-omar)],
                                tenants => [qw(u-tom1 u-ana1 u-mia1)],
                                label => 'label ' . rand);
                        }
                        POSIX::_exit(0);
                    }
                }

                my $struck = $f->proxy()->strike($when, $step,
                                                 1 + (!$lease && int rand 2),
                                                 $ll->pid("worker$n"), 3);

                # whichever it was, its connection is gone: only the other
                # one may have come to that step
                $f->kill_worker($n);
                waitpid $lease, 0 if $lease;
                diag("$when $step: not reached") if !$struck;
            }
        }, quiet => 1);
    }
}

my @times = map { @$_ } values %{ $f->{times} };
my $worst = 0;
for (@times) { $worst = $_ if $_ > $worst }
diag(sprintf '%d steps, %d kills: all go on within %.2f s', scalar @times,
     @times * ($Fault::long ? 10 : 2), $worst);

$f->end();
