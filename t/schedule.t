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

is($ll->lease('P', @times)->json()->{lease}{state}, 'pending', 'pending');

my $stream = $ll->events('P', 'u-tom');
is($stream->wait_event('hello')->{json}{lease}{state}, 'pending', 'hello');
is($ll->say('P', 'u-tom', 'early')->status(), 409, 'too early');

my $opened = $stream->wait_entry(1, 4);
is($opened->{event}, 'opened', 'opened');
cmp_ok(abs(time() - $from), '<', 1, 'in time');
is($stream->find_event('lease', 2)->{json}{lease}{state}, 'active', 'lease');
is($ll->say('P', 'u-tom', 'now')->status(), 201, 'Tom writes');

my $ended = $stream->wait_event(sub { ($_[0]{json}{event} // '') eq 'ended' },
                                4);
ok($ended, 'ended');
cmp_ok(abs(time() - $to), '<', 1, 'in time');
is($ll->say('P', 'u-tom', 'late')->status(), 409, 'too late');
is(wait_state('P', 'ended'), 1, 'ended in a poll');


# the verdict depends on the time, not on what a worker has got round to: sends
# after the end are refused even if the end is not written yet; and a worker
# that starts late does at once what was due

$ll->lease('Q', ends_at => at(1));
$ll->lease('R', starts_at => at(1));
$ll->lease('S', starts_at => at(0.7), ends_at => at(1));
$ll->stop('worker1');
sleep 1.5;
is($ll->say('Q', 'u-tom', 'too late', client_id => 'late')->status(), 202,
   'accepted, nobody answers');
$ll->start('worker1');
wait_for(sub { 2 <= (() = $ll->slurp('worker1.log') =~ /connected/g) }, 10);
my $start = time();

is(wait_state('Q', 'ended'), 1, 'the end was due');
is(wait_state('R', 'active'), 1, 'the beginning too');
is(wait_state('S', 'ended'), 1, 'and both');
cmp_ok(time() - $start, '<', 2, 'at once');

wait_for(sub { $ll->say('Q', 'u-tom', 'too late', client_id => 'late')
                  ->status() == 409 }, 5);
is_problem($ll->say('Q', 'u-tom', 'too late', client_id => 'late'), 409,
           'lease-not-active', 'it was too late');
is(join(' ', map { $_->{event} // $_->{text} }
             @{ $ll->poll('Q', 'u-tom')->{entries} }), 'opened ended',
   'and is not in the thread');
is(join(' ', map { $_->{event} } @{ $ll->poll('S', 'u-tom')->{entries} }),
   'opened ended', 'a lease that was over before it was seen');


# two workers: each opening is written once

$ll->start('worker2');
ok(wait_for(sub { $ll->slurp('worker2.log') =~ /connected/ }, 10),
   'a second worker');
$ll->lease("T$_", starts_at => at(1)) for 1 .. 20;
ok(wait_for(sub { $ll->redis('ZCARD', 'll:{due}:due') == 0 }, 5),
   'nothing is due any more');
$ll->stop($_) for qw(worker1 worker2);    # they finish what they are at
my $events = join ' ', map {
    join ',', map { $_->{event} } @{ $ll->poll("T$_", 'u-tom')->{entries} }
} 1 .. 20;
is($events, join(' ', ('opened') x 20), 'twenty, by two workers');

$ll->finish();
