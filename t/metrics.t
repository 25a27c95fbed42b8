#!/usr/bin/perl

# Metrics and health.

use strict;
use warnings;

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
    $sum += $m->{$_} for grep { /^leaseloft_\Q$name\E(\{|$)/ } keys %$m;
    return $sum;
}

sub grows {
    my ($name, $by, $what, $do) = @_;

    my $before = value($name);
    $do->();
    ok(wait_for(sub { value($name) == $before + $by }, 3),
       "$what: $name grows by $by") or diag(value($name) - $before);
}


# the format

my $r = $ll->get('/internal/metrics');

is($r->status(), 200, 'metrics');
is($r->header('Content-Type'), 'text/plain; version=0.0.4; charset=utf-8',
   'Content-Type');
is($r->header('Cache-Control'), 'no-store', 'no-store');
is($r->header('Content-Length'), length $r->body(), 'Content-Length');
like($r->body(), qr/\n\z/, 'ends with a line feed');

my (%type, %seen, $last);

for my $line (split /\n/, $r->body()) {
    if ($line =~ /^# HELP (\w+) \S.*\.$/) {
        $last = $1;

    } elsif ($line =~ /^# TYPE (\w+) (counter|gauge)$/) {
        my ($name, $type) = ($1, $2);
        is($name, $last, "$name: HELP, then TYPE");
        ok(!$type{$name}++, 'once');
        is($type, $name =~ /_total$/ ? 'counter' : 'gauge', "is a $type");

    } elsif ($line =~ /^((\w+)(?:\{worker="[\w.-]+"\})?) \d+$/) {
        is($2, $last, "$1 stands under its name") if $2 ne $last;
        ok(!$seen{$1}++, "$1: once");

    } else {
        fail("a line of the format: $line");
    }
}

cmp_ok(scalar(keys %type), '>', 20, 'many of them');
like($_, qr/^leaseloft_/, 'prefix') for grep { !/^leaseloft_/ } keys %type;
is(scalar(grep { /^leaseloft_worker_messages_total\{/ } keys %seen), 2,
   'of both workers');
is(value('redis_up'), 1, 'Redis is up');
is(value('workers'), 2, 'with two workers');

# names that workers may come to say, and records that are no use
my $soon = int((time() + 2) * 1000);
$ll->redis('HSET', 'll:{w}:workers',
           'w-new', "$soon news=5 bad x= =y z=1\"2 u{v=1 d=1.5",
           "w\"x\n", "$soon messages=5", 'w-empty', '');
my $m = metrics();
is($m->{'leaseloft_worker_news_total{worker="w-new"}'}, 5, 'a new name');
is($m->{'leaseloft_worker_d_total{worker="w-new"}'}, '1.5', 'a fraction');
is(scalar(grep { !/^(#.*|[a-z_]+(\{worker="[\w.-]+"\})? [\d.]+)$/ }
               split /\n/, text()), 0, 'nothing malformed goes out');
$ll->redis('HDEL', 'll:{w}:workers', 'w-new', "w\"x\n", 'w-empty');


# what is counted

grows('worker_messages_total', 1, 'a send', sub {
    grows('writes_total', 1, 'a send', sub { $ll->say('P', 'u-tom', 'x') });
});
grows('worker_rejected_total', 1, 'an invalid one',
      sub { $ll->say('P', 'u-tom', '') });
grows('tokens_refused_total', 1, 'a bad token',
      sub { $ll->get('/api/inbox', token => 'x') });
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
cmp_ok(value('streams_opened_total'), '>=', 4, 'opened');
cmp_ok(value('frames_received_total'), '>', 0, 'frames');
cmp_ok(value('redis_commands_total'), '>', 10, 'commands');


# a process that is killed leaves nothing behind

@streams = map { $ll->events('P', 'u-tom') } 1 .. 6;
$_->wait_event('hello') for @streams;
is(value('streams'), 6, 'six streams');

my %old = map { $_ => 1 } $ll->nginx_children();
$ll->expect_log(qr/exited on signal 9/);
kill 'KILL', keys %old;
ok(wait_for(sub { 2 == grep { !$old{$_} } $ll->nginx_children() }, 5),
   'new processes');
ok(wait_for(sub { (eval { value('streams') } // 6) == 0 }, 5),
   'streams of killed ones are not counted');
$_->close() for @streams;

# a reload keeps what was counted
my $writes = value('writes_total');
my %before = map { $_ => 1 } $ll->nginx_children();

$ll->signal('nginx', 'HUP');
ok(wait_for(sub { !grep { $before{$_} } $ll->nginx_children() }, 10),
   'reloaded');
cmp_ok($writes, '>', 0, 'writes before');
is(value('writes_total'), $writes, 'and after a reload');


# health

sub health { return $ll->get('/internal/health') }

ok($ll->wait_healthy(), 'healthy');
is(health()->json()->{$_}, 'up', "$_ is up") for qw(nginx redis workers);

$ll->signal($_, 'STOP') for 'worker1', 'worker2';
my $start = time();
ok($ll->wait_healthy(503, 6), 'no worker lives');
cmp_ok(time() - $start, '<', 5, 'within 5 s');
is_problem(health(), 503, '', 'a problem');
is(health()->json()->{redis}, 'up', 'Redis is not at fault');
is(health()->json()->{workers}, 'down', 'the workers are');
like(health()->header('Retry-After'), qr/^[1-9]/, 'Retry-After');

$ll->signal('worker1', 'CONT');
ok($ll->wait_healthy(200, 3), 'one is enough');

$ll->signal('redis', 'STOP');
$start = time();
ok($ll->wait_healthy(503, 6), 'Redis is silent');
cmp_ok(time() - $start, '<', 5, 'within 5 s');
$start = time();
is(health()->json()->{redis}, 'down', 'and at fault');
cmp_ok(time() - $start, '<', 2.5, 'an answer takes 2 s at most');
is(health()->json()->{workers}, 'unknown', 'of the workers nothing is known');
is(value('redis_up'), 0, 'redis_up');
is(value('workers'), 0, 'workers');
is(value('writes_total'), $writes, 'what is counted here is there all the same');
$ll->signal('redis', 'CONT');
ok($ll->wait_healthy(200, 5), 'healthy again');

$ll->stop('redis', 'KILL');
$start = time();
ok($ll->wait_healthy(503, 6), 'Redis is dead');
cmp_ok(time() - $start, '<', 2, 'which is known at once');
is(value('redis_up'), 0, 'redis_up');
cmp_ok(value('redis_links_lost_total'), '>', 0, 'a link was lost');
$ll->start('redis');
ok($ll->wait_healthy(200, 8), 'healthy again');

# a Redis that takes no writes: the workers cannot say that they live
$ll->redis('CONFIG', 'SET', 'min-replicas-to-write', 1);
ok($ll->wait_healthy(503, 6), 'Redis takes no writes');
$ll->redis('CONFIG', 'SET', 'min-replicas-to-write', 0);
ok($ll->wait_healthy(200, 6), 'healthy again');

$ll->finish();
