#!/usr/bin/perl

# Each proxy of docs/proxies.md, Debian's package with the very settings that
# stand there, in front of LeaseLoft's nginx: streams come through as they are,
# at once, and end with their client; polls are answered 304; writes by cookie
# from the site's own origin are accepted.  HTTP/1.0 and HTTP/2 as well.

use strict;
use warnings;

use List::Util qw(min);
use Test::More;
use Time::HiRes qw(time);

use lib 't/lib';
use LeaseLoft;

my $site = 'https://rent.example.com';

my @proxies = qw(nginx haproxy caddy apache varnish squid);
my %plain = map { $_ => 1 } qw(direct varnish squid haproxy-plain);
my %port = map { $_ => LeaseLoft::free_port() } @proxies, keys %plain;

my $ll = LeaseLoft->new(directives => { leaseloft_ping => '300ms' },
                        http => <<"END");
server {
    listen 127.0.0.1:$port{direct};
    leaseloft_origin $site;
    include leaseloft/api.conf;
}
END

my $dir = $ll->dir();
my $token = $ll->token('u-tom');

$ll->lease('P', tenants => ['u-tom']);
$ll->say('P', 'u-lena', "text $_") for 2 .. 4;

$ll->write('front.crt', $ll->slurp('tls.crt'));
$ll->write('front.key', $ll->slurp('tls.key'));
$ll->write('front.pem', $ll->slurp('tls.crt') . $ll->slurp('tls.key'));


# the settings of a proxy as the page has them, but for addresses and files
sub settings {
    my ($name) = @_;

    open my $f, '<', 'docs/proxies.md' or die "docs/proxies.md: $!";
    my $page = do { local $/; <$f> };
    my ($text) = $page =~ /^## \Q$name\E\n.*?^```\w+\n(.*?)^```$/ims
        or BAIL_OUT("no settings of $name in docs/proxies.md");

    $text =~ s/\b8080\b/$port{direct}/g;
    $text =~ s{/etc/ssl/rent\.}{$dir/front.}g;
    my $at = "127.0.0.1:$port{$name}";
    $text =~ s/((?:listen|bind|http_port|Host) )[*:]*(?:443|80)\b/$1$at/;

    return $text;
}


# what is around them, and the command
my %run = (
nginx => sub {
    $ll->write('front.conf', "daemon off; pid $dir/front.pid;
        error_log $dir/nginx-front.log; events { } http { access_log off;
        proxy_temp_path $dir/tmp/front; client_body_temp_path $dir/tmp/body2;
        $_[0] }");
    return "env PATH=\$PATH:/usr/sbin nginx -p $dir -e $dir/nginx-front.log"
           . " -c $dir/front.conf";
},

haproxy => sub {
    # without TLS it delays what it sends, unless told otherwise
    my $plain = "    bind 127.0.0.1:$port{'haproxy-plain'}\n";

    $ll->write('front.cfg', $_[0] =~ s/^(?=    bind )/$plain/mr);
    return "/usr/sbin/haproxy -q -db -f $dir/front.cfg";
},

caddy => sub {
    my $at = "127.0.0.1:$port{caddy}";

    $ll->write('Caddyfile', "{\n    admin off\n    auto_https off\n"
        . "    default_sni localhost\n}\n"
        . $_[0] =~ s{^(rent\.example\.com) }{https://$at, https://$1:$port{caddy} }mr);
    return "env HOME=$dir XDG_DATA_HOME=$dir XDG_CONFIG_HOME=$dir"
           . " /usr/bin/caddy run --config $dir/Caddyfile --adapter caddyfile";
},

apache => sub {
    my $load = join '', map {
        "LoadModule ${_}_module /usr/lib/apache2/modules/mod_$_.so\n" }
        qw(mpm_event authz_core setenvif filter deflate headers ssl http2
           proxy proxy_http);

    # compresses whatever it can
    $ll->write('apache.conf', "$load
        ServerRoot $dir
        DefaultRuntimeDir $dir
        PidFile $dir/apache.pid
        ErrorLog $dir/apache.error
        User nobody
        Group nogroup
        Listen 127.0.0.1:$port{apache}
        StartServers 1
        AddOutputFilterByType DEFLATE application/json text/event-stream
        $_[0]");
    return "/usr/sbin/apache2 -DFOREGROUND -f $dir/apache.conf";
},

varnish => sub {
    $ll->write('front.vcl', $_[0]);
    return "/usr/sbin/varnishd -F -n $dir/varnish -j none -T none"
           . " -a 127.0.0.1:$port{varnish} -f $dir/front.vcl"
           . " -s malloc,16m -p thread_pools=1 -p thread_pool_min=10";
},

squid => sub {
    $ll->write('squid.conf', "$_[0]
pid_filename none
cache_log /dev/null
access_log none
cache_store_log none
coredump_dir none
netdb_filename none
memory_cache_shared off
pinger_enable off
visible_hostname localhost
max_filedescriptors 1024
shutdown_lifetime 0 seconds
");
    chmod 0644, "$dir/squid.conf";
    return "/usr/sbin/squid -N -f $dir/squid.conf";
},
);

$ll->spawn("front-$_", $run{$_}->(settings($_))) for @proxies;

for my $name (@proxies) {
    wait_for(sub { LeaseLoft::connect_to($port{$name}) }, 30)
        or BAIL_OUT("no $name: " . $ll->slurp("front-$name.log")
                    . $ll->slurp('apache.error'));
}


# streams that nginx counts
sub streams { return $ll->metric('streams') // 'none' }


# the shortest time from before a message is sent to when it has come
sub fastest {
    my ($stream, $tries) = @_;

    return min map {
        my $start = time();
        my $seq = $ll->say('P', 'u-lena', 'quick')->json()->{seq};
        $stream->wait_entry($seq, 5) ? time() - $start : 99;
    } 1 .. $tries;
}


my $direct;

for my $name ('direct', @proxies, 'haproxy-plain') {
    my @how = (port => $port{$name}, http => '1.1',
               $plain{$name} ? () : (tls => 1));
    my %host = (Host => 'rent.example.com');
    my $before = streams();

    # streams
    for my $http ('1.1', '1.0', $plain{$name} ? () : '2') {
        my $via = "$name, HTTP/$http";

        # a proxy that encodes streams would do so for this request
        my $s = $ll->events('P', 'u-tom', @how, http => $http, last_id => 2,
            headers => { %host, 'Accept-Encoding' => 'gzip, br' });

        ok($s->wait_event('hello', 10), "$via: a stream gets hello");
        is($s->status(), 200, "$via: a stream gets 200");
        like($s->header('Content-Type'), qr{^text/event-stream},
             "$via: the type is text/event-stream");
        is($s->header('Content-Encoding'), undef,
           "$via: a stream is not encoded");
        ok($s->wait_entry(4, 5), "$via: a stream gets its entries");
        is(($s->entries())[0]{seq}, 3,
           "$via: a stream resumes after Last-Event-ID");

        # the fastest of five, as a busy machine may delay some
        my $took = fastest($s, 5);
        $direct //= $took;
        cmp_ok($took, '<', $direct + 0.1, "$via: events arrive at once");

        ok($s->wait_event('ping', 5), "$via: a stream gets pings");
        $s->close();
    }

    ok(wait_for(sub { streams() == $before }, 10),
       "$name: nginx closes the streams of clients that left");

    # polls
    my @poll = ('/api/properties/P/messages', user => 'u-tom', @how);
    my $r = $ll->get(@poll, headers => \%host);
    is($r->status(), 200, "$name: a poll gets 200");

    for my $coding ('identity', 'gzip') {
        my %accept = (%host, 'Accept-Encoding' => $coding);
        my $etag = $ll->get(@poll, headers => \%accept)->header('ETag');

        $r = $ll->get(@poll, headers => { %accept, 'If-None-Match' => $etag });
        is($r->status(), 304, "$name, $coding: ETag " . ($etag // 'none') . ' gets 304');
    }

    # writes
    for my $http ('1.1', '1.0', $plain{$name} ? () : '2') {
        $r = $ll->say('P', 'u-tom', 'hello', @how, http => $http,
                      headers => \%host);
        is($r->status(), 201, "$name, HTTP/$http: a send gets 201");
        like($r->header('Location') // '',
             qr{^/api/properties/P/messages\?before=\d+&limit=1$},
             "$name, HTTP/$http: the 201 has Location");
    }

    for my $case ([ $site, 204 ], [ 'https://evil.example', 403 ]) {
        my ($origin, $status) = @$case;

        $r = $ll->post('/api/properties/P/read', { upto => 1 }, @how,
            cookie => $token, headers => { %host, Origin => $origin });
        is($r->status(), $status, "$name: a mark from $origin gets $status");
    }
}

my %signal = (haproxy => 'USR1');

$ll->stop("front-$_", $signal{$_}) for @proxies;
$ll->finish();
