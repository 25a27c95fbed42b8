#!/usr/bin/perl

# The due time of a lease is all that has its end repeated: it stays until the
# inboxes have been told.

use strict;
use warnings;

use POSIX qw(strftime);
use Test::More;
use Time::HiRes qw(time);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Requests;

my $ll = LeaseLoft->new();
my $q = LeaseLoft::Requests->new($ll);
my $inbox = 'll:{u:u-tom}:inbox';

my $ends = strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(time() + 2));
is($q->lease('P', ends_at => $ends)->{status}, 200, 'a lease that ends soon');

my $state = sub {
    return $q->inbox('u-tom')->{threads}[0]{lease}{state};
};
is($state->(), 'active', 'the inbox says that it has not');

# an inbox that cannot be written, until the lease is over

$q->redis('RENAME', $inbox, "$inbox.kept");
$q->redis('SET', $inbox, 'no hash');

ok(wait_for(sub { $q->redis('XLEN', 'll:{p:P}:thread') == 2 }, 10), 'it ends');
ok(wait_for(sub { $ll->slurp('worker1.log') =~ /failed a command/ }, 5),
   'the inbox is not told');

$q->redis('RENAME', "$inbox.kept", $inbox);

ok(wait_for(sub { $state->() eq 'ended' }, 15), 'it is, once that can be');
ok(wait_for(sub { $q->redis('ZCARD', 'll:{due}:due') == 0 }, 10),
   'and nothing is due any more');

$ll->finish();
