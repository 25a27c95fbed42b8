#!/usr/bin/perl

# Origins: who may write by cookie, and what pages of allowed origins are told.

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
    is("@got", "$origin true Origin", $name);
}

sub denied {
    my ($r, $name) = @_;

    is($r->header('Access-Control-Allow-Origin'), undef, $name);
    is($r->header('Access-Control-Allow-Credentials'), undef, $name);
    is($r->header('Vary'), 'Origin', 'but caches are told');
}


# preflights

sub preflight {
    my ($path, $origin, %o) = @_;

    return $ll->request('OPTIONS', $path, %o, headers => {
        Origin => $origin, 'Access-Control-Request-Method' => 'POST' });
}

for my $how ([], [http => 2]) {
    my $r = preflight($messages, $app, @$how);

    is($r->status(), 204, "a preflight @$how");
    is($r->body(), '', 'without a body');
    allowed($r, $app, 'from an allowed origin');
    is($r->header('Access-Control-Allow-Methods'), 'GET, POST', 'methods');
    like($r->header('Access-Control-Allow-Headers'), qr/\bAuthorization\b/,
         'headers');
    like($r->header('Access-Control-Allow-Headers'), qr/\bLast-Event-ID\b/,
         'headers');
    like($r->header('Access-Control-Max-Age'), qr/^[1-9]\d*$/, 'for a while');
    is($r->header('Cache-Control'), 'no-store', 'no-store');
    is($r->header('X-Content-Type-Options'), 'nosniff', 'nosniff');
}

is(preflight('/api/inbox', 'http://dev.example:3000')
       ->header('Access-Control-Allow-Methods'), 'GET', 'of another location');

for my $origin ('https://evil.example', "$app.evil.example", "$app:8443",
                'http://app.example.com', 'http://dev.example', 'null',
                "$app/", '*')
{
    my $r = preflight($messages, $origin);
    is_problem($r, 405, '', "a preflight from $origin");
    denied($r, 'is told nothing');
}

is($ll->request('OPTIONS', $messages, headers => { Origin => $app })->status(),
   405, 'OPTIONS that is no preflight');
is_problem(preflight('/internal/health', $app, port => $ll->{ports}{internal}),
           405, '', 'what is internal allows nobody');


# answers: of all kinds, errors and streams too

my $cookie = $ll->token('u-tom');
my @from = (cookie => $cookie, headers => { Origin => $app });

for my $case (
    ['a poll', 200, $ll->get($messages, @from)],
    ['a poll of history', 400, $ll->get("$messages?limit=0", @from)],
    ['an inbox', 200, $ll->get('/api/inbox', @from)],
    ['no token', 401, $ll->get('/api/inbox', headers => { Origin => $app })],
    ['not yours', 404, $ll->get('/api/properties/Q/messages', @from)],
    ['HEAD', 405, $ll->request('HEAD', $messages, @from)],
    ['a send', 201, $ll->post($messages, { client_id => 'c', text => 'x' },
                              @from)],
    ['a bad send', 422, $ll->post($messages, '{}', @from)],
    ['a type', 415, $ll->request('POST', $messages, @from, body => '{}')],
    ['a large one, which nginx refuses', 413,
     $ll->post($messages, 'x' x 70000, @from)])
{
    my ($name, $status, $r) = @$case;

    is($r->status(), $status, $name);
    allowed($r, $app, 'may be seen by an allowed origin');
}

my $exposed = $ll->get($messages, @from)
                 ->header('Access-Control-Expose-Headers');
like($exposed, qr/\b$_\b/, "$_ is exposed")
    for 'ETag', 'Location', 'Retry-After', 'LeaseLoft-Time-Zone';

for my $path ('/api/properties/P/events', '/api/inbox/events') {
    for my $how ([], [http => 2]) {
        my $s = $ll->stream($path, @$how, cookie => $cookie,
                            headers => { Origin => $app });
        is($s->status(), 200, "$path @$how");
        allowed($s->response(), $app, 'may be read');
        $s->close();
    }
}

my $etag = $ll->get($messages, @from)->header('ETag');
my $unchanged = $ll->get($messages, cookie => $cookie, headers => {
                             Origin => $app, 'If-None-Match' => $etag });
is($unchanged->status(), 304, 'nothing new');
allowed($unchanged, $app, 'too');

denied($ll->get($messages, cookie => $cookie, headers => {
           Origin => 'https://evil.example' }), 'others read nothing');
denied($ll->get($messages, cookie => $cookie), 'nor does who names none');


# writes by cookie: sends and marks

for my $path ($messages, '/api/properties/P/read') {
    my $tls = "127.0.0.1:$ll->{ports}{tls}";
    my $h2c = "127.0.0.1:$ll->{ports}{h2c}";

    for my $case (
        # 422: they got as far as the body, which is none
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

        # no origin, or none that is one
        [403, 'null'], [403, 'NULL'], [403, ''], [403, '*'], [403, 'http://'],
        [403, 'localhost'], [403, '//localhost'], [403, 'file://'],

        # what begins or ends like one that may, or has it inside
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
           "$path by cookie from '$origin' @how");
        is($ll->post($path, $body, user => 'u-tom', @how,
                     headers => { Origin => $origin })->status(), 422,
           'a bearer may') if $status == 403;
    }
}

is($ll->put('/internal/properties/N/lease', '{}', cookie => $cookie, headers =>
            { Origin => 'https://evil.example' })->status(), 422,
   'internal endpoints know no cookies');

my $raw = "POST $messages HTTP/1.1\r\nHost: example.com:%s\r\n"
    . "Cookie: leaseloft_session=$cookie\r\nOrigin: %s\r\n"
    . "Connection: close\r\nContent-Type: application/json\r\n"
    . "Content-Length: 2\r\n\r\n{}";

for my $case (['80', 'http://example.com', 422], ['81', 'http://example.com',
              403], ['81', 'http://example.com:81', 422],
              ['443', 'http://example.com', 403])
{
    is($ll->raw(sprintf($raw, @$case[0, 1]))->status(), $case->[2],
       "$case->[1] to port $case->[0]");
}

is($ll->raw("POST $messages HTTP/1.0\r\nCookie: leaseloft_session=$cookie\r\n"
            . "Origin: http://localhost\r\nContent-Type: application/json\r\n"
            . "Content-Length: 2\r\n\r\n{}")->status(), 403,
   'without a host nothing is the own one');

$ll->finish(more => 1);


# without leaseloft_allow_origin

$ll = LeaseLoft->new();
$ll->lease('P', tenants => ['u-tom']);

my $r = $ll->get($messages, user => 'u-tom', headers => { Origin => $app });
is($r->status(), 200, 'not configured');
is($r->header($_), undef, "no $_")
    for 'Vary', 'Access-Control-Allow-Origin';


# what it may be given

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
    is($status, 1, "leaseloft_allow_origin $case->[0]");
    like($said, qr/\Q$case->[0]\E.*"leaseloft_allow_origin".*\Q$case->[1]\E/,
         'and why');
}

for my $good ('https://a', 'http://[::1]:8080', 'capacitor://localhost',
              'https://xn--bcher-kva.example https://b.example:444')
{
    $ll->nginx_conf(server => "leaseloft_allow_origin $good;");
    my ($status, $said) = $ll->nginx_test();
    is($status, 0, "leaseloft_allow_origin $good") or diag($said);
}

$ll->finish();
