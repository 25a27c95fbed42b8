#!/usr/bin/perl

# What nginx asks of Redis when streams open: one view each; of a property's
# first watcher a subscription, gathered with others, and one small read.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new(directives => { leaseloft_max_streams => 100 });
my @properties = map { "P-$_" } 1 .. 60;

$ll->lease($_) for @properties;

sub calls {
    my $info = $ll->redis('INFO', 'commandstats');
    return { map { /^cmdstat_([^:]+):calls=(\d+)/ ? ($1, $2) : () }
             split /\r\n/, $info };
}

sub used {
    my ($before, $after, $name) = @_;
    return ($after->{$name} // 0) - ($before->{$name} // 0);
}


# Redis stands still while all of them ask, so that its answers come at once

my $before = calls();

$ll->signal('redis', 'STOP');
my @streams = map { $ll->events($_, 'u-lena') } @properties;

# the last one has been read once nginx answers what needs no Redis
is($ll->get('/nothing/here')->status(), 404, 'nginx goes on');
$ll->signal('redis', 'CONT');

is(scalar(grep { $_->wait_event('hello') } @streams), 60, 'streams open');

my $after = calls();

is(used($before, $after, 'fcall_ro'), 60, 'one view each');

$ll->say($_, 'u-tom', 'hello') for @properties;
is(scalar(grep { $_->wait_entry(2) } @streams), 60, 'all hear');

# each send of one who does not watch asks, too; a few streams may have had to
# read what came while their channel was being read
$after = calls();

cmp_ok(used($before, $after, 'fcall_ro'), '<', 150, 'nothing else is called');
cmp_ok(used($before, $after, 'subscribe'), '<=', 6, 'few subscriptions');


# a second watcher: a view and nothing else

$before = calls();
@streams = map { $ll->events($_, 'u-tom') } @properties;
is(scalar(grep { $_->wait_event('hello') } @streams), 60, 'more streams open');
$after = calls();

is(used($before, $after, 'fcall_ro'), 60, 'one view each');
is(used($before, $after, 'subscribe'), 0, 'no subscription');


# and away and back at once: subscribed to all the same

$ll->redis('CLIENT', 'KILL', 'TYPE', 'pubsub');

for my $live (0, 1) {
    is(scalar(grep {
        $_->wait_event(sub { $_[0]{event} eq 'ping'
                             && !($_[0]{json}{live} xor $live) })
    } @streams), 60, $live ? 'all are back' : 'the link is lost');
}

$ll->say($_, 'u-lena', 'again') for @properties;
is(scalar(grep { $_->wait_entry(3) } @streams), 60, 'all hear again');

$ll->finish();
