#!/usr/bin/perl

# The demo: start, stop and run, as make calls them, and the commands of the
# README as they stand there.

use strict;
use warnings;

use File::Temp qw(tempdir);
use HTTP::Tiny;
use POSIX qw(setsid);
use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;

# these variables of the make that runs the tests are not for the demo
delete @ENV{qw(REDIS_URL LEASELOFT_PREFIX NGINX_WORKERS LEASELOFT_WORKERS
               MAKEFLAGS)};

my $dir = tempdir('leaseloft-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my ($port, $internal) = map { LeaseLoft::free_port() } 1 .. 2;
my $health = "http://127.0.0.1:$internal/internal/health";

@ENV{'RUN_DIR', 'PORT', 'INTERNAL_PORT', 'BUILD'} =
    ("$dir/run", $port, $internal, $LeaseLoft::build);

# runs a command: its exit status and output
sub run {
    my ($command) = @_;
    my $said = `timeout 60 $command 2>&1 < /dev/null`;
    return ($? >> 8, $said);
}

sub slurp {
    open my $f, '<', $_[0] or return '';
    local $/;
    return scalar <$f>;
}

sub health { return HTTP::Tiny->new(timeout => 3)->get($health)->{status} }

# processes whose command or working directory is in the directory
sub left {
    return join "\n", grep { $_ ne '' } map {
        my $cmd = slurp("/proc/$_/cmdline") =~ tr/\0/ /r;
        (readlink("/proc/$_/cwd") // '') =~ /^\Q$dir\E/ || $cmd =~ /\Q$dir\E/
            ? "$_ $cmd" : ''
    } grep { $_ != $$ } map { m{(\d+)$} } glob '/proc/[0-9]*';
}


# start

my ($status, $said) = run('conf/run.sh start');
is($status, 0, 'start exits with 0') or diag($said);
is(health(), 200, 'health is 200 as soon as start returns');

my %links = $said =~ /^  (\w+) .*\n +(http\S+)/mg;
is(join(' ', sort keys %links), 'Ana Lena Mia Omar Tom',
   'start prints a link for each of five users');
like($links{Tom}, qr{^http://localhost:$port/#token=[\w-]+\.[\w-]+\.[\w-]+$},
     'the link has the port and a token');

is((stat "$dir/run/token.key")[2] & 0777, 0600,
   'token.key is readable by its owner only');
ok(-S "$dir/run/redis.sock", 'redis.sock is there');
ok(-s "$dir/run/$_.pid", "$_.pid is there") for qw(redis worker-1 nginx);

my $inbox = HTTP::Tiny->new(timeout => 3)->get(
    "http://127.0.0.1:$port/api/inbox", { headers => {
        Authorization => 'Bearer ' . ($links{Lena} =~ s/.*token=//r) } });
is($inbox->{status}, 200, 'the token of the link is accepted');
like($inbox->{content}, qr/12 Elm St/, 'the inbox has a demo lease');

is(HTTP::Tiny->new(timeout => 3)->get("http://127.0.0.1:$port/")->{status}, 200,
   'the page gets 200');
is(HTTP::Tiny->new(timeout => 3)
       ->get("http://127.0.0.1:$port/internal/health")->{status}, 404,
   'internal paths are not on the public listener');

($status, $said) = run('conf/run.sh start');
isnt($status, 0, 'a second start fails');
like($said, qr/already running/, 'the error says that it is already running');
is(health(), 200, 'a second start leaves the first one healthy');

($status, $said) = run("env RUN_DIR=$dir/other conf/run.sh start");
isnt($status, 0, 'a start with a port in use fails');
like($said, qr/port $port is in use/, 'the error names the port');


# the commands of the README

my ($talk) = slurp('README.md') =~ /^```sh\n(.*?)^```/ms;
$talk =~ s/8080/$port/g;
$talk =~ s{run/token\.key}{$dir/run/token.key}g;
$talk =~ s{build/leaseloft}{$LeaseLoft::build/leaseloft}g;
open my $f, '>', "$dir/talk" or die;
print $f $talk;
close $f;
($status, $said) = run("bash -m $dir/talk");
like($said, qr/event: hello\n/, 'the stream of Lena begins with hello');
like($said, qr/id: 2\.[0-9a-f]{8}\ndata: \{"seq":2.*heating/,
                                           'the stream of Lena gets the'
                                           . ' message');
like($said, qr/"total_unread":1,/, 'the inbox of Lena has one unread');
like($said, qr/event: read\ndata: \{"user":"u-lena","upto":2/,
                                    'the stream of Lena gets the read event');
like($said, qr/\{"hits":\[\{"property":"elm-12-3",.*"The heating is out"/,
     'the search of Lena finds the message');
like($said, qr/"status":404/, 'Mia gets 404');
unlike($said, qr/"status":(?!404)/, 'no other problem is printed');


# stop and start again: the key and the threads are kept

my $key = slurp("$dir/run/token.key");
($status, $said) = run('conf/run.sh stop');
is($status, 0, 'stop exits with 0') or diag($said);
is(left(), '', 'stop leaves no process');
is(join(' ', grep { -e } glob "$dir/run/*.pid $dir/run/redis.sock"), '',
   'stop leaves no pid file and no socket');
is((run('conf/run.sh stop'))[0], 0, 'stop exits with 0 when nothing runs');

my $complaints = join '', map { /\[(?:alert|emerg)\]|Sanitizer|runtime error/
    ? "$_\n" : '' } map { split /\n/, slurp($_) } glob "$dir/run/*.log";
is($complaints, '', 'the logs have no alert and no sanitizer report');


# everything is killed: stop ends what is left, and start works again

($status, $said) = run('conf/run.sh start');
is($status, 0, 'start exits with 0 after a stop') or diag($said);
kill 'KILL', map { slurp($_) =~ /(\d+)/ } glob "$dir/run/*.pid";
open $f, '>', "$dir/run/data/temp-rewriteaof-1.aof" and close $f;
ok(wait_for(sub { left() !~ /(?:redis|valkey)-server|leaseloft-worker/ }, 5),
   'Redis and the worker are killed');
($status, $said) = run('conf/run.sh start');
isnt($status, 0, 'start fails while orphaned nginx processes run');
like($said, qr/already running .*"make stop" ends it/,
     'the error names make stop');
is((run('conf/run.sh stop'))[0], 0, 'stop exits with 0 after a kill');
is(left(), '', 'stop ends orphaned nginx processes');
is(system("ss -ltn | grep -q ':$port '") >> 8, 1,
   'the port is free after stop');
($status, $said) = run('conf/run.sh start');
is($status, 0, 'start exits with 0 after a kill') or diag($said);
is(join(' ', glob "$dir/run/data/temp-*"), '',
   'start removes temporary files of Redis');
is((run('conf/run.sh stop'))[0], 0, 'stop exits with 0 again');


# run: in the foreground, until it is interrupted, with two workers

$ENV{LEASELOFT_WORKERS} = 2;
$ENV{NGINX_WORKERS} = 2;

my $pid = fork();
if ($pid == 0) {
    setsid();
    open STDIN, '<', '/dev/null';
    open STDOUT, '>', "$dir/out";
    open STDERR, '>&', \*STDOUT;
    exec 'conf/run.sh', 'run' or POSIX::_exit(127);
}

ok(wait_for(sub { slurp("$dir/out") =~ /Ctrl-C/ }, 30),
   'run says how to end it')
    or diag(slurp("$dir/out"));
is(slurp("$dir/run/token.key"), $key, 'run keeps the key');
ok(-s "$dir/run/worker-2.pid", 'run starts two workers');

# as the README says: without a worker a send gets 202, and appears with one
kill 'TERM', map { slurp("$dir/run/worker-$_.pid") } 1, 2;
ok(wait_for(sub { health() == 503 }, 8), 'health is 503 without workers');
my $worker = fork();
if ($worker == 0) {
    open STDERR, '>', '/dev/null';
    exec "$LeaseLoft::build/leaseloft-worker", '--redis',
         "unix:$dir/run/redis.sock" or POSIX::_exit(127);
}
ok(wait_for(sub { health() == 200 }, 8), 'health is 200 with a worker again');
kill 'TERM', $worker;
waitpid $worker, 0;
is($?, 0, 'the worker exits with 0');

kill 'INT', -$pid;
ok(wait_for(sub { waitpid($pid, POSIX::WNOHANG()) == $pid }, 15),
   'run ends when interrupted');
is($?, 0, 'run exits with 0 when interrupted');
is(left(), '', 'run leaves no process');
unlike(join('', map { slurp($_) } glob "$dir/run/*.log"),
       qr/Sanitizer|runtime error:/, 'the logs have no sanitizer report');


# a start that fails leaves nothing behind

{
    local $ENV{REDIS_URL} = 'unix:/nonexistent';
    ($status, $said) = run('timeout -s INT 8 conf/run.sh start');
    isnt($status, 0, 'start fails without Redis');
    is(left(), '', 'the failed start leaves no process');
}

for my $case ([PORT => 'x'], [PORT => 70000], [INTERNAL_PORT => $port],
              [LEASELOFT_WORKERS => 0], [LEASELOFT_PREFIX => 'LL'],
              [NGINX_WORKERS => 'many'],
              [RUN_DIR => "$dir/" . 'x' x 100], [RUN_DIR => "$dir/a b"])
{
    local $ENV{$case->[0]} = $case->[1];
    ($status, $said) = run('conf/run.sh start');
    isnt($status, 0, "start refuses $case->[0]=" . substr $case->[1], -40);
    like($said, qr/^leaseloft: .+\n\z/, 'the error is one line');
}

done_testing();
