#!/usr/bin/perl

# Error pages that nginx makes by itself: problem documents in our locations,
# nginx's own or the operator's elsewhere.

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

# spends the one request a minute
$ll->get('/limited', user => 'u-tom');

my @transports = ([], [tls => 1], [http => 2], [tls => 1, http => 2]);

for my $how (@transports) {
    for my $case (['limited', 429], ['busy', 503], ['denied', 403],
                  ['auth', 401], ['broken', 500], ['teapot', 418],
                  ['other', 503])
    {
        my ($path, $status) = @$case;
        my $r = $ll->get("/$path", user => 'u-tom', @$how);

        is_problem($r, $status, '', "$path: $status @$how");
        is($r->header('Content-Length'), length $r->body(), 'its length');
        is(scalar(() = $r->raw() =~ /^Content-Type:/mig), 1, 'one type');

        if ($status == 429 || $status == 503) {
            like($r->header('Retry-After') // '', qr/^[1-9]\d*$/,
                 'Retry-After');
        }
    }

    # what refuses a request for itself comes before the limits
    is_problem($ll->get('/limited', @$how), 401, '', '401, then 429');
    is_problem($ll->get('/busy', @$how), 401, '', '401, then 503');
    is_problem($ll->request('DELETE', '/limited', @$how), 405, '',
               '405, then 429');

    # over HTTP/2, curl 7.88 loses what nginx answers before it has the body
    is_problem($ll->post('/put', 'x' x 2000, @$how), 413, '',
               'nginx finds 413 first') if "@$how" !~ /http 2/;
}

is($ll->get('/limited')->header('WWW-Authenticate'), 'Bearer',
   'with its headers');
is($ll->post('/limited', '{}')->header('Allow'), 'GET', 'with its headers');

# HEAD has no body, whoever says so
for my $path ('limited', 'broken', 'denied') {
    my $r = $ll->request('HEAD', "/$path", user => 'u-tom');
    cmp_ok($r->status(), '>=', 400, "HEAD /$path");
    is($r->body(), '', 'no body');
    like($r->header('Content-Type'), qr{^application/problem\+json},
         'but its type');
}

# connections live on
for my $path ('/limited', '/denied', '/busy') {
    my $token = $ll->token('u-tom');
    my $get = "GET %s HTTP/1.1\r\nHost: localhost\r\n"
            . "Authorization: Bearer $token\r\n%s\r\n";
    my $raw = $ll->raw(sprintf($get, $path, '') . sprintf($get, $path, '')
                       . sprintf($get, '/said', "Connection: close\r\n"))
                 ->raw();

    is(join(' ', map { int($_ / 100) } $raw =~ m{HTTP/1\.1 (\d+) }g), '4 4 2'
       =~ s/4/$path eq '\/busy' ? 5 : 4/ger, "$path, and on");
}

# what is not ours to change
is($ll->get('/words', user => 'u-tom')->body(), 'words', 'return with words');
is($ll->get('/moved', user => 'u-tom')->status(), 302, 'a redirection');

for my $path ('plain', 'static') {
    my $r = $ll->get("/$path");
    like($r->header('Content-Type'), qr{^text/html}, "$path is none of ours");
}

# the operator's error_page
my $r = $ll->get('/page', user => 'u-tom');
is($r->status() . $r->body(), '429said', 'error_page');
$r = $ll->get('/named', user => 'u-tom');
is($r->status() . $r->body(), '429named', 'error_page with a named location');
$r = $ll->get('/away', user => 'u-tom');
is($r->status(), 302, 'error_page with a URL');
is_problem($ll->get('/dry', @{ [user => 'u-tom'] }) && $ll->get('/dry'), 401,
           '', 'a dry run refuses nothing');
is($ll->get('/dry', user => 'u-tom')->status(), 200, 'indeed');

# blocks within a location
for my $how (@transports) {
    for my $path ('if?x=1', 'if', 'except') {
        my $r = $ll->get("/$path", user => 'u-tom', @$how);
        is($r->status(), 200, "$path @$how");
        is($r->header('X-If'), $path =~ /x/ && $path =~ /if/ ? 1 : undef,
           'what the block adds');
        is_problem($ll->get("/$path", @$how), 401, '', 'without a token');
    }
}

# what a limit delays is not refused, nor forgotten when its client goes
is(join(' ', map { $ll->get('/slowly', user => 'u-tom')->status() } 1 .. 4),
   '200 200 200 200', 'delayed');
is(join(' ', map { $ll->get('/slowly')->status() } 1 .. 3), '401 401 401',
   'refused after a delay');
$ll->get('/slowly', user => 'u-tom', timeout => 0.02) for 1 .. 3;

# a stream that a limit refuses: any status but 200 would end it for good
for my $how (@transports) {
    my $s = $ll->stream('/stream', user => 'u-tom', @$how);
    my $bye = $s->wait_event('bye', 2);

    is($s->status(), 200, "a limited stream @$how");
    like($s->header('Content-Type'), qr{^text/event-stream}, 'is one');
    is_deeply($bye && $bye->{json}, { reason => 'overload' }, 'bye: overload');
    cmp_ok($s->retry() // 0, '>=', 10000, 'a long retry');
    cmp_ok($s->retry() // 0, '<=', 60000, 'a long retry');
    is($s->header('Cache-Control'), 'no-store, no-transform', 'Cache-Control');
    is($s->header('Retry-After'), undef, 'no Retry-After');
    ok($s->wait_closed(2), 'and it ends');
}

is_problem($ll->get('/stream'), 401, '', 'a stream without a token');

# a send over the limit: its body is skipped, the connection goes on
{
    my $token = $ll->token('u-tom');
    my $post = "POST /post HTTP/1.1\r\nHost: localhost\r\n"
             . "Authorization: Bearer $token\r\nContent-Length: 5\r\n\r\n12345";
    my $raw = $ll->raw("$post${post}GET /said HTTP/1.1\r\nHost: localhost\r\n"
                       . "Connection: close\r\n\r\n")->raw();
    is(join(' ', $raw =~ m{HTTP/1\.1 (\d+) }g), '429 429 200', 'bodies too');
}

$ll->finish();
