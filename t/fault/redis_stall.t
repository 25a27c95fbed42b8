#!/usr/bin/perl

# The link between nginx and Redis, and that of workers: stalls without being
# closed, is cut, is as slow as a bad line.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib', 't/fault/lib';
use Fault;
use LeaseLoft;

for my $who (qw(nginx workers)) {
    my $f = Fault->new(proxy => $who);
    my ($ll, $proxy) = ($f->ll(), $f->proxy());
    my $watch = $ll->events('P1', 'u-omar');
    my $inbox = $ll->stream('/api/inbox/events', user => 'u-omar');

    for ($watch, $inbox) { $_->wait_event('hello') or fail('hello') }

    $f->fault("$who: the link stalls", sub {
        my $start = time();

        $proxy->tell('stall');

        if ($who eq 'nginx') {
            for ($watch, $inbox) {
                ok($_->wait_event(sub { $_[0]{event} eq 'ping'
                       && !$_[0]{json}{live} }, 6), 'live: false');
            }
            cmp_ok(time() - $start, '<', 5, 'within 5 s');
        }

        ok($ll->wait_healthy(503, 6), 'unhealthy');
        cmp_ok(time() - $start, '<', 5.2, 'within 5 s');
        sleep 1;
        $proxy->tell('pass');

        # a peer that is gone for good: what was held back never comes
        $proxy->tell('cut');
    }, recover => 15);

    if ($who eq 'nginx') {
        for ($watch, $inbox) {
            ok($_->wait_event(sub { $_[0]{event} eq 'ping'
                   && $_[0]{json}{live} }, 6), 'live again');
        }
    }

    $f->fault("$who: held back for 8 s, then let through", sub {
        $proxy->tell('stall');
        sleep 8;
        $proxy->tell('pass');
    }, recover => 15);

    for (1 .. ($Fault::long ? 30 : 6)) {
        $f->fault("$who: cut", sub { sleep rand 0.3; $proxy->tell('cut') });
    }

    $f->fault("$who: 4 kB/s for 8 s", sub {
        $proxy->tell('rate 4000');
        sleep 8;
        $proxy->tell('pass');
    }, recover => 20);

    $f->end(more => $who eq 'nginx');
}
