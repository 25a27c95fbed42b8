#!/usr/bin/perl

# Origins: which ones may write with a cookie, and which CORS headers pages of
# allowed origins get.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;

my $app = 'https://app.example.com';
my $ll = LeaseLoft->new(server => "leaseloft_allow_origin $app:443"
                                  . ' HTTP://Dev.example:3000;');

$ll->lease('P', tenants => ['u-tom']);

my $messages = '/api/properties/P/messages';
my $port = $ll->{ports}{http};

sub allowed {
    my ($r, $origin, $name) = @_;

    my @got = map { $r->header($_) // '-' } 'Access-Control-Allow-Origin',
                  'Access-Control-Allow-Credentials', 'Vary';
    is("@got", "$origin true Origin", "$name: $origin is allowed");
}

sub denied {
    my ($r, $name) = @_;

    is($r->header('Access-Control-Allow-Origin'), undef,
       "$name: no Access-Control-Allow-Origin");
    is($r->header('Access-Control-Allow-Credentials'), undef,
       "$name: no Access-Control-Allow-Credentials");
    is($r->header('Vary'), 'Origin', "$name: Vary is Origin");
}


# preflights

sub preflight {
    my ($path, $origin, %o) = @_;

    return $ll->request('OPTIONS', $path, %o, headers => {
        Origin => $origin, 'Access-Control-Request-Method' => 'POST' });
}

for my $how ([], [http => 2]) {
    my $r = preflight($messages, $app, @$how);

    is($r->status(), 204, "a preflight @$how gets 204");
    is($r->body(), '', "a preflight @$how gets no body");
    allowed($r, $app, "a preflight @$how");
    is($r->header('Access-Control-Allow-Methods'), 'GET, POST',
       "a preflight @$how gets the methods of the location");
    like($r->header('Access-Control-Allow-Headers'), qr/\bAuthorization\b/,
         "a preflight @$how allows Authorization");
    like($r->header('Access-Control-Allow-Headers'), qr/\bLast-Event-ID\b/,
         "a preflight @$how allows Last-Event-ID");
    like($r->header('Access-Control-Max-Age'), qr/^[1-9]\d*$/,
         "a preflight @$how may be cached by the browser");
    is($r->header('Cache-Control'), 'no-store',
       "a preflight @$how has Cache-Control");
    is($r->header('X-Content-Type-Options'), 'nosniff',
       "a preflight @$how has X-Content-Type-Options");
}

is(preflight('/api/inbox', 'http://dev.example:3000')
       ->header('Access-Control-Allow-Methods'), 'GET',
   'a preflight for the inbox gets its methods');

for my $origin ('https://evil.example', "$app.evil.example", "$app:8443",
                'http://app.example.com', 'http://dev.example', 'null',
                "$app/", '*')
{
    my $r = preflight($messages, $origin);
    is_problem($r, 405, '', "a preflight from $origin gets 405");
    denied($r, "a preflight from $origin");
}

is($ll->request('OPTIONS', $messages, headers => { Origin => $app })->status(),
   405, 'OPTIONS that is not a preflight gets 405');
is_problem(preflight('/internal/health', $app, port => $ll->{ports}{internal}),
           405, '', 'a preflight for an internal endpoint gets 405');


# responses of all kinds, errors and streams, too

my $cookie = $ll->token('u-tom');
my @from = (cookie => $cookie, headers => { Origin => $app });

for my $case (
    ['a poll', 200, $ll->get($messages, @from)],
    ['an invalid poll', 400, $ll->get("$messages?limit=0", @from)],
    ['an inbox', 200, $ll->get('/api/inbox', @from)],
    ['an inbox without a token', 401,
     $ll->get('/api/inbox', headers => { Origin => $app })],
    ["another's property", 404, $ll->get('/api/properties/Q/messages', @from)],
    ['HEAD', 405, $ll->request('HEAD', $messages, @from)],
    ['a send', 201, $ll->post($messages, { client_id => 'c', text => 'x' },
                              @from)],
    ['an invalid send', 422, $ll->post($messages, '{}', @from)],
    ['a send without a type', 415,
     $ll->request('POST', $messages, @from, body => '{}')],
    ['a send that nginx itself refuses', 413,
     $ll->post($messages, 'x' x 70000, @from)])
{
    my ($name, $status, $r) = @$case;

    is($r->status(), $status, "$name gets $status");
    allowed($r, $app, $name);
}

my $exposed = $ll->get($messages, @from)
                 ->header('Access-Control-Expose-Headers');
like($exposed, qr/\b$_\b/, "$_ is exposed")
    for 'ETag', 'Location', 'Retry-After', 'LeaseLoft-Time-Zone';

for my $path ('/api/properties/P/events', '/api/inbox/events') {
    for my $how ([], [http => 2]) {
        my $s = $ll->stream($path, @$how, cookie => $cookie,
                            headers => { Origin => $app });
        is($s->status(), 200, "$path @$how gets 200");
        allowed($s->response(), $app, "$path @$how");
        $s->close();
    }
}

my $etag = $ll->get($messages, @from)->header('ETag');
my $unchanged = $ll->get($messages, cookie => $cookie, headers => {
                             Origin => $app, 'If-None-Match' => $etag });
is($unchanged->status(), 304, 'an unchanged poll gets 304');
allowed($unchanged, $app, 'an unchanged poll');

denied($ll->get($messages, cookie => $cookie, headers => {
           Origin => 'https://evil.example' }), 'a poll from another origin');
denied($ll->get($messages, cookie => $cookie), 'a poll without an origin');


# writes with a cookie: sends and read marks

for my $path ($messages, '/api/properties/P/read') {
    my $tls = "127.0.0.1:$ll->{ports}{tls}";
    my $h2c = "127.0.0.1:$ll->{ports}{h2c}";

    for my $case (
        # allowed: 422, since the body is not valid
        [422, $app], [422, 'HTTPS://APP.EXAMPLE.COM'],
        [422, 'http://dev.example:3000'], [422, 'http://localhost'],
        [422, "https://$tls", tls => 1], [422, "http://$h2c", http => 2],
        [422, "https://$tls", tls => 1, http => 2],

        # another scheme, another port
        [403, 'https://localhost'], [403, 'http://app.example.com'],
        [403, "http://$tls", tls => 1], [403, "https://$h2c", http => 2],
        [403, "http://$tls", tls => 1, http => 2],
        [403, 'http://localhost:81'], [403, 'http://dev.example'],
        [403, "http://localhost:$port"], [403, 'http://dev.example:30000'],
        [403, 'http://127.0.0.1:1', http => 2], [403, "$app:80"],

        # no origin, or not a valid one
        [403, 'null'], [403, 'NULL'], [403, ''], [403, '*'], [403, 'http://'],
        [403, 'localhost'], [403, '//localhost'], [403, 'file://'],

        # origins that begin or end like an allowed one, or contain it
        [403, 'https://evil.example'], [403, "$app.evil.example"],
        [403, 'http://localhost.evil.example'], [403, "${app}.evil"],
        [403, 'https://evilapp.example.com'], [403, 'http://evillocalhost'],
        [403, 'https://evil.app.example.com'], [403, 'https://example.com'],
        [403, 'https://app.example.co'], [403, 'http://localhos'],
        [403, 'https://app-example.com'], [403, "$app\@evil.example"],
        [403, "https://evil.example/$app"], [403, "https://evil.example#$app"],
        [403, "https://evil.example $app"], [403, "$app https://evil.example"],
        [403, "$app,https://evil.example"], [403, "$app%00.evil.example"],
        [403, "$app/"], [403, "$app."], [403, 'http://localhost/'],
        [403, "http://localhost\\.evil.example"],
        [403, "https:\\\\app.example.com"])
    {
        my ($status, $origin, @how) = @$case;
        my $body = $path eq $messages ? '{"client_id":"c"}' : '{}';

        is($ll->post($path, $body, cookie => $cookie, @how,
                     headers => { Origin => $origin })->status(), $status,
           "$path with a cookie, from '$origin' @how, gets $status");
        is($ll->post($path, $body, user => 'u-tom', @how,
                     headers => { Origin => $origin })->status(), 422,
           "$path with a bearer token, from '$origin' @how, is allowed")
            if $status == 403;
    }
}

is($ll->put('/internal/properties/N/lease', '{}', cookie => $cookie, headers =>
            { Origin => 'https://evil.example' })->status(), 422,
   'internal endpoints do not check the origin');

my $raw = "POST $messages HTTP/1.1\r\nHost: example.com:%s\r\n"
    . "Cookie: leaseloft_session=$cookie\r\nOrigin: %s\r\n"
    . "Connection: close\r\nContent-Type: application/json\r\n"
    . "Content-Length: 2\r\n\r\n{}";

for my $case (['80', 'http://example.com', 422], ['81', 'http://example.com',
              403], ['81', 'http://example.com:81', 422],
              ['443', 'http://example.com', 403])
{
    is($ll->raw(sprintf($raw, @$case[0, 1]))->status(), $case->[2],
       "a send from $case->[1] to port $case->[0] gets $case->[2]");
}

is($ll->raw("POST $messages HTTP/1.0\r\nCookie: leaseloft_session=$cookie\r\n"
            . "Origin: http://localhost\r\nContent-Type: application/json\r\n"
            . "Content-Length: 2\r\n\r\n{}")->status(), 403,
   'without a Host header no origin is the own one');

$ll->finish(more => 1);


# without leaseloft_allow_origin

$ll = LeaseLoft->new();
$ll->lease('P', tenants => ['u-tom']);

my $r = $ll->get($messages, user => 'u-tom', headers => { Origin => $app });
is($r->status(), 200, 'without leaseloft_allow_origin a poll gets 200');
is($r->header($_), undef, "without leaseloft_allow_origin there is no $_")
    for 'Vary', 'Access-Control-Allow-Origin';


# its values

for my $case (
    ['*', 'name each origin'], ['null', 'SCHEME://HOST'],
    ['app.example.com', 'SCHEME://HOST'], ['https://', 'no host'],
    ['https://a/', 'neither path'], ['https://a/x', 'neither path'],
    ['https://a?x', 'neither path'], ['https://u@a', 'neither path'],
    ['https://a:0', 'port'], ['https://a:65536', 'port'],
    ['https://a:x', 'port'], ['https://a:', 'port'],
    ['https://ü.example', 'xn--'], ['https://*.example.com', 'neither path'])
{
    $ll->nginx_conf(server => "leaseloft_allow_origin '$case->[0]';");
    my ($status, $said) = $ll->nginx_test();

    $ll->expect_log(qr/\Q$case->[0]\E/);
    is($status, 1, "leaseloft_allow_origin $case->[0] is refused");
    like($said, qr/\Q$case->[0]\E.*"leaseloft_allow_origin".*\Q$case->[1]\E/,
         "leaseloft_allow_origin $case->[0]: the error says why");
}

for my $good ('https://a', 'http://[::1]:8080', 'capacitor://localhost',
              'https://xn--bcher-kva.example https://b.example:444')
{
    $ll->nginx_conf(server => "leaseloft_allow_origin $good;");
    my ($status, $said) = $ll->nginx_test();
    is($status, 0, "leaseloft_allow_origin $good is valid") or diag($said);
}

$ll->finish();
