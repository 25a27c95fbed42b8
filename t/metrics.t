#!/usr/bin/perl

# Metrics and health: the text format, what is counted, and what each answers
# while nginx processes, workers or Redis fail.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256);
use JSON::PP;
use MIME::Base64 qw(encode_base64url);
use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new(workers => 2, main => 'worker_processes 2;',
                        directives => { limit_req => undef });
$ll->lease('P', tenants => ['u-tom', 'u-ana']);

sub text { return $ll->get('/internal/metrics')->body() }

# NAME or NAME{LABELS} => value
sub metrics { return { text() =~ /^([a-z_]+(?:\{[^}]*\})?) (\S+)$/mg } }

sub value {
    my ($name) = @_;
    my $m = metrics();
    my $sum = 0;
    $sum += $m->{$_}
        for grep { /^leaseloft_\Q$name\E(?:\{|$)/ || $_ eq "leaseloft_$name" }
                 keys %$m;
    return $sum;
}

sub grows {
    my ($name, $by, $what, $do) = @_;

    my $before = value($name);
    $do->();
    ok(wait_for(sub { value($name) == $before + $by }, 3),
       "$what: $name grows by $by") or diag(value($name) - $before);
}


# the format, once both workers have reported

wait_for(sub { value('workers') == 2 }, 10);

my $r = $ll->get('/internal/metrics');

is($r->status(), 200, 'metrics get 200');
is($r->header('Content-Type'), 'text/plain; version=0.0.4; charset=utf-8',
   'Content-Type is that of the text format 0.0.4');
is($r->header('Cache-Control'), 'no-store', 'metrics are not cached');
is($r->header('Content-Length'), length $r->body(),
   'Content-Length is the length of the body');
like($r->body(), qr/\n\z/, 'the body ends with a line feed');

# promtool, of Prometheus, finds no fault
$ll->write('metrics', $r->body());
my $dir = $ll->dir();
is(qx(promtool check metrics <$dir/metrics 2>&1), '',
   'promtool check metrics finds nothing');

my $label = qr/(?:worker|version|nginx|library|endpoint|status|reason|kind
                  |queue|le)="[\w.+-]+"/x;
my $labels = qr/$label(?:,$label)*/;
my (%type, %seen, $last);

for my $line (split /\n/, $r->body()) {
    if ($line =~ /^# HELP (\w+) \S.*\.$/) {
        $last = $1;

    } elsif ($line =~ /^# TYPE (\w+) (counter|gauge|histogram)$/) {
        my ($name, $type) = ($1, $2);
        is($name, $last, "$name: TYPE follows HELP");
        ok(!$type{$name}++, "$name: TYPE stands once");
        is($type, $name =~ /_total$/ ? 'counter'
                  : $name =~ /_(?:send|delivery)_seconds$/ ? 'histogram'
                  : 'gauge', "$name: is a $type, as its name says");

    } elsif ($line =~ /^((\w+)(?:\{$labels\})?) \d+(?:\.\d+)?$/) {
        my ($series, $name) = ($1, $2);

        fail("$series: stands under $last")
            unless $name =~ /^\Q$last\E(?:_bucket|_sum|_count)?$/;
        fail("$series: stands twice") if $seen{$series}++;

    } else {
        fail("line is not of the format: $line");
    }
}

cmp_ok(scalar(keys %type), '>', 20, 'there are more than 20 metrics');
like($_, qr/^leaseloft_/, "$_ has the prefix leaseloft_")
    for grep { !/^leaseloft_/ } keys %type;
is(scalar(grep { /^leaseloft_worker_messages_total\{/ } keys %seen), 2,
   'both workers have a metric of their own');
is(scalar(grep { /^leaseloft_worker_busy_seconds_total\{/ } keys %seen), 2,
   'the time of workers is in seconds');
is(value('build_info'), 1, 'build_info has the versions');
is(value('drained'), 0, 'nginx is not drained');
is(value('worker_info'), 2, 'worker_info has the versions of both workers');
cmp_ok(abs(value('start_time_seconds') - time()), '<', 120,
       'start_time_seconds is when nginx started');
cmp_ok(abs(value('worker_start_time_seconds') / 2 - time()), '<', 120,
       'worker_start_time_seconds is when the workers started');
ok(wait_for(sub { value('redis_links') == 4 }, 10),
   'redis_links counts two connections of each process');
is(value('redis_links_wanted'), 4, 'redis_links_wanted is as much');
is(value('redis_slots_reachable'), 16384, 'a single server has all slots');
is(value('processes'), 2, 'processes is 2');
is(value('connections'), 2 * 4096, 'connections is that of all processes');
cmp_ok(value('connections_free'), '>', 8000, 'most connections are free');
cmp_ok(value('connections_free_least'), '<=', value('connections_free') / 2,
       'connections_free_least is of one process');
cmp_ok(value('zone_free_bytes') / value('zone_bytes'), '>', 0.5,
       'more than half of the zone is free');
is(value('dead_letters'), 0, 'there is no dead letter');
is(value('redis_up'), 1, 'redis_up is 1');
is(value('workers'), 2, 'workers is 2');

# each is described, and nothing else
my $page = do { local (@ARGV, $/) = 'docs/metrics.md'; <> };
my %described = map { $_ => 1 } map { /`(leaseloft_\w+)`/g }
                    $page =~ /^\|([^|]*)\|/mg;

is(join(' ', sort grep { !/^leaseloft_worker_\w+_total$/ && !$described{$_} }
                  keys %type), '', 'docs/metrics.md describes all metrics');
delete @described{qw(leaseloft_worker_NAME_total leaseloft_redis_node_up
                     leaseloft_redis_node_slots)};
is(join(' ', sort grep { !$type{$_} } keys %described), '',
   'it describes no other, but those of nodes of a cluster');

# members that later workers may report, and malformed records
my $soon = int((time() + 2) * 1000);
$ll->redis('HSET', 'll:{w}:workers',
           'w-new', "$soon news=5 bad x= =y z=1\"2 u{v=1 d=1.5",
           "w\"x\n", "$soon messages=5", 'w-empty', '');
my $m = metrics();
is($m->{'leaseloft_worker_news_total{worker="w-new"}'}, 5,
   'an unknown member of a worker is exported');
is($m->{'leaseloft_worker_d_total{worker="w-new"}'}, '1.5',
   'a fraction is exported');
is(scalar(grep { !/^(#.*|[a-z_]+(\{$labels\})? [\d.]+)$/ }
               split /\n/, text()), 0, 'malformed members are left out');
$ll->redis('HDEL', 'll:{w}:workers', 'w-new', "w\"x\n", 'w-empty');


# what each counter counts

grows('worker_messages_total', 1, 'a send', sub {
    grows('writes_total', 1, 'a send', sub { $ll->say('P', 'u-tom', 'x') });
});
grows('worker_rejected_total', 1, 'an invalid send',
      sub { $ll->say('P', 'u-tom', '') });
grows('tokens_refused_total', 1, 'a bad token',
      sub { $ll->get('/api/inbox', token => 'x') });

# the claims of a token, and the reason by which its refusal is counted
my $now = int time();
my %claims = (sub => 'u-tom', exp => $now + 60);

for my $case (['missing', undef], ['malformed', 'x'],
              ['signature', $ll->token('u-tom') =~ s/.....$/AAAAA/r],
              ['key', jwt({ alg => 'RS256' }, \%claims)],
              ['expired', jwt({ alg => 'HS256' }, { %claims, exp => $now - 9 })],
              ['early', jwt({ alg => 'HS256' }, { %claims, nbf => $now + 50 })])
{
    my ($reason, $token) = @$case;

    # the second time it is found among those that were refused
    grows("tokens_refused_total{reason=\"$reason\"}", 2, 'two tokens', sub {
        $ll->get('/api/inbox', token => $token) for 1, 2;
    });
}

grows('tokens_refused_total{reason="another_user"}', 1, 'another user', sub {
    $ll->get('/api/inbox', user => 'u-tom',
             headers => { 'LeaseLoft-User' => 'u-ana' });
});
sub jwt {
    my ($header, $claims) = @_;

    my $text = join '.', map { encode_base64url(JSON::PP->new->encode($_)) }
                             $header, $claims;
    return "$text." . encode_base64url(hmac_sha256($text, $ll->{key}));
}

# responses by endpoint and status
for my $case (['send', 201, sub { $ll->say('P', 'u-tom', 'x') }],
              ['send', 422, sub { $ll->say('P', 'u-tom', '') }],
              ['messages', 200, sub { $ll->poll('P', 'u-tom') }],
              ['messages', 404, sub { $ll->get('/api/properties/X/messages',
                                               user => 'u-tom') }],
              ['read', 204, sub { $ll->mark('P', 'u-tom', 1) }],
              ['lease', 200, sub { $ll->lease('P', tenants => ['u-tom', 'u-ana']) }],
              ['inbox', 200, sub { $ll->get('/api/inbox', user => 'u-tom') }],
              ['session', 200, sub { $ll->get('/api/session', user => 'u-tom') }])
{
    my ($endpoint, $status, $do) = @$case;

    grows("http_responses_total{endpoint=\"$endpoint\",status=\"$status\"}", 1,
          'a request', $do);
}

# times: a send by one, and its delivery to the process of each stream
grows('send_seconds_count', 1, 'a send', sub { $ll->say('P', 'u-tom', 'x') });
{
    my $stream = $ll->events('P', 'u-tom');
    $stream->wait_event('hello');
    grows('delivery_seconds_count', 1, 'a send', sub {
        $ll->say('P', 'u-tom', '"at":"2001-01-01T00:00:00.000Z"');
    });
    my $m = metrics();
    is($m->{'leaseloft_delivery_seconds_bucket{le="10"}'},
       $m->{'leaseloft_delivery_seconds_count'},
       'the time is that of the message, not of its text');
    $stream->close();
}
grows('polls_total', 2, 'two polls', sub { $ll->poll('P', 'u-tom') for 1, 2 });

my @streams;

grows('streams', 4, 'four streams', sub {
    @streams = map { ($ll->events('P', 'u-tom'),
                      $ll->stream('/api/inbox/events', user => 'u-tom')) } 1, 2;
    $_->wait_event('hello') for @streams;
});
grows('events_sent_total', 2, 'a message to two of them', sub {
    $ll->say('P', 'u-ana', 'x');
    $_->wait_event('') for @streams[0, 2];
});
grows('streams', -4, 'closing them', sub { $_->close() for @streams });
cmp_ok(value('streams_opened_total'), '>=', 4,
       'streams_opened_total counts streams');
cmp_ok(value('frames_received_total'), '>', 0,
       'frames_received_total counts frames');
cmp_ok(value('redis_commands_total'), '>', 10,
       'redis_commands_total counts commands');


# by kind
@streams = (map({ $ll->events('P', 'u-tom') } 1 .. 3),
            $ll->stream('/api/inbox/events', user => 'u-tom'));
$_->wait_event('hello') for @streams;
is(value('streams{kind="thread"}'), 3, 'streams of threads are counted');
is(value('streams{kind="inbox"}'), 1, 'streams of inboxes are counted');
$_->close() for @streams;
ok(wait_for(sub { value('streams') == 0 }, 5), 'no stream is open');


# the two parts, which together are all

my $nginx = $ll->get('/internal/metrics?part=nginx')->body();
my $service = $ll->get('/internal/metrics?part=service')->body();

unlike($nginx, qr/^leaseloft_(?:worker|queue|dead|searches_waiting)/m,
       'the part of nginx has nothing of the workers');
like($nginx, qr/^leaseloft_writes_total/m, 'it has the counters of nginx');
unlike($service, qr/^leaseloft_(?!worker|queue|dead|searches_waiting)/m,
       'the part of the service has nothing of nginx');
like($service, qr/^leaseloft_worker_messages_total\{/m,
     'it has the counters of the workers');
is_deeply([sort map { /^# TYPE (\S+)/ ? $1 : () } split /\n/, text()],
          [sort map { /^# TYPE (\S+)/ ? $1 : () } split /\n/,
                                                   "$nginx$service"],
          'no metric is in both, and all are in one');


# what waits in the queue, and for how long

ok(wait_for(sub { value('queue_requests') == 0 }, 10), 'no request waits');
$ll->signal($_, 'STOP') for 'worker1', 'worker2';
$ll->say('P', 'u-tom', 'waits', client_id => 'c-waits');
is(value('queue_requests'), 1, 'a request waits');
cmp_ok(value('queue_oldest_seconds'), '>', 1.9, 'for two seconds');
cmp_ok(value('queue_oldest_seconds'), '<', 20, 'and not more');
grows('writes_accepted_total', 1, 'a second one', sub {
    $ll->say('P', 'u-tom', 'waits too')
});
$ll->signal($_, 'CONT') for 'worker1', 'worker2';
ok(wait_for(sub { value('queue_requests') == 0 }, 10), 'the workers take them');
is(value('queue_oldest_seconds'), 0, 'the oldest request has no age then');


# the streams of a killed process are no longer counted

@streams = map { $ll->events('P', 'u-tom') } 1 .. 6;
$_->wait_event('hello') for @streams;
is(value('streams'), 6, 'six streams are counted');

my %old = map { $_ => 1 } $ll->nginx_children();
$ll->expect_log(qr/exited on signal 9/);
kill 'KILL', keys %old;
ok(wait_for(sub { 2 == grep { !$old{$_} } $ll->nginx_children() }, 5),
   'nginx starts new processes');
ok(wait_for(sub { (eval { value('streams') } // 6) == 0 }, 5),
   'the streams of killed processes are not counted');
$_->close() for @streams;

# counters survive a reload
my $writes = value('writes_total');
my %before = map { $_ => 1 } $ll->nginx_children();

$ll->signal('nginx', 'HUP');
ok(wait_for(sub { !grep { $before{$_} } $ll->nginx_children() }, 10),
   'the old processes end after a reload');
cmp_ok($writes, '>', 0, 'writes were counted before the reload');
is(value('writes_total'), $writes, 'the count of writes survives the reload');


# health

sub health { return $ll->get('/internal/health') }

ok($ll->wait_healthy(), 'health is 200 with Redis and workers up');
is(health()->json()->{$_}, 'up', "health says that $_ is up")
    for qw(nginx redis workers);

$ll->signal($_, 'STOP') for 'worker1', 'worker2';
my $start = time();
ok($ll->wait_healthy(503, 6), 'health is 503 with all workers stopped');
cmp_ok(time() - $start, '<', 5,
       'health is 503 within 5 s after the workers stop');
is_problem(health(), 503, '', 'unhealthy is a problem document');
is(health()->json()->{redis}, 'up', 'health says that Redis is up');
is(health()->json()->{workers}, 'down',
   'health says that the workers are down');
like(health()->header('Retry-After'), qr/^[1-9]/, 'unhealthy has Retry-After');

$ll->signal('worker1', 'CONT');
ok($ll->wait_healthy(200, 3), 'health is 200 with one worker of two');

$ll->signal('redis', 'STOP');
$start = time();
ok($ll->wait_healthy(503, 6), 'health is 503 with a silent Redis');
cmp_ok(time() - $start, '<', 5,
       'health is 503 within 5 s after Redis falls silent');
$start = time();
is(health()->json()->{redis}, 'down', 'health says that Redis is down');
cmp_ok(time() - $start, '<', 2.5, 'health answers within 2.5 s');
is(health()->json()->{workers}, 'unknown',
   'health says that the workers are unknown');
is(value('redis_up'), 0, 'redis_up is 0 with a silent Redis');
is(value('workers'), 0, 'workers is 0 with a silent Redis');
is(value('writes_total'), $writes,
   "nginx's own counters are exported without Redis");
$ll->signal('redis', 'CONT');
ok($ll->wait_healthy(200, 5), 'health is 200 after Redis answers again');

$ll->stop('redis', 'KILL');
$start = time();
ok($ll->wait_healthy(503, 6), 'health is 503 with Redis killed');
cmp_ok(time() - $start, '<', 2, 'health is 503 within 2 s of the kill');
is(value('redis_up'), 0, 'redis_up is 0 with Redis killed');
cmp_ok(value('redis_links_lost_total'), '>', 0,
       'redis_links_lost_total counts the lost connection');
$ll->start('redis');
ok($ll->wait_healthy(200, 8), 'health is 200 after Redis is restarted');

# a Redis that refuses writes: workers cannot renew their records
$ll->redis('CONFIG', 'SET', 'min-replicas-to-write', 1);
ok($ll->wait_healthy(503, 6), 'health is 503 while Redis refuses writes');
$ll->redis('CONFIG', 'SET', 'min-replicas-to-write', 0);
ok($ll->wait_healthy(200, 6), 'health is 200 once Redis takes writes');

$ll->finish();
