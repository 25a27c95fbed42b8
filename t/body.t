#!/usr/bin/perl

# Request bodies: in pieces of all sizes, up to the limit and beyond it, on
# connections that are kept, and with Expect.  nginx's own errors are problem
# documents there, too.  Bodies that do not match their headers are in
# body_broken.t, slow ones in body_slow.t.

use strict;
use warnings;

use IO::Select;
use JSON::PP;
use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;

# a small buffer, so that bodies come in pieces, and room for nginx's own 413
my $ll = LeaseLoft->new(
    directives => { client_max_body_size => '1m', limit_req => undef,
                    client_body_buffer_size => '1k' });

$ll->lease('P', tenants => ['u-tom']);

my $messages = '/api/properties/P/messages';
my $token = $ll->token('u-tom');
my $n = 0;


# the request line and headers of a send, with more headers
sub head {
    return join "\r\n", "POST $messages HTTP/1.1", 'Host: localhost',
        "Authorization: Bearer $token", 'Content-Type: application/json', @_,
        '', '';
}

sub body {
    my ($text) = @_;
    return JSON::PP->new->utf8->encode({ client_id => 'b-' . ++$n,
                                         text => $text // 'x' });
}

sub chunks {
    my ($body, $size) = @_;
    return join('', map { sprintf "%x\r\n%s\r\n", length, $_ }
                        unpack "(a$size)*", $body) . "0\r\n\r\n";
}

# sends pieces one by one over one connection, "wait N" waits N seconds: all
# that comes back
sub talk {
    my (@pieces) = @_;

    my $socket = LeaseLoft::connect_to($ll->{ports}{http}) or die;
    my $select = IO::Select->new($socket);
    my $in = '';

    $socket->blocking(1);

    for my $piece (@pieces) {
        if ($piece =~ /^wait (\S+)$/) {
            my $end = time() + $1;
            while ($select->can_read($end - time())) {
                sysread $socket, $in, 65536, length $in or last;
            }

        } else {
            $socket->syswrite($piece) or last;
        }
    }

    while ($select->can_read(5)) {
        sysread $socket, $in, 65536, length $in or last;
    }

    return $in;
}

sub statuses { return join ' ', $_[0] =~ m{HTTP/1\.\d (\d+) }g }

my @close = ('Connection: close');


# one byte at a time, in small chunks, in one packet with the headers

for my $text ('short', "\x{1f44b}" x 3000) {
    my $body = body($text);
    my $r = $ll->raw(head(@close, 'Transfer-Encoding: chunked')
                     . chunks($body, 1));
    is($r->status(), 201,
       'a body of ' . length($body) . ' chunks of one byte is accepted');
    is($r->json()->{text}, $text, 'chunks of one byte are joined');

    $body = body($text);
    $r = $ll->raw(head(@close, 'Transfer-Encoding: chunked')
                  . chunks($body, 4096));
    is($r->status(), 201, 'a body in chunks of 4096 bytes is accepted');
}

{
    my $body = body();
    is(statuses(talk(head(@close, 'Content-Length: ' . length $body),
                     split //, $body)), '201',
       'a body in packets of one byte is accepted');
    $body = body();
    is(statuses(talk(split(//, head(@close, 'Content-Length: ' . length $body)
                               . $body))), '201',
       'a whole request in packets of one byte is accepted');
    $body = chunks(body(), 3);
    is(statuses(talk(head(@close, 'Transfer-Encoding: chunked'),
                     split //, $body)), '201',
       'chunks in packets of one byte are accepted');
}

# the largest body has 64 KiB (a text has 4000 code points at most, so the
# other bytes are white space)
{
    my $body = body();
    $body .= ' ' x (65536 - length $body);

    is($ll->raw(head(@close, 'Content-Length: 65536') . $body)->status(), 201,
       'a body of 64 KiB is accepted');
    is($ll->raw(head(@close, 'Transfer-Encoding: chunked')
                . chunks($body =~ s/b-\d+/'b-' . ++$n/er =~ s/ $//r, 1000))
           ->status(), 201, 'a body of 64 KiB in chunks is accepted');
    is_problem($ll->raw(head(@close, 'Content-Length: 65537') . "$body "), 413,
               '', 'a body of 64 KiB and one byte is refused');
    is_problem($ll->raw(head(@close, 'Transfer-Encoding: chunked')
                        . chunks("$body  ", 1000)), 413, '',
               'a larger body in chunks is refused');
    is_problem($ll->raw(head(@close, 'Transfer-Encoding: chunked')
                        . chunks("$body  ", 70000)), 413, '',
               'a larger body in one chunk is refused');
    is_problem($ll->raw(head(@close, 'Content-Length: 1048577')), 413, '',
               "nginx's own 413 for a length is a problem document");
    is_problem($ll->raw(head(@close, 'Transfer-Encoding: chunked')
                        . "110000\r\nx"), 413, '',
               "nginx's own 413 for a chunk is a problem document");
}

for my $how ([http => 2], [tls => 1, http => 2], [tls => 1]) {
    my $body = body();
    $body .= ' ' x (65536 - length $body);

    is($ll->post($messages, $body, user => 'u-tom', @$how)->status(), 201,
       "@$how: a body of 64 KiB is accepted");
    is_problem($ll->post($messages, 'x' x 65537, user => 'u-tom', @$how), 413,
               '', "@$how: a body of 64 KiB and one byte is refused");
    is_problem($ll->request('POST', $messages, user => 'u-tom', body => '{}',
                            @$how), 415, '',
               "@$how: a body without a JSON type is refused");
    is_problem($ll->post($messages, '{}', @$how), 401, '',
               "@$how: a send without a token is refused");
    is_problem($ll->post('/api/properties/Q/messages', $body, @$how,
                         user => 'u-tom'), 404, '',
               "@$how: a send to another's property is refused");
}


# several requests on one connection

{
    my $one = body();
    my $two = body();
    my $all = head('Content-Length: ' . length $one) . $one
            . head(@close, 'Content-Length: ' . length $two) . $two;

    is(statuses($ll->raw($all)->raw()), '201 201',
       'two sends in one packet are accepted');

    $all = head('Transfer-Encoding: chunked') . chunks(body(), 5)
         . head(@close, 'Transfer-Encoding: chunked') . chunks(body(), 5);
    is(statuses($ll->raw($all)->raw()), '201 201',
       'two chunked sends on one connection are accepted');

    # the body of a refused request is skipped
    for my $head ('Content-Type: text/plain', 'Authorization: Bearer x') {
        my ($name) = $head =~ /^(\S+):/;
        my $bad = head('Content-Length: 5') =~ s/^$name: .*?\r/$head\r/mr;
        $one = body();
        $all = $bad . '12345' . head(@close, 'Content-Length: ' . length $one)
             . $one;
        like(statuses($ll->raw($all)->raw()), qr/^4\d\d 201$/,
             "a request refused for its $name leaves the next one intact");
        like(statuses(talk($bad, '12', "wait 0.1", '345',
                           substr $all, length($bad) + 5)),
             qr/^(?:415 200|401)$/,
             "refused for its $name before the body came: no further request");
    }

    my $get = "GET $messages HTTP/1.1\r\nHost: localhost\r\n"
            . "Authorization: Bearer $token\r\n";
    is(statuses($ll->raw("${get}Content-Length: 3\r\n\r\nabc"
                         . "${get}Connection: close\r\n\r\n")->raw()),
       '200 200', 'the body of a GET in the same packet is skipped');
    is(statuses(talk("${get}Content-Length: 3\r\n\r\n", 'wait 0.1', 'abc',
                     "${get}Connection: close\r\n\r\n")),
       '200', 'the connection closes if the body of a GET comes later');
}


# Expect: a refused request gets no "100 Continue"

{
    my $body = body();
    my @expect = (@close, 'Expect: 100-continue',
                  'Content-Length: ' . length $body);

    is(statuses(talk(head(@expect), 'wait 0.2', $body)), '100 201',
       'Expect: 100-continue gets 100, then 201');
    is(statuses(talk(head(@expect) =~ s/Bearer /Bearer x/r, 'wait 0.2')),
       '401', 'Expect: 100-continue without a valid token gets 401 alone');
}


# broken and missing bodies

is_problem($ll->raw(head('Transfer-Encoding: chunked') . "xyz\r\n"), 400, '',
           'a malformed chunk gets 400');
is(statuses(talk(head('Content-Length: 0') . head(@close,
                                                  'Content-Length: 0'))),
   '422 422', 'an empty body gets 422, and the connection is kept');
is($ll->raw(head(@close))->status(), 422, 'a missing body gets 422');

# clients that disconnect at any point (finish() looks for alerts)
for my $bytes ('', '{"client', undef) {
    my $body = body();
    for my $how ('Content-Length: ' . length $body,
                 'Transfer-Encoding: chunked')
    {
        for (1 .. 5) {
            my $socket = LeaseLoft::connect_to($ll->{ports}{http});
            $socket->syswrite(head($how) . ($bytes // $body));
            close $socket;
        }
    }
}

is($ll->say('P', 'u-tom', 'still here')->status(), 201,
   'nginx serves after clients disconnected within bodies');


# types

for my $type ('application/json', 'application/json ; charset=utf-8',
              'APPLICATION/JSON;x')
{
    my $r = $ll->request('POST', $messages, user => 'u-tom', body => body(),
                         headers => { 'Content-Type' => $type });
    is($r->status(), 201, "Content-Type: $type is accepted");
}

is_problem($ll->raw(head(@close, 'Transfer-Encoding: chunked')
                        =~ s{application/json}{text/json}r . chunks('{}', 1)),
           415, '', 'a chunked body of another type gets 415');
is_problem($ll->raw(head(@close, 'Transfer-Encoding: chunked')
                        =~ s{application/json}{text/json}r
                    . chunks('x' x 65537, 5000)), 413, '',
           'a chunked body that is too large gets 413 whatever its type');

# no body is written to a file
my @files = grep { -f } glob("$ll->{dir}/tmp/body/*");
is("@files", '', 'no body is left in a file');
unlike($ll->slurp('error.log'), qr/buffered to a temporary file/,
       'no body was buffered in a file');

$ll->finish();
