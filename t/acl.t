#!/usr/bin/perl

# The Redis users in docs/operations.md, for nginx and for the workers: their
# rights are enough, over TCP and with passwords, and no more than needed.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Search;

my ($page) = map { local (@ARGV, $/) = $_; <> } 'docs/operations.md';
my ($rights) = $page =~ /^((?:    user .*\n(?:      .*\n)*)+)/m;

ok($rights, 'docs/operations.md has the users') or BAIL_OUT('no users');

# join the continued lines, which Redis does not know
$rights =~ s/\n\s{6}/ /g;
$rights =~ s/^\s+//mg;

my $port = LeaseLoft::free_port();
my $host = "127.0.0.1:$port";

like($rights, qr/^user nginx on >PASSWORD .*^user worker on >PASSWORD /ms,
     'docs/operations.md has a user for nginx and one for the workers');

my $ll = LeaseLoft->new(start => 0, redis_conf => "port $port\n"
                        . "bind 127.0.0.1\n$rights");
$ll->start('redis');
$ll->{url} = "redis://worker:PASSWORD\@$host";
$ll->start('worker1');
$ll->{url} = "redis://nginx:PASSWORD\@$host";
$ll->nginx_conf();
$ll->start('nginx');
ok($ll->wait_healthy(), 'health is 200 with these rights')
    or diag($ll->get('/internal/health')->body());

is($ll->lease('P')->status(), 200, 'a lease can be declared');
my $stream = $ll->events('P', 'u-lena', query => 'after=0');
my $inbox = $ll->stream('/api/inbox/events', user => 'u-lena');
$_->wait_event('hello') for $stream, $inbox;
is($ll->say('P', 'u-tom', 'hello')->status(), 201, 'a message can be sent');
ok($stream->wait_entry(2), 'a stream gets the message');
ok($inbox->wait_event('thread'), 'an inbox stream gets the thread');
is($ll->mark('P', 'u-lena', 2)->status(), 204, 'a read mark can be set');
is($ll->get($_, user => 'u-tom')->status(), 200, "$_ can be read")
    for '/api/properties/P/messages', '/api/inbox', '/internal/metrics';
is(($ll->cli('erase', 'P', 2, '--reason', 'x', '--redis',
             "redis://worker:PASSWORD\@$host"))[0], 0,
   'a message can be erased as the user of the workers');
ok($stream->wait_event('erased'), 'a stream is told of it');
ok(wait_search($ll), 'a searcher has the lane of searches');
is($ll->get($_, user => 'u-tom')->status(), 200, "$_ finds messages")
    for '/api/properties/P/search?q=hello', '/api/search?q=hello';
is($ll->lease('P', ends_at => at(-1))->status(), 200, 'a lease can be ended');
ok($stream->wait_entry(3), 'a stream gets the end of the lease');

is_deeply($ll->redis('ACL', 'LOG'), [], 'Redis refused no command');


# health and heartbeats check the right to run each command that was run; a
# missing right to the commands that begin a connection shows when it begins, and
# XLEN is only for a metric
my ($lists) = map { local (@ARGV, $/) = $_; <> }
              'worker/lua/functions_service.lua';
my %tested = map { lc $_ => 1 } $lists =~ /\{ (?:name = )?'([A-Z_|]+)'/g;
$tested{$_} = 1 for qw(auth select ping client|setname fcall fcall_ro
                       function|list function|load xlen);
my %own = map { $_ => 1 }                              # of this test
              qw(exists acl|log info acl config|get debug);
my @missing = grep { !$tested{$_} && !$own{$_} }
              $ll->redis('INFO', 'commandstats') =~ /^cmdstat_([^:]+):/mg;
is("@missing", '', 'health and heartbeats check the right to run each command');


# nginx's user has no right beyond what nginx needs
for my $command (['FLUSHALL'], ['DEL', 'll:{p:P}:thread'],
                 ['XADD', 'other', '*', 'a', 'b'], ['CONFIG', 'GET', '*'],
                 ['SET', 'll:x', 1], ['FUNCTION', 'FLUSH'])
{
    my $redis = LeaseLoft::Redis->new($ll->dir() . '/redis.sock');
    $redis->command('AUTH', 'nginx', 'PASSWORD');
    ok(!eval { $redis->command(@$command); 1 },
       "Redis refuses @$command to nginx's user");
}


$ll->finish();
