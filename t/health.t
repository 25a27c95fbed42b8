#!/usr/bin/perl

# Health: 200 while messages can be sent and delivered, otherwise 503 with the
# part that fails and the missing right.  nginx and the workers have the users
# in Redis that docs/redis.md shows.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(time);

use lib 't/lib';
use LeaseLoft;

my $rights = LeaseLoft::Redis::acl('PASSWORD');
my $port = LeaseLoft::free_port();
my $host = "127.0.0.1:$port";

my $ll = LeaseLoft->new(start => 0,
    directives => { leaseloft_wait => '500ms' },
    redis_conf => "port $port\nbind 127.0.0.1\n$rights");

sub start_worker {
    my ($i, $password, @options) = @_;
    $ll->spawn("worker$i", "$LeaseLoft::worker --claim 400 @options --name w$i"
               . " --redis redis://worker:$password\@$host");
}

sub start_nginx {
    my ($password, %directives) = @_;
    $ll->{url} = "redis://nginx:$password\@$host";
    $ll->nginx_conf(directives => { leaseloft_wait => '500ms', %directives });
    $ll->start('nginx');
}

sub health { return $ll->get('/internal/health') }
sub acl { $ll->redis('ACL', 'SETUSER', @_) }

# within 5 seconds health becomes 503 with this part and detail, for HEAD, too;
# $each is called before each look at it
sub is_down {
    my ($what, $part, $detail, $each) = @_;

    my $start = time();
    my $said;

    ok(wait_for(sub {
        $each->() if $each;
        my $r = health();
        $said = $r->json();
        return $r->status() == 503 && $said->{detail} =~ $detail;
    }, 6), "$what: health is 503 and says why") or diag(health()->body());
    cmp_ok(time() - $start, '<', 5, "$what: within 5 s");
    is($said->{$part}, 'down', "$what: $part is down");
    is_shape($said, $what);
    is($ll->request('HEAD', '/internal/health')->status(), 503,
       "$what: HEAD too");
}

sub is_up {
    my ($what) = @_;
    ok($ll->wait_healthy(200, 8), "$what: health is 200")
        or diag(health()->body());
    is_sent("$what: a message can be sent");
}

# a send is accepted, at the latest within 8 s on a busy machine
my $sent = 0;

sub is_sent {
    my ($what) = @_;
    my $id = 'sent-' . ++$sent;
    ok(wait_for(sub { $ll->say('P', 'u-tom', $what, client_id => $id)
                         ->status() =~ /^20[01]$/ }, 8), $what);
}

# the response always has the same members, of the same types
sub is_shape {
    my ($said, $what) = @_;

    my @wrong = grep { ref \($said->{$_} // \1) ne 'SCALAR' }
                qw(type title detail);

    push @wrong, 'status' unless JSON::PP->new->encode([ $said->{status} ])
                                 =~ /^\[(?:200|503)\]$/;
    push @wrong, grep { ($said->{$_} // '') !~ /^(?:up|down|unknown)$/ }
                 qw(nginx redis workers);
    push @wrong, grep { ref $said->{$_} ne 'ARRAY'
                        || grep { ref || !length } @{ $said->{$_} } }
                 qw(faults advice);

    # a single server has all or none
    push @wrong, 'slots' unless JSON::PP->new->canonical
                                ->encode($said->{slots} // [])
                                =~ /^\{"all":16384,"reachable":(?:16384|0)\}$/;

    is(join(' ', @wrong), '', "$what: members have their types");
    is(join(' ', sort keys %$said),
       'advice detail drained faults nginx redis slots status title type workers',
       "$what: no other members");
}


$ll->start('redis');
start_worker(1, 'PASSWORD');
start_nginx('PASSWORD');
ok($ll->wait_healthy(), 'health is 200 with all rights')
    or diag(health()->body());
is($ll->lease('P')->status(), 200, 'a lease is declared');


# GET and HEAD

my $get = health();
my $head = $ll->request('HEAD', '/internal/health');
is_shape($get->json(), 'up');
is_deeply($get->json()->{$_}, [], "up: there are no $_")
    for qw(faults advice);
is($head->status(), 200, 'HEAD gets 200');
is($head->body(), '', 'HEAD gets no body');
is($head->header($_), $get->header($_), "HEAD has the $_ of GET")
    for qw(Content-Type Content-Length Cache-Control X-Content-Type-Options);


# nginx's user lacks a right

for my $right (['+xadd', 'XADD'], ['+time', 'TIME'], ['+@pubsub', 'PUBLISH'],
               ['+fcall_ro', 'FCALL_RO'], ['+hget', 'HGET'])
{
    my ($rule, $command) = @$right;

    acl('nginx', $rule =~ s/^\+/-/r);
    is_down("nginx without $rule", 'nginx',
            qr/^nginx's Redis user may not run (?:[A-Z_]+, )*$command\b/);
    acl('nginx', $rule);
    is_up("nginx with $rule again");
}

acl('nginx', 'resetchannels');
$ll->redis('CLIENT', 'KILL', 'TYPE', 'pubsub');
is_down('nginx without channels', 'nginx',
        qr/^nginx's Redis user may not run PUBLISH, SUBSCRIBE/);
acl('nginx', '&ll:*');
is_up('nginx with channels again');

acl('nginx', 'resetkeys', '~ll:{w}:*', '~ll:{p:*', '~ll:{u:*');
is_down('nginx without the keys of queues', 'nginx',
        qr/^nginx's Redis user may not run XADD/);
acl('nginx', '~ll:*');
is_up('nginx with its keys again');


# a worker's user lacks a right

sub lines { return scalar(() = $ll->slurp('worker1.log') =~ /\n/g) }

for my $right (['+@pubsub', 'PUBLISH'], ['+xack', 'XACK'],
               ['+@read', '[A-Z|,]*HGET'], ['+xreadgroup', 'XREADGROUP'])
{
    my ($rule, $command) = @$right;
    my $start = time();
    my $lines = lines();

    acl('worker', $rule =~ s/^\+/-/r);
    is_down("worker without $rule", 'workers', $rule eq '+@read'
        ? qr/^(?:No worker has sent a heartbeat|Worker w1 .* may not run \S*HGET)/
        : qr/^Worker w1 takes no requests: .* may not run $command/);

    my ($exit, $said) = $ll->cli('doctor', '--redis', 'unix:' . $ll->dir()
                                 . '/redis.sock');
    is($exit, 2, "worker without $rule: doctor fails");
    like($said, $rule eq '+@read' ? qr/fault +workers/
                : qr/fault +workers +w1 .*$command/,
         "worker without $rule: doctor names it");

    # requests wait in the queue
    my $r = $ll->say('P', 'u-tom', "without $rule", client_id => "c$rule" =~ s/\W//gr);
    is($r->status(), 202, "worker without $rule: a send waits");

    wait_for(sub { time() > $start + 5 }, 6);
    cmp_ok(lines() - $lines, '<=', 3 * (time() - $start),
           "worker without $rule: no flood of log lines");
    acl('worker', $rule);
    ok(wait_for(sub { $ll->poll('P', 'u-tom')->{entries}[-1]{text}
                          eq "without $rule" }, 8),
       "worker with $rule again: the send is done");
    is_up("worker with $rule again");
}

like($ll->slurp('worker1.log'), qr/lacks rights.*PUBLISH/,
     'the worker logs its missing rights');
is($ll->redis('XLEN', 'll:{q:0}:dead'), 0,
   'a missing right causes no dead letter');


# with a second worker that has all rights it is advice, and no request waits

acl('second', 'on', '>PASSWORD', '~ll:*', '&ll:*', '+@all', '-xack');
$ll->spawn('worker2', "$LeaseLoft::worker --claim 400 --name w2 --redis"
           . " redis://second:PASSWORD\@$host");
ok(wait_for(sub { grep { /w2 .* XACK/ } @{ health()->json()->{advice} } }, 5),
   'one of two workers without a right is advice');
is(health()->status(), 200, 'one of two workers without a right: 200');
is_sent("one of two workers without a right: send $_ is done") for 1 .. 10;
$ll->stop('worker2');


# nginx and the workers disagree about the number of queues

start_worker(3, 'PASSWORD', '--queues 2');
ok(wait_for(sub { grep { /leaseloft_queues is 1, --queues of worker w3 is 2/ }
                  @{ health()->json()->{advice} } }, 5),
   'different numbers of queues are advice');
is(health()->status(), 200, 'different numbers of queues: 200');
my ($exit, $said) = $ll->cli('doctor', '--redis', 'unix:' . $ll->dir()
                             . '/redis.sock');
like($said, qr/^advice +queues +nginx has 1 .*worker w3 has 2/m,
     'different numbers of queues: doctor names them');
$ll->stop('worker3');

# a queue that no worker reads: the heartbeat of a worker that reads one of four
$ll->stop('worker1');
$ll->stop('nginx');
start_nginx('PASSWORD', leaseloft_queues => 4);
sub beat {
    my ($reads) = @_;
    $ll->redis('HSET', 'll:{w}:workers', 'old', sprintf
               '%d x=1 queues:1 reads:%s', time() * 1000, $reads // 1);
}

is_down('none is read', 'workers',
        qr/^No worker reads queue 0; "leaseloft doctor" says why\.$/,
        sub { beat(0) });
is_down('4 queues, 1 read', 'workers', qr/^No worker reads queue 1: /, \&beat);
$ll->redis('XADD', 'll:{q:3}:requests', '*', 'op', 'x');
beat();
($exit, $said) = $ll->cli('doctor', '--redis', 'unix:' . $ll->dir()
                          . '/redis.sock');
is($exit, 2, '4 queues, 1 read: doctor fails');
like($said, qr/^fault +queue +3: no worker reads it, 1 requests wait/m,
     '4 queues, 1 read: doctor names the queue with requests');
$ll->redis('DEL', 'll:{q:3}:requests');
$ll->redis('HDEL', 'll:{w}:workers', 'old');
start_worker(1, 'PASSWORD');
is_up('4 queues, all read by a worker with 1');


# functions that are older than this nginx, as of a worker that was rolled back

my %library = @{ $ll->redis('FUNCTION', 'LIST', 'WITHCODE')->[0] };
my ($revision) = $library{library_code} =~ /^-- revision (\d+)$/m;

sub load { $ll->redis('FUNCTION', 'LOAD', 'REPLACE', $_[0]) }

load($library{library_code} =~ s/^(?:-- revision|local REVISION =) \K\d+$/7/mgr);
my $older = qr/^Redis has functions of a revision before $revision, .*start a worker/;
is_down('older functions', 'workers', $older);

# those before revision 34 do not tell it
load($library{library_code} =~ s/^(?:-- revision) \K\d+$/33/mgr
                            =~ s/^( +return .*), REVISION \}$/$1 }/mgr);
is_down('functions that do not tell it', 'workers', $older);

load($library{library_code} =~ s/^(?:-- revision|local REVISION =) \K\d+$/9999/mgr);
is_up('later functions');
load($library{library_code});


# Redis refuses writes

$ll->redis('CONFIG', 'SET', 'maxmemory', 1);
is_down('Redis without memory', 'redis', qr/^Redis refuses to write: OOM /);
ok(wait_for(sub { $ll->slurp('worker1.log')
                      =~ /refuses this worker's heartbeat: "OOM / }, 5),
     'Redis without memory: the worker logs it');
$ll->redis('CONFIG', 'SET', 'maxmemory', 0);
is_up('Redis with memory again');


# passwords

$ll->stop('nginx');
start_nginx('WRONG');
is_down('a wrong password of nginx', 'redis', qr/refused: wrong password/);
unlike(health()->body(), qr/WRONG\b/,
       'a wrong password of nginx: health does not show it');
$ll->stop('nginx');
start_nginx('PASSWORD');
is_up('the right password of nginx again');

$ll->stop('worker1');
start_worker(1, 'WRONG');

# health is 503 before the new worker has tried, as the old one has left
wait_for(sub {
    grep { my %e = @$_; $e{reason} eq 'auth' && $e{username} eq 'worker' }
         @{ $ll->redis('ACL', 'LOG') }
}, 10);

is_down('a wrong password of the worker', 'workers',
        qr/^No worker has sent a heartbeat/);
($exit, $said) = $ll->cli('doctor', '--redis', 'unix:' . $ll->dir()
                          . '/redis.sock');
is($exit, 2, 'a wrong password of the worker: doctor fails');
like($said, qr/^fault +workers +no heartbeat/m,
     'a wrong password of the worker: doctor finds no heartbeat');
like($said, qr/^fault +refusals .*"worker": wrong password/m,
     'a wrong password of the worker: doctor says who was refused');

$ll->finish();
