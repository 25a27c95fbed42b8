#!/usr/bin/perl

# Bodies that do not match their headers, for each endpoint that takes a body:
# they are refused, nothing of them is queued, and the next connection is
# served.

use strict;
use warnings;

use IO::Select;
use JSON::PP;
use Socket qw(SHUT_WR);
use Test::More;
use Time::HiRes qw(time);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::H2;

my $ll = LeaseLoft->new();
my $token = $ll->token('u-tom');
my $json = JSON::PP->new->canonical->utf8;

$ll->lease($_) for 'P', 'Q';
$ll->say('P', 'u-lena', 'hello');

my %lease = (
    lease_id => 'L-1', label => 'Another', time_zone => 'Europe/Berlin',
    landlords => [{ user => 'u-lena', name => 'Lena' }],
    tenants => [{ user => 'u-tom', name => 'Tom' }],
    starts_at => '2020-01-01T00:00:00Z', ends_at => undef,
);

# each would change something; in the end it is sent whole, and does
my @requests = (
    ['POST', '/api/properties/P/messages',
     $json->encode({ client_id => 'c', text => 'broken' }), 201],
    ['POST', '/api/properties/P/read', '{"upto":2}    ', 204],
    ['PUT', '/internal/properties/P/lease', $json->encode(\%lease), 200],
);

my @digests = map { "ll:{p:P}:$_" } qw(thread meta reads snaps leases);

# a digest of all that Redis stores of the property
sub kept { return join ' ', @{ $ll->redis('DEBUG', 'DIGEST-VALUE', @digests) } }

# how many requests were ever queued
sub queued {
    my %info = @{ $ll->redis('XINFO', 'STREAM', 'll:{q:0}:requests') };
    return $info{'entries-added'};
}

sub statuses { return join ' ', $_[0] =~ m{HTTP/1\.1 (\d+) }g }


for my $request (@requests) {
    my ($method, $path, $body, $status) = @$request;
    my $port = $ll->{ports}{ $path =~ /internal/ ? 'internal' : 'http' };
    my ($n, $hex) = (length $body, sprintf '%x', length $body);
    my ($kept, $queued) = (kept(), queued());

    # the bytes of a request with any headers
    my $bytes = sub {
        my ($content, @headers) = @_;
        return join "\r\n", "$method $path HTTP/1.1", 'Host: localhost',
               "Authorization: Bearer $token",
               'Content-Type: application/json', @headers, '', $content;
    };

    # the first answer on a connection of its own
    my $send = sub { $ll->raw($bytes->(@_), port => $port, timeout => 5) };

    # a send that follows is queued behind whatever came before it
    my $left = sub {
        my ($name) = @_;
        is($ll->say('Q', 'u-tom', $name)->status(), 201,
           "$path, $name: the next request is served");
        is(queued(), ++$queued, "$path, $name: nothing else was queued");
        is(kept(), $kept, "$path, $name: the property is unchanged");
    };

    # headers that nginx refuses before it chooses a location
    for my $case (
        ['two equal lengths', 400, "Content-Length: $n",
         "Content-Length: $n"],
        ['two different lengths', 400, "Content-Length: $n",
         'Content-Length: 3'],
        ['a list of lengths', 400, "Content-Length: $n, $n"],
        ['a negative length', 400, 'Content-Length: -1'],
        ['a length with a sign', 400, "Content-Length: +$n"],
        ['a length in hex', 400, "Content-Length: 0x$hex"],
        ['a length that overflows', 400,
         'Content-Length: 18446744073709551658'],
        ['a length and chunks', 400, "Content-Length: $n",
         'Transfer-Encoding: chunked'],
        ['chunks and a length', 400, 'Transfer-Encoding: chunked',
         "Content-Length: $n"],
        ['chunked twice', 400, ('Transfer-Encoding: chunked') x 2],
        ['coding gzip', 501, 'Transfer-Encoding: gzip, chunked'],
        ['coding identity', 501, 'Transfer-Encoding: identity'],
    ) {
        my ($name, $wanted, @headers) = @$case;
        my $chunked = grep { /chunked/ } @headers;
        my $r = $send->($chunked ? "$hex\r\n$body\r\n0\r\n\r\n" : $body,
                        @headers);

        is(statuses($r->raw()), $wanted, "$path, $name: $wanted alone");
        is($r->header('Connection'), 'close',
           "$path, $name: the connection is closed");
        $left->($name);
    }

    # invalid sizes of chunks; what follows is not taken for a request
    for my $size ('xyz', "-$hex", "+$hex", "0x$hex", '', '1' . $hex x 16,
                  '7fffffffffffffff', sprintf('%x', $n - 1))
    {
        my $r = $send->("$size\r\n$body\r\n0\r\n\r\n",
                        'Transfer-Encoding: chunked');

        is(statuses($r->raw()), 400, "$path, chunk size '$size': 400 alone");
        is_problem($r, 400, '',
                   "$path, chunk size '$size': a problem document");
        $left->("chunk size '$size'");
    }

    # an incomplete body: the client closes the connection, or shuts down its
    # side of it
    for my $half ([$body, "Content-Length: " . ($n + 1)],
                  ["$hex\r\n$body\r\n", 'Transfer-Encoding: chunked'])
    {
        for my $how ('closes', 'shuts down') {
            my $socket = LeaseLoft::connect_to($port);
            syswrite $socket, $bytes->(@$half);
            shutdown $socket, SHUT_WR if $how eq 'shuts down';
            sysread $socket, my $in, 1000 if $how eq 'shuts down';
            close $socket;
            is($in // '', '', "$path, $half->[1], client $how: no answer")
                if $how eq 'shuts down';
            $left->("$half->[1], client $how");
        }
    }

    # one byte above the limit
    my $large = $body . ' ' x (65537 - $n);
    is_problem($send->($large, 'Content-Length: 65537'), 413, '',
               "$path, 64 KiB and one byte: 413");
    is_problem($send->("1\r\n{\r\n10000\r\n" . substr($large, 1)
                       . "\r\n0\r\n\r\n", 'Transfer-Encoding: chunked'),
               413, '', "$path, 64 KiB and one byte in chunks: 413");
    $left->('64 KiB and one byte');

    # HTTP/2, where the frames tell the length of the body, too
    for my $case (
        ['more bytes than its length', ['content-length', $n - 1], $body],
        ['more bytes, in pieces', ['content-length', $n - 1],
         substr($body, 0, 5), substr $body, 5],
        ['fewer bytes than its length', ['content-length', $n + 1], $body],
        ['two lengths', ['content-length', $n, 'content-length', $n], $body],
        ['a length with a sign', ['content-length', "+$n"], $body],
    ) {
        last if $path =~ /internal/;
        my ($name, $headers, @data) = @$case;
        my $h2 = LeaseLoft::H2->new($ll->{ports}{h2c}) or die;
        my $stream = $h2->request($method, $path, $token,
            ['content-type', 'application/json', @$headers], @data);

        1 while !$h2->ended($stream) && $h2->read(2);
        is($h2->status($stream), 400, "$path, HTTP/2, $name: 400");
        $left->("HTTP/2, $name");
        $h2->close();
    }

    # a length that is too short: the remaining bytes are taken for the next
    # request, and are no valid one
    my $r = $send->($body, 'Content-Length: ' . ($n - 8));
    is(statuses($r->raw()), '422 400',
       "$path, a length too short: 422, then 400 for the remaining bytes");
    is(kept(), $kept, "$path, a length too short: the property is unchanged");

    # nginx itself finds that a read mark is not valid, and does not queue it
    my $invalid = $path =~ /read$/ ? 0 : 1;
    is(queued(), $queued + $invalid,
       "$path, a length too short: $invalid invalid requests were queued");

    # and whole
    is($send->($body, "Content-Length: $n", 'Connection: close')->status(),
       $status, "$path, a whole body: $status");
    isnt(kept(), $kept, "$path, a whole body: the property is changed");
}

is(join(' ', map { $_->{text} // $_->{event} }
             @{ $ll->poll('P', 'u-tom')->{entries} }), 'opened hello broken',
   'the thread has only the message that came whole');

$ll->finish();
