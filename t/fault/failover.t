#!/usr/bin/perl

# Replicas that lack the last entries are promoted, several times: see
# Fault::Failover.

use strict;
use warnings;

use lib 't/lib', 't/fault/lib';
use Fault::Failover;

Fault::Failover::test($Fault::long ? 8 : 3);
