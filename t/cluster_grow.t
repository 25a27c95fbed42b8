#!/usr/bin/perl

# A single server becomes a Redis Cluster while messages are sent, by the steps
# in docs/scale.md, goes back, and becomes a cluster again, which grows to
# three primaries, and a single server again.  Nothing that was accepted is lost
# or doubled.

use strict;
use warnings;

use JSON::PP;
use POSIX ();
use Test::More;
use Time::HiRes qw(time sleep);
use Time::Piece;

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Cluster;
use LeaseLoft::Writers;

my ($page) = map { local (@ARGV, $/) = $_; <> } 'docs/scale.md';
my ($section) = $page =~ /^## Growing from one server to a cluster\n(.*)/ms;
my %steps = $section =~ /^\*\*(\w+)\.?\*\*.*?\n\n((?:    \S[^\n]*\n)+)/gms;
my ($settings) = $page =~ /^## Redis Cluster\n.*?\n((?:    cluster-\S+ [^\n]*\n)+)/ms;
ok($steps{Prepare} && $steps{Switch} && $steps{Grow} && $steps{Back}
   && $settings,
   'docs/scale.md has the steps') or BAIL_OUT('no steps');

my $port = LeaseLoft::free_port();
my $bus = LeaseLoft::free_port();
my $single = "port $port\nbind 127.0.0.1\ncluster-port $bus\n"
             . "shutdown-timeout 0\n";
my $ll = LeaseLoft->new(
    directives => { leaseloft_queues => 4, leaseloft_wait => '500ms',
                    leaseloft_ping => '1s', leaseloft_drain => '2s' },
    worker_options => '--queues 4 --seal-after 8 --seal-size 8 --claim 1000',
    redis_conf => $single);
my %url = (single => "redis://127.0.0.1:$port",
           cluster => "redis+cluster://127.0.0.1:$port");
my $cluster = LeaseLoft::Cluster->around($ll, 'redis', $port);
my @properties = map { "P$_" } 0 .. 11;
my $nodes = 1;
my $up;                            # when the service was up after a switch
my $writers;

# moves some slots to a server, among them those of some properties
sub deal {
    my ($part, $n) = @_;

    $cluster->manage('reshard', $cluster->address($part), '--cluster-from',
                     $cluster->id('redis'), '--cluster-to', $cluster->id($part),
                     '--cluster-slots', $n, '--cluster-yes');

    my @named = map { $cluster->slot("ll:$_") }
                ('{p:P' . substr($part, -1) . '}:meta', '{u:u-lena}:inbox',
                 '{due}:due', '{q:' . substr($part, -1) . '}:due');
    $cluster->move($_, $part) for @named;
}

# commands with the addresses of this test
sub addressed {
    my ($text, %address) = @_;

    return $text =~ s{-h (192\.0\.2\.\d+) -p 6379}
                     {"-h 127.0.0.1 -p " . $address{$1} =~ s/.*://r}ger
        =~ s{(192\.0\.2\.\d+):6379}{$address{$1} // die "$1?"}ger;
}

# runs the documented steps, with the paths and addresses of this test
sub follow {
    my ($name, %address) = @_;

    for my $step (map { s/^\s+//r } split /\n/, $steps{$name}) {
        my $command = addressed($step =~ s{/var/lib/leaseloft}{$ll->{dir}/redis}gr
            =~ s{leaseloft:leaseloft}{$>}r, %address);

        # it deals 10,922 slots, which takes minutes: t/fault/cluster.t does
        if ($step =~ /rebalance/) {
            ok($cluster->wait_ready(20), 'the new servers take keys');
            deal($_, 20) for grep { $_ ne 'redis' } $cluster->parts();
            next;
        }

        if ($step =~ /^systemctl (\w+) (\S+)$/) {
            my $part = { 'leaseloft-worker@1' => 'worker1', nginx => 'nginx',
                         'leaseloft-redis' => 'redis' }->{$2} // die $2;

            $1 eq 'reload' ? $ll->signal($part, 'HUP') : do {
                is($ll->stop($part), 0, "$name: $part stops")
                    if $1 ne 'start';
                $ll->start($part) if $1 ne 'stop';
            };

        } else {
            my $said = qx($command 2>&1);
            is($?, 0, "$name: $step") or diag($said);
        }

        # the command ends before all know the new server
        ok($cluster->wait_nodes(++$nodes), 'all know the new server')
            if $step =~ /add-node/;
    }
}

# the entries of a reader's stream, which reconnects as a page does
my ($stream, @entries);

sub read_entries {
    $stream //= $ll->events('P0', 'u-lena');

    while (my $event = $stream->next_event(0)) {
        push @entries, $event->{json} if $event->{event} eq '';
    }

    if ($stream->wait_closed(0)) {
        $stream = eval { $ll->events('P0', 'u-lena',
                                     last_id => $stream->last_id()) }
                  // $stream;
    }

    return scalar @entries;
}

sub entries_arrive {
    my $n = read_entries();
    return wait_for(sub { read_entries() > $n }, 20);
}

# writes the settings of one kind of Redis, and makes the switch to it
sub switch {
    my ($kind, $name) = @_;

    my $start = time();

    $ll->{redis_conf} = $single
                        . ($kind eq 'cluster' ? $settings =~ s/^ +//mgr : '');
    $ll->_redis_conf();
    $ll->{url} = $url{$kind};
    $ll->nginx_conf();
    is(($ll->nginx_test())[0], 0, "$kind: nginx -t");

    follow('Switch');
    ok($ll->wait_healthy(200, 30), "$kind: the service is healthy");
    $up = time();
    ok($writers->sending(), "$kind: messages are sent");

    my $pause = $writers->pause($start);
    diag(sprintf 'the switch to %s paused messages for %.1f s', $name, $pause);
    cmp_ok($pause, '<', 20, "$kind: the pause is short");
    ok(entries_arrive(), "$kind: new messages arrive in a stream");
}

sub is_active { ($ll->cli('lease', 'show', $_[0]))[1] =~ /active/ }

sub rfc { POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $_[0]) }


# a single server with data of all kinds

$ll->lease($_) for @properties;
$ll->say('P0', 'u-tom', "message $_") for 1 .. 40;
is($ll->say($_, 'u-lena', "hello $_")->status(), 201, "$_ has a message")
    for @properties;
is($ll->mark('P0', 'u-lena', 20)->status(), 204, 'a mark is set');
is(($ll->cli('revoke', 'u-max'))[0], 0, 'tokens are revoked');
ok(wait_for(sub { $ll->redis('HLEN', 'll:{p:P0}:segments') > 2 }, 10),
   'entries are sealed');

$ll->redis('XADD', 'll:{q:2}:dead', '*', op => 'send', p => 'P5', u => 'u-tom',
           why => 'a test', id => '1-1', r => 'n.1',
           b => '{"client_id":"dead-1","text":"put back"}');

my %later = (lease_id => 'L-1', label => 'Home', time_zone => 'UTC',
             landlords => [{ user => 'u-lena', name => 'Lena' }],
             tenants => [{ user => 'u-tom', name => 'Tom' }],
             starts_at => rfc(time() + 3600), ends_at => undef);
$ll->write('leases.json', join "\n", map {
    encode_json({ %later, property => "LATER$_" }) } 1 .. 150);
is(($ll->cli('lease', 'load', $ll->dir() . '/leases.json'))[0], 0,
   'leases are declared');

cmp_ok($ll->redis('ZCARD', 'll:{due}:due'), '>=', 150, 'they will be due');

read_entries();
ok($stream->find_event('hello'), 'a stream is open');
$writers = LeaseLoft::Writers->new($ll, @properties);
ok($writers->sending(), 'messages are sent');

# one that becomes due while messages pause, and one later
$ll->lease('SOON', starts_at => rfc(int(time()) + 3));
my $due = int(time()) + 40;
$ll->lease('DUE', starts_at => rfc($due));

# a request that a worker took, and which waits to be claimed, and others
$ll->stop('worker1');
is($ll->say($_, 'u-tom', "waits $_", client_id => "waits-$_")->status(), 202,
   "a request of $_ waits") for @properties;
$ll->redis('XREADGROUP', 'GROUP', 'workers', 'dead', 'COUNT', 1, 'STREAMS',
           "ll:{q:$_}:requests", '>') for 0 .. 3;
$ll->start('worker1');
$ll->stop('worker1', 'KILL');
$ll->start('worker1');


# it becomes a cluster

follow('Prepare');
switch('cluster', 'a cluster');
ok(wait_for(sub { is_active('SOON') }, 10),
   'a lease that became due meanwhile has opened');
ok(wait_for(sub {
    !grep { $ll->redis('EXISTS', "ll:$_") } '{due}:due', '{due}:vers',
                                            '{w}:layout'
}, 10),
   'all due times have been taken over, and the layout');
cmp_ok($cluster->sum('ZCARD', 'due'), '>=', 150,
       'they have the names of a cluster');
like($ll->slurp('worker1.log'), qr/took over 15\d due times of a single server/,
     'the log says so');

# what takes it for a single server is refused, as it would hear of nothing
my $refusal = qr/a server of a Redis Cluster.* URL begins with redis\+cluster:/;
my @alone = ('--redis', $url{single});
my ($status, $said) = $ll->cli('unread', 'rebuild', @alone);
is($status, 1, 'a command without the URL of a cluster is refused');
like($said, $refusal, '... and says why');
$ll->spawn('worker2', "$LeaseLoft::worker @alone");
ok(wait_for(sub { $ll->slurp('worker2.log') =~ $refusal }, 5),
   'a worker is refused, too');
$ll->stop('worker2');
$ll->nginx_conf(url => $url{single});
$ll->signal('nginx', 'HUP');
ok(wait_for(sub { $ll->get('/internal/health')->body() =~ $refusal }, 10),
   'and nginx is, as health says');
$ll->expect_log('error', qr/redis/);


# and a single server again, with a debt

my ($queue) = grep { $ll->redis('EXISTS', "ll:{q:$_}:requests") } 0 .. 63;
$ll->redis('ZADD', "ll:{q:$queue}:owed", 1, 'P1 u-lena');
switch('single', 'a single server');
ok(wait_for(sub { $ll->redis('ZCARD', 'll:{due}:due') >= 150 }, 10),
   'its due times have the names of a single server');
for my $name (qw(due vers owed layout)) {
    is(scalar(grep { $ll->redis('EXISTS', "ll:{q:$_}:$name") } 0 .. 63), 0,
       "no $name is left of the cluster");
}


# and a cluster, which grows

switch('cluster', 'a cluster again');

my %address = ('192.0.2.11' => $cluster->address('redis'));
$address{"192.0.2.1$_"} = $cluster->address($cluster->add_part()) for 2, 3;
my $start = time();
follow('Grow', %address);
diag(sprintf 'two servers were added, and 48 slots moved, in %.1f s; '
             . 'messages paused for %.1f s', time() - $start,
             $writers->pause($start));
ok($writers->sending(), 'messages are sent');

is(scalar(keys %{ { map { $cluster->has("ll:{p:$_}:meta") => 1 }
                      @properties } }), 3, 'properties are on three servers');

ok(wait_for(sub { time() >= $due && is_active('DUE') }, 45),
   'a lease opens by the workers of the cluster');


# and a single server

$start = time();
my $said_back = qx(set -e; ${\ addressed($steps{Back}, %address)} 2>&1);
is($?, 0, 'all slots move to the first server') or diag($said_back);
diag(sprintf 'they moved in %.1f s; messages paused for %.1f s',
     time() - $start, $writers->pause($start));
ok($writers->sending(), 'messages are sent');
$ll->stop($_) for grep { $_ ne 'redis' } $cluster->parts();
switch('single', 'a single server again');
ok(wait_for(sub {
    !grep { $ll->redis('EXISTS', "ll:{q:$_}:layout") } 0 .. 63
}, 10), 'what has another name is taken over');
is($ll->redis('ZCARD', 'll:{due}:due'), 150, 'with all due times');
$writers->stop();


# everything is there, once

my ($opened) = ($ll->cli('record', 'DUE'))[1] =~ /.*\\"at\\":\\"([^"]+)Z\\"/s;
$opened =~ s/(\.\d+)$//;
my $late = Time::Piece->strptime($opened, '%Y-%m-%dT%H:%M:%S')->epoch() + $1
           - ($due > $up ? $due : $up);
cmp_ok($late, '<', 2, '... on time') or diag("$late s late");
is(($ll->cli('dead', 'retry'))[0], 0, 'a dead letter is put back');
is($ll->get('/api/inbox', user => 'u-max')->status(), 401,
   'tokens that were revoked still are');

for my $property (@properties) {
    ok(wait_for(sub { $ll->cli('search', $property, 'waits') =~ /waits/ }, 20),
       "what waited in $property was carried out");
}

my $texts = $writers->judge();
ok($texts->{P5}{'put back'}, 'the dead letter was carried out');
is(join(' ', grep { !$texts->{$_}{"waits $_"} } @properties), '',
   'each request that waited is a message');

read_entries();
is_deeply([ map { $_->{seq} } @entries ],
          [ $entries[0]{seq} .. $entries[0]{seq} + $#entries ],
          'a reader who reconnected has each entry once');

like(($ll->cli('unread', 'rebuild'))[1],
     qr/ 0 inbox threads repaired, 0 removed/,
     'unread rebuild finds nothing to repair');
is(scalar(grep { $ll->redis('EXISTS', "ll:{q:$_}:owed") } 0 .. 63), 0,
   'no debt is left');

$ll->finish();
