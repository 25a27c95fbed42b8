#!/usr/bin/perl

# The rights that docs/operations.md gives nginx and the workers in Redis are
# enough, over TCP and with passwords.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;

my ($page) = map { local (@ARGV, $/) = $_; <> } 'docs/operations.md';
my ($rights) = $page =~ /^((?:    user .*\n(?:      .*\n)*)+)/m;

ok($rights, 'the page has them') or BAIL_OUT('no rights');

# lines that are continued for the reader are one line to Redis
$rights =~ s/\n\s{6}/ /g;
$rights =~ s/^\s+//mg;

my $port = LeaseLoft::free_port();
my $host = "127.0.0.1:$port";

like($rights, qr/^user nginx on >PASSWORD .*^user worker on >PASSWORD /ms,
     'a user for each');

my $ll = LeaseLoft->new(start => 0, redis_conf => "port $port\n"
                        . "bind 127.0.0.1\n$rights");
$ll->start('redis');
$ll->{url} = "redis://worker:PASSWORD\@$host";
$ll->start('worker1');
$ll->{url} = "redis://nginx:PASSWORD\@$host";
$ll->nginx_conf();
$ll->start('nginx');
ok($ll->wait_healthy(), 'healthy')
    or diag($ll->get('/internal/health')->body());

is($ll->lease('P')->status(), 200, 'a lease');
my $stream = $ll->events('P', 'u-lena', query => 'after=0');
my $inbox = $ll->stream('/api/inbox/events', user => 'u-lena');
$_->wait_event('hello') for $stream, $inbox;
is($ll->say('P', 'u-tom', 'hello')->status(), 201, 'a send');
ok($stream->wait_entry(2), 'its event');
ok($inbox->wait_event('thread'), 'in the inbox too');
is($ll->mark('P', 'u-lena', 2)->status(), 204, 'a mark');
is($ll->get($_, user => 'u-tom')->status(), 200, $_)
    for '/api/properties/P/messages', '/api/inbox', '/internal/metrics';
is($ll->lease('P', ends_at => at(-1))->status(), 200, 'an end');
ok($stream->wait_entry(3), 'its event');

is_deeply($ll->redis('ACL', 'LOG'), [], 'nothing was refused');


# health and heartbeats test the right to run each command that was run; those
# by which a connection begins are refused where it begins
my ($lists) = map { local (@ARGV, $/) = $_; <> }
              'worker/lua/functions_service.lua';
my %tested = map { lc $_ => 1 } $lists =~ /\{ (?:name = )?'([A-Z_|]+)'/g;
$tested{$_} = 1 for qw(auth select ping client|setname fcall fcall_ro
                       function|list function|load);
my %own = map { $_ => 1 } qw(acl|log info acl config|get debug);    # this test's
my @missing = grep { !$tested{$_} && !$own{$_} }
              $ll->redis('INFO', 'commandstats') =~ /^cmdstat_([^:]+):/mg;
is("@missing", '', 'the right to run each command is tested');


# nginx can not touch what it has no business with
for my $command (['FLUSHALL'], ['DEL', 'll:{p:P}:thread'],
                 ['XADD', 'other', '*', 'a', 'b'], ['CONFIG', 'GET', '*'],
                 ['SET', 'll:x', 1], ['FUNCTION', 'FLUSH'])
{
    my $redis = LeaseLoft::Redis->new($ll->dir() . '/redis.sock');
    $redis->command('AUTH', 'nginx', 'PASSWORD');
    ok(!eval { $redis->command(@$command); 1 }, "nginx: no @$command");
}


$ll->finish();
