#!/usr/bin/perl

# A request that is answered before its body has come: nginx closes the
# connection, since the next bytes on it need not be the body.  HAProxy 2.6
# sends the request of another client there, whose first bytes would be skipped
# as if they were the body.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new(limits => 1, server => 'limit_req_status 429;',
    directives => {
        'limit_req_zone $leaseloft_sender zone=leaseloft_sends:10m' =>
        'rate=1r/m', limit_req => 'zone=leaseloft_sends' });

$ll->lease('P', tenants => ['u-tom']);

my $token = $ll->token('u-tom');
my $messages = '/api/properties/P/messages';

# the bytes up to the end of an answer, or of the connection
sub answer {
    my ($socket) = @_;

    my $in = '';

    while (sysread $socket, $in, 65536, length $in) {
        my ($head, $body) = split /\r\n\r\n/, $in, 2;
        my ($length) = ($head // '') =~ /^Content-Length: (\d+)/m;
        last if defined $body && length $body >= ($length // 0);
    }

    return $in;
}

is($ll->say('P', 'u-tom', 'x')->status(), 201,
   'the one send that the limit allows is accepted');

for my $case ([403, "POST $messages", "Cookie: leaseloft_session=$token",
               'Origin: https://evil.example'],
              [401, "POST $messages"], [405, "PUT $messages"],
              [404, 'POST /api/properties/Q/messages',
               "Authorization: Bearer $token"],
              [429, "POST $messages", "Authorization: Bearer $token"],
              [403, 'POST /api/session', 'Origin: https://evil.example'],
              [204, 'DELETE /api/session'])
{
    my ($status, $line, @headers) = @$case;

    for my $how ('Content-Length: 10', 'Transfer-Encoding: chunked') {
        my $socket = LeaseLoft::connect_to($ll->{ports}{http});
        $socket->syswrite(join "\r\n", "$line HTTP/1.1", 'Host: localhost',
                          @headers, 'Content-Type: application/json', $how,
                          '', '');

        my $first = answer($socket);
        like($first, qr{^HTTP/1.1 $status },
             "$line, $how: $status before the body");
        like($first, qr/^Connection: close/m,
             "$line, $how: $status has Connection: close");

        # as HAProxy does
        $socket->syswrite("GET /api/session HTTP/1.1\r\nHost: localhost\r\n"
                          . "Authorization: Bearer $token\r\n\r\n");
        is(answer($socket), '', "$line, $how: $status ends the connection");
    }

    my $socket = LeaseLoft::connect_to($ll->{ports}{http});
    $socket->syswrite(join "\r\n", "$line HTTP/1.1", 'Host: localhost',
                      @headers, 'Content-Type: application/json',
                      'Content-Length: 2', '', '{}');
    my $first = answer($socket);
    like($first, qr{^HTTP/1.1 $status }, "$line: $status after the body");
    unlike($first, qr/^Connection: close/m,
           "$line: $status after the body keeps the connection");
}

$ll->finish();
