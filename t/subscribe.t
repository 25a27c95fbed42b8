#!/usr/bin/perl

# What nginx sends to Redis when streams open: one view for each stream; for the
# first stream of a property also a subscription, batched with others, and one
# small read.

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


# Redis is stopped while all streams open, so that its replies come at once

my $before = calls();

$ll->signal('redis', 'STOP');
my @streams = map { $ll->events($_, 'u-lena') } @properties;

# when nginx answers a request that needs no Redis, it has read the last one
is($ll->get('/nothing/here')->status(), 404,
   'nginx answers while Redis is stopped');
$ll->signal('redis', 'CONT');

is(scalar(grep { $_->wait_event('hello') } @streams), 60, '60 streams open');

my $after = calls();

is(used($before, $after, 'fcall_ro'), 60, 'each stream asks for one view');

$ll->say($_, 'u-tom', 'hello') for @properties;
is(scalar(grep { $_->wait_entry(2) } @streams), 60,
   'each stream gets a message');

# a send to a property without a stream asks for a view too; a few streams may
# have to read what came while they were being subscribed
$after = calls();

cmp_ok(used($before, $after, 'fcall_ro'), '<', 150,
       '60 streams and sends make less than 150 function calls');
cmp_ok(used($before, $after, 'subscribe'), '<=', 6,
       '60 subscriptions take at most 6 commands');


# the second stream of a property: a view and nothing else

$before = calls();
@streams = map { $ll->events($_, 'u-tom') } @properties;
is(scalar(grep { $_->wait_event('hello') } @streams), 60,
   '60 more streams open');
$after = calls();

is(used($before, $after, 'fcall_ro'), 60,
   'each further stream asks for one view');
is(used($before, $after, 'subscribe'), 0,
   'further streams subscribe to nothing');


# the connection is lost and back at once: every channel is subscribed again

$ll->redis('CLIENT', 'KILL', 'TYPE', 'pubsub');

for my $live (0, 1) {
    is(scalar(grep {
        $_->wait_event(sub { $_[0]{event} eq 'ping'
                             && !($_[0]{json}{live} xor $live) })
    } @streams), 60, 'each stream is sent live: ' . ($live ? 'true' : 'false'));
}

$ll->say($_, 'u-lena', 'again') for @properties;
is(scalar(grep { $_->wait_entry(3) } @streams), 60,
   'each stream gets a message after the reconnect');

$ll->finish();
