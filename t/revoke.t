#!/usr/bin/perl

# "leaseloft revoke": tokens issued until then are refused everywhere, streams
# end within a second, later tokens are valid; through reloads and lost
# connections.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new(main => 'worker_processes 2;',
    directives => { leaseloft_drain => '1s' },
    server => 'location = /who { default_type text/plain;'
              . ' return 200 "$leaseloft_user"; }');

$ll->lease('P', landlords => ['u-lena'], tenants => ['u-tom']);

my $messages = '/api/properties/P/messages';
my $now = int time();
my %token = (old => $ll->token('u-tom', iat => $now - 60),
             none => $ll->token('u-tom'),
             odd => $ll->token('u-tom', iat => 'x'),
             new => $ll->token('u-tom', iat => $now + 60));
my $lena = $ll->token('u-lena', iat => $now - 60);

# the status of several requests, which both processes answer
sub statuses {
    my ($token) = @_;
    my %seen;
    $seen{ $ll->get($messages, token => $token)->status() }++ for 1 .. 10;
    return join ' ', sort keys %seen;
}

sub revoke {
    my @args = @_;
    my ($status, $said) = $ll->cli('revoke', @args);
    return wantarray ? ($status, $said) : $status;
}

sub refused {
    my ($token) = @_;
    return wait_for(sub { statuses($token) eq '401' }, 3);
}

is(statuses($token{$_}), 200, "a token is valid at first: iat $_")
    for sort keys %token;


# streams end within a second, on all processes

my @streams = map { ($ll->events('P', undef, token => $token{old}),
                     $ll->stream('/api/inbox/events', token => $token{none}))
                  } 1 .. 4;
my @others = ($ll->events('P', undef, token => $lena),
              $ll->events('P', undef, token => $token{new}));
$_->wait_event('hello') for @streams, @others;

my $start = time();
my ($status, $said) = revoke('u-tom');
is($status, 0, 'tokens can be revoked');
like($said, qr/^tokens of u-tom issued until now are refused until \d{4}-/,
     'it says until when');

for my $stream (@streams) {
    my $bye = $stream->wait_event('bye', 3);
    is($bye && $bye->{json}{reason}, 'expired', 'a stream ends as expired');
}
cmp_ok(time() - $start, '<', 1, 'within a second of the command');

ok(refused($token{old}), 'a token issued before is refused');
is(statuses($token{$_}), 401, "and one with iat $_") for qw(none odd);
is(statuses($token{new}), 200, 'a token issued later is valid');
is(statuses($lena), 200, 'and those of other users');
ok(!$_->wait_event('bye', 0.3), 'their streams go on') for @others;

my $r = $ll->get($messages, token => $token{old});
is_problem($r, 401, '', 'the answer is the problem of a bad token');
is($ll->get('/who', token => $token{old})->body(), '',
   '$leaseloft_user is empty');
is($ll->get($messages, cookie => $token{old})->status(), 401,
   'it is refused as a cookie too');
is($ll->get($messages, headers => { Cookie => 'leaseloft_session='
       . "$token{old}; leaseloft_session=$token{new}" })->status(), 200,
   'a second cookie with a valid token counts');
is($ll->post('/api/session', { token => $token{old} })->status(), 401,
   'it signs nobody in');
is($ll->post($messages, { client_id => 'c-1', text => 'x' },
             token => $token{none})->status(), 401, 'it sends nothing');
is($ll->events('P', undef, token => $token{old})->status(), 401,
   'it opens no stream');


# nginx that starts or reconnects knows it

my @old = $ll->nginx_children();
$ll->signal('nginx', 'HUP');
ok(wait_for(sub { !grep { kill 0, $_ } @old }, 40), 'nginx has reloaded');
ok(refused($token{old}), 'new processes refuse the token');
$_->close() for @streams, @others;

$ll->redis('HSET', 'll:{w}:revoked', 'u-lena', int(time()) . ' '
           . int(time() + 100));
is(statuses($lena), 200, 'what is not announced is not known');
$ll->redis('CLIENT', 'KILL', 'TYPE', 'pubsub');
ok(refused($lena), 'after a lost subscription the list is read again');

$ll->stop('redis', 'KILL');
$ll->start('redis');
ok($ll->wait_healthy(200, 15), 'Redis is back');
is(statuses($token{old}), 401, 'the revocation has survived it');


# lifted, expired

is(revoke('u-lena', '--lift'), 0, 'a revocation can be lifted');
ok(wait_for(sub { statuses($lena) eq '200' }, 3), 'the token is valid again');
like((revoke('u-lena', '--lift'))[1], qr/^no tokens were revoked of u-lena$/,
     'lifting none says so');

is(revoke('u-lena', '--ttl', 2), 0, 'tokens can be revoked for 2 s');
ok(refused($lena), 'they are refused');
ok(wait_for(sub { statuses($lena) eq '200' }, 5), 'and valid after that');

my ($end) = (revoke('u-tom', '--ttl', 100))[1] =~ /until (\S+)$/;
is($end, $said =~ /until (\S+)$/ && $1, 'a revocation is not shortened');
is(revoke('u-tom', '--lift'), 0, 'it is lifted');

my $until = decode_json((revoke('u-tom', '--ttl', 100, '--json'))[1]);
is(join(' ', sort keys %$until), 'revoked_at until user', '--json prints it');
like($until->{until}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/,
     'with times');
is(join(' ', @{ $ll->redis('HKEYS', 'll:{w}:revoked') }), 'u-tom',
   'revocations that have ended are removed');
cmp_ok($ll->redis('TTL', 'll:{w}:revoked'), '<=', 100,
       'the list expires with the last one');


# bad input, and data that is malformed

for my $case ([['a b'], qr/USER must be 1 to 64/], [[], qr/takes USER/],
              [['u-tom', '--ttl', 0], qr/--ttl must be 1 to/],
              [['u-tom', '--ttl', '1x'], qr/--ttl must be 1 to/],
              [['u-tom', '--ttl', '99999999999999999999'], qr/--ttl must be/],
              [['u-tom', '--ttl', 1, '--lift'], qr/exclude each other/])
{
    my ($args, $why) = @$case;
    my ($status, $said) = revoke(@$args);
    is($status, 2, "revoke @$args exits with 2");
    like($said, $why, 'and says why');
}

$ll->redis('HSET', 'll:{w}:revoked', 'u-lena', 'x', 'a b', '1 2', 'u-x', '');
$ll->redis('PUBLISH', 'll:{w}:ch', 'x');
ok(wait_for(sub { $ll->slurp('error.log') =~ /is malformed, ignored/ }, 3),
   'nginx logs what is malformed');
is(statuses($lena), 200, 'it revokes nothing');
is(statuses($token{old}), 401, 'the rest is used');
is(revoke('u-ana'), 0, 'such a list can be added to');
is($ll->redis('HLEN', 'll:{w}:revoked'), 2, 'what is malformed is removed');

$ll->redis('DEL', 'll:{w}:revoked');
$ll->redis('SET', 'll:{w}:revoked', 'x');
is(revoke('u-ana'), 1, 'a list of another type is a failure');
$ll->redis('PUBLISH', 'll:{w}:ch', 'x');
ok(wait_for(sub { $ll->slurp('error.log') =~ /reading revoked users in redis/ },
            3), 'nginx logs that it cannot be read');
is(statuses($token{old}), 401, 'and goes by the last one that it has read');
$ll->redis('DEL', 'll:{w}:revoked');
ok(wait_for(sub { statuses($token{old}) eq '200' }, 3),
   'it tries again until the list can be read');

$ll->finish();
