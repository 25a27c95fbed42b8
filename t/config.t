#!/usr/bin/perl

# Faults in the configuration stop nginx -t with a sentence that names the
# directive and what to do.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new(start => 0);

my ($status, $said) = $ll->nginx_test();
is($status, 0, 'the shipped configuration') or diag($said);
# newer nginx would have "http2 on", which 1.22 does not know
unlike($said =~ s/.*"listen \.\.\. http2".*//gr,
       qr/\[(warn|emerg|alert|error)\]/, 'without a word');

sub refused {
    my ($name, $regex, %options) = @_;

    $ll->nginx_conf(directives => {}, http => '', server => '', %options);

    my ($status, $said) = $ll->nginx_test();
    is($status, 1, $name);
    my ($emerg) = $said =~ /\[emerg\] \d+#\d+: (.*)/ ? $1
                : $said =~ /\[emerg\] (.*)/ ? $1 : $said;
    like($emerg, $regex, 'says why');
    unlike($said, qr/\[alert\]|Sanitizer/, 'and nothing worse');
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

# no Redis, no key
{
    my $conf = $ll->{url};
    $ll->nginx_conf();
    my $text = $ll->slurp('nginx.conf');

    $ll->write('nginx.conf', $text =~ s/leaseloft_redis [^;]*;//r);
    my ($status, $said) = $ll->nginx_test();
    is($status, 1, 'no leaseloft_redis');
    like($said, qr/emerg.*leaseloft_redis/, 'says so');

    $ll->write('nginx.conf', $text =~ s/leaseloft_key [^;]*;//r);
    ($status, $said) = $ll->nginx_test();
    is($status, 1, 'no leaseloft_key');
    like($said, qr/emerg.*leaseloft_key/, 'says so');

    $ll->write('nginx.conf', $text =~ s/(leaseloft_redis [^;]*;)/$1$1/r);
    ($status, $said) = $ll->nginx_test();
    is($status, 1, 'leaseloft_redis twice');
    like($said, qr/leaseloft_redis.*duplicate/, 'says so');

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
        is($status, 1, "leaseloft_redis \"$name\"");
        like($said, qr/emerg.*leaseloft_redis|emerg.*\Q$name\E/, 'says so');
        like($said, qr/names a database.*leaseloft_prefix/, 'what to do')
            if $url =~ m{h/.};
    }

    for my $url ('unix:/x/y', 'redis://127.0.0.1', 'redis://127.0.0.1:1/',
                 'redis://:secret@127.0.0.1', 'redis://us%40er:p%2Fw@127.0.0.1',
                 'redis://[::1]:6379')
    {
        $ll->write('nginx.conf',
                   $text =~ s/leaseloft_redis [^;]*;/leaseloft_redis "$url";/r);
        ($status, $said) = $ll->nginx_test();
        is($status, 0, "leaseloft_redis \"$url\"") or diag($said);
    }
}

# keys
refused('leaseloft_key none', qr/leaseloft_key.*none.*No such file/,
        server => "leaseloft_key $dir/none;");

for my $case (['empty', 'empty|secret|short'], ['newline', 'empty|secret'],
              ['bad.pem', 'PEM|key'], ['private.pem', 'private|public'])
{
    refused("leaseloft_key $case->[0]", qr/$case->[0].*($case->[1])|
            ($case->[1]).*$case->[0]/ix,
            server => "leaseloft_key $dir/$case->[0];");
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
directive('leaseloft_max_lingering', '0', 'must be 1 at least');
directive('leaseloft_max_lingering', 'x', 'invalid');
directive('leaseloft_leeway', 'x', 'invalid');
directive('leaseloft_allow_origin', 'app.example.com', 'origin|https?:');
directive('leaseloft_allow_origin', 'https://app.example.com/', 'origin|path');
directive('leaseloft_cookie', '"a b"', 'cookie|name');
directive('leaseloft_cookie', '""', 'cookie|name');

# places
refused('leaseloft_redis in a server', qr/leaseloft_redis.*not allowed/,
        server => 'leaseloft_redis unix:/x;');
refused('leaseloft_prefix in a server', qr/leaseloft_prefix.*not allowed/,
        server => 'leaseloft_prefix x;');
refused('leaseloft_drain in a location', qr/leaseloft_drain.*not allowed/,
        server => 'location /x { leaseloft_drain 1s; }');
refused('an endpoint in a server', qr/leaseloft_inbox.*not allowed/,
        server => 'leaseloft_inbox;');
refused('an endpoint twice', qr/leaseloft_inbox.*a location of its own/,
        server => 'location /x { leaseloft_inbox; leaseloft_inbox; }');
refused('two endpoints for one method', qr/leaseloft_events/,
        server => 'location /x { leaseloft_inbox; leaseloft_events $uri; }');
refused('no property', qr/arguments in "leaseloft_events"/,
        server => 'location /x { leaseloft_events; }');
refused('an unknown variable', qr/unknown.*nosuch/,
        server => 'location /x { leaseloft_events $nosuch; }');

# what fits
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
    is($status, 0, "$case->[0] $case->[1]") or diag($said);
}

# nothing global: two servers with keys of their own
$ll->nginx_conf(directives => {}, http => "server { listen 127.0.0.1:"
    . LeaseLoft::free_port() . "; leaseloft_key $dir/other.key; "
    . "location = /i { leaseloft_inbox; } }");
$ll->write('other.key', 'other');
($status, $said) = $ll->nginx_test();
is($status, 0, 'a second server') or diag($said);

$ll->expect_log(qr/\[emerg\]/);
$ll->finish();
