#!/usr/bin/perl

# The demo: start, stop and run, as make calls them, and the conversation of the
# README as it stands there.

use strict;
use warnings;

use File::Temp qw(tempdir);
use HTTP::Tiny;
use POSIX qw(setsid);
use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;

# what make itself would say is for its own caller
delete @ENV{qw(REDIS_URL LEASELOFT_PREFIX NGINX_WORKERS LEASELOFT_WORKERS
               MAKEFLAGS)};

my $dir = tempdir('leaseloft-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my ($port, $internal) = map { LeaseLoft::free_port() } 1 .. 2;
my $health = "http://127.0.0.1:$internal/internal/health";

@ENV{'RUN_DIR', 'PORT', 'INTERNAL_PORT', 'BUILD'} =
    ("$dir/run", $port, $internal, $LeaseLoft::build);

# runs a command; its exit status and output
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

# processes that have anything to do with the directory
sub left {
    return join "\n", grep { $_ ne '' } map {
        my $cmd = slurp("/proc/$_/cmdline") =~ tr/\0/ /r;
        (readlink("/proc/$_/cwd") // '') =~ /^\Q$dir\E/ || $cmd =~ /\Q$dir\E/
            ? "$_ $cmd" : ''
    } grep { $_ != $$ } map { m{(\d+)$} } glob '/proc/[0-9]*';
}


# start

my ($status, $said) = run('conf/run.sh start');
is($status, 0, 'start') or diag($said);
is(health(), 200, 'healthy as soon as it returns');

my %links = $said =~ /^  (\w+) .*\n +(http\S+)/mg;
is(join(' ', sort keys %links), 'Ana Lena Mia Omar Tom',
   'two landlords, three tenants');
like($links{Tom}, qr{^http://localhost:$port/#token=[\w-]+\.[\w-]+\.[\w-]+$},
     'a sign-in link');

is((stat "$dir/run/token.key")[2] & 0777, 0600, 'token.key');
ok(-S "$dir/run/redis.sock", 'redis.sock');
ok(-s "$dir/run/$_.pid", "$_.pid") for qw(redis worker-1 nginx);

my $inbox = HTTP::Tiny->new(timeout => 3)->get(
    "http://127.0.0.1:$port/api/inbox", { headers => {
        Authorization => 'Bearer ' . ($links{Lena} =~ s/.*token=//r) } });
is($inbox->{status}, 200, 'the link\'s token opens the API');
like($inbox->{content}, qr/12 Elm St/, 'with a demo lease');

is(HTTP::Tiny->new(timeout => 3)->get("http://127.0.0.1:$port/")->{status}, 200,
   'the page is there');
is(HTTP::Tiny->new(timeout => 3)
       ->get("http://127.0.0.1:$port/internal/health")->{status}, 404,
   'the public listener has no internal paths');

($status, $said) = run('conf/run.sh start');
isnt($status, 0, 'a second start');
like($said, qr/already running/, 'says so');
is(health(), 200, 'and harms nothing');

($status, $said) = run("env RUN_DIR=$dir/other conf/run.sh start");
isnt($status, 0, 'a port in use');
like($said, qr/port $port is in use/, 'says so');


# the README's conversation

my ($talk) = slurp('README.md') =~ /^```sh\n(.*?)^```/ms;
$talk =~ s/8080/$port/g;
$talk =~ s{run/token\.key}{$dir/run/token.key}g;
$talk =~ s{build/leaseloft}{$LeaseLoft::build/leaseloft}g;
open my $f, '>', "$dir/talk" or die;
print $f $talk;
close $f;
($status, $said) = run("bash -m $dir/talk");
like($said, qr/event: hello\n/, 'Lena watches');
like($said, qr/id: 2\.[0-9a-f]{8}\ndata: \{"seq":2.*heating/, 'and sees');
like($said, qr/"total_unread":1,/, 'one unread');
like($said, qr/event: read\ndata: \{"user":"u-lena","upto":2/, 'then none');
like($said, qr/"status":404/, 'and Mia learns nothing');
unlike($said, qr/"status":(?!404)/, 'no other error');


# stop, and start again: the same key, the same threads

my $key = slurp("$dir/run/token.key");
($status, $said) = run('conf/run.sh stop');
is($status, 0, 'stop') or diag($said);
is(left(), '', 'nothing is left');
is(join(' ', grep { -e } glob "$dir/run/*.pid $dir/run/redis.sock"), '',
   'no pid file');
is((run('conf/run.sh stop'))[0], 0, 'stop when nothing runs');

my $complaints = join '', map { /\[(?:alert|emerg)\]|Sanitizer|runtime error/
    ? "$_\n" : '' } map { split /\n/, slurp($_) } glob "$dir/run/*.log";
is($complaints, '', 'no alerts in the logs');


# all of it is killed: stop still ends what is left, and start starts

($status, $said) = run('conf/run.sh start');
is($status, 0, 'start again') or diag($said);
kill 'KILL', map { slurp($_) =~ /(\d+)/ } glob "$dir/run/*.pid";
open $f, '>', "$dir/run/data/temp-rewriteaof-1.aof" and close $f;
ok(wait_for(sub { left() !~ /redis-server|leaseloft-worker/ }, 5), 'killed');
($status, $said) = run('conf/run.sh start');
isnt($status, 0, 'orphans of nginx still serve: start refuses');
like($said, qr/already running .*"make stop" ends it/, 'and says what to do');
is((run('conf/run.sh stop'))[0], 0, 'stop');
is(left(), '', 'nothing is left, orphans of nginx neither');
is(system("ss -ltn | grep -q ':$port '") >> 8, 1, 'nobody listens');
($status, $said) = run('conf/run.sh start');
is($status, 0, 'start after that') or diag($said);
is(join(' ', glob "$dir/run/data/temp-*"), '', 'without what Redis left');
is((run('conf/run.sh stop'))[0], 0, 'stop');


# run: in the foreground, until it is interrupted; here with two workers

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

ok(wait_for(sub { slurp("$dir/out") =~ /Ctrl-C/ }, 30), 'run')
    or diag(slurp("$dir/out"));
is(slurp("$dir/run/token.key"), $key, 'the key was made once');
ok(-s "$dir/run/worker-2.pid", 'two workers');

# as the README says: stop a worker, it is accepted; start it, it appears
kill 'TERM', map { slurp("$dir/run/worker-$_.pid") } 1, 2;
ok(wait_for(sub { health() == 503 }, 8), 'without workers');
my $worker = fork();
if ($worker == 0) {
    open STDERR, '>', '/dev/null';
    exec "$LeaseLoft::build/leaseloft-worker", '--redis',
         "unix:$dir/run/redis.sock" or POSIX::_exit(127);
}
ok(wait_for(sub { health() == 200 }, 8), 'and with one again');
kill 'TERM', $worker;
waitpid $worker, 0;
is($?, 0, 'which ends well');

kill 'INT', -$pid;
ok(wait_for(sub { waitpid($pid, POSIX::WNOHANG()) == $pid }, 15), 'interrupted');
is($?, 0, 'ends well');
is(left(), '', 'nothing is left');
unlike(join('', map { slurp($_) } glob "$dir/run/*.log"),
       qr/Sanitizer|runtime error:/, 'no sanitizer said anything');


# nothing is left of a start that fails either

{
    local $ENV{REDIS_URL} = 'unix:/nonexistent';
    ($status, $said) = run('timeout -s INT 8 conf/run.sh start');
    isnt($status, 0, 'a start without Redis');
    is(left(), '', 'leaves nothing behind');
}

for my $case ([PORT => 'x'], [PORT => 70000], [INTERNAL_PORT => $port],
              [LEASELOFT_WORKERS => 0], [LEASELOFT_PREFIX => 'LL'],
              [NGINX_WORKERS => 'many'],
              [RUN_DIR => "$dir/" . 'x' x 100], [RUN_DIR => "$dir/a b"])
{
    local $ENV{$case->[0]} = $case->[1];
    ($status, $said) = run('conf/run.sh start');
    isnt($status, 0, "$case->[0]=" . substr $case->[1], -40);
    like($said, qr/^leaseloft: .+\n\z/, 'one clear sentence');
}

done_testing();
