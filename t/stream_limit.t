#!/usr/bin/perl

# The limit of streams for each user (leaseloft_max_streams): streams of threads
# and of the inbox count together, over all nginx processes.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new(main => 'worker_processes 2;',
                        directives => { leaseloft_max_streams => 5 });
$ll->lease('P', tenants => ['u-tom', 'u-ana']);

my @streams = map { $_ % 2 ? $ll->events('P', 'u-tom')
                           : $ll->stream('/api/inbox/events', user => 'u-tom')
              } 1 .. 5;
$_->wait_event('hello') or fail('five streams begin') for @streams;


# one more stream is turned away so that an EventSource comes back later: 200,
# a long retry and "bye"

for my $path ('/api/properties/P/events', '/api/inbox/events') {
    for my $how ([], [http => 2], [tls => 1]) {
        my $what = "one more stream of $path @$how";
        my $s = $ll->stream($path, user => 'u-tom', @$how);
        my $bye = $s->wait_event('bye', 2);

        is($s->status(), 200, "$what gets 200");
        like($s->header('Content-Type'), qr{^text/event-stream},
             "$what has the type text/event-stream");
        is_deeply($bye && $bye->{json}, { reason => 'overload' },
                  "$what gets bye with the reason");
        cmp_ok($s->retry(), '>=', 10000, "$what gets a retry of 10 s or more");
        cmp_ok($s->retry(), '<=', 60000, "$what gets a retry of 60 s or less");
        ok($s->wait_closed(2), "$what is closed");
    }
}

ok($ll->events('P', 'u-ana')->wait_event('hello'),
   'another user can open a stream');


# closed streams make room

$streams[0]->close();
ok(wait_for(sub {
    my $s = $ll->events('P', 'u-tom');
    my $first = $s->next_event(2);
    $first && $first->{event} eq 'hello';
}, 3), 'a closed stream makes room for another one');
$_->close() for @streams;

ok(wait_for(sub {
    my @s = map { $ll->events('P', 'u-tom') } 1 .. 5;
    5 == grep { ($_->next_event(2) // {})->{event} eq 'hello' } @s;
}, 4), 'five closed streams make room for five');

$ll->finish();
