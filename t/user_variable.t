#!/usr/bin/perl

# leaseloft_user: the identity is a variable of nginx, here of a trusted proxy's
# header, of auth_request and of a client certificate; tokens do not count.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;

# without X-Proxy the variable is empty; the header of anybody else is ignored
my $trusted = <<'END';
map $http_x_proxy $who { secret $http_x_user; }
END

my $ll = LeaseLoft->new(directives => { leaseloft_max_streams => 2 },
    http => "$trusted log_format who '\$leaseloft_user';",
    server => 'leaseloft_user $who; access_log who.log who;'
              . 'add_header X-Who $leaseloft_user always;');

$ll->lease('P', landlords => ['u-lena'], tenants => ['u-tom']);

my $messages = '/api/properties/P/messages';
my $app = 'https://evil.example.com';

sub as { return (headers => { 'X-Proxy' => 'secret', 'X-User' => $_[0],
                              %{ $_[1] || {} } }) }


# the user is the variable's

my $r = $ll->get('/api/session', as('u-tom'));
is($r->status(), 200, 'the session is a 200');
is($r->body(), '{"user":"u-tom","name":null,"expires_at":null}',
   'it has the user, no name and no expiry');
is($r->header('X-Who'), 'u-tom', '$leaseloft_user is that user');

is($ll->get($messages, as('u-tom'))->json()->{you}{role}, 'tenant',
   'a poll is that of the user');
is($ll->post($messages, { client_id => 'c-1', text => 'hello' },
             as('u-tom'))->status(), 201, 'the user can send');
is($ll->get($messages, as('u-lena'))->json()->{entries}[1]{from}{user}, 'u-tom',
   'the message is from the user');
is($ll->post('/api/properties/P/read', { upto => 2 }, as('u-lena'))->status(),
   204, 'the user can set a read mark');
is($ll->get('/api/inbox', as('u-lena'))->json()->{threads}[0]{property}, 'P',
   'the inbox is that of the user');

my ($stranger, $none) = map { $ll->get($_, as('u-ana')) }
                        $messages, '/api/properties/none/messages';
is($stranger->status(), 404, 'a stranger gets a 404');
is($stranger->body(), $none->body(), 'as where there is no property');


# no or a malformed one is a 401, whatever token there is

for my $case ([{}, 'no value'], [{ as('')}, 'an empty value'],
              [{ as('a b') }, 'a value with a space'],
              [{ as('x' x 65) }, 'a value that is too long'],
              [{ as('u-tom,u-lena') }, 'two values'],
              [{ headers => { 'X-User' => 'u-tom' } },
               'a header without the secret'])
{
    my ($o, $what) = @$case;

    for my $credentials ([], [token => $ll->token('u-tom')],
                         [cookie => $ll->token('u-tom')])
    {
        my $r = $ll->get($messages, %$o, @$credentials);
        is_problem($r, 401, '', "$what is a 401"
                                . (@$credentials
                                   ? ", with a $credentials->[0] too" : ''));
    }
}

is($ll->get('/api/session', as('u-lena'), token => $ll->token('u-tom'))
       ->json()->{user}, 'u-lena', 'a Bearer token does not count');
is($ll->get('/api/session', as('u-lena'), cookie => $ll->token('u-tom'))
       ->json()->{user}, 'u-lena', 'nor does a cookie');

$r = $ll->post('/api/session', { token => $ll->token('u-tom') }, as('u-lena'));
is($r->status(), 401, 'no token signs anybody in');
is($r->header('Set-Cookie'), undef, 'and no cookie is set');


# what the contract says of all identities

$r = $ll->get($messages, as('u-tom', { 'LeaseLoft-User' => 'u-lena' }));
is($r->status(), 401, 'another user than LeaseLoft-User names is a 401');
like($r->json()->{type}, qr{/another-user$}, 'with that type');

for my $o ({}, { token => $ll->token('u-tom') }) {
    my $r = $ll->post($messages, { client_id => 'c-2', text => 'forged' },
                      as('u-tom', { Origin => $app }), %$o);
    is($r->status(), 403, 'a write from a foreign page is a 403'
                          . (%$o ? ', with a Bearer header too' : ''));
}


# streams: the header that the value came from is freed, the user is not

my @streams = map { $ll->events('P', undef, as('u-tom')) } 1, 2;
ok($_->wait_event('hello'), 'a stream can be opened') for @streams;

my $third = $ll->events('P', undef, as('u-tom'));
is($third->wait_event('bye')->{json}{reason}, 'overload',
   'streams are counted for the user');
$third->close();

my $other = $ll->events('P', undef, as('u-lena'));
ok($other->wait_event('hello'), 'and not for others');

is($ll->post($messages, { client_id => 'c-3', text => 'to all' },
             as('u-lena'))->status(), 201, 'another message is sent');
ok($_->wait_entry(3), 'each stream gets it') for @streams, $other;

is($ll->lease('P', tenants => ['u-ana'])->status(), 200, 'the tenant leaves');
is($streams[0]->wait_entry(4)->{event}, 'left',
   'the stream gets the end of the window');
$_->close() for @streams, $other;
ok(wait_for(sub { ($ll->slurp('who.log') =~ s/^-?\n//mgr)
                  =~ /\A(?:u-(?:tom|lena|ana)\n)+\z/ }, 5),
   'the access log has the users') or diag($ll->slurp('who.log'));

$ll->finish(more => 1);


# auth_request and client certificates

my $dir;
$ll = LeaseLoft->new(start => 0);
$dir = $ll->dir();

for my $name ('u-tom', 'x.y') {
    system("openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=$name "
           . "-keyout $dir/$name.key -out $dir/$name.crt 2>/dev/null") == 0
        or die 'openssl';
}

my $auth = LeaseLoft::free_port();

$ll->nginx_conf(http => <<"END",
map \$ssl_client_s_dn \$certified { ~^CN=(?<cn>.*)\$ \$cn; }
server {
    listen 127.0.0.1:$auth;
    location / {
        if (\$cookie_sid = tom) { add_header X-Who u-tom; return 204; }
        if (\$cookie_sid = odd) { add_header X-Who "a b"; return 204; }
        if (\$cookie_sid = none) { return 204; }
        return 401;
    }
}
END
    server => <<"END");
ssl_verify_client optional_no_ca;
leaseloft_user \$who;
auth_request /auth;
auth_request_set \$who \$upstream_http_x_who;
location = /auth {
    internal;
    proxy_pass http://127.0.0.1:$auth;
    proxy_pass_request_body off;
    proxy_set_header Content-Length '';
}
location = /certified/inbox {
    auth_request off;
    leaseloft_user \$certified;
    leaseloft_inbox;
}
END

$ll->start($_) for qw(redis worker1 nginx);
$ll->wait_healthy();
$ll->lease('P', landlords => ['u-lena'], tenants => ['u-tom']);

sub sid { return (headers => { Cookie => "sid=$_[0]", 'X-Who' => 'u-lena' }) }

is($ll->get('/api/session', sid('tom'))->json()->{user}, 'u-tom',
   'auth_request: the user is the one that it sets');
is($ll->get($messages, sid('tom'))->json()->{you}{role}, 'tenant',
   'auth_request: a poll is that of the user');
is($ll->post($messages, { client_id => 'c-1', text => 'hello' },
             sid('tom'))->status(), 201, 'auth_request: the user can send');
is($ll->get($messages, sid('bad'))->status(), 401,
   'auth_request: nginx itself refuses whom it does not know');
is_problem($ll->get($messages, sid($_)), 401, '',
           "auth_request: an answer with $_ user is a 401") for 'none', 'odd';

my $stream = $ll->events('P', undef, sid('tom'));
ok($stream->wait_event('hello'), 'auth_request: a stream can be opened');
$stream->close();

sub certified {
    my ($name) = @_;
    my $cert = $name ? "--cert $dir/$name.crt --key $dir/$name.key" : '';
    return qx(curl -sk $cert https://127.0.0.1:$ll->{ports}{tls}/certified/inbox);
}

like(certified('u-tom'), qr/"property":"P"/,
     'client certificate: the user is its name');
like(certified('x.y'), qr/"status":401/,
     'client certificate: a name that is no id is a 401');
like(certified(''), qr/"status":401/, 'client certificate: none is a 401');


# nginx -t

sub said {
    my ($conf) = @_;
    my $key = qr/leaseloft_key [^;]*;/;
    $ll->nginx_conf(http => '', server => $conf);
    $ll->write('nginx.conf', $ll->slurp('nginx.conf') =~ s/$key//r);
    return $ll->nginx_test();
}

is((said('leaseloft_user $remote_user;'))[0], 0, 'no key is needed');
my ($status, $said) = said('');
is($status, 1, 'without both, endpoints are refused');
like($said, qr/require "leaseloft_key" to verify tokens, or "leaseloft_user"/,
     'the error names both');
($status, $said) = said('leaseloft_user $nobody_sets_this;');
like($said, qr/unknown "nobody_sets_this" variable/,
     'an unknown variable is refused');

$ll->expect_log(qr/leaseloft_key|nobody_sets_this/);
$ll->finish();
