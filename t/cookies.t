#!/usr/bin/perl

# Several cookies of the session's name, as browsers send them when one was set
# for a narrower path or is left from before: any valid one counts.

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

# who is signed in by these Cookie headers, each a list of values; over HTTP/2
# curl sends each header as a field of its own
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
           "HTTP/$http: a valid one after '$short'");
        is(who($http, [$good, $bad]), 'u-tom', 'and before it');
        is(who($http, [$bad], [$good]), 'u-tom', 'in two headers');
        is(who($http, [$good], [$bad]), 'u-tom', 'in two headers, before it');
        is(who($http, ['a=b', $bad], ['c=d', $good, 'e=f']), 'u-tom',
           'among others');
        is(who($http, [$bad, $bad]), 401, 'none of two is valid');
    }

    is(who($http, [$good, $other]), 'u-tom', 'of two valid ones the first');
    is(who($http, [$other, $good]), 'u-lena', 'counts');

    is(who($http, ["$name=\"$good\""]), 'u-tom', 'a value in quotes');
    is(who($http, ["$name=\"$old\"", "$name=\"$good\""]), 'u-tom', 'two such');
    is(who($http, ["$name=\"$good"]), 401, 'a quote without its end');
    is(who($http, ["$name=$good\""]), 401, 'a quote without its beginning');
    is(who($http, ["$name=\""]), 401, 'a quote alone');
    is(who($http, ["$name=$good \t"]), 'u-tom', 'blanks behind it');

    is(who($http, [(map { "x$_" } 1 .. 7), $good]), 'u-tom',
       'the eighth is tried');
    is(who($http, [(map { "x$_" } 1 .. 8), $good]), 401, 'the ninth is not');
    is(who($http, (map { ["x$_"] } 1 .. 7), [$good]), 'u-tom',
       'the eighth of eight headers is tried');

    is(who($http, ["X$name=$good"], ["${name}X=$good"], ["\U$name\E=$good"]),
       401, 'names that only look like it');
}

# for everything, not for one endpoint alone
my $cookies = "$name=$old; $name=$good";

for my $how ([], [http => 2], [tls => 1]) {
    my @as = (@$how, headers => { Cookie => $cookies });

    is($ll->get('/api/properties/P/messages', @as)->status(), 200, 'a poll');
    is($ll->get('/api/inbox', @as)->status(), 200, 'the inbox');
    is($ll->post('/api/properties/P/read', { upto => 1 }, @as)->status(), 204,
       'a mark');

    for my $path ('/api/properties/P/events', '/api/inbox/events') {
        my $s = $ll->stream($path, @as);
        ok($s->wait_event('hello'), 'a stream');
        $s->close();
    }
}

# a new sign-in helps where an old cookie of a narrower path comes first
my $r = $ll->post('/api/session', { token => $good },
                  headers => { Cookie => "$name=$old" });
my ($set) = $r->header('Set-Cookie') =~ /^([^;]*)/;
is($ll->get('/api/session', headers => { Cookie => "$name=$old; $set" })
       ->status(), 200, 'signed in beside an old cookie');

$ll->finish();
