#!/usr/bin/perl

# A managed Redis: TLS and a password, no CONFIG, DEBUG or ACL, and users with
# only the rights in conf/leaseloft.acl.  All works, and doctor says what it
# cannot check.

use strict;
use warnings;

use JSON::PP;
use Test::More;

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Certificates;

my $rights = LeaseLoft::Redis::acl('PASSWORD');
my $port = LeaseLoft::free_port();
my $ll = LeaseLoft->new(start => 0);
my $dir = $ll->dir();
my $pki = LeaseLoft::Certificates->new($dir);

$pki->authority('ca');
$pki->issue('redis', 'DNS:localhost');

$ll->{redis_conf} = <<"END";
bind 127.0.0.1 ::1
port 0
tls-port $port
tls-cert-file $dir/redis.crt
tls-key-file $dir/redis.key
tls-ca-cert-file $dir/ca.crt
tls-auth-clients no
rename-command CONFIG ""
rename-command DEBUG ""
rename-command ACL ""
rename-command SHUTDOWN ""
user watch on >PASSWORD ~ll:* &ll:* +\@read +\@connection +time +fcall +fcall_ro +function|list +info
user blind on >PASSWORD ~ll:* &ll:* +\@read +\@connection +time +fcall +fcall_ro
$rights
END
$ll->_redis_conf();
$ll->write('password', "PASSWORD\n");

$ll->start('redis');

my @options = ('--redis-ca', "$dir/ca.crt", '--redis-password-file',
               "$dir/password");

sub url { return "rediss://$_[0]\@localhost:$port" }

$ll->spawn('worker1', "$LeaseLoft::worker --redis ${\ url('worker')} @options");
$ll->{url} = url('nginx');
$ll->nginx_conf(directives => {
    leaseloft_redis_password_file => "$dir/password",
    leaseloft_redis_ssl_trusted_certificate => "$dir/ca.crt",
});
$ll->start('nginx');
ok($ll->wait_healthy(200, 20), 'health is 200')
    or diag($ll->get('/internal/health')->body());

is($ll->lease('P')->status(), 200, 'a lease can be declared');
my $stream = $ll->events('P', 'u-lena', query => 'after=0');
ok($stream->wait_event('hello'), 'a stream begins');
is($ll->say('P', 'u-tom', 'hello')->status(), 201, 'a message can be sent');
ok($stream->wait_entry(2), 'a stream gets the message');


# doctor

sub doctor {
    my ($user) = @_;

    return $ll->cli('doctor', '--redis', url($user), @options);
}

my ($status, $said) = doctor('watch');
is($status, 3, 'without CONFIG: doctor cannot tell') or diag($said);
like($said, qr/^not checked: \d+, advice: \d+$/m,
     'without CONFIG: doctor finds no fault');
like($said, qr/^ok +$_\b/m, "without CONFIG: doctor checks $_")
    for qw(version eviction clients functions workers);
like($said, qr/^unknown +persistence +"appendfsync" cannot be checked, see that it is "always": Redis refuses: ERR unknown command/m,
     'without CONFIG: doctor says that it cannot check appendfsync');
like($said, qr/^unknown +buffers +"client-output-buffer-limit" cannot be checked, see that it is "pubsub 64mb 32mb 30": /m,
     'without CONFIG: doctor says that it cannot check the buffers');

($status, $said) = doctor('blind');
is($status, 3, 'without INFO: doctor cannot tell') or diag($said);
unlike($said, qr/^fault/m, 'without INFO: doctor finds no fault');
like($said, qr/^unknown +$_ +cannot be checked: NOPERM /m,
     "without INFO: doctor says that it cannot check $_")
    for qw(version functions);
like($said, qr/^ok +workers\b/m, 'without INFO: doctor checks workers');

$ll->finish();
