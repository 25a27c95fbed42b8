#!/usr/bin/perl

# A replica is promoted that lacks the last entries: see t/fault/failover.t.

use strict;
use warnings;

use lib 't/lib', 't/fault/lib';
use Fault::Failover;

$ENV{LEASELOFT_SEED} //= 1;

Fault::Failover::test(1, rate => 10);
