#!/usr/bin/perl

# Leases open and close at their times: by themselves, within a second, with
# streams open, and after a worker that starts late.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new();

sub wait_state {
    my ($property, $state) = @_;
    return wait_for(sub {
        $ll->poll($property, 'u-tom')->{lease}{state} eq $state
    }, 5);
}


my $from = time() + 1.5;
my $to = $from + 1.5;
my @times = (starts_at => at(1.5), ends_at => at(3));

is($ll->lease('P', @times)->json()->{lease}{state}, 'pending',
   'a lease that starts later is pending');

my $stream = $ll->events('P', 'u-tom');
is($stream->wait_event('hello')->{json}{lease}{state}, 'pending',
   'hello says that the lease is pending');
is($ll->say('P', 'u-tom', 'early')->status(), 409,
   'a send before the start gets 409');

my $opened = $stream->wait_entry(1, 4);
is($opened->{event}, 'opened', 'the stream gets the opened entry');
cmp_ok(abs(time() - $from), '<', 1, 'the lease opens within 1 s of its start');
is($stream->find_event('lease', 2)->{json}{lease}{state}, 'active',
   'the stream gets a lease event with the state active');
is($ll->say('P', 'u-tom', 'now')->status(), 201,
   'a send after the start gets 201');

my $ended = $stream->wait_event(sub { ($_[0]{json}{event} // '') eq 'ended' },
                                4);
ok($ended, 'the stream gets the ended entry');
cmp_ok(abs(time() - $to), '<', 1, 'the lease ends within 1 s of its end');
is($ll->say('P', 'u-tom', 'late')->status(), 409,
   'a send after the end gets 409');
is(wait_state('P', 'ended'), 1, 'a poll says that the lease has ended');


# the time decides, not what a worker has already processed: sends after the end
# are refused even if the end is not written yet; a worker that starts late
# writes at once what was due

$ll->lease('Q', ends_at => at(1));
$ll->lease('R', starts_at => at(1));
$ll->lease('S', starts_at => at(0.7), ends_at => at(1));
$ll->stop('worker1');
sleep 1.5;
is($ll->say('Q', 'u-tom', 'too late', client_id => 'late')->status(), 202,
   'a send without a worker gets 202');
$ll->start('worker1');
wait_for(sub { 2 <= (() = $ll->slurp('worker1.log') =~ /connected/g) }, 10);
my $start = time();

is(wait_state('Q', 'ended'), 1, 'a due end is written');
is(wait_state('R', 'active'), 1, 'a due start is written');
is(wait_state('S', 'ended'), 1, 'a due start and end are both written');
cmp_ok(time() - $start, '<', 2, 'due times are written within 2 s');

wait_for(sub { $ll->say('Q', 'u-tom', 'too late', client_id => 'late')
                  ->status() == 409 }, 5);
is_problem($ll->say('Q', 'u-tom', 'too late', client_id => 'late'), 409,
           'lease-not-active', 'the send after the end gets 409');
is(join(' ', map { $_->{event} // $_->{text} }
             @{ $ll->poll('Q', 'u-tom')->{entries} }), 'opened ended',
   'the send after the end is not in the thread');
is(join(' ', map { $_->{event} } @{ $ll->poll('S', 'u-tom')->{entries} }),
   'opened ended', 'a lease that passed without a worker has both entries');


# with two workers each opening is written once

$ll->start('worker2');
ok(wait_for(sub { $ll->slurp('worker2.log') =~ /connected/ }, 10),
   'a second worker connects');
$ll->lease("T$_", starts_at => at(1)) for 1 .. 20;
ok(wait_for(sub { $ll->redis('ZCARD', 'll:{due}:due') == 0 }, 5),
   'no due time is left');
$ll->stop($_) for qw(worker1 worker2);    # after what is under way
my $events = join ' ', map {
    join ',', map { $_->{event} } @{ $ll->poll("T$_", 'u-tom')->{entries} }
} 1 .. 20;
is($events, join(' ', ('opened') x 20),
   'two workers write 20 openings once each');

$ll->finish();
