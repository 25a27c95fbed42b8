#!/usr/bin/perl

# "leaseloft backup" while Redis rewrites its append-only files, interrupted,
# killed, on a full disk, and for a Redis on another machine: no half of a
# backup gets a name, and automatic rewrites are enabled again.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Backup;
use LeaseLoft::Net;

my $ll = LeaseLoft->new();
my $dir = $ll->dir() . '/backups';
mkdir $dir;
$ENV{TMPDIR} = $ll->dir() . '/tmp';

sub state { my ($names, $others) = backups($dir); return "@$names|$others" }
sub temporary { return join ' ', glob "$ENV{TMPDIR}/leaseloft*" }

sub rewriting {
    return $ll->redis('INFO', 'persistence') =~ /aof_rewrite_in_progress:1/;
}

# a rewrite that takes a minute, unless it is ended
sub slow_rewrite {
    $ll->redis('CONFIG', 'SET', 'rdb-key-save-delay', 2_000_000);
    $ll->redis('BGREWRITEAOF');
    ok(rewriting(), 'Redis rewrites its files');
}

# Redis takes this signal to its child as an order, not as a failure
sub end_rewrite {
    my $pid = $ll->pid('redis');
    my @children = split /\s+/, qx(cat /proc/$pid/task/$pid/children);
    kill 'USR1', @children;
    ok(wait_for(sub { !rewriting() }, 10), 'the rewrite ends');
}

# waits until a background backup has ended; its wait status
sub ended {
    my ($part) = @_;
    my $pid = delete $ll->{pids}{$part};
    my $status;
    return wait_for(sub { waitpid($pid, POSIX::WNOHANG()) == $pid
                          && (($status) = $?, 1) }, 20) ? $status : undef;
}

$ll->lease('P');
$ll->say('P', 'u-tom', "message $_") for 1 .. 20;
$ll->redis('SET', "key$_", join '', map { chr 33 + rand 90 } 1 .. 1000)
    for 1 .. 200;
$ll->redis('BGREWRITEAOF');
ok(wait_for(sub { !rewriting() }, 20), 'all is in the base file');
$ll->redis('CONFIG', 'SET', 'auto-aof-rewrite-percentage', 77);


# during a rewrite: waits for it

slow_rewrite();
begin_backup($ll, 'waits', $dir);
ok(wait_for(sub { $ll->slurp('waits.log') =~ /^waiting for a rewrite/m }, 20),
   'a backup waits for a rewrite');
is(percentage($ll), 0, 'automatic rewrites are disabled meanwhile');
is(state() =~ /^\|\.\d+T\d+\.\d+Z\.partial \.rewrites$/ ? 1 : 0, 1,
   'what it writes has a hidden name');
is($ll->redis('SET', 'written', 'during the rewrite'), 'OK', 'Redis is used');

my ($status, $said) = $ll->cli('backup', $dir);
is($status, 1, 'a second backup to the same directory fails');
like($said, qr/^leaseloft: another backup to ".*" is running$/m, 'it says why');

end_rewrite();
is(ended('waits'), 0, 'the backup is made after the rewrite');
is(percentage($ll), 77, 'automatic rewrites are as before');
my ($names, $others) = backups($dir);
is($others, '', 'nothing else is left');
is(redis_on("$dir/$names->[0]", ['GET', 'written']), 'during the rewrite',
   'the copy has what was written during the rewrite');


# SIGTERM, SIGINT and SIGHUP, while it waits, and while the copy is verified

my $before = state();
my @slow = in_redis_server($ll, 'echo $$ >' . $ll->dir() . '/server.pid',
                           '--key-load-delay 200000'
                           . ' --loading-process-events-interval-bytes 1024');

sub server_runs {
    my $pid = $ll->slurp('server.pid') || 0;
    chomp $pid;
    return $pid && -d "/proc/$pid" && LeaseLoft::state_of($pid) ne 'Z';
}

for my $signal (qw(TERM INT HUP)) {
    slow_rewrite();
    begin_backup($ll, "waiting$signal", $dir);
    ok(wait_for(sub { $ll->slurp("waiting$signal.log") =~ /^waiting/m }, 20),
       "$signal: a backup waits");
    is(percentage($ll), 0, "$signal: automatic rewrites are disabled");
    $ll->signal("waiting$signal", $signal);
    is(ended("waiting$signal"), 1 << 8, "$signal: it exits with 1");
    ok(rewriting(), "$signal: before the rewrite has ended");
    like($ll->slurp("waiting$signal.log"), qr/^leaseloft: interrupted$/m,
         "$signal: it says that it was interrupted");
    is(percentage($ll), 77, "$signal: automatic rewrites are as before");
    is(state(), $before, "$signal: nothing is left");
    end_rewrite();

    begin_backup($ll, "loading$signal", "@slow $dir");
    ok(wait_for(sub { server_runs() && temporary() eq '' }, 20),
       "$signal: a copy is loaded");
    is(percentage($ll), 77, "$signal: automatic rewrites are enabled already");
    $ll->signal("loading$signal", $signal);
    is(ended("loading$signal"), 1 << 8, "$signal: it exits with 1");
    is(state(), $before, "$signal: nothing is left");
    ok(!server_runs(), "$signal: the redis-server has ended");
    is(temporary(), '', "$signal: no temporary file is left");
    unlink $ll->dir() . '/server.pid';
}


# SIGKILL: the next backup deletes what is left, and restores the setting

slow_rewrite();
begin_backup($ll, 'killed', $dir);
ok(wait_for(sub { $ll->slurp('killed.log') =~ /^waiting/m }, 20),
   'KILL: a backup waits');
$ll->stop('killed', 'KILL');
is(percentage($ll), 0, 'KILL: automatic rewrites stay disabled');
like(($ll->cli('doctor'))[1], qr/^advice +rewrites .*rewrite-percentage 100/m,
     'KILL: doctor tells it');
like(state(), qr/\|\.\d{8}T\d{6}\.\d{3}Z\.partial \.rewrites$/,
     'KILL: a hidden directory and a file are left');
is((state() =~ /^(.*)\|/)[0], ($before =~ /^(.*)\|/)[0],
   'KILL: there is no new backup');
end_rewrite();

($status, $said) = $ll->cli('backup', $dir);
is($status, 0, 'KILL: the next backup succeeds');
like($said, qr/^deleted "\.\d+T\d+\.\d+Z\.partial", which a backup that was/m,
     'KILL: it deletes what was left');
unlike($said, qr/are disabled in Redis/,
       'KILL: it takes the setting for its own');
is(percentage($ll), 77, 'KILL: and enables automatic rewrites');
is((backups($dir))[1], '', 'KILL: nothing is left');

begin_backup($ll, 'killed2', "@slow $dir");
ok(wait_for(sub { server_runs() && temporary() eq '' }, 20),
   'KILL: a copy is loaded');
$ll->stop('killed2', 'KILL');
ok(wait_for(sub { !server_runs() }, 5), 'KILL: the redis-server ends too');
like(state(), qr/\|\.\d+T\d+\.\d+Z\.partial$/, 'KILL: a directory is left');
is(($ll->cli('backup', $dir))[0], 0, 'KILL: the next backup succeeds');
is((backups($dir))[1], '', 'KILL: nothing is left');


# killed, and Redis restarted or the setting changed: it is not touched

$ll->write('backups/.rewrites', ('0' x 40) . " 55\n");
is(($ll->cli('backup', $dir))[0], 0, 'a setting of an earlier run of Redis');
is(percentage($ll), 77, 'is not restored');
$ll->write('backups/.rewrites', 'half of a l');
is(($ll->cli('backup', $dir))[0], 0, 'half of a setting');
is(percentage($ll), 77, 'is not restored');
is((backups($dir))[1], '', 'and deleted');


# Redis ends during a backup

slow_rewrite();
begin_backup($ll, 'lost', $dir);
ok(wait_for(sub { $ll->slurp('lost.log') =~ /^waiting/m }, 20),
   'a backup waits');
$ll->stop('redis', 'KILL');
$ll->start('redis');
is(ended('lost'), 1 << 8, 'it fails if Redis ends');
like($ll->slurp('lost.log'), qr/^leaseloft: Redis does not answer/m,
     'it says why');
is((backups($dir))[1], '', 'and leaves nothing, as Redis has forgotten it');
ok($ll->wait_healthy(), 'all is healthy again');
is(percentage($ll), 100, 'with the setting of the configuration');


# a full disk

SKIP: {
    my $full = $ll->dir() . '/full';
    mkdir $full;
    skip 'no tmpfs', 9
        if system("mount -t tmpfs -o size=256k tmpfs $full 2>/dev/null") != 0;

    $ll->say('P', 'u-tom', 'x' x 3900) for 1 .. 100;
    my ($status, $said) = $ll->cli('backup', $full);
    my ($names, $others) = backups($full);
    is($status, 1, 'a full disk: the backup fails');
    like($said, qr/^leaseloft: cannot write ".*": No space left on device$/m,
         'a full disk: it says why');
    is("@$names|$others", '|', 'a full disk: nothing is left');
    is(percentage($ll), 100, 'a full disk: automatic rewrites are enabled');

    # not even the setting can be stored
    system("mount -o remount,size=64k $full; head -c 1000000 /dev/zero"
           . " >$full/zeros 2>/dev/null");
    ($status, $said) = $ll->cli('backup', $full);
    is($status, 1, 'no space at all: the backup fails');
    like($said, qr/^leaseloft: cannot write .*No space left/m,
         'no space at all: it says why');
    is(percentage($ll), 100, 'no space at all: automatic rewrites are enabled');
    unlink "$full/zeros";
    is(($ll->cli('backup', $full))[0], 1, 'no space at all: once more');
    is(join('', map { @$_ } (backups($full))[0]), '',
       'no space at all: there is no backup');
    system("umount $full");
}


# a user who may not write, or not read

SKIP: {
    skip 'not root', 6 if $> != 0;
    skip 'others may not run the program here', 6
        if system("setpriv --reuid=65534 --clear-groups test -x"
                  . " $LeaseLoft::build/leaseloft") != 0;

    my $port = LeaseLoft::free_port();
    $ll->redis('CONFIG', 'SET', 'port', $port);
    my $url = "redis://127.0.0.1:$port";
    my $nobody = "setpriv --reuid=65534 --clear-groups env TMPDIR=/tmp"
                 . " $LeaseLoft::cli backup --redis $url";
    my $others = "/tmp/backups-$$";
    mkdir $others, 0755;
    like(scalar qx($nobody $others 2>&1),
         qr/^leaseloft: cannot write to "$others": Permission denied$/m,
         'a directory that may not be written to');
    is($? >> 8, 1, 'is a failure');
    chown 65534, 65534, $others;
    like(scalar qx($nobody $others 2>&1),
         qr/^leaseloft: cannot open ".*appendonlydir": Permission denied: run/m,
         'files of Redis that may not be read');
    is($? >> 8, 1, 'are a failure');
    is(percentage($ll), 100, 'automatic rewrites are enabled');
    is(join('', glob "$others/{,.}[!.]*"), '', 'nothing is left');
    rmdir $others;
}


# another machine

SKIP: {
    my $net = eval { LeaseLoft::Net->new() } or skip $@ =~ s/\n//r, 3;
    my $port = LeaseLoft::free_port();

    $ll->redis('CONFIG', 'SET', 'protected-mode', 'no');
    $ll->redis('CONFIG', 'SET', 'port', $port);
    $ll->redis('CONFIG', 'SET', 'bind', $net->here());
    my $url = 'redis://' . $net->here() . ":$port";
    my $there = $net->inside() . " $LeaseLoft::cli backup --redis $url $dir";
    like(scalar qx($there 2>&1),
         qr/^leaseloft: Redis is on another machine: run the command/m,
         'a Redis on another machine is refused');
    is($? >> 8, 1, 'with exit status 1');
    is(($ll->cli('backup', '--redis', $url, $dir))[0], 0,
       'one at an address of this machine is not');
}

is(temporary(), '', 'no temporary file is left');

$ll->finish();
