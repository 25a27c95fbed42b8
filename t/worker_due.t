#!/usr/bin/perl

# Due times: a lease stays due until the inboxes of its parties have its end; a
# declaration is acknowledged only after its due time is written.

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
is($q->lease('P', ends_at => $ends)->{status}, 200,
   'a lease that ends in 2 s is declared');

my $state = sub {
    return $q->inbox('u-tom')->{threads}[0]{lease}{state};
};
is($state->(), 'active', 'the inbox says that the lease is active');

# the newest entry that the index of the inbox knows of
my $shown = sub {
    return ($q->redis('HGET', $inbox, 'P') =~ /^\d+ \d+ \d+ (\d+)\./)[0];
};
is($shown->(), 1, 'the index has the opened entry');

# the inbox cannot be written when the lease ends

$q->redis('RENAME', $inbox, "$inbox.kept");
$q->redis('SET', $inbox, 'no hash');

ok(wait_for(sub { $q->redis('XLEN', 'll:{p:P}:thread') == 2 }, 10),
   'the ended entry is written');
ok(wait_for(sub { $ll->slurp('worker1.log') =~ /failed a command/ }, 5),
   'the worker logs that the inbox cannot be written');

$q->redis('RENAME', "$inbox.kept", $inbox);

ok(wait_for(sub { $shown->() == 2 }, 15),
   'the index has the ended entry once it can be written');
is($state->(), 'ended', 'the inbox says ended');
ok(wait_for(sub { $q->redis('ZCARD', 'll:{due}:due') == 0 }, 10),
   'no due time is left');


# Redis refuses the due time for a while, so the worker has to repeat what it
# has committed without it

$q->redis('ACL', 'SETUSER', 'default', 'resetkeys', '~ll:{[^d]*',
          '%R~ll:{due}*');

my $id = $q->put('lease', 'Q', '', {
    lease_id => 'L-1', label => 'Q', time_zone => 'UTC',
    landlords => [{ user => 'u-lena', name => 'Lena' }],
    tenants => [{ user => 'u-tom', name => 'Tom' }],
    starts_at => at(4), ends_at => undef,
});

my $state_of = sub { $q->redis('HGET', "ll:{p:$_[0]}:meta", 'state') };

ok(wait_for(sub { $state_of->('Q') }, 5), 'the lease is written');
ok(wait_for(sub { $ll->slurp('worker1.log') =~ /refuses to write/ }, 5),
   'the worker logs that the due time is refused');
is($q->redis('XLEN', 'll:{q:0}:requests') || 0, 1,
   'the request is not acknowledged');

$q->redis('ACL', 'SETUSER', 'default', 'allkeys');

is($q->await($id, 10)->{status}, 200,
   'the declaration gets 200 once the due time can be written');
ok(wait_for(sub { $q->redis('XLEN', 'll:{p:Q}:thread') == 1 }, 10),
   'the lease opens');

$ll->finish();
