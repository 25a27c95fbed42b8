#!/usr/bin/perl

# conf/leaseloft.acl: the rights of nginx, workers, operators, monitoring and
# replicas are enough, over TCP and with passwords, and no more than needed.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Search;

my $port = LeaseLoft::free_port();
my $host = "127.0.0.1:$port";

my $ll = LeaseLoft->new(start => 0, redis_conf => "port $port\n"
                        . "bind 127.0.0.1\n" . LeaseLoft::Redis::acl('PASSWORD'));
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
$tested{$_} = 1 for qw(auth hello select ping client|setname fcall fcall_ro
                       function|list function|load xlen);
my %own = map { $_ => 1 }                              # of this test
              qw(exists acl|log info acl config|get debug);
my @missing = grep { !$tested{$_} && !$own{$_} }
              $ll->redis('INFO', 'commandstats') =~ /^cmdstat_([^:]+):/mg;
is("@missing", '', 'health and heartbeats check the right to run each command');



# no user may run more: all commands of Redis and their subcommands are tried

# what each may run that Redis calls dangerous, or that loads code
my %more = (
    nginx => [],
    worker => [qw(function|list function|load)],
    operator => [qw(info config|get acl|log acl|getuser function|list)],
    monitor => [qw(info config|get acl|log acl|getuser function|list)],
    replica => [qw(psync replconf)],
);
my %few = (
    nginx => [qw(xadd publish subscribe unsubscribe time get hget hmget hgetall
                 hkeys xrange xrevrange zrange xlen fcall_ro ping
                 client|setname spublish ssubscribe sunsubscribe
                 cluster|slots asking)],
    replica => [qw(psync replconf ping)],
);

my $redis = LeaseLoft::Redis->new($ll->dir() . '/redis.sock');
my @commands;

for my $command (@{ $redis->command('COMMAND') }) {
    my ($name, $arity, $categories, $subs) = @$command[0, 1, 6, 9];

    push @commands, map { [@$_[0, 1, 6]] }
                        $subs && @$subs ? @$subs : $command;
}

cmp_ok(scalar @commands, '>', 250, 'Redis lists its commands');

# ACL DRYRUN says whether the command may be run, whatever it says of the keys
sub allowed {
    my ($user, $name, $arity) = @_;

    my @words = split /\|/, $name;
    push @words, 'll:{p:P}:x' while @words < abs $arity;

    my $said = eval { $redis->command('ACL', 'DRYRUN', $user, @words) } // $@;

    return $said !~ /no permissions to run/;
}

for my $user (sort keys %more) {
    my %may = map { $_->[0] => $_->[2] }
                  grep { allowed($user, @$_) } @commands;
    delete @may{qw(auth hello quit reset)};          # anybody may

    my %known = map { $_ => 1 } @{ $more{$user} };
    my @bad = grep { !$known{$_}
                     && (grep({ /dangerous|admin/ } @{ $may{$_} })
                         || /^(?:function|script|eval|keys|debug)/) }
              sort keys %may;

    is("@bad", '', "$user may run nothing dangerous");
    is(join(' ', grep { !exists $may{$_} } @{ $more{$user} }), '',
       "$user may run what it needs");
    is(join(' ', sort keys %may), join(' ', sort @{ $few{$user} }),
       "$user may run nothing else") if $few{$user};

    ok(!allowed($user, @$_), "$user may not run $_->[0]")
        for ['flushall', 1], ['flushdb', 1], ['keys', 2], ['migrate', 6],
            ['function|flush', 2], ['client|kill', 3], ['client|pause', 3],
            ['swapdb', 3], ['shutdown', 1], ['config|set', 4];

    my $other = eval { $redis->command('ACL', 'DRYRUN', $user, 'GET', 'other') };
    isnt($other // '', 'OK', "$user may not read other keys");
}


# each right of nginx that is taken away is named by health, at once

for my $command (qw(xadd publish subscribe unsubscribe time get hget hmget
                    hgetall hkeys xrange xrevrange zrange fcall_ro))
{
    my $name = uc $command;

    $redis->command('ACL', 'SETUSER', 'nginx', "-$command");

    my $health = $ll->get('/internal/health');
    is($health->status(), 503, "nginx without $command: health is 503");
    like($health->json()->{detail}, qr/may not run.*\b$name\b/,
         "nginx without $command: health names it");
    $redis->command('ACL', 'SETUSER', 'nginx', "+$command");
}

ok($ll->wait_healthy(), 'with all of them health is 200');
$redis->command('ACL', 'SETUSER', 'nginx', '-xlen');
unlike($ll->get('/internal/metrics')->body(), qr/^leaseloft_queue_requests/m,
       'nginx without xlen: metrics leave out what it counts');
$redis->command('ACL', 'SETUSER', 'nginx', '+xlen');


# each right of the worker that is taken away is named by its heartbeat

my ($beat) = $lists =~ /local function worker_refused(.*?)\nend/s;
my @needed = map { lc } $beat =~ /\{ (?:name = )?'([A-Z_|]+)'/g;
my $worker = LeaseLoft::Redis->new($ll->dir() . '/redis.sock');
$worker->command('AUTH', 'worker', 'PASSWORD');

cmp_ok(scalar @needed, '>', 30, 'a heartbeat checks the commands of a worker');

for my $command (@needed) {
    $redis->command('ACL', 'SETUSER', 'worker', "-$command");

    my $said = eval {
        $worker->command('FCALL', 'll1_beat', 3, 'll:{w}:workers',
                         'll:{w}:nginx', 'll:{w}:layout', 'test', 'x=1',
                         'll:{q:0}:requests', 'll:{q:0}:dead',
                         'll:{p:example}:meta', 'll:{u:example}:inbox',
                         'll:{due}:times', 'll:{r:example}:ch',
                         'll:{p:example}:ch', 'll:{u:example}:ch', 1)->[1];
    } // $@;
    my $name = quotemeta uc $command;
    like($said, qr/(?<![A-Z|])$name(?![A-Z|])/,
         "worker without $command: its heartbeat names it");
    $redis->command('ACL', 'SETUSER', 'worker', "+$command");
}


$redis->command('HDEL', 'll:{w}:workers', 'test');


# monitoring, and operators

my ($status, $said) = $ll->cli('doctor', '--redis',
                               "redis://monitor:PASSWORD\@$host");
unlike($said, qr/^unknown /m, 'doctor can check all as the user for monitoring');

for my $right (['info', 'version'], ['config|get', 'persistence'],
               ['acl|getuser', 'access'],
               ['function|list', 'functions'], ['fcall_ro', 'workers'])
{
    my ($command, $check) = @$right;

    $redis->command('ACL', 'SETUSER', 'monitor', "-$command");
    (undef, $said) = $ll->cli('doctor', '--redis',
                              "redis://monitor:PASSWORD\@$host");
    like($said, qr/^unknown +$check .*NOPERM/m,
         "monitor without $command: doctor says what it cannot check");
    $redis->command('ACL', 'SETUSER', 'monitor', "+$command");
}

for my $command (['unread', 'rebuild'], ['erase', 'P', 1, '--reason', 'x'],
                 ['lease', 'show', 'P'], ['dead', 'list'],
                 ['revoke', 'u-tom'], ['record', 'P'])
{
    my ($status, $said) = $ll->cli(@$command, '--redis',
                                   "redis://operator:PASSWORD\@$host");
    unlike($said, qr/NOPERM/, "operator may run \"leaseloft @$command\"");
}


# Redis refuses the file until its passwords are set

my $free = LeaseLoft::free_port();
my $file = "$LeaseLoft::root/conf/leaseloft.acl";
my $server = $LeaseLoft::redis_server;
my $out = qx(timeout 5 $server --port $free --aclfile $file 2>&1);
like($out, qr/^.*conf.leaseloft.acl.*(?:password|hash).*$/m,
     'Redis refuses the file without passwords');

$ll->finish();
