#!/usr/bin/perl

# The connections of nginx, and then those of the workers, to Redis: they stall
# without being closed, are closed, or are as slow as a bad line.

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

    for ($watch, $inbox) { $_->wait_event('hello') or fail('a stream begins') }

    $f->fault("$who: connections stall", sub {
        my $start = time();

        $proxy->tell('stall');

        if ($who eq 'nginx') {
            for ($watch, $inbox) {
                ok($_->wait_event(sub { $_[0]{event} eq 'ping'
                       && !$_[0]{json}{live} }, 6),
                   "$who: a stream is not live during a stall");
            }
            cmp_ok(time() - $start, '<', 5,
                   "$who: streams are not live within 5 s of a stall");
        }

        ok($ll->wait_healthy(503, 6), "$who: health is 503 during a stall");
        cmp_ok(time() - $start, '<', 5.2,
               "$who: health is 503 within 5 s of a stall");
        sleep 1;
        $proxy->tell('pass');

        # as if the peer were gone: what was held back is never sent
        $proxy->tell('cut');
    }, recover => 15);

    if ($who eq 'nginx') {
        for ($watch, $inbox) {
            ok($_->wait_event(sub { $_[0]{event} eq 'ping'
                   && $_[0]{json}{live} }, 6),
               "$who: a stream is live again after a stall");
        }
    }

    $f->fault("$who: connections stall for 8 s and continue", sub {
        $proxy->tell('stall');
        sleep 8;
        $proxy->tell('pass');
    }, recover => 15);

    for (1 .. ($Fault::long ? 30 : 6)) {
        $f->fault("$who: connections closed",
                  sub { sleep rand 0.3; $proxy->tell('cut') });
    }

    $f->fault("$who: connections with 4 kB/s for 8 s", sub {
        $proxy->tell('rate 4000');
        sleep 8;
        $proxy->tell('pass');
    }, recover => 20);

    $f->end(more => $who eq 'nginx');
}
