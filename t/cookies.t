#!/usr/bin/perl

# Several cookies with the name of the session cookie, as browsers send them
# when one was set for a narrower path or is left from before: the first valid
# one of eight counts.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new();

$ll->lease('P', tenants => ['u-tom']);

my $name = 'leaseloft_session';
my $good = $ll->token('u-tom');
my $other = $ll->token('u-lena');
my $old = $ll->token('u-tom', exp => time() - 60);
my $forged = LeaseLoft::Token::token('y' x 40,
                 { sub => 'u-eve', exp => time() + 60 });

# the user of the session by these Cookie headers, each a list of values, or
# else the status; over HTTP/2 curl sends each header as a field of its own
sub who {
    my ($how, @headers) = @_;

    my @lines = map { 'Cookie: ' . join '; ', map { /=/ ? $_ : "$name=$_" }
                                              @$_ } @headers;

    my $r = $how eq '1.1'
        ? $ll->raw(join '', map { "$_\r\n" } 'GET /api/session HTTP/1.1',
                   'Host: localhost', 'Connection: close', @lines, '')
        : LeaseLoft::Response->parse(scalar run_curl(@lines));

    return $r->status() == 200 ? $r->json()->{user} : $r->status();
}

sub run_curl {
    my (@lines) = @_;

    open my $pipe, '-|', 'curl', '-s', '-i', '--http2-prior-knowledge',
        (map { ('-H', $_) } @lines),
        "http://127.0.0.1:$ll->{ports}{h2c}/api/session" or die "curl: $!";
    local $/;

    return <$pipe>;
}

for my $http ('1.1', '2') {
    for my $bad ($old, $forged, 'x', '', '""', 'x' x 3000) {
        my $short = substr $bad, 0, 12;

        is(who($http, [$bad, $good]), 'u-tom',
           "HTTP/$http: a valid cookie after '$short' counts");
        is(who($http, [$good, $bad]), 'u-tom',
           "HTTP/$http: a valid cookie before '$short' counts");
        is(who($http, [$bad], [$good]), 'u-tom',
           "HTTP/$http: a valid cookie in the header after '$short' counts");
        is(who($http, [$good], [$bad]), 'u-tom',
           "HTTP/$http: a valid cookie in the header before '$short' counts");
        is(who($http, ['a=b', $bad], ['c=d', $good, 'e=f']), 'u-tom',
           "HTTP/$http: a valid cookie after '$short' and others counts");
        is(who($http, [$bad, $bad]), 401,
           "HTTP/$http: '$short' twice is not valid");
    }

    is(who($http, [$good, $other]), 'u-tom',
       "HTTP/$http: the first of two valid cookies counts");
    is(who($http, [$other, $good]), 'u-lena',
       "HTTP/$http: the first of two valid cookies counts in this order, too");

    is(who($http, ["$name=\"$good\""]), 'u-tom',
       "HTTP/$http: a value in quotes counts");
    is(who($http, ["$name=\"$old\"", "$name=\"$good\""]), 'u-tom',
       "HTTP/$http: the valid one of two values in quotes counts");
    is(who($http, ["$name=\"$good"]), 401,
       "HTTP/$http: a value without its closing quote is not valid");
    is(who($http, ["$name=$good\""]), 401,
       "HTTP/$http: a value without its opening quote is not valid");
    is(who($http, ["$name=\""]), 401,
       "HTTP/$http: a value of one quote is not valid");
    is(who($http, ["$name=$good \t"]), 'u-tom',
       "HTTP/$http: white space after a value is ignored");

    is(who($http, [(map { "x$_" } 1 .. 7), $good]), 'u-tom',
       "HTTP/$http: the eighth cookie is tried");
    is(who($http, [(map { "x$_" } 1 .. 8), $good]), 401,
       "HTTP/$http: the ninth cookie is not tried");
    is(who($http, (map { ["x$_"] } 1 .. 7), [$good]), 'u-tom',
       "HTTP/$http: the cookie in the eighth header is tried");

    is(who($http, ["X$name=$good"], ["${name}X=$good"], ["\U$name\E=$good"]),
       401, "HTTP/$http: cookies with similar names are ignored");
}

# for all endpoints
my $cookies = "$name=$old; $name=$good";

for my $how ([], [http => 2], [tls => 1]) {
    my @as = (@$how, headers => { Cookie => $cookies });

    is($ll->get('/api/properties/P/messages', @as)->status(), 200,
       "@$how: a poll takes the valid one of two cookies");
    is($ll->get('/api/inbox', @as)->status(), 200,
       "@$how: the inbox takes the valid one of two cookies");
    is($ll->post('/api/properties/P/read', { upto => 1 }, @as)->status(), 204,
       "@$how: a read mark takes the valid one of two cookies");

    for my $path ('/api/properties/P/events', '/api/inbox/events') {
        my $s = $ll->stream($path, @as);
        ok($s->wait_event('hello'),
           "@$how: $path takes the valid one of two cookies");
        $s->close();
    }
}

# a new sign-in while an old cookie of a narrower path comes first
my $r = $ll->post('/api/session', { token => $good },
                  headers => { Cookie => "$name=$old" });
my ($set) = $r->header('Set-Cookie') =~ /^([^;]*)/;
is($ll->get('/api/session', headers => { Cookie => "$name=$old; $set" })
       ->status(), 200, 'a new session works beside an old cookie');

$ll->finish();
