#!/usr/bin/perl

# Redis with the users of conf/leaseloft.acl, as shipped, is killed and started
# again: everything that was stored is there.  Redis loads the append-only file
# with the rights of the user "default", which is off.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;

my $port = LeaseLoft::free_port();
my $host = "127.0.0.1:$port";

# relative to the directory of the data
my $ll = LeaseLoft->new(start => 0, redis_conf => "port $port\nbind 127.0.0.1\n"
                                                  . "aclfile ../users.acl\n");
my $users = do { local (@ARGV, $/) = 'conf/leaseloft.acl'; <> };
$ll->write('users.acl', $users =~ s/#@[A-Z]+@/>PASSWORD/gr);

# what Redis replies to the operator, or undef
sub redis {
    my $redis = LeaseLoft::Redis->new($ll->dir() . '/redis.sock') or return undef;
    eval { $redis->command('AUTH', 'operator', 'PASSWORD') } or return undef;
    return $redis->command(@_);
}

sub start_redis {
    $ll->spawn_redis('redis', 'redis.conf');
    # it refuses commands while it loads
    ok(wait_for(sub { eval { redis('PING') } }, 10), 'Redis starts');
}

start_redis();
$ll->{url} = "redis://worker:PASSWORD\@$host";
$ll->start('worker1');
$ll->{url} = "redis://nginx:PASSWORD\@$host";
$ll->nginx_conf();
$ll->start('nginx');
$ll->started();

is($ll->lease('P', tenants => ['u-tom'])->status(), 200, 'a lease is declared');
is($ll->say('P', 'u-tom', "text $_")->status(), 201, 'a message is sent')
    for 1 .. 3;
is($ll->mark('P', 'u-lena', 2)->status(), 204, 'a read mark is set');

my $before = $ll->poll('P', 'u-tom', 'limit=200');

for my $signal (qw(KILL TERM)) {
    $ll->stop('redis', $signal);
    start_redis();
    ok($ll->wait_healthy(), "after SIG$signal health is 200 again");
    is_deeply($ll->poll('P', 'u-tom', 'limit=200')->{entries}, $before->{entries},
              'each entry is there');
}

unlike($ll->slurp('redis.log'), qr/NOPERM/, 'Redis loads all that its file has');

my $other = eval { LeaseLoft::Redis->new($ll->dir() . '/redis.sock')
                       ->command('GET', 'x'); 1 } ? '' : $@;
like($other, qr/NOAUTH/, 'nobody can be the user "default"');

my ($status, $said) = $ll->cli('doctor', '--redis',
                               "redis://operator:PASSWORD\@$host");
like($said, qr/^ok +access +the user "default" is off/m,
     'doctor finds nothing wrong with the users');

$ll->finish();
