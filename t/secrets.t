#!/usr/bin/perl

# Nothing secret and nothing said is in a log, a metric or an answer that is
# not for its reader: texts, names, labels and tokens, from good requests and
# from bad ones.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use LeaseLoft;

my $ll = LeaseLoft->new();
my %said = (text => 'Geheimnis', label => 'Sonnenallee', name => 'Nescio');

$ll->lease('P', label => $said{label},
           tenants => [{ user => 'u-tom', name => $said{name} }]);

my $stream = $ll->events('P', 'u-lena');
$stream->wait_event('hello');

is($ll->say('P', 'u-tom', $said{text})->status(), 201, 'said');
like($stream->wait_event('', 2)->{data}, qr/Geheimnis/, 'and heard');

# bodies that are wrong, of each kind

my $messages = '/api/properties/P/messages';

for my $body (qq({"client_id":"x","text":"$said{text}","$said{text}":1}),
              qq({"client_id":"x","text":"$said{text}),
              qq($said{text}), qq({"client_id":"$said{text} !","text":7}),
              qq({"client_id":"y","text":"$said{text}\\u0000"}))
{
    is($ll->post($messages, $body, user => 'u-tom')->status(), 422,
       'a body that is wrong');
}

$ll->put('/internal/properties/Q/lease',
         qq({"label":"$said{label}","tenants":[{"user":"$said{name} !"}]}));

# tokens that are wrong, and a right one where it does not belong

my $token = $ll->token('u-tom');

for my $wrong ("$token.x", substr($token, 0, -3), "x$token") {
    is($ll->get($messages, token => $wrong)->status(), 401, 'a wrong token');
}

# the access log has no query; what is in nginx's own error log of a request is
# its first line, so none of this test is asked for in one

is($ll->get("$messages?token=$token&limit=1", user => 'u-tom')->status(), 200,
   'a token in the query is no token, and does no harm');

# a request given up, and Redis gone and back, have their say in logs

$ll->redis('XADD', 'll:{in:0}:inbox', '*', 'op', 'send', 'p', 'P', 'u',
           "$said{name} !", 'b', $said{text}, 'r', 'x.1');
ok(wait_for(sub { $ll->redis('XLEN', 'll:{in:0}:dead') == 1 }, 5),
   'a request that is none is given up');

$ll->redis('CLIENT', 'KILL', 'TYPE', 'pubsub');
$ll->redis('CLIENT', 'KILL', 'TYPE', 'normal');
ok($ll->wait_healthy(200, 10), 'links lost and made anew');

my %places = (
    'nginx error log' => $ll->slurp('error.log'),
    'nginx access log' => $ll->slurp('access.log'),
    'worker log' => $ll->slurp('worker1.log'),
    'redis log' => $ll->slurp('redis.log'),
    metrics => $ll->get('/internal/metrics')->body(),
    health => $ll->get('/internal/health')->body(),
    'a stranger' => $ll->get($messages, user => 'u-mia')->raw(),
);

for my $place (sort keys %places) {
    for my $what (sort keys %said) {
        unlike($places{$place}, qr/$said{$what}/, "$place: no $what");
    }

    # of a token: neither its claims nor its signature
    my (undef, $claims, $signature) = split /\./, $token;
    unlike($places{$place}, qr/\Q$claims\E|\Q$signature\E/,
           "$place: no token");
}

$ll->finish();
