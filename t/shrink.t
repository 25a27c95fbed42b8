#!/usr/bin/perl

# A stream frees the buffers of its request's headers (stream_shrink).  Events,
# logs and variables are right afterwards, for headers that fit into the small
# buffer and for those that do not, over TLS and over HTTP/2.

use strict;
use warnings;

use Test::More;

use LeaseLoft;

my $ll = LeaseLoft->new(
    http => <<'END',
client_header_buffer_size 1k;
request_pool_size 256;
connection_pool_size 384;
map $http_x_kind $kind { default none; ~^(?<what>.+)$ $what; }
log_format some 'R<$request> U<$uri> A<$args> S<$server_name:$host> '
                'P<$leaseloft_property> W<$leaseloft_user> K<$kind> '
                'H<$http_x_kind> T<$sent_http_content_type> C<$status>';
END
    server => 'server_name localhost; access_log streams.log some;'
              . ' add_header X-Kind $kind;');

my %headers = ('User-Agent' => 'u' x 300);

$ll->lease('P');

for my $case (['small', {}], ['large', { Cookie => 'c=' . 'x' x 4000 }],
              ['tls', {}], ['h2', {}])
{
    my ($name, $more) = @$case;
    my $tls = $name eq 'tls' || $name eq 'h2';

    my $stream = $ll->events('P', 'u-tom', query => 'after=0&x=1', tls => $tls,
        http => $name eq 'h2' ? 2 : undef,
        headers => { %headers, 'X-Kind' => $name, %$more });

    ok($stream->wait_event('hello', 5), "$name: the stream begins");
    $ll->say('P', 'u-lena', "to $name $_") for 1 .. 3;
    ok($stream->wait_entry(sub { ($_[0]{text} // '') eq "to $name $_" }, 5),
       "$name: the stream gets message $_") for 1 .. 3;
    $stream->close();

    ok(wait_for(sub { logged($name) }, 5), "$name: the request is logged");
}

like(logged('small'), qr{^R<GET\ /api/properties/P/events\?after=0&x=1\ HTTP/1.1>
     \ U</api/properties/P/events>\ A<after=0&x=1>\ S<localhost:localhost>
     \ P<P>\ W<u-tom>\ K<small>}x,
     'small: the log has the request line and the variables');

$ll->finish();


sub logged {
    my ($name) = @_;

    # the headers are freed, but $kind was evaluated before
    return (grep { /K<$name>/ } split /\n/, $ll->slurp('streams.log'))[0];
}
