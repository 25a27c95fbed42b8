#!/usr/bin/perl

# leaseloft doctor: its exit status and its output, and that it finds each fault,
# which is caused for real.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Files;
use LeaseLoft::Search;

# in a mount namespace of its own, for a small disk and a kernel setting
if (!$ENV{LEASELOFT_MOUNTS}) {
    $ENV{LEASELOFT_MOUNTS} = 1;
    exec 'unshare', '--mount', $> ? '--map-root-user' : (), $^X, '-It/lib', $0
        or die "unshare: $!";
}

my $ll = LeaseLoft->new(workers => 2, start => 0, connections => 128,
                        redis_conf => "maxmemory 512mb\n");
my $dir = $ll->dir();

sub mount { system('mount', @_) == 0 or BAIL_OUT("mount @_") }

mount('-t', 'tmpfs', '-o', 'size=110m', 'tmpfs', "$dir/redis");
$ll->write('overcommit', "1\n");
mount('--bind', "$dir/overcommit", '/proc/sys/vm/overcommit_memory');

$ll->start($_) for qw(redis worker1 worker2 nginx);
$ll->started();
$ll->lease('P', tenants => ['u-tom', 'u-ana']);
$ll->say('P', $_ % 2 ? 'u-tom' : 'u-ana', "message $_") for 1 .. 8;
$ll->mark('P', 'u-lena', 4);

my $url = "unix:$dir/redis.sock";

# doctor says LEVEL CHECK TEXT; the exit status is that of the level
sub finds {
    my ($level, $check, $text, $what, @options) = @_;

    my ($status, $said) = $ll->cli('doctor', '--redis', $url, @options);

    like($said, qr/^$level +$check +$text/m, "$what: $level");
    is($status, { ok => 0, advice => 1, fault => 2, unknown => 3 }->{$level},
       "$what: the exit status") or diag($said);

    return $said;
}

sub fine {
    my ($what) = @_;

    my ($status, $said) = $ll->cli('doctor');

    is($status, 0, "$what: the exit status is 0") or diag($said);
    like($said, qr/\Anothing has to be changed$/m, "$what: nothing to change");

    return $said;
}

sub set {
    my ($name, $value) = @_;

    my $old = $ll->redis('CONFIG', 'GET', $name)->[1];
    $ll->redis('CONFIG', 'SET', $name, $value);

    return $old;
}

# a setting of Redis is a finding, and no more once it is set back
sub setting {
    my ($name, $value, @finding) = @_;

    my $old = set($name, $value);
    finds(@finding, "$name $value");
    set($name, $old);
}


# all is well

ok(wait_for(sub { $ll->redis('XLEN', 'll:{w}:nginx') }, 5),
   'nginx writes its record');
ok(wait_search($ll), 'a searcher takes searches');

my $said = fine('at first');

like($said, qr/^ok +$_$/m, "doctor says $_")
    for 'workers +2', 'persistence +appendfsync always', 'layout +1',
        'overcommit +vm.overcommit_memory is 1', 'disk +\d+ MiB free',
        'access +by Redis\'s socket only', 'queue +0: 0 wait, 0 in progress',
        'sample +threads: 1, entries: 9, all verified';


# the report as JSON, whatever happens

my $json = JSON::PP->new();
my ($status, $text) = $ll->cli('doctor', '--json');
my $report = $json->decode($text);

is($status, 0, 'JSON: the exit status is 0');
is_deeply([@$report{qw(faults advice unknown status)}], [0, 0, 0, 0],
          'JSON: it has the numbers of findings and the status');
is_deeply([sort keys %{ $report->{checks}[0] }], [qw(check detail level)],
          'JSON: a finding has three members');

($status, $text) = $ll->cli('doctor', '--json', '--redis', 'unix:/nowhere');
$report = $json->decode($text);
is($status, 3, 'without Redis: the exit status is 3');
is($report->{status}, 3, 'without Redis: JSON has the exit status');
is($report->{checks}[0]{check}, 'connection',
   'without Redis: JSON says that it cannot connect');

my $port = LeaseLoft::free_port();
set('port', $port);
$ll->redis('ACL', 'SETUSER', 'op', 'on', '>p@ss', '~*', '&*', '+@all');
$ll->redis('ACL', 'SETUSER', 'poor', 'on', '>p@ss', '~*', '&*', '+@all',
           '-info', '-config');

$url = "redis://op:wrong\@127.0.0.1:$port";
unlike(finds('unknown', 'connection', 'cannot connect to Redis: WRONGPASS',
             'a wrong password'), qr/\bwrong\b/, 'it is not printed');


# who may connect

$url = "redis://op:p%40ss\@127.0.0.1:$port";
finds('advice', 'access', "whoever reaches port $port .*\"user default off ~",
      'an open user, protected mode');
set('protected-mode', 'no');
finds('fault', 'access', "whoever reaches port $port .*\"user default off ~",
      'an open user, no protected mode');
for my $rights (['-@all', '+acl'], ['resetkeys']) {
    $ll->redis('ACL', 'SETUSER', 'default', @$rights);
    finds('fault', 'access', 'Redis drops messages when it starts again.*'
                             . '"user default off ~\* &\* \+@all"',
          "rights of the user default: @$rights");
    $ll->redis('ACL', 'SETUSER', 'default', '~*', '+@all');
}
$url = "redis://poor:p%40ss\@127.0.0.1:$port";
finds('unknown', 'version', 'cannot be checked: NOPERM', 'no right to INFO');
set('protected-mode', 'yes');
set('port', 0);
$url = "unix:$dir/redis.sock";
fine('by the socket again');


# settings of Redis

setting('maxmemory-policy', 'allkeys-lru', 'fault', 'eviction',
        '.*, which are lost then: set "maxmemory-policy noeviction"$');
setting('appendonly', 'no', 'fault', 'persistence',
        '.*set "appendonly yes"$');
setting('appendfsync', 'everysec', 'advice', 'persistence',
        '.*may lose the last second .*set "appendfsync always"$');
setting('client-output-buffer-limit', 'pubsub 1mb 1mb 1', 'advice', 'buffers',
        '.*"client-output-buffer-limit pubsub 64mb 32mb 30"$');
setting('auto-aof-rewrite-percentage', 0, 'advice', 'rewrites',
        '.*set "auto-aof-rewrite-percentage 100"');
setting('maxclients', 100, 'advice', 'clients', 'only 100 connections, ');
setting('maxmemory', 0, 'advice', 'memory', '\d+ MiB used, no limit, ');

my ($all) = $ll->redis('INFO', 'memory') =~ /^total_system_memory:(\d+)/m;
my $most = ($all / 100 * 75) >> 20;

setting('maxmemory', int($all * 0.8), 'advice', 'machine',
        ".*little for rewrites .*set \"maxmemory ${most}mb\"\$");
setting('maxmemory', int($all * 1.1), 'fault', 'machine',
        ".*the kernel kills Redis .*set \"maxmemory ${most}mb\"\$");


# a rewrite that fails

ok(wait_for(sub {
    $ll->redis('INFO', 'persistence') =~ /^aof_rewrite_in_progress:0/m
}, 10), 'no rewrite is running');
set('rdb-key-save-delay', 1_000_000);
$ll->redis('BGREWRITEAOF');

my $child;
my $redis = $ll->pid('redis');
wait_for(sub { ($child) = qx(cat /proc/$redis/task/$redis/children) =~ /(\d+)/ },
         5);
kill 'KILL', $child;
ok(wait_for(sub {
    $ll->redis('INFO', 'persistence') =~ /^aof_last_bgrewrite_status:err/m
}, 5), 'the process that rewrites is killed');
finds('fault', 'rewrites', 'the last rewrite of the append-only file failed, '
      . '.*"BGREWRITEAOF"', 'a failed rewrite');
set('rdb-key-save-delay', 0);
$ll->redis('BGREWRITEAOF');
ok(wait_for(sub {
    $ll->redis('INFO', 'persistence') =~ /^aof_last_bgrewrite_status:ok/m
}, 5), 'another rewrite succeeds');
fine('after it');


# the disk and the kernel

my $file = "$dir/redis/other";

system("head -c 60000000 /dev/zero >$file");
finds('fault', 'disk', '\d+ MiB free in .*/redis", too few ', 'a full disk');
unlink $file;
$ll->redis('SET', 'other', 'x' x 40_000_000);
finds('advice', 'disk', '\d+ MiB free in .*, less than twice ',
      'a disk that is small for the file');
$ll->redis('DEL', 'other');
$ll->redis('BGREWRITEAOF');
ok(wait_for(sub { ($ll->cli('doctor'))[0] == 0 }, 10), 'it has room again');

for my $mode (0, 2) {
    $ll->write('overcommit', "$mode\n");
    finds('advice', 'overcommit', "vm.overcommit_memory is $mode, .*"
          . 'set "vm.overcommit_memory = 1"', "overcommit $mode");
}

$ll->write('overcommit', "1\n");


# the data: entries that are lost or other ones, wrong counters

my %keys = map { $_ => "ll:{p:P}:$_" } qw(thread meta);
my $entries = $ll->redis('XRANGE', $keys{thread}, '-', '+');

sub thread {
    my ($change) = @_;

    $ll->redis('DEL', $keys{thread});

    for (@$entries) {
        my ($id, $fields) = @$_;
        my %f = @$fields;
        $f{e} =~ s/message 3/message X/ if $change && $id eq '4-0';
        $ll->redis('XADD', $keys{thread}, $id, map { $_, $f{$_} } qw(e s h u));
    }
}

thread(0);
fine('a thread that is written again');
thread(1);
finds('fault', 'chain', 'property P: entry 4 is lost or not the one',
      'an entry with another text');
thread(0);
$ll->redis('XDEL', $keys{thread}, '6-0');
finds('fault', 'chain', 'property P: entry 6 is lost or not the one',
      'a lost entry');
thread(0);
fine('with the right entries');

for my $case (['n', 7], ['c:u-lena', 1], ['c:u-ana', 2]) {
    my ($field, $value) = @$case;
    my $old = $ll->redis('HGET', $keys{meta}, $field);

    $ll->redis('HSET', $keys{meta}, $field, $value);
    finds('fault', 'counters', '.* of property P are counted wrongly, .*'
          . '"leaseloft unread rebuild"', "a wrong counter $field");
    defined $old ? $ll->redis('HSET', $keys{meta}, $field, $old)
                 : $ll->redis('HDEL', $keys{meta}, $field);
}

my $account = $ll->redis('HGET', 'll:{u:u-lena}:inbox', ':');
$ll->redis('HSET', 'll:{u:u-lena}:inbox', ':', $account =~ s/ \d+ / 70 /r);
finds('fault', 'counters', '.* of user u-lena are counted wrongly',
      'a wrong total');
is(($ll->cli('unread', 'rebuild'))[0], 0, 'unread rebuild runs');
fine('after unread rebuild');


# dead letters, and searches without a worker

$ll->redis('XADD', 'll:{q:0}:dead', '*', 'op', 'send');
finds('advice', 'dead', '0: 1 requests given up, ', 'a dead letter');
$ll->redis('DEL', 'll:{q:0}:dead');


# nginx: connections that are used up, another version

my @users = map { "u-$_" } 1 .. 6;
$ll->lease('Q', tenants => \@users);

my @streams = map { my $user = $_; map { $ll->events('Q', $user) } 1 .. 19 }
                  @users;

ok(wait_for(sub {
    my %e = @{ $ll->redis('XREVRANGE', 'll:{w}:nginx', '+', '-', 'COUNT', 1)
                   ->[0][1] };
    ($e{free} // 128) < 12
}, 15), 'nginx writes how many connections are free');
finds('advice', 'connections', 'process \d+ of nginx has \d+ of 128 .*'
      . 'raise "worker_connections"', 'few free connections');
$_->close() for @streams;

$ll->redis('XADD', 'll:{w}:nginx', '*', 'name', 'old', 'version', '0.9',
           'queues', 1, 'pid', 4711);
finds('advice', 'versions', 'process 4711 of nginx has version "0.9"',
      'an older nginx');

# functions that are older than nginx needs, as of a worker that was rolled back
my ($process) = $ll->nginx_children();
my ($revision) = slurp('common/version.h') =~ /LEASELOFT_REVISION +(\d+)/;
my $code = { @{ $ll->redis('FUNCTION', 'LIST', 'WITHCODE')->[0] } }
           ->{library_code};

sub load { $ll->redis('FUNCTION', 'LOAD', 'REPLACE', $_[0]) }

load($code =~ s/^-- revision \K\d+$/7/mr);
finds('fault', 'versions', "process $process of nginx is built for functions of "
      . "revision $revision, Redis has 7, .*: start a worker of version",
      'older functions');
load($code);


# the clock of this machine

my $shift = "$dir/clock_shift.so";
is(system("gcc -shared -fPIC -O1 -o $shift t/lib/clock_shift.c"), 0,
   'the library that shifts a clock is built');
{
    local @ENV{qw(LD_PRELOAD CLOCK_SHIFT ASAN_OPTIONS)} = ($shift, 20,
        ($ENV{ASAN_OPTIONS} // '') . ':verify_asan_link_order=0');
    finds('advice', 'clock', 'the clocks of this machine and of Redis differ '
          . 'by (?:19|20)\d{3} ms', 'a clock that is wrong');
}


# workers that hang, and a request that nobody reads

$ll->signal('worker1', 'STOP');
ok(wait_for(sub { ($ll->cli('doctor'))[1] =~ /^advice +workers +\S+ hangs /m },
            8), 'a worker that hangs, another one works: advice');
$ll->signal('worker2', 'STOP');
ok(wait_for(sub { ($ll->cli('doctor'))[1] =~ /^fault +workers +\S+ hangs /m },
            8), 'all workers hang: fault');
finds('fault', 'workers', 'no heartbeat, ', 'all workers hang');

my $queue = 'll:{q:5}:requests';
$ll->redis('XGROUP', 'CREATE', $queue, 'workers', '0', 'MKSTREAM');
my $added = int(time() - 20);
$ll->redis('XADD', $queue, $added * 1000 . '-0', 'op', 'x');
my $least = int(time() - $added);
my ($age) = finds('fault', 'queue', '5: nobody has read the oldest request for',
                  'a request that nobody reads') =~ /oldest request for (\d+) s/;
ok($age >= $least && $age <= time() - $added, '... for as long as it waits')
    or diag("$least s at least, not $age s");
$ll->redis('DEL', $queue);
$ll->signal($_, 'CONT') for qw(worker1 worker2);
$ll->stop($_) for qw(worker1 worker2);
finds('fault', 'workers', 'no heartbeat, ', 'no worker');

system("umount --lazy $dir/redis");
$ll->finish();
