#!/usr/bin/perl

# Refusals: their statuses, the order in which checks are made, and what the
# responses look like.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new();

$ll->lease('P', landlords => ['u-lena'], tenants => ['u-tom']);
$ll->lease('Q', landlords => ['u-omar'], tenants => ['u-mia']);

my $messages = '/api/properties/P/messages';
my @foreign = (headers => { Origin => 'https://evil.example' });


# 405: before all other checks, with Allow

my %allow = (
    '/api/properties/P/events'           => 'GET',
    '/api/properties/P/messages'         => 'GET, POST',
    '/api/properties/P/read'             => 'POST',
    '/api/inbox'                         => 'GET',
    '/api/inbox/events'                  => 'GET',
    '/internal/properties/P/lease'       => 'PUT',
    '/internal/metrics'                  => 'GET',
    '/internal/health'                   => 'GET, HEAD',
);

for my $path (sort keys %allow) {
    for my $method (qw(HEAD OPTIONS DELETE PATCH TRACE FOO)) {
        # nginx itself refuses TRACE
        next if $method eq 'TRACE';
        next if $allow{$path} =~ /$method/;

        my $r = $ll->request($method, $path);
        is($r->status() . ' ' . ($r->header('Allow') // 'none'),
           "405 $allow{$path}", "$method $path gets 405 and Allow");
    }
}

is_problem($ll->post('/api/inbox', '{}'), 405, '',
           '405 has a problem document');
is_problem($ll->get('/api/properties/P/read'), 405, '',
           'the method is checked before the token');


# 401

for my $path (grep { m{^/api} } sort keys %allow) {
    my $method = $allow{$path} =~ /GET/ ? 'GET' : 'POST';
    my $r = $ll->request($method, $path);

    is_problem($r, 401, '', "$method $path without a token gets 401");
    is($r->header('WWW-Authenticate'), 'Bearer',
       "$method $path without a token gets WWW-Authenticate");
}

is_problem($ll->post($messages, '{}', token => 'x', @foreign), 401, '',
           'the token is checked before the origin');


# 403

my $cookie = $ll->token('u-tom');

is_problem($ll->post($messages, '{}', cookie => $cookie, @foreign), 403, '',
           'a write with a cookie from another origin gets 403');
is_problem($ll->post('/api/properties/nope/messages', '{}', cookie => $cookie,
                     @foreign), 403, '',
           'the origin is checked before the property');
is($ll->post($messages, '{}', user => 'u-tom', @foreign)->status(), 422,
   'a bearer token is accepted from any origin');
is($ll->post($messages, '{}', cookie => $cookie,
             headers => { Origin => 'http://localhost' })->status(), 422,
   'a cookie is accepted from the own origin');
is($ll->post($messages, '{}', cookie => $cookie,
             headers => { Origin => 'https://localhost' })->status(), 403,
   'a cookie is refused from another scheme');
is($ll->post($messages, '{}', cookie => $cookie,
             headers => { Origin => 'http://localhost:81' })->status(), 403,
   'a cookie is refused from another port');
is($ll->post($messages, '{}', cookie => $cookie,
             headers => { Origin => 'null' })->status(), 403,
   'a cookie is refused from origin null');
is($ll->post($messages, '{}', cookie => $cookie)->status(), 422,
   'a cookie is accepted without an origin');
is($ll->get($messages, cookie => $cookie, @foreign)->status(), 200,
   'a read with a cookie is served for any origin');


# 404: the same response, byte by byte, for all that one has no access to

my $long = 'x' x 65;

for my $case (
    ['GET', 'messages'], ['GET', 'messages?after=bad'], ['GET', 'events'],
    ['GET', 'events?after=bad'], ['POST', 'messages'], ['POST', 'read'])
{
    my ($method, $what) = @$case;
    my @body = $method eq 'POST' ? (body => 'nonsense') : ();
    my $first;

    for my $property ('nope', 'Q', '', $long, 'a.b', 'a%20b', '%0a', 'ü') {
        my $r = $ll->request($method, "/api/properties/$property/$what",
                             user => 'u-tom', @body);

        is_problem($r, 404, '', "$method '$property' $what gets 404")
            unless $first;
        $first //= $r->comparable();

        is($r->comparable(), $first,
           "$method '$property' $what gets the same 404");
    }
}

for my $path ('/api', '/api/', '/api/properties', '/api/properties/P',
              '/api/properties/P/', '/api/properties/P/messages/',
              '/api/properties/P/messages%0A', '/api/inbox/',
              '/api/properties/P/x', '/internal/health', '/internal/metrics',
              '/internal/properties/P/lease')
{
    # /api would be a file, for which other methods get nginx's 405
    for my $method ($path eq '/api' ? 'GET' : qw(GET POST PUT)) {
        my $r = $ll->request($method, $path, user => 'u-tom',
                             port => $ll->{ports}{http});
        like($r->status() . ($r->header('Content-Type') // ''),
             qr{^404text/html}, "$method $path gets nginx's 404");
        is_not_cached($r, "$method $path") unless $path eq '/api';
    }
}

for my $path ('/', '/internal', '/internal/x', '/api/inbox',
              '/internal/properties/P', '/internal/properties/P/lease/')
{
    for my $method (qw(GET POST PUT OPTIONS)) {
        my $r = $ll->request($method, $path, port => $ll->{ports}{internal});
        like($r->status() . ($r->header('Content-Type') // ''),
             qr{^404text/html}, "internal $method $path gets nginx's 404");
        is_not_cached($r, "internal $method $path");
    }
}

sub is_not_cached {
    my ($r, $what) = @_;

    is(join(', ', map { $r->header($_) // 'none' }
                  qw(Cache-Control X-Content-Type-Options)),
       'no-store, nosniff', "$what: nginx's 404 is not cached");
}


# 400: polls; streams send a reset event instead (stream.t)

for my $query (
    'after=', 'after=x', 'after=1.', 'after=1.9f3a01c', 'after=1.9F3A01C2',
    'after=-1', 'after=01', 'after=1.9f3a01c22', 'after=+1', 'after=1%00',
    'after=9999999999999999999999', 'before=', 'before=x', 'before=1.9f3a01c2',
    'limit=', 'limit=0', 'limit=201', 'limit=x', 'limit=-1', 'limit=1.5',
    'limit=010', 'after=0&before=1')
{
    is_problem($ll->get("$messages?$query", user => 'u-tom'), 400, '',
               "a poll with $query gets 400");
}

for my $query (qw(limit=0 limit=201 limit= cursor= cursor=x limit=x)) {
    is_problem($ll->get("/api/inbox?$query", user => 'u-tom'), 400, '',
               "an inbox with $query gets 400");
}

is($ll->get("$messages?foo=bar&limit=200&=&x", user => 'u-tom')->status(), 200,
   'unknown parameters are ignored');


# the body: 413, 415, 422

my $large = 'x' x (64 * 1024 + 1);

is_problem($ll->post($messages, $large, user => 'u-tom'), 413, '',
           'a body above 64 KiB gets 413');
is_problem($ll->request('POST', $messages, user => 'u-tom', body => $large,
                        headers => { 'Content-Type' => 'text/plain' }),
           413, '', 'the size is checked before the type');

{
    my $token = $ll->token('u-tom');
    my $r = $ll->raw("POST $messages HTTP/1.1\r\nHost: localhost\r\n"
        . "Authorization: Bearer $token\r\nConnection: close\r\n"
        . "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        . "10001\r\n" . ('x' x 0x10001) . "\r\n0\r\n\r\n");
    is_problem($r, 413, '', 'a chunked body above 64 KiB gets 413');
}

is($ll->post($messages, '{"client_id":"c","text":"' . 'x' x (65536 - 27) . '"}',
             user => 'u-tom')->status(), 422, 'a body of 64 KiB is read');

for my $type ('', 'text/plain', 'application/x-www-form-urlencoded',
              'application/jsonx', 'application/problem+json')
{
    my $r = $ll->request('POST', $messages, user => 'u-tom', body => '{',
                         headers => { 'Content-Type' => $type });
    is_problem($r, 415, '', "Content-Type '$type' gets 415, before 422");
}

for my $type ('application/json', 'application/json; charset=utf-8',
              'Application/JSON', 'application/json;charset=UTF-8')
{
    my $r = $ll->request('POST', $messages, user => 'u-tom', body => '{}',
                         headers => { 'Content-Type' => $type });
    is($r->status(), 422, "Content-Type '$type' is accepted");
}


# 422, then 409

$ll->lease('E', lease_id => 'L-e', ends_at => '2021-01-01T00:00:00Z');

is_problem($ll->post('/api/properties/E/messages', {}, user => 'u-tom'), 422,
           '', 'the body is checked before the lease');
is_problem($ll->say('E', 'u-tom', 'hello?'), 409, 'lease-not-active',
           'a send to an ended lease gets 409');


# headers of responses that are not refusals

my %cache = ($messages => 'private, no-cache', '/api/inbox' =>
             'private, no-cache', '/internal/health' => 'no-store',
             '/internal/metrics' => 'no-store');

for my $path (sort keys %cache) {
    my $r = $ll->get($path, user => 'u-tom');
    is($r->status(), 200, "$path gets 200");
    is($r->header('Cache-Control'), $cache{$path},
       "$path has its Cache-Control");
    is($r->header('X-Content-Type-Options'), 'nosniff',
       "$path has X-Content-Type-Options");
}

my $sent = $ll->say('P', 'u-tom', 'hello');

is($sent->header('Cache-Control'), 'no-store', 'a send has Cache-Control');
is($sent->header('X-Content-Type-Options'), 'nosniff',
   'a send has X-Content-Type-Options');

$ll->finish();
