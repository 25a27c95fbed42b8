#!/usr/bin/perl

# Workers are killed at random moments under load; everything is checked after
# each one to three kills.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib', 't/fault/lib';
use Fault;
use LeaseLoft;

my $kills = $Fault::long ? 100 : 20;
my $f = Fault->new();

for (my $n = 0; $n < $kills; ) {
    $f->fault('random kills', sub {
        for (1 .. 1 + int rand 3) {
            sleep rand 0.6;
            $f->kill_worker(1 + int(rand 2), rand() < 0.3 ? rand : 0);
            $n++;
        }
    }, quiet => 1);
}

my @times = sort { $a <=> $b } @{ $f->{times}{'random kills'} };
diag(sprintf '%d kills: senders and readers continue within %.2f s', $kills,
     $times[-1]);

$f->end();
