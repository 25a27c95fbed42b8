#!/usr/bin/perl

# leaseloft doctor --url: a stream through real proxies, of which some buffer,
# compress or close it.

use strict;
use warnings;

use POSIX ();
use Test::More;
use Time::HiRes qw(time);

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new(directives => { leaseloft_ping => '1s',
                                        leaseloft_drain => '1s' });
my $dir = $ll->dir();
my %port = map { $_ => LeaseLoft::free_port() }
               qw(good buffers ignores compresses closes silent);

$ll->write('token', $ll->token('u-tom') . "\n");
$ll->write('bad', "none\n");

# nginx as a proxy in front, with settings for each of its servers
my %settings = (
    good => 'proxy_http_version 1.1; proxy_buffering off;',
    # HTTP/1.0, which is the default, has no chunks, which nginx forwards
    ignores => 'proxy_http_version 1.0; proxy_buffering on;'
               . ' proxy_ignore_headers X-Accel-Buffering;',
    compresses => 'proxy_http_version 1.1; proxy_buffering off; gzip on;'
                  . ' gzip_proxied any; gzip_types text/event-stream; gzip_min_length 0;',
    closes => 'proxy_http_version 1.1; proxy_buffering off;'
              . ' proxy_read_timeout 400ms;',
);
my $servers = join '', map { <<"END" } sort keys %settings;
    server {
        listen 127.0.0.1:$port{$_};
        location / {
            proxy_pass http://127.0.0.1:$ll->{ports}{http}/;
            $settings{$_}
        }
        location /app/ {
            proxy_pass http://127.0.0.1:$ll->{ports}{http}/;
            $settings{$_}
        }
    }
END

my $user = $> == 0 ? 'user root;' : '';

mkdir "$dir/front";
$ll->write('front.conf', <<"END");
$user
daemon off;
worker_processes 1;
pid $dir/front.pid;
error_log $dir/front_error.log;
events { }
http {
    access_log off;
${\ join '', map { "    ${_}_temp_path $dir/front;\n" }
                 qw(client_body proxy fastcgi uwsgi scgi) }
$servers
}
END
$ll->spawn('front', "env PATH=\$PATH:/usr/sbin nginx -e $dir/front_error.log"
                    . " -c $dir/front.conf");

# Varnish receives an answer as a whole, unless told otherwise
$ll->write('front.vcl', <<"END");
vcl 4.1;
backend leaseloft {
    .host = "127.0.0.1";
    .port = "$ll->{ports}{http}";
}
sub vcl_backend_response {
    set beresp.do_stream = false;
}
END
$ll->spawn('varnish', "/usr/sbin/varnishd -F -n $dir/varnish -j none -T none"
           . " -a 127.0.0.1:$port{buffers} -f $dir/front.vcl -s malloc,16m"
           . ' -p thread_pools=1 -p thread_pool_min=10');

for my $proxy (qw(good buffers)) {
    ok(wait_for(sub { LeaseLoft::connect_to($port{$proxy}) }, 30),
       "the proxy \"$proxy\" runs");
}

# doctor's finding about the stream, by a level, and how long it took
sub finds {
    my ($level, $text, $what, $url, @more) = @_;

    my $start = time();
    my ($status, $said) = $ll->cli('doctor', '--url', $url,
                                   @more ? @more : ('--token', "$dir/token"));
    my ($line) = $said =~ /^(\w+ +stream .*)$/m;

    like($line // '', qr/^$level +stream +$text/, "$what: $level")
        or diag($said);
    is($status, 2, "$what: the exit status is that of a fault")
        if $level eq 'fault';

    return time() - $start;
}

my $arrives = qr/"hello" after 0\.\d{3} s, "ping" after \d\.\d s$/;
my $own = "http://127.0.0.1:$ll->{ports}{http}";
my $tls = "https://localhost:$ll->{ports}{tls}";

finds('ok', $arrives, 'without a proxy', $own);
finds('ok', $arrives, 'a URL that ends with a slash', "$own/");
finds('ok', $arrives, 'by TLS', $tls, '--token', "$dir/token", '--ca',
      "$dir/tls.crt");
finds('ok', $arrives, 'a proxy', "http://127.0.0.1:$port{good}");
finds('ok', $arrives, 'a path', "http://localhost:$port{good}/app");

my $took = finds('fault', qr/.* a proxy in front buffers answers, .*proxies\.md/,
                 'a proxy that buffers', "http://127.0.0.1:$port{buffers}");
cmp_ok($took, '<', 10, 'a proxy that buffers: within 10 s');
finds('fault', qr/.* a proxy in front buffers answers, .*proxies\.md/,
      'an nginx that buffers', "http://127.0.0.1:$port{ignores}");
finds('fault', qr/.*compresses streams, .*"text\/event-stream"/,
      'a proxy that compresses', "http://127.0.0.1:$port{compresses}");
finds('fault', qr/an idle stream is closed after [01]\.\d s, .*"leaseloft_ping"/,
      'a proxy that closes idle streams', "http://127.0.0.1:$port{closes}");

finds('fault', qr/\S+ cannot be reached, .*: Connection refused/, 'no site',
      "http://127.0.0.1:$port{silent}");
finds('fault', qr/\S+ cannot be reached, .*certificate/,
      'a certificate of an unknown CA', $tls);
finds('fault', qr/\S+ answers 404 and no event stream/, 'another site',
      "http://127.0.0.1:$ll->{ports}{internal}");

finds('unknown', qr/\S+ answers 401, .*--token/, 'a token that is not valid',
      $own, '--token', "$dir/bad");
for my $url ('rent.example.com', 'ftp://x', 'http://', 'http://x:0',
             'http://x:99999', 'http://x/?q', 'http://' . 'x' x 300)
{
    finds('unknown', qr/"\S+" is no URL of a site/, substr($url, 0, 20), $url);
}

my ($status, $said) = $ll->cli('doctor', '--url', $own);
like($said, qr/^unknown +stream +streams cannot be checked: give a token by/m,
     'without a token: unknown');
($status, $said) = $ll->cli('doctor', '--redis', 'unix:/nowhere', '--url', $own,
                            '--token', "$dir/token");
like($said, qr/^unknown +connection .*^ok +stream +$arrives/ms,
     'streams are checked without Redis, too');

# a stream that gets "bye" while doctor waits for the ping

sub reload {
    my (%directives) = @_;

    my @old = $ll->nginx_children();
    $ll->nginx_conf(directives => { leaseloft_drain => '1s', %directives });
    $ll->signal('nginx', 'HUP');
    ok(wait_for(sub { my %now = map { $_ => 1 } $ll->nginx_children();
                      %now && !grep { $now{$_} } @old }, 10),
       'nginx was reloaded') or diag("@old");
}

reload(leaseloft_ping => '4s');

my $reloads = fork() // die;
if ($reloads == 0) {
    wait_for(sub { $ll->metric('streams') }, 10);
    $ll->signal('nginx', 'HUP');
    POSIX::_exit(0);
}

finds('ok', qr/"hello" after \d\.\d{3} s, "ping" after 4\.\d s$/,
      'nginx is reloaded meanwhile', $own);
waitpid $reloads, 0;

reload(leaseloft_max_streams => 1);
my $stream = $ll->stream('/api/inbox/events', user => 'u-tom');
ok($stream->wait_event('hello'), 'the user has as many streams as are allowed');
finds('fault', qr/nginx has ended each of 3 streams with "bye": .*\$leaseloft_bye/,
      'no more streams may be opened', $own);

$ll->finish();
