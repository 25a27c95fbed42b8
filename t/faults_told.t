#!/usr/bin/perl

# What can break in a night, each for real: health, doctor, a metric with its
# alert, or a log names the cause within ten seconds, and messages flow again
# once it is mended.  Elsewhere are: disks (disk_full.t, doctor.t), rights one by
# one (acl.t, health.t), proxies (doctor_stream.t), Redis as a replica that is
# promoted (demoted.t), clients that are cut off (slow.t), and packages for
# another nginx (deb/packages.t).

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Alerts qw(fires);

my $port = LeaseLoft::free_port();
my $host = "127.0.0.1:$port";
my $ll = LeaseLoft->new(start => 0,
    redis_conf => "port $port\nbind 127.0.0.1\n"
                  . LeaseLoft::Redis::acl('PASSWORD'));
my $dir = $ll->dir();
my $socket = "unix:$dir/redis.sock";
my $sent = 0;
my (@table, $fault, $since);


# --- the parts ---

sub start_worker {
    my ($i, %o) = @_;

    $ll->spawn("worker$i", ($o{program} // $LeaseLoft::worker)
               . ' --claim 300 --name ' . ($o{name} // "w$i")
               . ' --queues ' . ($o{queues} // 1) . ' --redis redis://worker:'
               . ($o{password} // 'PASSWORD') . "\@$host");
}

sub start_nginx {
    my (%o) = @_;

    $ll->stop('nginx');
    $ll->{url} = 'redis://nginx:' . ($o{password} // 'PASSWORD') . "\@$host";
    $ll->nginx_conf(main => $o{main} // '', limits => $o{limits} // 0,
                    connections => $o{connections} // 4096,
                    directives => { leaseloft_wait => '500ms',
                                    %{ $o{directives} // {} } });
    $ll->start('nginx');
}

sub acl { $ll->redis('ACL', 'SETUSER', @_) }

# all works: a message is sent within 10 s
sub mended {
    ok($ll->wait_healthy(200, 10), "$fault, mended: health is 200")
        or diag(health());

    my $id = 'c-' . ++$sent;
    ok(wait_for(sub { $ll->say('P', 'u-tom', $id, client_id => $id)->status()
                         =~ /^20[01]$/ }, 10), "$fault, mended: a message is sent");
}


# --- who may tell ---

sub health {
    my $r = $ll->get('/internal/health');
    return $r->status() . ' ' . $r->body();
}

sub doctor { return ($ll->cli('doctor', '--redis', $socket))[1] }
sub metrics { return $ll->get('/internal/metrics')->body() }
sub nginx_log { return $ll->slurp('error.log') }
sub worker_log { return $ll->slurp('worker1.log') }

my %who = (health => \&health, doctor => \&doctor, metrics => \&metrics,
           "nginx's log" => \&nginx_log, "worker's log" => \&worker_log);

# breaks something
sub broken {
    my ($name, $do) = @_;

    ($fault, $since) = ($name, time());
    $do->();
}

# somebody says it within ten seconds
sub told {
    my ($by, $text) = @_;

    my $said;
    my $ok = wait_for(sub { $said = $who{$by}->(); $said =~ $text }, 10);
    my $seconds = time() - $since;

    ok($ok && $seconds < 10, "$fault: $by tells it within 10 s")
        or diag("after $seconds s: ", substr $said, -3000);
    push @table, sprintf '%-46s %-14s %4.1f s', $fault, $by, $seconds;
}

# the metrics raise an alert: "before" are those from before the fault
sub alerts {
    my ($alert, $before, @more) = @_;

    my $after = metrics();

    ok(fires($alert, $before, $after, @more), "$fault: $alert fires");
    ok(!fires($alert, $before, $before, @more), "$fault: it did not before");
    push @table, sprintf '%-46s %-14s', $fault, $alert;
}


$ll->start('redis');
start_worker(1);
start_nginx();
$ll->started();
is($ll->lease('P', tenants => ['u-tom', 'u-ana'])->status(), 200, 'a lease');


# --- Redis ---

my $before = metrics();
broken('Redis is down', sub { $ll->stop('redis', 'KILL') });
told('health', qr/^503 .*Redis is not connected, connect failed/);
told('doctor', qr/^unknown +connection +cannot connect to Redis/m);
told('metrics', qr/^leaseloft_redis_up 0$/m);
alerts('LeaseloftRedisDown', $before);
$ll->start('redis');
mended();

broken('Redis is a replica',
       sub { $ll->redis('REPLICAOF', '127.0.0.1', LeaseLoft::free_port()) });
told('health', qr/^503 .*(?:replica|READONLY)/);
told('doctor', qr/^fault +role +this Redis is a replica/m);
told('doctor', qr/^fault +workers +no heartbeat, .*: it is a replica/m);
told("nginx's log", qr/replica/);
$ll->redis('REPLICAOF', 'NO', 'ONE');
mended();

broken('maxmemory is reached',
       sub { $ll->redis('CONFIG', 'SET', 'maxmemory', 1) });
told('health', qr/^503 .*Redis refuses to write: OOM /);
told("worker's log", qr/refuses this worker's heartbeat: "OOM /);
told('doctor', qr/^fault +memory .*raise "maxmemory"/m);
told('doctor', qr/^fault +workers +no heartbeat, .*: its memory is full/m);
unlike(doctor(), qr/hangs or was killed|start "leaseloft-worker"/,
       "$fault: doctor does not blame the workers");
$ll->redis('CONFIG', 'SET', 'maxmemory', 0);
mended();

broken('too few replicas',
       sub { $ll->redis('CONFIG', 'SET', 'min-replicas-to-write', 1) });
told('health', qr/^503 .*Redis refuses to write: NOREPLICAS /);
told('doctor', qr/^fault +workers .*"min-replicas-to-write"/m);
$ll->redis('CONFIG', 'SET', 'min-replicas-to-write', 0);
mended();


# --- passwords and rights ---

broken("nginx's password is wrong", sub { start_nginx(password => 'WRONG') });
told('health', qr/^503 .*refused: wrong password/);
told("nginx's log", qr/wrong password/i);
told('metrics', qr/^leaseloft_redis_up 0$/m);
start_nginx();
mended();

$ll->stop('worker1');
broken("the worker's password is wrong",
       sub { start_worker(1, password => 'WRONG') });
told('health', qr/^503 .*No worker has sent a heartbeat/);
told('doctor', qr/^fault +refusals .*"worker": wrong password/m);
told("worker's log", qr/WRONGPASS/);
$ll->stop('worker1');
start_worker(1);
mended();

for my $right ('+xadd', '+time') {
    my $name = uc substr $right, 1;
    broken("nginx's user lacks $right",
           sub { acl('nginx', $right =~ s/^\+/-/r) });
    told('health', qr/^503 .*nginx's Redis user may not run [A-Z, ]*$name/);
    told("nginx's log", qr/health: "nginx's Redis user may not run [A-Z, ]*$name/);
    acl('nginx', $right);
    mended();
}

for my $right (['+@pubsub', 'PUBLISH'], ['+@read', 'HGET'], ['+time', 'TIME']) {
    my ($rule, $name) = @$right;
    my $lines = () = worker_log() =~ /\n/g;

    broken("the worker's user lacks $rule",
           sub { acl('worker', $rule =~ s/^\+/-/r) });

    # without TIME there is no heartbeat that could say so

    told('health', $name eq 'TIME'
                   ? qr/^503 .*No worker has sent a heartbeat/
                   : qr/^503 .*w1 takes no requests: .* may not run \S*$name/);
    told('doctor', qr/^fault +(?:workers +w1|refusals).*$name/mi);
    told("worker's log", qr/lacks rights.*$name/i);
    cmp_ok(scalar(() = worker_log() =~ /\n/g) - $lines, '<',
           3 * (time() - $since) + 3, "$fault: the worker's log is not flooded");
    acl('worker', $rule);
    mended();
}


# --- workers and queues ---

$ll->redis('ACL', 'LOG', 'RESET');
$before = metrics();
broken('no worker runs', sub { $ll->stop('worker1') });
told('health', qr/^503 .*No worker has sent a heartbeat/);
told('doctor', qr/^fault +workers +no heartbeat, .*start "leaseloft-worker"/m);
told('metrics', qr/^leaseloft_workers 0$/m);
alerts('LeaseloftNoWorker', $before);
is($ll->say('P', 'u-tom', 'waits')->status(), 202, "$fault: a send gets a 202");
alerts('LeaseloftSendsWait', $before);
start_worker(1);
mended();

$before = metrics();
broken('the worker hangs', sub { $ll->signal('worker1', 'STOP') });
told('health', qr/^503 .*No worker has sent a heartbeat/);
told('doctor', qr/^fault +workers +w1 hangs or was killed/m);
$ll->signal('worker1', 'CONT');
mended();

# a real worker that says that it is older
{
    my ($version) = $ll->slurp('worker1.log') =~ /starts: version ([\d.]+),/;
    my $older = $version =~ s/\d/0/gr;

    open my $in, '<:raw', "$LeaseLoft::build/leaseloft-worker" or die $!;
    my $program = do { local $/; <$in> };

    # but not libhiredis.so.1.1.0
    $ll->write('older', $program =~ s/(?<!so\.)\b\Q$version\E\0/$older\0/gr);
    chmod 0755, "$dir/older";

    $before = metrics();
    broken('a worker is older than the other', sub {
        start_worker(2, name => 'old', program => join ' ',
                     $ENV{LEASELOFT_UNDER} // (), "$dir/older");
    });
    told('health', qr/^200 .*Worker old has version \Q$older\E, this nginx has/);
    told('doctor', qr/^advice +versions +worker old has version "\Q$older\E"/m);
    told('metrics', qr/^leaseloft_worker_info\{worker="old",version="\Q$older\E"/m);
    like($ll->slurp('worker2.log'), qr/starts: version \Q$older\E,/,
         "$fault: its log says it");
    alerts('LeaseloftVersions', $before, '5m');
    $ll->stop('worker2');
    mended();
}

broken('nginx has 4 queues, the worker 1',
       sub { start_nginx(directives => { leaseloft_queues => 4 }) });
told('health', qr/^200 .*leaseloft_queues is 4, --queues of worker w1 is 1/);
told('doctor', qr/^advice +queues +nginx has 4 .*worker w1 has 1/m);
mended();

$ll->stop('worker1');
start_nginx(directives => { leaseloft_queues => 8 });
my @properties = map { "Q$_" } 1 .. 16;
$ll->lease($_) for @properties;
start_nginx();
start_worker(1);
broken('8 queues became 1', sub { });
ok(wait_for(sub { ($ll->poll($_, 'u-lena')->{head} // '') =~ /^[1-9]/ }, 10),
   "$fault: the lease of $_, which waited, is declared") for @properties;
mended();

$before = metrics();
broken('a request is given up', sub {
    $ll->redis('RENAME', 'll:{p:Q1}:meta', 'll:{p:Q1}:kept');
    $ll->redis('SET', 'll:{p:Q1}:meta', 'damaged');
    $ll->lease('Q1');
});
told('metrics', qr/^leaseloft_dead_letters\{queue="0"\} 1$/m);
told('doctor', qr/^advice +dead .*never completed: WRONGTYPE .*"leaseloft dead/m);
alerts('LeaseloftDeadLetters', $before);
$ll->redis('DEL', 'll:{p:Q1}:meta');
$ll->redis('RENAME', 'll:{p:Q1}:kept', 'll:{p:Q1}:meta');
is(($ll->cli('dead', 'drop', '--all', '--redis', $socket))[0], 0,
   "$fault: dead drop removes it");
mended();


# --- tokens: the issuer's clock, its key and its claims ---

start_nginx(directives => { leaseloft_issuer => 'us', leaseloft_audience => 'them' });

my %right = (iss => 'us', aud => 'them');

for my $case (['early', { nbf => int(time()) + 600 }, qr/not valid yet|nbf/i],
              ['signature', {}, qr/signature/i],
              ['issuer', { iss => 'others' }, qr/"iss"|issuer/i],
              ['audience', { aud => 'others' }, qr/"aud"|audience/i])
{
    my ($reason, $claims, $logged) = @$case;
    my $token = $ll->token('u-tom', %right, %$claims);
    my $length = length nginx_log();

    substr($token, -9) = 'AAAAAAAAA' if $reason eq 'signature';
    $before = metrics();

    broken("tokens are wrong: $reason", sub {
        is($ll->get('/api/session', token => $token)->status(), 401,
           "$reason: 401") for 1 .. 25;
    });
    told('metrics', qr/^leaseloft_tokens_refused_total\{reason="$reason"\} 25$/m);
    alerts('LeaseloftTokens', $before);
    like(substr(nginx_log(), $length), $logged, "$fault: nginx's log names it");
}


# --- connections, descriptors, the zone, limits ---

for my $case (['connections are used up', 'worker_connections', 100, ''],
              ['descriptors are used up', 'worker_rlimit_nofile', 4096,
               'worker_rlimit_nofile 120;'])
{
    my ($name, $setting, $connections, $main) = @$case;

    start_nginx(main => "worker_processes 1; $main", connections => $connections,
                directives => { leaseloft_max_streams => 200 });
    $ll->started();
    $before = metrics();

    my @streams;

    broken($name, sub {
        @streams = map { $ll->events('P', 'u-tom') } 1 .. 88;
        $_->wait_event('hello') for @streams;
    });
    told('metrics', qr/^leaseloft_connections_free_least [0-9]$/m);
    alerts('LeaseloftConnections', $before);
    told('doctor', qr/^(?:advice|fault) +connections .*raise "$setting"/m);

    # The last connections are not for streams.  One at a time: those that are
    # accepted at once have a connection each before any is refused.

    broken("$name, more streams come", sub {
        for (1 .. 20) {
            push @streams, $ll->events('P', 'u-tom');
            $streams[-1]->find_event(sub { $_[0]{event} =~ /^(?:hello|bye)$/ }, 5);
        }
    });
    told('metrics', qr/^leaseloft_streams_refused_total (?:1[2-9]|20)$/m);
    is($streams[-1]->wait_event('bye')->{json}{reason}, 'overload',
       "$fault: the last stream is refused");
    told('health',
         qr/^200 .*A process of nginx has [0-9] connections free, and refuses/);
    told("nginx's log", qr/streams are refused: raise "worker_connections"/);
    my $id = 'c-' . ++$sent;
    is($ll->say('P', 'u-tom', $id, client_id => $id)->status(), 201,
       "$fault: a message is sent");
    $_->close() for @streams;
}

start_nginx(directives => { leaseloft_zone => '32k' });
$ll->started();
$before = metrics();
$ll->expect_log(qr/no memory in leaseloft_zone/);
{
    my @users = map { "u-$_" } 1 .. 400;
    my @streams;

    $ll->lease('Z', tenants => [@users[0 .. 49]]);
    broken('the zone is full', sub {
        for my $user (@users) {
            my $stream = $ll->stream('/api/inbox/events', user => $user);
            push @streams, $stream;
            $stream->wait_event('hello', 1) or last;
        }
    });
    told('metrics', qr/^leaseloft_streams_refused_total [1-9]/m);
    told('metrics', qr/^leaseloft_zone_free_bytes 0$/m);
    told("nginx's log", qr/no memory in leaseloft_zone/);
    alerts('LeaseloftZone', $before);
    $_->close() for @streams;
}

start_nginx(limits => 1);
$ll->started();
$before = metrics();
broken('a limit refuses requests', sub {
    $ll->say('P', 'u-tom', '') for 1 .. 400;
});
told('metrics', qr/^leaseloft_http_responses_total\{endpoint="send",status="429"\}
                   \ [1-9]\d\d$/mx);
alerts('LeaseloftLimits', $before);


# --- configuration ---

start_nginx();
my $conf = $ll->slurp('nginx.conf');
$ll->write('nginx.conf',
           $conf =~ s/worker_shutdown_timeout [^;]*;/worker_shutdown_timeout 5s;/r);
like(($ll->nginx_test())[1], qr/\[warn\].*"worker_shutdown_timeout" is 5000ms/,
     'worker_shutdown_timeout is too short: nginx -t warns');
$ll->write('nginx.conf', $conf);
($fault) = 'at last';
mended();

note($_) for @table;
$ll->finish();
