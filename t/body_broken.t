#!/usr/bin/perl

# Bodies that are not what their headers say, of each request that has one:
# they are refused, nothing of them reaches a worker, and the next connection
# is served as ever.

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

# each would change something, and does in the end
my @requests = (
    ['POST', '/api/properties/P/messages',
     $json->encode({ client_id => 'c', text => 'broken' }), 201],
    ['POST', '/api/properties/P/read', '{"upto":2}    ', 204],
    ['PUT', '/internal/properties/P/lease', $json->encode(\%lease), 200],
);

my @digests = map { "ll:{p:P}:$_" } qw(thread meta reads snaps leases);

# all that is kept of the property
sub kept { return join ' ', @{ $ll->redis('DEBUG', 'DIGEST-VALUE', @digests) } }

# how many requests were ever given to the workers
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

    # bytes of a request with these headers, whatever they are
    my $bytes = sub {
        my ($content, @headers) = @_;
        return join "\r\n", "$method $path HTTP/1.1", 'Host: localhost',
               "Authorization: Bearer $token",
               'Content-Type: application/json', @headers, '', $content;
    };

    # the answer, whatever else is done to the connection
    my $send = sub { $ll->raw($bytes->(@_), port => $port, timeout => 5) };

    # the next one's place in the queue is behind whatever came before it
    my $left = sub {
        my ($name) = @_;
        is($ll->say('Q', 'u-tom', $name)->status(), 201,
           "$path, $name: the next one is served");
        is(queued(), ++$queued, 'and the only one that was queued');
        is(kept(), $kept, 'nothing is changed');
    };

    # refused before nginx knows what it is for
    for my $case (
        ['two lengths', 400, "Content-Length: $n", "Content-Length: $n"],
        ['two that differ', 400, "Content-Length: $n", 'Content-Length: 3'],
        ['a list of them', 400, "Content-Length: $n, $n"],
        ['a negative one', 400, 'Content-Length: -1'],
        ['one with a sign', 400, "Content-Length: +$n"],
        ['one in hex', 400, "Content-Length: 0x$hex"],
        ['one that overflows', 400, 'Content-Length: 18446744073709551658'],
        ['a length and chunks', 400, "Content-Length: $n",
         'Transfer-Encoding: chunked'],
        ['chunks and a length', 400, 'Transfer-Encoding: chunked',
         "Content-Length: $n"],
        ['chunked twice', 400, ('Transfer-Encoding: chunked') x 2],
        ['another coding', 501, 'Transfer-Encoding: gzip, chunked'],
        ['no coding', 501, 'Transfer-Encoding: identity'],
    ) {
        my ($name, $wanted, @headers) = @$case;
        my $chunked = grep { /chunked/ } @headers;
        my $r = $send->($chunked ? "$hex\r\n$body\r\n0\r\n\r\n" : $body,
                        @headers);

        is(statuses($r->raw()), $wanted, "$path, $name: $wanted");
        is($r->header('Connection'), 'close', 'and no more of this connection');
        $left->($name);
    }

    # sizes of chunks; what is left of such a connection is not a request
    for my $size ('xyz', "-$hex", "+$hex", "0x$hex", '', '1' . $hex x 16,
                  '7fffffffffffffff', sprintf('%x', $n - 1))
    {
        my $r = $send->("$size\r\n$body\r\n0\r\n\r\n",
                        'Transfer-Encoding: chunked');

        is(statuses($r->raw()), 400, "$path, a chunk of '$size': 400 alone");
        is_problem($r, 400, '', 'as a problem');
        $left->("a chunk of '$size'");
    }

    # too long, or without a last chunk: the client leaves before it is there,
    # with a word or without
    for my $half ([$body, "Content-Length: " . ($n + 1)],
                  ["$hex\r\n$body\r\n", 'Transfer-Encoding: chunked'])
    {
        for my $how ('closes', 'says so') {
            my $socket = LeaseLoft::connect_to($port);
            syswrite $socket, $bytes->(@$half);
            shutdown $socket, SHUT_WR if $how eq 'says so';
            sysread $socket, my $in, 1000 if $how eq 'says so';
            close $socket;
            is($in // '', '', "$path, $half->[1], then it $how: no answer")
                if $how eq 'says so';
            $left->("$half->[1], then it $how");
        }
    }

    # one byte more than there may be
    my $large = $body . ' ' x (65537 - $n);
    is_problem($send->($large, 'Content-Length: 65537'), 413, '',
               "$path, 64 KiB and one byte");
    is_problem($send->("1\r\n{\r\n10000\r\n" . substr($large, 1)
                       . "\r\n0\r\n\r\n", 'Transfer-Encoding: chunked'),
               413, '', 'in chunks');
    $left->('64 KiB and one byte');

    # HTTP/2, where the frames say how long it is, too
    for my $case (
        ['more than its length', ['content-length', $n - 1], $body],
        ['more, in pieces', ['content-length', $n - 1],
         substr($body, 0, 5), substr $body, 5],
        ['less than its length', ['content-length', $n + 1], $body],
        ['two lengths', ['content-length', $n, 'content-length', $n], $body],
        ['another length', ['content-length', "+$n"], $body],
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

    # too short: what is left is taken for the next request, and is none
    my $r = $send->($body, 'Content-Length: ' . ($n - 8));
    is(statuses($r->raw()), '422 400', "$path, less than there is: 422, 400");
    is(kept(), $kept, 'nothing of it is there');
    is(queued(), $queued + 1, 'one was queued, and found not to be valid');

    # and as it is meant to be
    is($send->($body, "Content-Length: $n", 'Connection: close')->status(),
       $status, "$path, whole: $status");
    isnt(kept(), $kept, 'changes something');
}

is(join(' ', map { $_->{text} // $_->{event} }
             @{ $ll->poll('P', 'u-tom')->{entries} }), 'opened hello broken',
   'the thread has what was whole');

$ll->finish();
