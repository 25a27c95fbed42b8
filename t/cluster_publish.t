#!/usr/bin/perl

# In a Redis Cluster, inboxes of the property's own primary are written in the
# trip that publishes a batch.  Here the slot of such an inbox is moving, so it
# is owed: that is stored before the request is acknowledged, also if Redis
# refuses at first and the worker is stopped or killed then.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Cluster;

my $ll = LeaseLoft->new(start => 0, worker_options => '--claim 500');
my $cluster = LeaseLoft::Cluster->new($ll, primaries => 2);

$ll->{url} = $cluster->url();
$ll->nginx_conf();
$ll->start($_) for qw(worker1 nginx);
$ll->started();

my $property = 'P1';
my $own = $cluster->has("ll:{p:$property}:meta");
my ($other) = grep { $_ ne $own } $cluster->parts();
my ($tenant) = grep { $cluster->has("ll:{u:$_}:inbox") eq $own }
               map { "u-t$_" } 0 .. 20;
my $slot = $cluster->slot("ll:{u:$tenant}:inbox");
my $sent = 0;

sub say_it {
    my ($what) = @_;

    is($ll->say($property, 'u-lena', "text $sent")->status(), 201, $what);
    $sent++;
}

sub unread { $ll->get('/api/inbox', user => $tenant)->json()->{total_unread} }
sub queued { $cluster->sum('XLEN', 'requests') }
sub owed { $cluster->sum('ZCARD', 'owed') }

is($ll->lease($property, tenants => [$tenant])->status(), 200,
   'a lease is declared');
say_it('a message is stored');
is(unread(), 1, 'its inbox is on the same primary, and written by then');
is(owed(), 0, 'nothing is owed');

$cluster->open_slot($slot, $other);
say_it('a message is stored while the slot of the inbox moves');
ok(wait_for(sub { queued() == 0 }, 10), '... its request is acknowledged');
is(owed(), 1, '... and the inbox is owed');

# what is owed cannot be stored; new workers keep a library of a later revision

my ($library) = @{ $cluster->on($own, 'FUNCTION', 'LIST', 'WITHCODE') };
my %library = @$library;
my $refusal = "do return redis.error_reply('OOM a test') end\n";
my $code = $library{library_code} =~ s/(function ll1_owe\(.*\n)/$1$refusal/r
                                  =~ s/^-- revision \d+/-- revision 9999/mr;

isnt($code, $library{library_code}, 'a library refuses debts');
$cluster->on($own, 'FUNCTION', 'LOAD', 'REPLACE', $code);
say_it('a message is stored while debts are refused');
ok(wait_for(sub { ($cluster->errors()->{OOM} // 0) >= 3 }, 10),
   '... the worker tries to store the debt again');
is(queued(), 1, '... and the request is not acknowledged');

for my $signal (qw(TERM KILL)) {
    $ll->stop('worker1', $signal);
    is(queued(), 1, "the worker gets $signal then: its request stays");

    my $refused = $cluster->errors()->{OOM};
    $ll->start('worker1');
    ok(wait_for(sub { $cluster->errors()->{OOM} > $refused }, 20),
       '... and is processed by a new one, which owes the same');
}

$ll->stop('worker1', 'KILL');
$cluster->on($own, 'FUNCTION', 'LOAD', 'REPLACE', $library{library_code});
$ll->start('worker1');
ok(wait_for(sub { queued() == 0 }, 20),
   'the request is processed once debts are stored');
cmp_ok(owed(), '>=', 1, '... and there is one');

$cluster->_migrate_all($slot, $own, $other);
$cluster->close_slot($slot, $other);
ok(wait_for(sub { owed() == 0 }, 20), 'debts are paid once the slot has moved');
is(unread(), $sent, '... and the inbox is exact');

my $entries = $ll->poll($property, $tenant)->{entries};
is(scalar(grep { $_->{kind} eq 'message' } @$entries), $sent,
   'each message is stored once');

$ll->finish();
