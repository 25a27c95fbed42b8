#!/usr/bin/perl

# No secret and no message text is in a log, a metric or a response to others:
# texts, names, labels, tokens in headers and cookies, the key that signs them,
# and the passwords of Redis; with valid requests, with every kind of refusal,
# and while Redis refuses nginx and the worker.

use strict;
use warnings;

use MIME::Base64 qw(encode_base64url);
use Test::More;

use lib 't/lib';
use LeaseLoft;

my %password = (nginx => 'Nixkennwort', worker => 'Werkkennwort');
my $port = LeaseLoft::free_port();

sub users {
    return map { "user $_ on >$password{$_} ~ll:* &ll:* +\@all\n" } @_;
}

# a rate that even a slow machine exceeds
my $ll = LeaseLoft->new(start => 0, limits => 1,
    directives => { leaseloft_wait => '500ms',
        'limit_req_zone $leaseloft_sender zone=leaseloft_sends:10m' =>
        'rate=1r/s' },
    redis_conf => "port $port\nbind 127.0.0.1\n"
                  . join('', users('nginx', 'worker')));

sub url { return "redis://$_[0]:$password{$_[0]}\@127.0.0.1:$port" }

$ll->start('redis');
$ll->{url} = url('worker');
$ll->start('worker1');
$ll->{url} = url('nginx');
$ll->nginx_conf();
$ll->start('nginx');
ok($ll->wait_healthy(), 'healthy with passwords in the Redis URLs');


# --- the secrets ---

my ($text, $label, $name, $field) = qw(Geheimnis Sonnenallee Nescio Feldname);
my $now = int time();
my (%token, %limited);

for my $carrier (qw(token cookie)) {
    my @claims = (jti => "by $carrier", exp => $now + 999);
    $token{$carrier} = $ll->token('u-tom', @claims);
    $limited{$carrier} = $ll->token('u-ana', @claims);
}

my %secret = (text => $text, label => $label, name => $name, field => $field,
              'signing secret' => $ll->{key},
              'signing secret, base64' => encode_base64url($ll->{key}),
              "nginx's password" => $password{nginx},
              "the worker's password" => $password{worker});

for my $carrier (qw(token cookie)) {
    for my $token ($token{$carrier}, $limited{$carrier}) {
        my (undef, $claims, $signature) = split /\./, $token;
        $secret{'claims ' . keys %secret} = $claims;
        $secret{'signature ' . keys %secret} = $signature;
    }
}

# the names of the secrets in these bytes, in any case
sub found {
    my ($bytes) = @_;
    return join ', ', grep { index(lc $bytes, lc $secret{$_}) >= 0 }
                      sort keys %secret;
}

my $messages = '/api/properties/P/messages';
my %p = (label => $label, tenants => [
    map { { user => $_, name => $name } } 'u-tom', 'u-ana' ]);

is($ll->lease('P', %p, ends_at => at(9999))->status(), 200,
   'a lease is declared');
is($ll->lease('E', %p, ends_at => '2021-01-01T00:00:00Z')->status(), 200,
   'a lease that has ended is declared');

my $stream = $ll->events('P', undef, token => $token{token});
$stream->wait_event('hello');
is($ll->say('P', 'u-lena', $text, client_id => 'c')->status(), 201,
   'a message gets 201');
ok($stream->wait_event('', 2), 'the stream gets the message');
is($ll->say('P', 'u-tom', $text, client_id => 'b')->status(), 201,
   'the reply gets 201');
is(found($stream->raw()), 'label, name, text',
   'the stream of a party has text, label and name');


# --- refusals ---

my %refused;

sub refused {
    my ($status, $r) = @_;

    is($r->status(), $status, "the refusal has status $status")
        or diag($r->raw());
    $refused{$status} .= $r->raw();
}

my $good = qq({"client_id":"d","text":"$text"});
my @foreign = (headers => { Origin => 'https://evil.example' });

for my $carrier (qw(token cookie)) {
    my @as = ($carrier => $token{$carrier});

    for my $wrong ("$token{$carrier}.x", substr($token{$carrier}, 0, -3),
                   "x$token{$carrier}")
    {
        refused(401, $ll->post($messages, $good, $carrier => $wrong));
        refused(401, $ll->get('/api/inbox/events', $carrier => $wrong));
    }

    refused(403, $ll->post($messages, $good, @as, @foreign))
        if $carrier eq 'cookie';
    refused(404, $ll->post('/api/properties/Q/messages', $good, @as));
    refused(400, $ll->get("$messages?after=x", @as));
    refused(405, $ll->put($messages, $good, @as));
    refused(413, $ll->post($messages, $text x 10000, @as));
    refused(415, $ll->post($messages, $good, @as,
                           headers => { 'Content-Type' => 'text/plain' }));
    refused(409, $ll->post('/api/properties/E/messages', $good, @as));
    refused(409, $ll->post($messages, qq({"client_id":"b","text":"$text!"}),
                           @as));

    for my $body (qq({"client_id":"x","text":"$text","$field":1}),
                  qq({"client_id":"x","text":"$text),
                  qq($text), qq({"client_id":"$text !","text":7}),
                  qq({"client_id":"x","$field":1,"$field":2}),
                  qq({"client_id":"y","text":"$text\\u0000"}))
    {
        refused(422, $ll->post($messages, $body, @as));
    }
}

# the limit lets a burst of 100 pass
for my $carrier (qw(token cookie)) {
    my @as = ($carrier => $limited{$carrier});
    my $r;

    for (1 .. 400) {
        $r = $ll->post($messages, $good, @as);
        last if $r->status() == 429;
    }

    refused(429, $r);
}

my $lease = '/internal/properties/P/lease';

refused(422, $ll->put($lease, qq({"label":"$label","tenants":)
                              . qq([{"user":"$name !","name":"$name"}]})));
refused(409, $ll->lease('P', %p, lease_id => 'L-2', starts_at => at(9)));
refused(409, $ll->lease('E', %p, ends_at => '2021-02-01T00:00:00Z'));
refused(404, $ll->get($messages, user => 'u-mia'));


# a token in the query is not accepted.  The access log has no query; the error
# log of nginx has whole request lines, so this is a token of its own

my $asked = $ll->token('u-lena', jti => 'in a query');

for my $arg (qw(token access_token id_token jwt bearer leaseloft_session
                Authorization authorization cookie))
{
    is($ll->get("$_?$arg=$asked")->status(), 401,
       "a token in the query gets 401: $arg=, $_")
        for $messages, '/api/properties/P/events', '/api/inbox';
}

is($ll->get("$messages?token=$asked&limit=1", user => 'u-tom')->json()
      ->{you}{role}, 'tenant',
   'a token in the query does not replace the one in the header');
unlike($ll->slurp('access.log'), qr/\?|\Q$asked\E/,
       'the access log has no query');


# --- cases that are logged ---

# an invalid request is given up
$ll->redis('XADD', 'll:{q:0}:requests', '*', 'op', 'send', 'p', 'P', 'u',
           "$name !", 'b', $text, 'r', 'x.1');
ok(wait_for(sub { $ll->redis('XLEN', 'll:{q:0}:dead') == 1 }, 5),
   'an invalid request is given up');

# the passwords in Redis change
$ll->redis('ACL', 'SETUSER', $_, 'resetpass', '>another') for keys %password;
$ll->redis('CLIENT', 'KILL', 'TYPE', $_) for qw(pubsub normal);
ok($stream->wait_event(sub { $_[0]{event} eq 'ping' && !$_[0]{json}{live} }),
   'streams are sent live: false when Redis refuses');
ok($ll->wait_healthy(503, 6), 'health is 503 when Redis refuses');
ok(wait_for(sub { $ll->slurp($_) =~ /WRONGPASS/ }), "$_ has the refusal")
    for qw(error.log worker1.log);

for my $carrier (qw(token cookie)) {
    my @as = ($carrier => $token{$carrier});

    refused(503, $ll->post($messages, $good, @as));
    refused(503, $ll->post('/api/properties/P/read', '{"upto":1}', @as));
    refused(503, $ll->get($_, @as)) for "$messages?after=0", '/api/inbox';
}

refused(503, $ll->lease('P', %p));
refused(503, $ll->get('/internal/health'));

$ll->redis('ACL', 'SETUSER', $_, 'resetpass', ">$password{$_}")
    for keys %password;
ok($ll->wait_healthy(200, 10), 'healthy once the passwords are back');

# Redis falls silent before it answers a send; the access of the user is known
# by then, from the stream
ok($stream->wait_event(sub { $_[0]{event} eq 'ping' && $_[0]{json}{live} }),
   'the stream is sent live: true');
$ll->signal('redis', 'STOP');
my $silent = $ll->post($messages, $good, token => $token{token});
$ll->signal('redis', 'CONT');
refused(503, $silent);
like($silent->body(), qr{/outcome-unknown"}, 'the outcome of the send is"
                                         . " unknown');


# --- no secret is in any of it ---

is(join(' ', sort keys %refused), '400 401 403 404 405 409 413 415 422 429 503',
   'refusals of every status were collected');

# the name of an unknown field must be in the 422
is(found($refused{$_}), $_ == 422 ? 'field' : '', "a $_ has no secret")
    for sort keys %refused;

my %places = (
    (map { $_ => $ll->slurp($_) }
         qw(error.log access.log nginx.log worker1.log redis.log)),
    metrics => $ll->get('/internal/metrics')->raw(),
    health => $ll->get('/internal/health')->raw(),
    'a stranger' => $ll->get('/api/inbox', user => 'u-mia')->raw(),
);

is(found($places{$_}), '', "$_ has no secret") for sort keys %places;

$stream->close();
$ll->finish();
