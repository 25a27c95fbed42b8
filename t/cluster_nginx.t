#!/usr/bin/perl

# nginx on a Redis Cluster of three primaries, each with a replica: streams of
# properties on all of them, while slots move under the streams, while one
# primary is stopped, and when it is killed and its replica takes over.  What is
# written is written by ll1_append, on the primary that has the property.

use strict;
use warnings;

use Digest::SHA qw(sha256);
use POSIX ();
use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Cluster;

my $ll = LeaseLoft->new(main => 'worker_processes 2;',
                        directives => { leaseloft_max_streams => 100,
                                        leaseloft_ping => '1s',
                                        leaseloft_wait => '300ms' });
my @properties = map { "P$_" } 0 .. 11;

is($ll->lease($_)->status(), 200, "a lease of $_") for @properties;
is($ll->say($_, 'u-tom', 'one', client_id => 'c-1')->status(), 201,
   "a message of $_") for @properties;

$ll->stop('nginx');
$ll->stop('worker1');

# no server of the cluster runs

my $dead = '127.0.0.1:' . LeaseLoft::free_port();
$ll->{url} = "redis+cluster://$dead";
$ll->nginx_conf();
$ll->start('nginx');
ok(wait_for(sub {
    faults() =~ /^No server has said which primaries .* connect failed\.$/
}, 5), 'without a server, health says why') or diag(faults());
is(reachable(), 0, 'without a server, no slot can be reached');
is(poll_of('P0', 'u-tom'), 503, 'without a server, requests get 503');
$ll->stop('nginx');


# nginx has no other rights than it is to have (docs/redis.md)
my $rights = 'on >s3cret ~ll:* &ll:* +@read +@connection +@pubsub +time '
             . '+fcall_ro +xadd +cluster|slots';
my $cluster = LeaseLoft::Cluster->new($ll, replicas => 1,
                                      conf => "user nginx $rights\n");
$cluster->import_from(LeaseLoft::Redis->new($ll->dir() . '/redis.sock'));
$ll->stop('redis');

# the first address is never up
$ll->{url} = "redis+cluster://nginx:s3cret\@$dead,"
             . $cluster->address('node1');
$ll->nginx_conf();
$ll->start('nginx');

sub health { $ll->get('/internal/health')->json() }
sub faults { join ' ', @{ health()->{faults} // [] } }
sub reachable { health()->{slots}{reachable} }
sub poll_of {
    my ($property, $user) = @_;
    return $ll->get("/api/properties/$property/messages",
                    user => $user)->status();
}

sub home { $cluster->has("ll:{p:$_[0]}:meta") }

ok(wait_for(sub { reachable() == 16384 }, 10), 'all slots can be reached')
    or diag(faults());
is_deeply([ sort keys %{ { map { home($_) => 1 } @properties } } ],
          [qw(node0 node1 node2)], 'each primary has some of the properties');


# runs a function in a child: returns one that waits for its result, a number
sub later {
    my ($do) = @_;

    my $pid = open(my $pipe, '-|') // die "fork: $!";

    if ($pid == 0) {
        syswrite STDOUT, $do->();
        POSIX::_exit(0);
    }

    return sub { my $n = <$pipe>; close $pipe; return $n };
}


# appends a message, as a worker does
my %n;

sub append {
    my ($property, $text) = @_;

    my $part = home($property) // return 0;
    my @keys = map { "ll:{p:$property}:$_" }
                   qw(thread meta reads snaps leases segments);
    my ($seq, $hash, $rev, $at) = @{ $cluster->on($part, 'HMGET', $keys[1],
                                         qw(seq hash rev at)) };
    my $salt = '0' x 16;
    my $next = $seq + 1;
    my $entry = qq({"seq":$next,"kind":"message","text":"$text"});
    my $id = 'm-' . ++$n{$property};
    my $reply = $cluster->on($part, 'FCALL', 'll1_append', 6, @keys, $id, $hash,
        $rev, 1, $next, $at, $entry, $salt,
        sha256($hash . sha256($salt . $entry)), '{}', 'u-tom', 'u-lena',
        "ll:{p:$property}:shard");

    return $reply->[0] == 0;
}

my %streams;

sub streams_of { map { @{ $streams{$_} } } @_ }
sub texts { map { $_->{text} // () } $_[0]->entries() }

# each stream gets a message once
sub all_get {
    my ($text, @which) = @_;

    for my $property (@which) {
        ok(append($property, $text), "$text is appended to $property");
        for my $stream (streams_of($property)) {
            ok($stream->wait_entry(sub { ($_[0]{text} // '') eq $text }, 5),
               "a stream of $property gets $text");
            is(scalar(grep { $_ eq $text } texts($stream)), 1,
               "a stream of $property gets $text once");
        }
    }
}

# streams of each property, some in either process
for my $property (@properties) {
    $streams{$property} = [ map { $ll->events($property, 'u-lena') } 1 .. 3 ];
}

for my $property (@properties) {
    ok($_->wait_event('hello', 5), "a stream of $property begins")
        for @{ $streams{$property} };
}

sub is_ping { my ($live) = @_; sub { $_[0]{event} eq 'ping'
                                     && !!$_[0]{json}{live} == !!$live } }

# the last ping of each stream says that it is live
sub all_live {
    my ($name, @which) = @_;

    my @dead = grep {
        my $stream = $_;
        !wait_for(sub {
            my ($ping) = grep { $_->{event} eq 'ping' }
                         reverse $stream->events();
            $ping && $ping->{json}{live};
        }, 15);
    } streams_of(@which);

    is(scalar @dead, 0, "$name: all streams are live");
}

all_live('at start', @properties);
all_get('first', @properties);

# answered by Redis for the first time
is(poll_of($_, 'u-tom'), 200, "$_ is polled") for @properties;
is(scalar @{ $ll->get('/api/inbox', user => 'u-tom')->json()->{threads} }, 12,
   'an inbox has threads on all primaries');


# a request is queued on the primary of its property, and names a reply channel
# there

for my $property (@properties[0 .. 5]) {
    is($ll->say($property, 'u-tom', 'two', client_id => 'c-2')->status(), 202,
       "a message of $property is queued");

    my $part = home($property);
    my @queues = grep { $cluster->has("ll:{q:$_}:requests") eq $part } 0 .. 63;
    my $entry = $cluster->on($part, 'XREVRANGE', "ll:{q:$queues[0]}:requests",
                             '+', '-', 'COUNT', 1)->[0];
    my %fields = @{ $entry->[1] };
    my ($name) = $fields{r} =~ /^(.*)\./;

    is($fields{p}, $property, "... on the primary which has $property");
    is($cluster->on($part, 'SPUBLISH', "ll:{r:$name}:shard", "probe 1\n"), 1,
       '... with the name of a channel there that nginx is subscribed to');
}


# metrics have each primary, and the queue that it is asked for

sub metric {
    my ($name) = @_;
    return { map { $_ // '' } $ll->get('/internal/metrics')->body()
             =~ /^leaseloft_\Q$name\E(?:\{\w+="([^"]+)"\})? (\S+)$/mg };
}

sub sum { my $sum = 0; $sum += $_ for values %{ $_[0] }; return $sum }

is_deeply(metric('redis_node_up'),
          { map { $cluster->address($_) => 1 } qw(node0 node1 node2) },
          'metrics have all primaries, which are up');
is(metric('redis_slots_reachable')->{''}, 16384, '... and all slots');
ok(wait_for(sub { metric('redis_links')->{''} == 12 }, 10),
   '... and two connections of each process to each primary, which work');
is(metric('redis_links_wanted')->{''}, 12, '... and are all that it needs');
is(scalar keys %{ metric('queue_requests') }, 3, '... and three queues');
is(sum(metric('queue_requests')), 6, '... with the messages that wait');
cmp_ok(sum(metric('queue_oldest_seconds')), '>', 0, '... and their age');
is(sum(metric('dead_letters')), 0, '... and no dead letters');


# slots move under the streams; while one does, its keys are on two primaries

my %next = (node0 => 'node1', node1 => 'node2', node2 => 'node0');

for my $property (@properties[0 .. 3]) {
    my $slot = $cluster->slot("ll:{p:$property}:meta");
    my $child;

    $cluster->move($slot, $next{ home($property) }, sub {
        $child = later(sub { poll_of($property, 'u-max') });
        sleep 0.3;
    });
    is($child->(), 404, "$property is read once its slot has moved");
    all_get('moved', $property);
}

# a request is queued, and a thread is read, by one key each: by ASK
for my $property (@properties[0 .. 1]) {
    my $part = home($property);
    my ($queue) = grep { $cluster->has($_) eq $part }
                  map { "ll:{q:$_}:requests" } 0 .. 63;

    $cluster->move($cluster->slot($queue), $next{$part}, sub {
        is($ll->say($property, 'u-tom', 'four', client_id => 'c-4')->status(),
           202, 'a message is queued while the slot of the queue moves');
    });
    like(join(' ', @{ $cluster->on($next{$part}, 'XREVRANGE', $queue, '+', '-',
                                   'COUNT', 1)->[0][1] }), qr/c-4/,
         '... by the primary which the slot moves to');
}

$cluster->move($cluster->slot("ll:{p:$_}:meta"), $next{ home($_) })
    for @properties;
all_get('moved again', @properties);
all_live('after slots have moved', @properties);

# that of reply channels, and of the channel of all processes
my @channels = map { @{ $cluster->on($_, 'PUBSUB', 'SHARDCHANNELS',
                                     '*{[rw]*') } } qw(node0 node1 node2);
cmp_ok(scalar @channels, '>=', 4, 'nginx has channels of its own');
$cluster->move($cluster->slot($_), $next{ $cluster->has($_) }) for @channels;
ok(wait_for(sub {
    ($cluster->on($cluster->has('ll:{w}:shard'), 'PUBSUB', 'SHARDNUMSUB',
                  'll:{w}:shard')->[1] // 0) == 2
}, 5), 'both processes follow the channel of all processes');
sleep 2;
all_live('after channels of nginx have moved', @properties);
is(reachable(), 16384, 'all slots can be reached after they moved');


# a primary is down, and no replica may take over

$cluster->on($_, 'CONFIG', 'SET', 'cluster-replica-no-failover', 'yes')
    for qw(node3 node4 node5);

my @down = grep { home($_) eq 'node1' } @properties;
my @others = grep { home($_) ne 'node1' } @properties;
cmp_ok(scalar @down, '>', 0, 'the primary has properties');

my %before = map { $_ => scalar $_->events() } streams_of(@others);

$ll->stop('node1', 'KILL');
ok(wait_for(sub { reachable() < 16384 }, 5), 'health says that slots are lost');
like(faults(), qr/^Redis 127\.0\.0\.1:\d+, which has \d+ of 16384 slots, is/,
     'health says which primary is not connected');
is($ll->get('/internal/health')->status(), 503, 'health is 503');
is(metric('redis_node_up')->{ $cluster->address('node1') }, 0,
   'metrics say that it is down');
is(sum(metric('redis_node_up')), 2, '... and the other two are not');
is(scalar keys %{ metric('queue_requests') }, 2, '... and tell their queues');
ok(wait_for(sub { metric('redis_links')->{''} == 8 }, 10),
   '... and that connections are lost');

for my $stream (streams_of(@down)) {
    ok($stream->find_event(is_ping(0), 5), 'a stream of it is not live');
}

all_get('while one is down', @others);
sleep 4;
is(scalar(grep { my $s = $_;
                 my @events = $s->events();
                 grep { is_ping(0)->($_) } @events[$before{$s} .. $#events]
               } streams_of(@others)), 0, 'streams of the others stay live');
is($ll->say($others[0], 'u-tom', 'three', client_id => 'c-3')->status(), 202,
   'a message of another primary is queued');
is($ll->say($down[0], 'u-tom', 'three', client_id => 'c-3')->status(), 503,
   'a message of this primary gets 503');

$cluster->start('node1');
all_live('when it has started again', @properties);
all_get('started again', @properties);


# a primary is killed, and its replica takes over

$cluster->on($_, 'CONFIG', 'SET', 'cluster-replica-no-failover', 'no')
    for qw(node3 node4 node5);
ok($cluster->wait_ready(20), 'the cluster is complete again');
$ll->stop('node2', 'KILL');
ok(wait_for(sub { ($cluster->owner(16383) // '') eq 'node5' }, 20),
   'the replica takes over');
all_live('after a failover', @properties);
all_get('taken over', @properties);
ok(wait_for(sub { reachable() == 16384 }, 10), 'health knows all slots');


# a primary is stopped, another takes over, and both are primaries for a while

$cluster->start('node2');
ok($cluster->wait_ready(20), 'the killed primary is a replica');
$ll->signal('node0', 'STOP');
$ll->{pids}{stopped} = delete $ll->{pids}{node0};
ok(wait_for(sub { ($cluster->owner(0) // '') eq 'node3' }, 20),
   'the replica of a stopped primary takes over');
all_get('stopped', @properties);
$ll->{pids}{node0} = delete $ll->{pids}{stopped};
$ll->signal('node0', 'CONT');
all_get('continued', @properties);
ok(wait_for(sub { $cluster->on('node0', 'ROLE')->[0] eq 'slave' }, 20),
   'the stopped primary becomes a replica');
all_live('after it continued', @properties);
all_get('at last', @properties);

$ll->finish();
