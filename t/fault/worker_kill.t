#!/usr/bin/perl

# Workers are killed at random moments, under load.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib', 't/fault/lib';
use Fault;
use LeaseLoft;

my $kills = $Fault::long ? 100 : 20;
my $f = Fault->new();

$f->fault("$kills random kills", sub {
    for (1 .. $kills) {
        sleep rand 0.6;
        $f->kill_worker(1 + int(rand 2), rand() < 0.3 ? rand : 0);
    }
});

$f->end();
