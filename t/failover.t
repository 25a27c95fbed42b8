#!/usr/bin/perl

# A replica that lacks the last entries is promoted, once; the long form of this
# is t/fault/failover.t.

use strict;
use warnings;

use lib 't/lib', 't/fault/lib';
use Fault::Failover;

$ENV{LEASELOFT_SEED} //= 1;

Fault::Failover::test(1, rate => 10);
