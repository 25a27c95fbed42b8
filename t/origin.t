#!/usr/bin/perl

# The site's own origin behind a proxy that ends TLS: nginx and HAProxy as
# docs/proxies.md configures them, and the values that leaseloft_origin takes.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;

my $site = 'https://rent.example.com';

# servers behind the proxy, by what they say their own origin is
my %servers = (
    none     => '',
    constant => "leaseloft_origin $site;",
    capitals => 'leaseloft_origin HTTPS://Rent.Example.Com:443;',
    proxy    => 'leaseloft_origin $http_x_forwarded_proto://$http_host;',
    map      => 'leaseloft_origin $leaseloft_scheme://$http_host;',
);

my %port = map { $_ => LeaseLoft::free_port() } keys %servers, 'nginx',
                                                'haproxy';
my $blocks = join "\n", map { <<"END" } sort keys %servers;
server {
    listen 127.0.0.1:$port{$_};
    $servers{$_}
    include leaseloft/api.conf;
}
END

my $ll = LeaseLoft->new(http => <<'END' . $blocks);
map $http_x_forwarded_proto $leaseloft_scheme {
    ~^https   https;
    default   $scheme;
}
END

my $dir = $ll->dir();

$ll->lease('P', tenants => ['u-tom']);

my $token = $ll->token('u-tom');
my $read = '/api/properties/P/read';

sub mark {
    my ($port, $origin, %o) = @_;

    return $ll->post($read, { upto => 1 }, cookie => $token, port => $port,
        http => '1.1', %o,
        headers => { Host => 'rent.example.com', Origin => $origin,
                     %{ $o{headers} || {} } })->status();
}

# the attributes of the session's cookie that a server sets
sub secure {
    my ($port, %o) = @_;

    my $r = $ll->post('/api/session', { token => $token }, port => $port,
        http => '1.1', %o,
        headers => { Host => 'rent.example.com', %{ $o{headers} || {} } });
    is($r->status(), 204, 'a sign-in gets 204');

    return ($r->header('Set-Cookie') // '') =~ /; Secure(;|$)/ ? 1 : 0;
}

# a proxy in front of a server, with TLS; it is told to end by stop()
sub front {
    my ($kind, $server) = @_;

    if ($kind eq 'nginx') {
        $ll->write('front.conf', <<"END");
daemon off;
pid $dir/front.pid;
error_log $dir/front.log;
events { }
http {
    access_log off;
    proxy_temp_path $dir/tmp/front;
    client_body_temp_path $dir/tmp/front-body;
    server {
        listen 127.0.0.1:$port{nginx} ssl http2;
        ssl_certificate $dir/tls.crt;
        ssl_certificate_key $dir/tls.key;
        location / {
            proxy_pass http://127.0.0.1:$port{$server};

            proxy_set_header Host              \$http_host;
            proxy_set_header X-Forwarded-Proto \$scheme;
        }
    }
}
END
        $ll->spawn('front', "env PATH=\$PATH:/usr/sbin nginx -p $dir"
                            . " -e $dir/front.log -c $dir/front.conf");

    } else {
        $ll->write('front.pem', $ll->slurp('tls.crt') . $ll->slurp('tls.key'));
        $ll->write('front.cfg', <<"END");
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend web
    bind 127.0.0.1:$port{haproxy} ssl crt $dir/front.pem alpn h2,http/1.1
    http-request set-header X-Forwarded-Proto https if { ssl_fc }
    http-request set-header X-Forwarded-Proto http  unless { ssl_fc }
    default_backend leaseloft
backend leaseloft
    server nginx 127.0.0.1:$port{$server}
END
        $ll->spawn('front', "/usr/sbin/haproxy -q -db -f $dir/front.cfg");
    }

    wait_for(sub { LeaseLoft::connect_to($port{$kind}) }, 10)
        or BAIL_OUT("no $kind: " . $ll->slurp('front.log'));
}

for my $kind ('nginx', 'haproxy') {

    my @how = (tls => 1);

    front($kind, 'none');
    is(mark($port{$kind}, $site, @how), 403,
       "behind $kind a write is refused without leaseloft_origin");
    is(secure($port{$kind}, @how), 0,
       "behind $kind the cookie is not Secure without leaseloft_origin");
    $ll->stop('front', $kind eq 'nginx' ? 'TERM' : 'USR1');

    for my $server (qw(constant capitals proxy map)) {
        front($kind, $server);

        for my $http ([], [http => 2]) {
            my $name = "$server behind $kind @$http";

            is(mark($port{$kind}, $site, @how, @$http), 204,
               "$name: the site's own origin may write");
            is(mark($port{$kind}, $_, @how, @$http), 403,
               "$name: $_ may not write")
                for 'http://rent.example.com', 'https://evil.example',
                    "$site:8443", "$site.evil.example", 'null';
            is(secure($port{$kind}, @how, @$http), 1,
               "$name: the cookie is Secure");
        }

        # X-Forwarded-Proto from a client does not pass the proxy
        is(mark($port{$kind}, 'http://rent.example.com', @how, headers => {
                'X-Forwarded-Proto' => 'http' }), 403,
           "$server behind $kind: a client cannot choose the scheme");

        is($ll->request('DELETE', '/api/session', cookie => $token, @how,
                        port => $port{$kind}, headers => {
                            Host => 'rent.example.com', Origin => $site })
               ->status(), 204, "$server behind $kind: signing out gets 204");

        $ll->stop('front', $kind eq 'nginx' ? 'TERM' : 'USR1');
    }
}


# without the proxy

sub from {
    my ($server, $origin, %headers) = @_;
    return mark($port{$server}, $origin, headers => \%headers);
}

is(from('constant', $site, Host => 'x'), 204, 'a constant origin ignores Host');
is(from('constant', 'http://rent.example.com'), 403,
   'a constant origin ignores the scheme of the connection');
is(from('map', 'http://rent.example.com'), 204,
   'the map falls back to the scheme of the connection');
is(from('map', $site, 'X-Forwarded-Proto' => 'https,http'), 204,
   'the map takes the first scheme of a list');

unlike($ll->slurp('error.log'), qr/\[warn\].*leaseloft_origin/,
       'valid origins are not warned about');
is(from('proxy', 'http://rent.example.com'), 403,
   'every origin is refused without X-Forwarded-Proto');
is(from('proxy', '://rent.example.com'), 403,
   'an origin without a scheme is refused');
is(from('proxy', $site, 'X-Forwarded-Proto' => 'https, http'), 403,
   'every origin is refused with a list of schemes');
like($ll->slurp('error.log'),
     qr{\[warn\].*"leaseloft_origin" is "://rent.example.com" for this request},
     'the invalid origin is logged');
is(secure($port{proxy}), 0,
   'the cookie follows the connection where the origin is invalid');

# browsers send Origin with every cross-origin write
is($ll->post($read, { upto => 1 }, cookie => $token, port => $port{proxy})
       ->status(), 204, 'a write without Origin is accepted');


# accepted and refused values

for my $case (['*', 'SCHEME://HOST|name each'],
              ['rent.example.com', 'SCHEME://HOST'], ['https://', 'no host'],
              ["$site/", 'neither path'], ["$site:0", 'port'],
              ['https://[::x]', 'IPv6'])
{
    $ll->nginx_conf(http => "leaseloft_origin '$case->[0]';");
    my ($status, $said) = $ll->nginx_test();

    $ll->expect_log(qr/\Q$case->[0]\E/);
    is($status, 1, "leaseloft_origin $case->[0] is refused");
    like($said, qr/\Q$case->[0]\E.*"leaseloft_origin".*(?:$case->[1])/,
         "the error for $case->[0] says why");
}

for my $good ($site, 'http://[::1]:8080', '$scheme://$http_host') {
    $ll->nginx_conf(http => "leaseloft_origin $good;");
    my ($status, $said) = $ll->nginx_test();
    is($status, 0, "leaseloft_origin $good is accepted") or diag($said);
}

$ll->nginx_conf(http => "leaseloft_origin $site; leaseloft_origin $site;");
$ll->expect_log(qr/is duplicate/);
like(($ll->nginx_test())[1], qr/"leaseloft_origin" directive is duplicate/,
     'a second leaseloft_origin is refused');

# the configuration as at the start
$ll->nginx_conf(http => '');
$ll->finish();
