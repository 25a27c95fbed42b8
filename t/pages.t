#!/usr/bin/perl

# Error responses that nginx makes itself: problem documents in locations of the
# module; elsewhere those of nginx or of the operator's error_page.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;

my $limits = 'limit_req_zone all zone=one:1m rate=1r/m;'
           . 'limit_req_zone all zone=slow:1m rate=10r/s;';

my @locations = map { "location = /$_->[0] { leaseloft_inbox; $_->[1] }" }
    ['limited', 'limit_req zone=one; limit_req_status 429;'],
    ['busy', 'limit_req zone=one;'],
    ['denied', 'deny all;'],
    ['auth', 'auth_basic x; auth_basic_user_file none;'],
    ['broken', 'return 500;'], ['teapot', 'return 418;'],
    ['words', 'return 403 words;'], ['moved', 'return 302 /x;'],
    ['other', 'return 503;'],
    ['page', 'error_page 401 = /said; error_page 429 /said;'
             . 'limit_req zone=one; limit_req_status 429;'],
    ['named', 'error_page 429 @named; limit_req zone=one;'
              . 'limit_req_status 429;'],
    ['if', 'if ($arg_x) { add_header X-If 1 always; }'],
    ['except', 'limit_except PUT { allow all; }'],
    ['slowly', 'limit_req zone=slow burst=9;'],
    ['away', 'error_page 503 http://localhost/away; limit_req zone=one;'],
    ['dry', 'limit_req zone=one; limit_req_dry_run on;'];

my $ll = LeaseLoft->new(http => $limits, server => join "\n", @locations,
    'location = /said { default_type text/plain; return 200 said; }',
    'location @named { default_type text/plain; return 429 named; }',
    'location = /plain { limit_req zone=one; }',
    'location = /static { return 500; }',
    'location = /post { leaseloft_send P; limit_req zone=one;'
    . 'limit_req_status 429; }',
    'location = /stream { leaseloft_inbox_events; limit_req zone=one;'
    . 'limit_req_status 429; }',
    'location = /put { leaseloft_inbox; client_max_body_size 1k; }');

$ll->lease('P', tenants => ['u-tom']);

# uses up the one request a minute
$ll->get('/limited', user => 'u-tom');

my @transports = ([], [tls => 1], [http => 2], [tls => 1, http => 2]);

for my $how (@transports) {
    for my $case (['limited', 429], ['busy', 503], ['denied', 403],
                  ['auth', 401], ['broken', 500], ['teapot', 418],
                  ['other', 503])
    {
        my ($path, $status) = @$case;
        my $r = $ll->get("/$path", user => 'u-tom', @$how);

        is_problem($r, $status, '', "/$path @$how: $status is a problem");
        is($r->header('Content-Length'), length $r->body(),
           "/$path @$how: Content-Length is the length of the body");
        is(scalar(() = $r->raw() =~ /^Content-Type:/mig), 1,
           "/$path @$how: there is one Content-Type");

        if ($status == 429 || $status == 503) {
            like($r->header('Retry-After') // '', qr/^[1-9]\d*$/,
                 "/$path @$how: $status has Retry-After");
        }
    }

    # refusals of the module come before the limits
    is_problem($ll->get('/limited', @$how), 401, '',
               "401 comes before 429 @$how");
    is_problem($ll->get('/busy', @$how), 401, '', "401 comes before 503 @$how");
    is_problem($ll->request('DELETE', '/limited', @$how), 405, '',
               "405 comes before 429 @$how");

    # over HTTP/2, curl 7.88 loses a response that comes before the whole body
    # is sent
    is_problem($ll->post('/put', 'x' x 2000, @$how), 413, '',
               "413 by nginx is a problem @$how") if "@$how" !~ /http 2/;
}

is($ll->get('/limited')->header('WWW-Authenticate'), 'Bearer',
   '401 has WWW-Authenticate');
is($ll->post('/limited', '{}')->header('Allow'), 'GET', '405 has Allow');

# a response to HEAD has no body, whoever refuses it
for my $path ('limited', 'broken', 'denied') {
    my $r = $ll->request('HEAD', "/$path", user => 'u-tom');
    cmp_ok($r->status(), '>=', 400, "HEAD /$path is refused");
    is($r->body(), '', "HEAD /$path: no body is sent");
    like($r->header('Content-Type'), qr{^application/problem\+json},
         "HEAD /$path: Content-Type is that of a problem");
}

# connections are kept alive after an error
for my $path ('/limited', '/denied', '/busy') {
    my $token = $ll->token('u-tom');
    my $get = "GET %s HTTP/1.1\r\nHost: localhost\r\n"
            . "Authorization: Bearer $token\r\n%s\r\n";
    my $raw = $ll->raw(sprintf($get, $path, '') . sprintf($get, $path, '')
                       . sprintf($get, '/said', "Connection: close\r\n"))
                 ->raw();

    is(join(' ', map { int($_ / 100) } $raw =~ m{HTTP/1\.1 (\d+) }g), '4 4 2'
       =~ s/4/$path eq '\/busy' ? 5 : 4/ger,
       "$path: the connection is kept after an error");
}

# responses that are not changed
is($ll->get('/words', user => 'u-tom')->body(), 'words',
   'the text of return is kept');
is($ll->get('/moved', user => 'u-tom')->status(), 302, 'a redirection is kept');

for my $path ('plain', 'static') {
    my $r = $ll->get("/$path");
    like($r->header('Content-Type'), qr{^text/html},
         "/$path outside the module has nginx's own page");
}

# the operator's error_page
my $r = $ll->get('/page', user => 'u-tom');
is($r->status() . $r->body(), '429said', 'an error_page is used');
$r = $ll->get('/named', user => 'u-tom');
is($r->status() . $r->body(), '429named',
   'an error_page with a named location is used');
$r = $ll->get('/away', user => 'u-tom');
is($r->status(), 302, 'an error_page with a URL is used');
is_problem($ll->get('/dry', @{ [user => 'u-tom'] }) && $ll->get('/dry'), 401,
           '', 'limit_req_dry_run leaves a 401');
is($ll->get('/dry', user => 'u-tom')->status(), 200,
   'limit_req_dry_run refuses nothing');

# if and limit_except in a location
for my $how (@transports) {
    for my $path ('if?x=1', 'if', 'except') {
        my $r = $ll->get("/$path", user => 'u-tom', @$how);
        is($r->status(), 200, "/$path @$how gets 200");
        is($r->header('X-If'), $path =~ /x/ && $path =~ /if/ ? 1 : undef,
           "/$path @$how: add_header of the block applies");
        is_problem($ll->get("/$path", @$how), 401, '',
                   "/$path @$how without a token gets 401");
    }
}

# a request that a limit delays is answered; a client may leave meanwhile
is(join(' ', map { $ll->get('/slowly', user => 'u-tom')->status() } 1 .. 4),
   '200 200 200 200', 'delayed requests are answered');
is(join(' ', map { $ll->get('/slowly')->status() } 1 .. 3), '401 401 401',
   'delayed requests without a token get 401');
$ll->get('/slowly', user => 'u-tom', timeout => 0.02) for 1 .. 3;

# a stream that a limit refuses gets 200: any other status ends an EventSource
for my $how (@transports) {
    my $s = $ll->stream('/stream', user => 'u-tom', @$how);
    my $bye = $s->wait_event('bye', 2);

    is($s->status(), 200, "a limited stream gets 200 @$how");
    like($s->header('Content-Type'), qr{^text/event-stream},
         "a limited stream is an event stream @$how");
    is_deeply($bye && $bye->{json}, { reason => 'overload' },
              "a limited stream is sent bye overload @$how");
    cmp_ok($s->retry() // 0, '>=', 10000,
           "a limited stream has a retry of at least 10 s @$how");
    cmp_ok($s->retry() // 0, '<=', 60000,
           "a limited stream has a retry of at most 60 s @$how");
    is($s->header('Cache-Control'), 'no-store, no-transform',
       "a limited stream is not cached @$how");
    is($s->header('Retry-After'), undef,
       "a limited stream has no Retry-After @$how");
    ok($s->wait_closed(2), "a limited stream is closed @$how");
}

is_problem($ll->get('/stream'), 401, '',
           'a stream without a token gets 401 before the limit');

# a send over the limit: its body is discarded, the connection is kept
{
    my $token = $ll->token('u-tom');
    my $post = "POST /post HTTP/1.1\r\nHost: localhost\r\n"
             . "Authorization: Bearer $token\r\nContent-Length: 5\r\n\r\n12345";
    my $raw = $ll->raw("$post${post}GET /said HTTP/1.1\r\nHost: localhost\r\n"
                       . "Connection: close\r\n\r\n")->raw();
    is(join(' ', $raw =~ m{HTTP/1\.1 (\d+) }g), '429 429 200',
       'bodies over the limit are discarded, the connection is kept');
}

$ll->finish();
