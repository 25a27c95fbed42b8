#!/usr/bin/perl

# Faults in the configuration: nginx -t fails with one sentence that names the
# directive, what is wrong and what to do.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new(start => 0);

my ($status, $said) = $ll->nginx_test();
is($status, 0, 'the shipped configuration is valid') or diag($said);
# newer versions want "http2 on", which nginx 1.22 does not know
unlike($said =~ s/.*"listen \.\.\. http2".*//gr,
       qr/\[(warn|emerg|alert|error)\]/,
       'the shipped configuration causes no warning');

sub refused {
    my ($name, $regex, %options) = @_;

    $ll->nginx_conf(directives => {}, http => '', server => '', %options);

    my ($status, $said) = $ll->nginx_test();
    is($status, 1, "$name is refused");
    my ($emerg) = $said =~ /\[emerg\] \d+#\d+: (.*)/ ? $1
                : $said =~ /\[emerg\] (.*)/ ? $1 : $said;
    like($emerg, $regex, "$name: the error says why");
    unlike($said, qr/\[alert\]|Sanitizer/, "$name causes no alert");
}

sub directive {
    my ($name, $value, $regex) = @_;
    refused("$name $value", qr/(?=.*$name)(?=.*(?:$regex))/i,
            directives => { $name => $value });
}

my $dir = $ll->dir();

$ll->write('empty', '');
$ll->write('newline', "\n");
$ll->write('bad.pem', "-----BEGIN PUBLIC KEY-----\nAAAA\n"
                      . "-----END PUBLIC KEY-----\n");
system("openssl genrsa -out $dir/private.pem 2048 2>/dev/null");

# leaseloft_redis and leaseloft_key: required, and once
{
    my $conf = $ll->{url};
    $ll->nginx_conf();
    my $text = $ll->slurp('nginx.conf');

    $ll->write('nginx.conf', $text =~ s/leaseloft_redis [^;]*;//r);
    my ($status, $said) = $ll->nginx_test();
    is($status, 1, 'a missing leaseloft_redis is refused');
    like($said, qr/emerg.*leaseloft_redis/,
         'a missing leaseloft_redis is named');

    $ll->write('nginx.conf', $text =~ s/leaseloft_key [^;]*;//r);
    ($status, $said) = $ll->nginx_test();
    is($status, 1, 'a missing leaseloft_key is refused');
    like($said, qr/emerg.*leaseloft_key/, 'a missing leaseloft_key is named');

    $ll->write('nginx.conf', $text =~ s/(leaseloft_redis [^;]*;)/$1$1/r);
    ($status, $said) = $ll->nginx_test();
    is($status, 1, 'a second leaseloft_redis is refused');
    like($said, qr/leaseloft_redis.*duplicate/,
         'a second leaseloft_redis is named as a duplicate');

    for my $url ('redis.example', 'http://x', 'unix:', 'redis://', '',
                 'redis://h:0', 'redis://h:99999', 'redis://h:x',
                 'redis://h/x', 'redis://h/-1', 'redis://h/0', 'redis://u@h', 'redis:///0',
                 'redis://unix:6379', 'redis://u:%@h', 'redis://u:%0@h',
                 'unix:/' . 'x' x 200)
    {
        my $name = length $url > 40 ? substr($url, 0, 40) : $url;
        $ll->write('nginx.conf',
                   $text =~ s/leaseloft_redis [^;]*;/leaseloft_redis "$url";/r);
        ($status, $said) = $ll->nginx_test();
        is($status, 1, "leaseloft_redis \"$name\" is refused");
        like($said, qr/emerg.*leaseloft_redis|emerg.*\Q$name\E/,
             "leaseloft_redis \"$name\": the error names it");
        like($said, qr/names a database.*leaseloft_prefix/,
             "leaseloft_redis \"$name\": the error suggests leaseloft_prefix")
            if $url =~ m{h/.};
    }

    for my $url ('unix:/x/y', 'redis://127.0.0.1', 'redis://127.0.0.1:1/',
                 'redis://:secret@127.0.0.1', 'redis://us%40er:p%2Fw@127.0.0.1',
                 'redis://[::1]:6379')
    {
        $ll->write('nginx.conf',
                   $text =~ s/leaseloft_redis [^;]*;/leaseloft_redis "$url";/r);
        ($status, $said) = $ll->nginx_test();
        is($status, 0, "leaseloft_redis \"$url\" is valid") or diag($said);
    }
}

# keys
refused('leaseloft_key with a missing file',
        qr/leaseloft_key.*none.*No such file/,
        server => "leaseloft_key $dir/none;");

for my $case (['empty', 'empty|secret|short'], ['newline', 'empty|secret'],
              ['bad.pem', 'PEM|key'], ['private.pem', 'private|public'])
{
    refused("leaseloft_key $case->[0]", qr/$case->[0].*($case->[1])|
            ($case->[1]).*$case->[0]/ix,
            server => "leaseloft_key $dir/$case->[0];");
}

# TLS to Redis, and its password from a file
{
    my ($socket, $tls) = ($ll->{url}, 'rediss://127.0.0.1:1');

    system("cd $dir && openssl req -x509 -newkey ec -pkeyopt"
           . " ec_paramgen_curve:P-256 -passout pass:x -days 2"
           . " -subj /CN=x -keyout locked.key -out locked.crt 2>/dev/null");

    sub redis_refused {
        my ($name, $url, $regex, %directives) = @_;
        $ll->{url} = $url;
        refused($name, $regex, directives => {
            map { +"leaseloft_redis_$_" => $directives{$_} } keys %directives });
    }

    redis_refused("leaseloft_redis_$_ without TLS", 'redis://127.0.0.1',
                  qr/leaseloft_redis_$_" has no effect.*rediss:/,
                  $_ => "$dir/tls.crt")
        for qw(ssl_trusted_certificate ssl_certificate ssl_certificate_key
               ssl_name);
    redis_refused("leaseloft_redis_$_ without a file", $tls,
                  qr/leaseloft_redis_$_": "$dir\/none".*No such file/,
                  ssl_certificate => "$dir/tls.crt",
                  ssl_certificate_key => "$dir/tls.key",
                  $_ => "$dir/none")
        for qw(ssl_trusted_certificate ssl_certificate ssl_certificate_key);
    redis_refused("leaseloft_redis_$_ in an empty file", $tls,
                  qr/leaseloft_redis_$_": "$dir\/empty"/,
                  ssl_certificate => "$dir/tls.crt",
                  ssl_certificate_key => "$dir/tls.key",
                  $_ => "$dir/empty")
        for qw(ssl_trusted_certificate ssl_certificate ssl_certificate_key);
    redis_refused('a certificate without a key', $tls,
                  qr/needs "leaseloft_redis_ssl_certificate_key"/,
                  ssl_certificate => "$dir/tls.crt");
    redis_refused('a key without a certificate', $tls,
                  qr/needs "leaseloft_redis_ssl_certificate"/,
                  ssl_certificate_key => "$dir/tls.key");
    redis_refused('the key of another certificate', $tls,
                  qr/ssl_certificate_key.*not the unencrypted key/,
                  ssl_certificate => "$dir/tls.crt",
                  ssl_certificate_key => "$dir/private.pem");
    redis_refused('an encrypted key', $tls,
                  qr/ssl_certificate_key.*not the unencrypted key/,
                  ssl_certificate => "$dir/locked.crt",
                  ssl_certificate_key => "$dir/locked.key");

    $ll->write('long', 'x' x 512);
    $ll->write('longest', 'x' x 511 . "\n");
    $ll->write('password', "hidden\n");

    redis_refused('a missing password file', $tls,
                  qr/password_file.*none.*cannot be opened.*No such file/,
                  password_file => "$dir/none");
    redis_refused("the password file $_->[0]", $tls,
                  qr/password_file.*$_->[0]" $_->[1]/,
                  password_file => "$dir/$_->[0]")
        for ['empty', 'has no password'], ['newline', 'has no password'],
            ['long', 'is too long'];
    redis_refused('a directory as a password file', $tls,
                  qr/password_file.*cannot be read.*directory/,
                  password_file => $dir);
    redis_refused('two passwords', 'redis://:other@127.0.0.1',
                  qr/leaseloft_redis.*has a password, and a file/,
                  password_file => "$dir/password");
    redis_refused('a Sentinel without a name', 'redis+sentinel://127.0.0.1',
                  qr/leaseloft_redis.*no name of the primary/);
    redis_refused('a Sentinel that cannot be resolved',
                  'redis+sentinel://127.0.0.1,none.invalid/x',
                  qr/leaseloft_redis.*none\.invalid.*cannot be resolved/);
    redis_refused('a user without a password', 'redis://us@127.0.0.1',
                  qr/leaseloft_redis.*user without a password/);

    for my $case ([$tls, 'TLS by the authorities of the system'],
                  [$tls, 'TLS with all files',
                   ssl_trusted_certificate => "$dir/tls.crt",
                   ssl_certificate => "$dir/tls.crt",
                   ssl_certificate_key => "$dir/tls.key",
                   ssl_name => 'redis.test'],
                  ['rediss://us@127.0.0.1', 'a user and a password file',
                   password_file => "$dir/password"],
                  ['redis+sentinel://127.0.0.1,[::1]:1,localhost/a-b_c.1',
                   'several Sentinels'],
                  ['rediss+sentinel://us:pw@127.0.0.1/x', 'Sentinel over TLS',
                   ssl_trusted_certificate => "$dir/tls.crt"],
                  ['redis://127.0.0.1', 'the longest password',
                   password_file => "$dir/longest"],
                  ['unix:/x', 'a socket and a password file',
                   password_file => "$dir/password"])
    {
        my ($url, $name, %directives) = @$case;
        $ll->{url} = $url;
        $ll->nginx_conf(directives => {
            map { +"leaseloft_redis_$_" => $directives{$_} } keys %directives });
        my ($status, $said) = $ll->nginx_test();
        is($status, 0, "$name is valid") or diag($said);
        unlike($said, qr/hidden/, "$name: the password is not shown");
    }

    $ll->{url} = $socket;
}

# values
directive('leaseloft_prefix', $_, 'must be 1 to 16 of a-z 0-9 _ -')
    for '""', 'LL', '"l l"', 'l:', 'l*', 'x' x 17;
directive('leaseloft_zone', '1k', 'too small|at least|minimum');
directive('leaseloft_zone', 'x', 'invalid');
directive('leaseloft_queues', '0', 'invalid|at least|must|1 to');
directive('leaseloft_queues', 'x', 'invalid');
directive('leaseloft_drain', 'x', 'invalid');
directive('leaseloft_ping', '0', 'invalid|at least|must|more than');
directive('leaseloft_ping', 'x', 'invalid');
directive('leaseloft_wait', 'x', 'invalid');
directive('leaseloft_body_timeout', '0', 'must not be 0');
directive('leaseloft_body_timeout', 'x', 'invalid');
directive('leaseloft_slow_size', 'x', 'invalid');
directive('leaseloft_max_streams', 'x', 'invalid');
directive('leaseloft_max_streams', '0', '1 to');
directive('leaseloft_queues', '65', '1 to');
directive('leaseloft_max_lingering', '0', 'must be at least 1');
directive('leaseloft_max_lingering', 'x', 'invalid');
directive('leaseloft_leeway', 'x', 'invalid');
directive('leaseloft_allow_origin', 'app.example.com', 'origin|https?:');
directive('leaseloft_allow_origin', 'https://app.example.com/', 'origin|path');
directive('leaseloft_cookie', '"a b"', 'cookie|name');
directive('leaseloft_cookie', '""', 'cookie|name');

# contexts
refused('leaseloft_redis in a server', qr/leaseloft_redis.*not allowed/,
        server => 'leaseloft_redis unix:/x;');
refused('leaseloft_prefix in a server', qr/leaseloft_prefix.*not allowed/,
        server => 'leaseloft_prefix x;');
refused('leaseloft_drain in a location', qr/leaseloft_drain.*not allowed/,
        server => 'location /x { leaseloft_drain 1s; }');
refused('leaseloft_inbox in a server', qr/leaseloft_inbox.*not allowed/,
        server => 'leaseloft_inbox;');
refused('leaseloft_inbox twice in a location',
        qr/leaseloft_inbox.*a location of its own/,
        server => 'location /x { leaseloft_inbox; leaseloft_inbox; }');
refused('a second endpoint for a method', qr/leaseloft_events/,
        server => 'location /x { leaseloft_inbox; leaseloft_events $uri; }');
refused('leaseloft_events without a property',
        qr/arguments in "leaseloft_events"/,
        server => 'location /x { leaseloft_events; }');
refused('leaseloft_events with an unknown variable', qr/unknown.*nosuch/,
        server => 'location /x { leaseloft_events $nosuch; }');

# valid values
for my $case (
    [leaseloft_ping => '250ms'], [leaseloft_zone => '32m'],
    [leaseloft_allow_origin => 'https://a.example http://b.example:8080'],
    [leaseloft_queues => 16], [leaseloft_max_streams => 1],
    [leaseloft_slow_size => '4k'], [leaseloft_drain => '0'],
    [leaseloft_prefix => 'a-z_0-9_____16__'])
{
    $ll->nginx_conf(http => '', server => '',
                    directives => { $case->[0] => $case->[1] });
    my ($status, $said) = $ll->nginx_test();
    is($status, 0, "$case->[0] $case->[1] is valid") or diag($said);
}

# each server can have a key of its own
$ll->nginx_conf(directives => {}, http => "server { listen 127.0.0.1:"
    . LeaseLoft::free_port() . "; leaseloft_key $dir/other.key; "
    . "location = /i { leaseloft_inbox; } }");
$ll->write('other.key', 'other');
($status, $said) = $ll->nginx_test();
is($status, 0, 'a second server with a key of its own is valid')
    or diag($said);

# streams that leave need more time than the drain; Debian's nginx.conf has an
# error_log without a level

for my $case (['45s', '45s', 60000], ['10s', '45s', 60000], ['44s', '45s', 60000],
              ['46s', '45s', 0], [undef, '45s', 0])
{
    my ($shutdown, $drain, $advice) = @$case;
    $ll->nginx_conf(directives => { leaseloft_drain => $drain }, http => '',
                    server => '');
    my $text = $ll->slurp('nginx.conf');
    my $line = $shutdown ? "worker_shutdown_timeout $shutdown;" : '';
    $ll->write('nginx.conf', $text =~ s/worker_shutdown_timeout [^;]*;/$line/r
                                   =~ s/^(error_log \S+) \w+;/$1;/mr);

    my ($status, $said) = $ll->nginx_test();
    my $name = 'worker_shutdown_timeout ' . ($shutdown // 'not set');
    is($status, 0, "$name with a drain of $drain is valid");
    my ($advised) = $said =~ /\[warn\].*"worker_shutdown_timeout".*longer.*
                             "leaseloft_drain".*set[ ]it[ ]to[ ](\d+)ms/x;
    is($advised // 0, $advice, "$name: " . ($advice ? 'a' : 'no') . ' warning');
}


$ll->expect_log(qr/\[emerg\]/);
$ll->finish();
