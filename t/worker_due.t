#!/usr/bin/perl

# Due times: that of a lease is all that has its end repeated, so it stays until
# the inboxes have been told; a declaration is not done before it is there.

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


# a due time that Redis refuses for a while, so that the worker has to begin
# anew what it had committed but for that

$q->redis('ACL', 'SETUSER', 'default', 'resetkeys', '~ll:{[^d]*',
          '%R~ll:{due}*');

my $id = $q->put('lease', 'Q', '', {
    lease_id => 'L-1', label => 'Q', time_zone => 'UTC',
    landlords => [{ user => 'u-lena', name => 'Lena' }],
    tenants => [{ user => 'u-tom', name => 'Tom' }],
    starts_at => at(4), ends_at => undef,
});

my $state_of = sub { $q->redis('HGET', "ll:{p:$_[0]}:meta", 'state') };

ok(wait_for(sub { $state_of->('Q') }, 5), 'a lease is written');
ok(wait_for(sub { $ll->slurp('worker1.log') =~ /refuses to write/ }, 5),
   'its due time is not');
is($q->redis('XLEN', 'll:{q:0}:requests') || 0, 1, 'the request is not done');

$q->redis('ACL', 'SETUSER', 'default', 'allkeys');

is($q->await($id, 10)->{status}, 200, 'it is, once the due time may be');
ok(wait_for(sub { $q->redis('XLEN', 'll:{p:Q}:thread') == 1 }, 10),
   'and it opens');

$ll->finish();
