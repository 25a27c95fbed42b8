#!/usr/bin/perl

# Hibernation of idle streams (ngx_leaseloft_stream_hibernate.h): events come
# as before, logs have the same values however the stream ends, and a request
# for which another module has a cleanup does not hibernate.

use strict;
use warnings;

use Socket qw(SOL_SOCKET SO_LINGER);
use Test::More;

use LeaseLoft;

my @names = qw(request uri args request_uri method protocol scheme server addr
               property user kept form first status bytes length time complete);

my $ll = LeaseLoft->new(
    directives => { leaseloft_max_streams => 2000 },
    http => <<'END',
map $arg_form $form { default none; ~^(?<letters>[a-z]+)(.*)$ $letters; }
map $server_port $first { default $1; }
log_format all '$request|$uri|$args|$request_uri|$request_method|'
               '$server_protocol|$scheme|$server_name|$remote_addr|'
               '$leaseloft_property|$leaseloft_user|$kept|$form|$first|$status|'
               '$bytes_sent|$request_length|$request_time|'
               '$request_completion';
set_real_ip_from 127.0.0.1;
real_ip_header X-Real;
limit_conn_zone $arg_one zone=one:1m;
limit_conn one 1;
END
    server => <<'END',
server_name localhost;
access_log streams.log all;
set $kept "$arg_kept/$server_port";
add_header X-Form $form;
rewrite ^/old/(\w+)/(\w+)$ /api/properties/$1/events?form=$2;
END
);

my %given = (uri => '/api/properties/P/events', method => 'GET',
             protocol => 'HTTP/1.1', scheme => 'http', server => 'localhost',
             addr => '127.0.0.1', property => 'P', user => 'u-tom',
             form => 'ab', first => 'ab', status => 200);

$ll->lease('P', tenants => ['u-tom', 'u-tim']);

plain();
rewritten();
held_by_another();
expired();
reset_by_client();
small();

$ll->finish();


# speak($stream, $name): the stream gets an event, hibernates, gets another one
sub speak {
    my ($stream, $name) = @_;

    ok($stream->wait_event('hello', 5), "$name: the stream begins");

    for my $n (1 .. 2) {
        $ll->say('P', 'u-lena', "$name $n");
        ok($stream->wait_entry(sub { ($_[0]{text} // '') eq "$name $n" }, 5),
           "$name: the stream gets message $n");
    }
}


# ended($name, $mark, %expected): compares the log's line with $mark in it
sub ended {
    my ($name, $mark, %expected) = @_;

    my $line;
    my $found = wait_for(sub {
        ($line) = grep { /\Q$mark\E/ } split /\n/, $ll->slurp('streams.log');
    }, 5);

    ok($found, "$name: the request is logged") or return;

    my %said;
    @said{@names} = split /\|/, $line, -1;

    is($said{$_}, $expected{$_}, "$name: the log has the right $_")
        for sort keys %expected;
    cmp_ok($said{bytes}, '>', 500, "$name: the log has the bytes sent");
    cmp_ok($said{length}, '>', 200, "$name: the log has the request length");
    cmp_ok($said{time}, '>', 0, "$name: the log has the request time");
}


sub plain {
    my $stream = $ll->events('P', 'u-tom', query => 'form=ab1&kept=k1');

    speak($stream, 'plain');
    $stream->close();

    ended('plain', 'kept=k1', %given, args => 'form=ab1&kept=k1',
          request => 'GET /api/properties/P/events?form=ab1&kept=k1 HTTP/1.1',
          request_uri => '/api/properties/P/events?form=ab1&kept=k1',
          kept => "k1/$ll->{ports}{http}");

    $stream = $ll->events('P', 'u-tom', query => 'form=ab1&kept=k2', tls => 1);
    speak($stream, 'tls');
    $stream->close();

    ended('tls', 'kept=k2', %given, scheme => 'https',
          kept => "k2/$ll->{ports}{tls}");
}


# the rewritten URI is in the request's pool, which hibernation frees
sub rewritten {
    my $stream = $ll->stream('/old/P/ab2?kept=k3', user => 'u-tom');

    speak($stream, 'rewritten');
    $stream->close();

    ended('rewritten', '/old/P', %given, args => 'form=ab2&kept=k3',
          request_uri => '/old/P/ab2?kept=k3',
          kept => "k3/$ll->{ports}{http}");
}


# limit_conn and realip each have a cleanup in the request's pool
sub held_by_another {
    my %o = (query => 'form=ab3&kept=k4&one=1',
             headers => { 'X-Real' => '192.0.2.7' });

    my $stream = $ll->events('P', 'u-tom', %o);

    speak($stream, 'held');
    $stream->close();

    ended('held', 'kept=k4', %given, addr => '192.0.2.7',
          kept => "k4/$ll->{ports}{http}");

    ok($ll->events('P', 'u-tom', %o)->wait_event('hello', 5),
       'held: limit_conn counts the closed stream back');
}


# ended by "bye" when the token expires
sub expired {
    my $stream = $ll->events('P', undef, query => 'form=ab4&kept=k5',
                             token => $ll->token('u-tim', exp => time() + 3));

    speak($stream, 'expired');

    ok($stream->wait_event('bye', 8), 'expired: the stream gets bye');
    ok($stream->wait_closed(5), 'expired: the stream is closed');

    ended('expired', 'kept=k5', %given, user => 'u-tim', complete => 'OK',
          kept => "k5/$ll->{ports}{http}");
}


# ended by a reset of the connection while the stream is idle
sub reset_by_client {
    my $stream = $ll->events('P', 'u-tom', query => 'form=ab5&kept=k6');

    speak($stream, 'reset');

    # a linger of zero: the close is a reset
    setsockopt $stream->{handle}, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
    close $stream->{handle};

    ended('reset', 'kept=k6', %given, kept => "k6/$ll->{ports}{http}");
}


# the purpose: the memory of an idle stream
sub small {
    my $count = 400;
    my @streams;

    # sizes of a sanitizer's allocator differ
    return if $LeaseLoft::sanitized;

    push @streams, idle() for 1 .. $count;
    my $before = heap();
    push @streams, idle() for 1 .. $count;
    my $each = (heap() - $before) / $count;

    cmp_ok($each, '<', 3900, 'an idle stream takes less than 3900 bytes');

    # inbox streams that open at once, as the user's channel is live already
    my @inboxes = map { idle('inbox') } 1 .. $count;
    $before = heap();
    push @inboxes, idle('inbox') for 1 .. $count;
    $each = (heap() - $before) / $count;

    cmp_ok($each, '<', 3900, 'an idle inbox stream takes less than 3900 bytes');

    $_->close() for @streams, @inboxes;
}


sub idle {
    my ($inbox) = @_;

    my $path = $inbox ? '/api/inbox/events' : '/api/properties/P/events';
    my $stream = $ll->stream($path, user => 'u-tom',
                             headers => { 'User-Agent' => 'u' x 800 });

    $stream->wait_event('hello', 5) or die "no stream\n";

    return $stream;
}


# bytes of nginx's heap that are resident
sub heap {
    my ($pid) = $ll->nginx_children();

    open my $f, '<', "/proc/$pid/smaps" or die "smaps: $!\n";

    my ($inside, $sum) = (0, 0);

    while (<$f>) {
        $inside = /\[heap\]$/ if /^[0-9a-f]+-/;
        $sum += 1024 * $1 if $inside && /^Rss: +(\d+)/;
    }

    return $sum;
}
