#!/usr/bin/perl

# The session: signing in, who is signed in, signing out; and LeaseLoft-User, by
# which a request names the user that it expects.

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

# the attributes of the only cookie that is set, by lower-case name; '' stands
# for its name and value
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

    is($r->status(), 204, "POST gets 204 @$how");
    is($r->body(), '', 'the 204 of POST has no body');
    headers($r, 'POST');
    is($cookie->{''}, "leaseloft_session=$token",
       'the value of the cookie is the token');
    is($cookie->{path}, '/', 'the cookie has Path=/');
    is($cookie->{httponly}, 1, 'the cookie is HttpOnly');
    is($cookie->{samesite}, 'Lax', 'the cookie is SameSite=Lax');
    is($cookie->{domain}, undef, 'the cookie has no Domain');
    is($cookie->{secure}, $how{tls},
       "the cookie is Secure over TLS only @$how");
    cmp_ok(abs($exp - time() - $cookie->{'max-age'}), '<=', 3,
           'the cookie has Max-Age up to exp');
    like($cookie->{expires}, qr/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/,
         'the cookie has Expires');
}

is(sign_in($token, cookie => $ll->token('u-lena'))->status(), 204,
   'POST replaces another session');
is(sign_in($token, cookie => $ll->token('u-lena'), headers => {
       'LeaseLoft-User' => 'u-lena' })->status(), 204,
   'POST ignores LeaseLoft-User');

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

    is_problem($r, 401, '', "a bad token gets 401: $name");
    is($r->header('WWW-Authenticate'), 'Bearer',
       "the 401 has WWW-Authenticate: $name");
    is(cookie($r), undef, "the 401 sets no cookie: $name");
}

{
    my $r = sign_in($ll->token('u-tom', name => 'x' x 3000));
    is_problem($r, 422, 'invalid-body',
               'a valid token too long for a cookie gets 422');
    is(fields($r), 'token', 'the 422 names token');
    is(cookie($r), undef, 'the 422 sets no cookie');
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
    is_problem($r, 422, 'invalid-body', "invalid body gets 422: $case->[0]");
    is(fields($r), $case->[1], "the 422 names the fields: $case->[0]");
    is(cookie($r), undef, "the 422 sets no cookie: $case->[0]");
}

my $many = $ll->post($path, '{' . join(',', map { "\"f$_\":1" } 1 .. 5000)
                            . '}');
is(scalar @{ $many->json()->{errors} }, 201, 'at most 201 faults are listed');
is(fields($ll->post($path, '{"token":"a","' . "\xc3\xa9" x 100 . '":1}')),
   'é' x 64 . '...', 'the name of a long field is cut');

# the order: 405, 403, 413, 415, 422, 401
my @evil = (headers => { Origin => 'https://evil.example' });
my $large = '{"token":"' . 'x' x 70000 . '"}';

is($ll->post($path, $large, @evil)->status(), 403, '403 comes before 413');
is($ll->post($path, $large, headers => { 'Content-Type' => 'x/y' })
       ->status(), 413, '413 comes before 415');
is($ll->post($path, '{}', headers => { 'Content-Type' => 'text/plain' })
       ->status(), 415, '415 comes before 422');
is($ll->post($path, '{"token":"x","y":1}')->status(), 422,
   '422 comes before 401');
is_problem($ll->request('POST', $path, body => '{}'), 415, '',
           'no Content-Type gets 415');

for my $method (qw(PUT PATCH HEAD OPTIONS)) {
    my $r = $ll->request($method, $path);
    is($r->status(), 405, "$method gets 405");
    is($r->header('Allow'), 'GET, POST, DELETE',
       "the 405 of $method has Allow");
    headers($r, $method);
}

# origins
for my $case (['https://evil.example', 403], ['null', 403], ['', 403],
              ['https://localhost', 403], ['http://localhost', 204],
              [$app, 204])
{
    my ($origin, $status) = @$case;
    my $r = sign_in($token, headers => { Origin => $origin });

    is($r->status(), $status, "POST from origin '$origin' gets $status");
    is(defined cookie($r), $status == 204,
       "POST from origin '$origin' sets a cookie only if allowed");
    is($ll->post($path, { token => $token }, user => 'u-tom', headers => {
           Origin => $origin })->status(), $status,
       "POST with a header token from origin '$origin' gets $status");
}


# who is signed in

sub session { return $ll->get($path, @_) }

for my $how ([cookie => $token], [token => $token],
             [cookie => $token, tls => 1, http => 2])
{
    my $r = session(@$how);
    my @t = gmtime $exp;

    is($r->status(), 200, 'GET gets 200');
    is($r->header('Content-Type'), 'application/json', 'the session is JSON');
    headers($r, 'GET');
    is_deeply($r->json(), { user => 'u-tom', name => 'Tom', expires_at =>
        sprintf('%d-%02d-%02dT%02d:%02d:%02d.000Z', $t[5] + 1900, $t[4] + 1,
                @t[3, 2, 1, 0]) }, 'the session has user, name and expires_at');
}

for my $case ([undef, undef], ['', undef], [1, undef], [['Tom'], undef],
              ['Zoë "Z" <b>', 'Zoë "Z" <b>'], ["a\nb", "a\nb"])
{
    my %name = defined $case->[0] ? (name => $case->[0]) : ();
    my $r = session(cookie => $ll->token('u-tom', %name));

    is($r->status(), 200, 'a token with any name gets 200');
    is($r->json()->{name}, $case->[1],
       'the name is a string of the token, else null');
}

is_problem(session(), 401, '', 'GET without a token gets 401');
is_problem(session(cookie => $ll->token('u-tom', exp => time() - 1)), 401, '',
           'GET with an expired token gets 401');
is(session(cookie => $token, @evil)->status(), 200,
   'GET from a foreign origin gets 200');
is(session(cookie => $token, headers => { Origin => $app })
       ->header('Access-Control-Allow-Origin'), $app,
   'GET from an allowed origin gets CORS headers');


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

    is($r->status(), 204, 'DELETE gets 204: '
       . join ' ', map { ref || length > 20 ? '…' : $_ } @$how);
    headers($r, 'DELETE');
    is($cookie->{''}, 'leaseloft_session=', 'DELETE empties the cookie');
    is($cookie->{path}, '/', 'the emptied cookie has Path=/');
    is($cookie->{'max-age'}, 0, 'the emptied cookie has Max-Age=0');
    is($cookie->{expires}, 'Thu, 01 Jan 1970 00:00:00 GMT',
       'the emptied cookie has Expires in the past');
    is($cookie->{secure}, $how{tls},
       'the emptied cookie is Secure over TLS only');
}

for my $cookie ($token, 'x') {
    my $r = $ll->request('DELETE', $path, cookie => $cookie, @evil);
    is_problem($r, 403, '',
               'DELETE with a cookie from a foreign origin gets 403');
    is(cookie($r), undef, 'the 403 clears no cookie');
}

is($ll->request('DELETE', $path, headers => { Cookie => 'other=x',
                Origin => 'https://evil.example' })->status(), 204,
   'DELETE from a foreign origin without the session cookie gets 204');


# LeaseLoft-User

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
                       "$method $path with LeaseLoft-User '$whom' gets 401");
            is($r->header('WWW-Authenticate'), 'Bearer',
               "the 401 has WWW-Authenticate: $method $path");
        }

        my $r = expecting($method, $path, 'u-tom', @$auth, @body);
        is($r->status(), $path =~ /nope/ ? 404 : $method eq 'GET' ? 200
                         : $path eq $messages ? 201 : 204,
           "$method $path with the own LeaseLoft-User is accepted");
    }

    for my $path ('/api/properties/P/events', '/api/inbox/events') {
        for my $http (1, 2) {
            my $s = $ll->stream($path, @$auth, $http == 2 ? (http => 2) : (),
                                headers => { 'LeaseLoft-User' => 'u-lena' });
            is($s->status(), 401,
               "$path with another LeaseLoft-User gets 401, HTTP/$http");
            $s->close();
        }

        my $s = $ll->stream($path, @$auth, headers => {
                                'LeaseLoft-User' => 'u-tom' });
        ok($s->wait_event('hello'), "$path with the own LeaseLoft-User opens");
        $s->close();
    }
}

is($ll->poll('P', 'u-tom')->{head} =~ s/\..*//r, 1 + $sends,
   'only sends with the own LeaseLoft-User are stored');

# several headers must all agree; a bad token gets an ordinary 401
my $raw = "GET $path HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        . "Cookie: leaseloft_session=$token\r\n";
is($ll->raw("${raw}LeaseLoft-User: u-tom\r\nLeaseLoft-User: u-x\r\n\r\n")
       ->status(), 401, 'two LeaseLoft-User, one of another user, get 401');
is($ll->raw("${raw}LeaseLoft-User: u-tom\r\nLeaseLoft-User: u-tom\r\n\r\n")
       ->status(), 200, 'two equal LeaseLoft-User get 200');
is(expecting('GET', $path, 'u-tom', cookie => 'x')->json()->{type},
   'about:blank', 'a bad token with LeaseLoft-User gets an ordinary 401');

like($ll->request('OPTIONS', $messages, headers => { Origin => $app,
         'Access-Control-Request-Method' => 'GET' })
         ->header('Access-Control-Allow-Headers'), qr/\bLeaseLoft-User\b/,
     'a preflight allows LeaseLoft-User');
is($ll->request('OPTIONS', $path, headers => { Origin => $app,
       'Access-Control-Request-Method' => 'POST' })
       ->header('Access-Control-Allow-Methods'), 'GET, POST, DELETE',
   'a preflight allows the methods of the session');

unlike($ll->slurp('error.log') . $ll->slurp('access.log'),
       qr/\Q@{[ substr $token, -30 ]}\E/, 'no log has the token');

$ll->finish(more => 1);


# leaseloft_leeway and leaseloft_cookie

$ll = LeaseLoft->new(directives => { leaseloft_leeway => '60s',
                                     leaseloft_cookie => '__Host-session' });
$token = $ll->token('u-tom', exp => int(time()) - 10);

{
    my $r = sign_in($token);
    my $cookie = cookie($r);

    is($r->status(), 204,
       'an expired token within leaseloft_leeway is accepted');
    is($cookie->{''}, "__Host-session=$token",
       'the cookie has the name of leaseloft_cookie');
    is($cookie->{secure}, 1, 'a __Host- cookie is Secure without TLS');
    cmp_ok(abs($cookie->{'max-age'} - 50), '<=', 3,
           'Max-Age includes the leeway');

    $r = $ll->get($path, headers => { Cookie => "__Host-session=$token" });
    is($r->status(), 200, 'the cookie of that name is accepted');
    cmp_ok($r->json()->{expires_at}, 'lt', LeaseLoft::at(0),
           'expires_at does not include the leeway');
    is($ll->get($path, cookie => $token)->status(), 401,
       'the cookie of the default name is not accepted');
}

$ll->finish();
