#!/usr/bin/perl

# The session: signing in, who is signed in, signing out; and requests that say
# whom they expect to be.

use strict;
use warnings;
use utf8;

use JSON::PP;
use Test::More;

use lib 't/lib';
use LeaseLoft;

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);

my $app = 'https://app.example.com';
my $ll = LeaseLoft->new(server => "leaseloft_allow_origin $app;");

$ll->lease('P', tenants => ['u-tom']);

my $path = '/api/session';
my $messages = '/api/properties/P/messages';
my $exp = int(time()) + 3600;
my $token = $ll->token('u-tom', exp => $exp, name => 'Tom');

sub sign_in {
    my ($token, %o) = @_;
    return $ll->post($path, { token => $token }, %o);
}

# the attributes of the one cookie that is set, by lower-case name; '' is its
# own name and value
sub cookie {
    my ($r) = @_;

    my @set = $r->raw() =~ /^Set-Cookie: (.*?)\r$/mig;
    return undef if @set != 1;

    my ($pair, @attributes) = split /; /, $set[0];

    return { '' => $pair, map { my ($n, $v) = split /=/, $_, 2;
                                lc $n => $v // 1 } @attributes };
}

sub headers {
    my ($r, $name) = @_;

    is($r->header('Cache-Control'), 'no-store', "$name: no-store");
    is($r->header('X-Content-Type-Options'), 'nosniff', "$name: nosniff");
}


# signing in

for my $how ([], [http => 2], [tls => 1], [tls => 1, http => 2]) {
    my %how = @$how;
    my $r = sign_in($token, @$how);
    my $cookie = cookie($r);

    is($r->status(), 204, "POST @$how is a 204");
    is($r->body(), '', 'it has no body');
    headers($r, 'POST');
    is($cookie->{''}, "leaseloft_session=$token", 'the cookie is the token');
    is($cookie->{path}, '/', 'Path=/');
    is($cookie->{httponly}, 1, 'HttpOnly');
    is($cookie->{samesite}, 'Lax', 'SameSite=Lax');
    is($cookie->{domain}, undef, 'no Domain');
    is($cookie->{secure}, $how{tls}, 'Secure over TLS only');
    cmp_ok(abs($exp - time() - $cookie->{'max-age'}), '<=', 3,
           'Max-Age is until exp');
    like($cookie->{expires}, qr/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/,
         'Expires');
}

is(sign_in($token, cookie => $ll->token('u-lena'))->status(), 204,
   'over another session');
is(sign_in($token, cookie => $ll->token('u-lena'), headers => {
       'LeaseLoft-User' => 'u-lena' })->status(), 204,
   'POST does not look at LeaseLoft-User');

for my $case (
    ['expired', $ll->token('u-tom', exp => time() - 1)],
    ['of another key', LeaseLoft::Token::token('x' x 40,
        { sub => 'u-tom', exp => $exp })],
    ['too early', $ll->token('u-tom', nbf => time() + 60)],
    ['without a subject', $ll->token('u-tom', sub => 'a b')],
    ['no token', 'x'], ['empty', ''], ['long', 'x' x 20000],
    ['with an attribute', "$token; Domain=evil.example"],
    ['with a line', "$token\r\nX: y"], ['with a NUL', "$token\0"])
{
    my ($name, $bad) = @$case;
    my $r = sign_in($bad);

    is_problem($r, 401, '', "$name: 401");
    is($r->header('WWW-Authenticate'), 'Bearer', 'WWW-Authenticate');
    is(cookie($r), undef, 'sets nothing');
}

{
    my $r = sign_in($ll->token('u-tom', name => 'x' x 3000));
    is_problem($r, 422, 'invalid-body', 'valid, but too long for a cookie');
    is(fields($r), 'token', 'its field');
    is(cookie($r), undef, 'sets nothing');
}

# bodies
for my $case (
    ['{}', 'token'], ['{"token":1}', 'token'], ['{"token":null}', 'token'],
    ['{"token":"a","token":"b"}', 'token'], ['{"token":"a","x":1}', 'x'],
    ['{"x":1,"y":2,"x":3}', 'x y x token'], ['', '""'], ['[]', '""'],
    ['"a"', '""'], ['{"token":"a"', '""'], ['{"token":"a"}x', '""'],
    ["{\"token\":\"\xff\"}", '""'], ["{\"token\":\"a\nb\"}", '""'],
    ['{"token":["a"]}', 'token'], ['{"Token":"a"}', 'Token token'],
    ['{"token":"a","\"\u0001":1}', "\"\1"])
{
    my $r = $ll->post($path, $case->[0]);
    is_problem($r, 422, 'invalid-body', "body: $case->[0]");
    is(fields($r), $case->[1], 'its fields');
    is(cookie($r), undef, 'sets nothing');
}

my $many = $ll->post($path, '{' . join(',', map { "\"f$_\":1" } 1 .. 5000)
                            . '}');
is(scalar @{ $many->json()->{errors} }, 201, 'so many faults are listed');
is(fields($ll->post($path, '{"token":"a","' . "\xc3\xa9" x 100 . '":1}')),
   'é' x 64 . '...', 'a long name is cut');

# the order: 405, 403, 413, 415, 422, 401
my @evil = (headers => { Origin => 'https://evil.example' });
my $large = '{"token":"' . 'x' x 70000 . '"}';

is($ll->post($path, $large, @evil)->status(), 403, '403, then 413');
is($ll->post($path, $large, headers => { 'Content-Type' => 'x/y' })
       ->status(), 413, '413, then 415');
is($ll->post($path, '{}', headers => { 'Content-Type' => 'text/plain' })
       ->status(), 415, '415, then 422');
is($ll->post($path, '{"token":"x","y":1}')->status(), 422, '422, then 401');
is_problem($ll->request('POST', $path, body => '{}'), 415, '',
           'no type is a 415');

for my $method (qw(PUT PATCH HEAD OPTIONS)) {
    my $r = $ll->request($method, $path);
    is($r->status(), 405, "$method is a 405");
    is($r->header('Allow'), 'GET, POST, DELETE', 'Allow');
    headers($r, $method);
}

# origins
for my $case (['https://evil.example', 403], ['null', 403], ['', 403],
              ['https://localhost', 403], ['http://localhost', 204],
              [$app, 204])
{
    my ($origin, $status) = @$case;
    my $r = sign_in($token, headers => { Origin => $origin });

    is($r->status(), $status, "POST from '$origin'");
    is(defined cookie($r), $status == 204, 'sets the cookie or not');
    is($ll->post($path, { token => $token }, user => 'u-tom', headers => {
           Origin => $origin })->status(), $status, 'a bearer changes nothing');
}


# who is signed in

sub session { return $ll->get($path, @_) }

for my $how ([cookie => $token], [token => $token],
             [cookie => $token, tls => 1, http => 2])
{
    my $r = session(@$how);
    my @t = gmtime $exp;

    is($r->status(), 200, 'GET');
    is($r->header('Content-Type'), 'application/json', 'JSON');
    headers($r, 'GET');
    is_deeply($r->json(), { user => 'u-tom', name => 'Tom', expires_at =>
        sprintf('%d-%02d-%02dT%02d:%02d:%02d.000Z', $t[5] + 1900, $t[4] + 1,
                @t[3, 2, 1, 0]) }, 'user, name, expires_at');
}

for my $case ([undef, undef], ['', undef], [1, undef], [['Tom'], undef],
              ['Zoë "Z" <b>', 'Zoë "Z" <b>'], ["a\nb", "a\nb"])
{
    my %name = defined $case->[0] ? (name => $case->[0]) : ();
    my $r = session(cookie => $ll->token('u-tom', %name));

    is($r->status(), 200, 'a token with this name or none');
    is($r->json()->{name}, $case->[1], 'is shown so');
}

is_problem(session(), 401, '', 'nobody is signed in');
is_problem(session(cookie => $ll->token('u-tom', exp => time() - 1)), 401, '',
           'nor with an expired token');
is(session(cookie => $token, @evil)->status(), 200,
   'reading is for no origin but its own to see');
is(session(cookie => $token, headers => { Origin => $app })
       ->header('Access-Control-Allow-Origin'), $app, 'or an allowed one');


# signing out

for my $how ([], [cookie => $token], [cookie => 'x'], [token => 'x'], \@evil,
             [cookie => $token, headers => { Origin => 'http://localhost' }],
             [cookie => $token, headers => { Origin => $app }],
             [cookie => $token, headers => { 'LeaseLoft-User' => 'u-x' }],
             [cookie => $token, tls => 1], [cookie => $token, http => 2],
             [cookie => $token, body => 'x' x 1000])
{
    my %how = @$how;
    my $r = $ll->request('DELETE', $path, @$how);
    my $cookie = cookie($r);

    is($r->status(), 204, 'DELETE ' . join ' ', map { ref || length > 20
                                    ? '…' : $_ } @$how);
    headers($r, 'DELETE');
    is($cookie->{''}, 'leaseloft_session=', 'the cookie is empty');
    is($cookie->{path}, '/', 'Path=/');
    is($cookie->{'max-age'}, 0, 'Max-Age=0');
    is($cookie->{expires}, 'Thu, 01 Jan 1970 00:00:00 GMT', 'Expires');
    is($cookie->{secure}, $how{tls}, 'Secure over TLS only');
}

for my $cookie ($token, 'x') {
    my $r = $ll->request('DELETE', $path, cookie => $cookie, @evil);
    is_problem($r, 403, '', 'DELETE with a cookie from a foreign origin');
    is(cookie($r), undef, 'clears nothing');
}

is($ll->request('DELETE', $path, headers => { Cookie => 'other=x',
                Origin => 'https://evil.example' })->status(), 204,
   'any other cookie does not count');


# whom a request expects to be

my @as = (cookie => $token);

sub expecting {
    my ($method, $path, $whom, @how) = @_;

    my %o = @how;
    my %headers = ('LeaseLoft-User' => $whom, 'Content-Type' =>
                   'application/json');

    return $ll->request($method, $path, headers => \%headers, @how);
}

my $sends = 0;

for my $auth ([cookie => $token], [token => $token]) {
    for my $case (['GET', $path], ['GET', $messages], ['GET', '/api/inbox'],
                  ['POST', $messages], ['POST', '/api/properties/P/read'],
                  ['POST', '/api/properties/nope/read'])
    {
        my ($method, $path) = @$case;
        my @body = $method eq 'GET' ? ()
                 : (body => $path eq $messages
                    ? '{"client_id":"c' . ++$sends . '","text":"x"}'
                    : '{"upto":1}');

        for my $whom ('u-lena', '', 'u-to', 'u-tom2', 'U-TOM') {
            my $r = expecting($method, $path, $whom, @$auth, @body);

            is_problem($r, 401, 'another-user',
                       "$method $path as '$whom' is a 401");
            is($r->header('WWW-Authenticate'), 'Bearer', 'WWW-Authenticate');
        }

        my $r = expecting($method, $path, 'u-tom', @$auth, @body);
        is($r->status(), $path =~ /nope/ ? 404 : $method eq 'GET' ? 200
                         : $path eq $messages ? 201 : 204, 'as oneself');
    }

    for my $path ('/api/properties/P/events', '/api/inbox/events') {
        for my $http (1, 2) {
            my $s = $ll->stream($path, @$auth, $http == 2 ? (http => 2) : (),
                                headers => { 'LeaseLoft-User' => 'u-lena' });
            is($s->status(), 401, "$path as another, HTTP/$http");
            $s->close();
        }

        my $s = $ll->stream($path, @$auth, headers => {
                                'LeaseLoft-User' => 'u-tom' });
        ok($s->wait_event('hello'), "$path as oneself");
        $s->close();
    }
}

is($ll->poll('P', 'u-tom')->{head} =~ s/\..*//r, 1 + $sends,
   'nothing was accepted but what was one\'s own');

# several of them must all agree; a bad token is an ordinary 401
my $raw = "GET $path HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        . "Cookie: leaseloft_session=$token\r\n";
is($ll->raw("${raw}LeaseLoft-User: u-tom\r\nLeaseLoft-User: u-x\r\n\r\n")
       ->status(), 401, 'one of two is another');
is($ll->raw("${raw}LeaseLoft-User: u-tom\r\nLeaseLoft-User: u-tom\r\n\r\n")
       ->status(), 200, 'twice the same');
is(expecting('GET', $path, 'u-tom', cookie => 'x')->json()->{type},
   'about:blank', 'no session at all is not another user\'s');

like($ll->request('OPTIONS', $messages, headers => { Origin => $app,
         'Access-Control-Request-Method' => 'GET' })
         ->header('Access-Control-Allow-Headers'), qr/\bLeaseLoft-User\b/,
     'a preflight allows the header');
is($ll->request('OPTIONS', $path, headers => { Origin => $app,
       'Access-Control-Request-Method' => 'POST' })
       ->header('Access-Control-Allow-Methods'), 'GET, POST, DELETE',
   'and the session\'s methods');

unlike($ll->slurp('error.log') . $ll->slurp('access.log'),
       qr/\Q@{[ substr $token, -30 ]}\E/, 'no token in a log');

$ll->finish(more => 1);


# leeway, and names of the cookie

$ll = LeaseLoft->new(directives => { leaseloft_leeway => '60s',
                                     leaseloft_cookie => '__Host-session' });
$token = $ll->token('u-tom', exp => int(time()) - 10);

{
    my $r = sign_in($token);
    my $cookie = cookie($r);

    is($r->status(), 204, 'a token within its leeway');
    is($cookie->{''}, "__Host-session=$token", 'leaseloft_cookie');
    is($cookie->{secure}, 1, '__Host- is Secure in any case');
    cmp_ok(abs($cookie->{'max-age'} - 50), '<=', 3,
           'the cookie lives as long as the token is taken');

    $r = $ll->get($path, headers => { Cookie => "__Host-session=$token" });
    is($r->status(), 200, 'and is one');
    cmp_ok($r->json()->{expires_at}, 'lt', LeaseLoft::at(0),
           'expires_at is the token\'s own');
    is($ll->get($path, cookie => $token)->status(), 401,
       'the default name is none any more');
}

$ll->finish();
