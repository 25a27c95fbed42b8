#!/usr/bin/perl

# Workers on a Redis Cluster of three primaries, each with a replica: messages,
# inboxes on other primaries and due times, while slots move, while a primary is
# stopped, and after one was killed.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Cluster;

my $ll = LeaseLoft->new(start => 0, worker_options => '--claim 1000',
                        directives => { leaseloft_max_streams => 100,
                                        leaseloft_ping => '1s' });
my $cluster = LeaseLoft::Cluster->new($ll, replicas => 1,
                                      conf => LeaseLoft::Redis::acl('PASSWORD'));
my @nodes = qw(node0 node1 node2);
my %next = (node0 => 'node1', node1 => 'node2', node2 => 'node0');

# the first address is never up; the rights are those of conf/leaseloft.acl
my $url = 'redis+cluster://USER:PASSWORD@127.0.0.1:' . LeaseLoft::free_port()
          . ',' . join ',', map { $cluster->address($_) } @nodes;
$ll->{url} = $url =~ s/USER/nginx/r;
$ll->nginx_conf();
$ll->{url} = $url =~ s/USER/worker/r;
$ll->start($_) for qw(worker1 worker2 nginx);
$ll->started();

my @properties = map { "P$_" } 0 .. 11;

sub home { $cluster->has("ll:{p:$_[0]}:meta") }

is_deeply([ sort keys %{ { map { home($_) => 1 } @properties } } ], \@nodes,
          'each primary has some of the properties');

# a tenant of each primary, and of no other property
my %tenant;

for my $n (0 .. 99) {
    $tenant{ $cluster->has("ll:{u:u-t$n}:inbox") } //= "u-t$n";
}

my @tenants = sort values %tenant;

is(scalar @tenants, 3, 'each primary has the inbox of a tenant');

sub declare { $ll->lease($_[0], tenants => [ 'u-tom', @tenants ], @_[1 .. $#_]) }
is(declare($_)->status(), 200, "a lease of $_ is declared") for @properties;

my %streams = map { $_ => $ll->events($_, 'u-lena') } @properties;
my %said;

# a message to each property is stored within that many seconds, and its stream
# gets it
sub all_say {
    my ($text, $seconds, @which) = @_;

    for my $property (@which) {
        my $start = time();
        my $status = $ll->say($property, 'u-tom', $text)->status();
        like($status, $text =~ /queues/ ? qr/^20[12]$/ : qr/^201$/,
             "$text is stored in $property");
        cmp_ok(time() - $start, '<', $seconds, '... in time')
            if $status == 201;
        ok($streams{$property}->wait_entry(sub { ($_[0]{text} // '') eq $text },
                                           10),
           "... and the stream of $property gets it");
        $said{$property}++;
    }
}

sub inbox {
    my ($user) = @_;
    return $ll->get('/api/inbox', user => $user)->json() // {};
}

# inboxes become exact
sub all_count {
    my ($name, @users) = @_;

    my $sum = 0;
    $sum += $_ for values %said;

    for my $user (@users) {
        my $inbox;

        ok(wait_for(sub {
            $inbox = inbox($user);
            ($inbox->{total_unread} // -1) == $sum
                && !grep { $_->{unread} != $said{ $_->{property} } }
                         @{ $inbox->{threads} };
        }, 10), "$name: the inbox of $user is exact")
            or diag("$sum in all, not ", $inbox->{total_unread} // 'known');
    }
}

all_say('first', 5, @properties);
all_count('at first', 'u-lena', @tenants);

is($ll->mark('P0', 'u-lena', 2)->status(), 204, 'a mark is set');
is(inbox('u-lena')->{total_unread}, 11, 'the inbox counts one less');
is($ll->mark('P0', 'u-lena', 2)->status(), 204, 'the same mark again');

# how many hits a search has on all its pages: one ends early if it takes long
sub hits {
    my ($path, $from) = @_;

    my ($next, $hits) = ('', 0);

    for (1 .. 100) {
        my $page = $ll->get("$path?q=first$next", user => 'u-tom')->json();
        $hits += @{ $page->{hits} };
        return $hits if !defined $page->{next};
        $next = "&$from=$page->{next}";
    }

    return 'pages without end';
}

# the lane of searches is on one primary, threads and inboxes are on all
ok(wait_for(sub { @{ inbox('u-tom')->{threads} // [] } == 12 }, 10),
   'the inbox of the user who searches has all threads');
ok(wait_for(sub {
    $ll->get('/api/search?q=first', user => 'u-tom')->status() == 200
}, 10), 'searches are answered');
is(hits('/api/search', 'cursor'), 12,
   'a search finds messages on all primaries');
is(hits("/api/properties/$_/search", 'before'), 1,
   "a search of $_ finds its message") for @properties;


# metrics have each worker once, although each primary has its heartbeat

ok(wait_for(sub { $ll->metric('worker_messages_total') == @properties }, 10),
   'metrics have the messages of the workers');
is($ll->metric('workers'), 2, '... two workers');
is($ll->metric('worker_info'), 2, '... and a series of each');
ok(wait_for(sub { $ll->metric('queue_requests') == 0 }, 10),
   '... and no request that waits');
ok(wait_for(sub { $ll->metric('redis_links') == $ll->metric('redis_links_wanted')
                      && $ll->metric('redis_links') }, 10),
   '... and all connections to the primaries work');

my $workers = $ll->get('/internal/health')->json()->{workers};
is($workers, 'up', 'health knows the workers');


# due times are beside a queue near the property

is($ll->lease("D$_", starts_at => at(3600))->json()->{lease}{state}, 'pending',
   "a lease of D$_ is pending") for 0 .. 23;
my %due = map { my $part = $_;
                map { ($_ => $part) } map { @{ $cluster->on($part, 'ZRANGE', $_,
                                                            0, -1) } }
                grep { $cluster->has($_) eq $part }
                map { "ll:{q:$_}:due" } 0 .. 63 } @nodes;
is(scalar keys %due, 24, 'all are in the lists');

my $from;

for (0 .. 23) {
    $from = time() + 2;
    is($ll->lease("D$_", starts_at => at(2))->status(), 200,
       "the lease of D$_ is to open soon");
}

ok(wait_for(sub {
    24 == grep { ($ll->poll("D$_", 'u-tom')->{lease}{state} // '') eq 'active' }
          0 .. 23
}, 5), 'all leases open');
cmp_ok(time() - $from, '<', 2, '... in time');


# a primary is stopped, and no replica may take over: the others go on, and its
# inboxes are written later

$cluster->on($_, 'CONFIG', 'SET', 'cluster-replica-no-failover', 'yes')
    for qw(node3 node4 node5);

my ($down) = grep { home($_) ne home('P0') } @properties;
my $stopped = home($down);
my @others = grep { home($_) ne $stopped } @properties;
my $absent = $tenant{$stopped};

sub debts {
    my $n = 0;
    for my $k (0 .. 63) {
        my $part = $cluster->has("ll:{q:$k}:owed") // next;
        next if $part eq $stopped && !$ll->pid($stopped);
        $n += $cluster->on($part, 'ZCARD', "ll:{q:$k}:owed");
    }
    return $n;
}

sub stop_node { $ll->signal($stopped, 'STOP');
                $ll->{pids}{stopped} = delete $ll->{pids}{$stopped} }
sub continue_node { $ll->{pids}{$stopped} = delete $ll->{pids}{stopped};
                    $ll->signal($stopped, 'CONT') }

is(debts(), 0, 'nothing is owed');
stop_node();
all_say('while one hangs', 1.5, @others);
all_say('again', 0.5, @others);
cmp_ok(debts(), '>', 0, 'inboxes are owed to the primary that hangs');

# a page would need all primaries
for my $user (grep { $_ ne $absent } @tenants) {
    my $sum = 0;
    $sum += $_ for values %said;
    my $key = "ll:{u:$user}:inbox";
    like($cluster->on($cluster->has($key), 'HGET', $key, ':'),
         qr/^\d+ $sum /, "... but not that of $user");
}

continue_node();
all_count('after it continued', @tenants);
ok(wait_for(sub { debts() == 0 }, 5), 'nothing is owed any more');
all_say('continued', 10, @properties);
all_count('at last', @tenants);

# the process of this primary is not needed for that
$ll->stop($stopped, 'KILL');
all_say('while one is down', 1.5, @others);
$ll->stop($_) for qw(worker1 worker2);
$ll->start($_) for qw(worker1 worker2);
all_say('with new workers', 10, @others);
$cluster->start($stopped);
all_count('when it has started again', @tenants);
all_say('started', 10, @properties);


# slots move: those of properties, tenants and queues

for my $property (@properties[0 .. 3]) {
    $cluster->move($cluster->slot("ll:{p:$property}:meta"),
                   $next{ home($property) });
    all_say('moved', 10, $property);
}

for my $user (@tenants) {
    my $key = "ll:{u:$user}:inbox";
    $cluster->move($cluster->slot($key), $next{ $cluster->has($key) });
}
all_say('inboxes have moved', 10, @properties);
all_count('after inboxes have moved', @tenants);

for my $key ('ll:{search}:requests', map { "ll:{q:$_}:requests" } 0 .. 3) {
    $cluster->move($cluster->slot($key), $next{ $cluster->has($key) });
}
all_say('queues have moved', 10, @properties);
all_count('after queues have moved', @tenants);
ok(wait_for(sub {
    @{ $ll->get('/api/search?q=first', user => 'u-tom')->json()->{hits} // [] }
        == 12
}, 10), 'searches are answered again');


# a request in a queue that is not the home queue of its property's primary

my $property = 'P5';
my ($old) = grep { $cluster->has("ll:{q:$_}:requests") ne home($property) }
            4 .. 63;
$cluster->on($cluster->has("ll:{q:$old}:requests"), 'XADD',
             "ll:{q:$old}:requests", '*', op => 'send', p => $property,
             u => 'u-tom', b => '{"client_id":"old","text":"by an old map"}',
             r => 'n.1');
ok($streams{$property}->wait_entry(sub { ($_[0]{text} // '') eq 'by an old map' },
                                   10),
   'a request in another queue, on another primary, is carried out');
$said{$property}++;
all_count('after that', @tenants);


# a primary is killed, and its replica takes over

$cluster->on($_, 'CONFIG', 'SET', 'cluster-replica-no-failover', 'no')
    for qw(node3 node4 node5);
ok($cluster->wait_ready(20), 'the cluster is complete');
my $lost = $cluster->owner(16383);
ok($cluster->redis($lost)->replicated(1), 'its replica has all that it has');
$ll->stop($lost, 'KILL');
ok(wait_for(sub { ($cluster->owner(16383) // $lost) ne $lost }, 20),
   'the replica takes over');
ok($ll->wait_healthy(200, 20), 'health is 200 again');
all_say('after a failover', 10, @properties);
all_count('after a failover', @tenants);

# a call that spans slots is refused by CROSSSLOT, or by ERR in a function
is(join(' ', grep { /^(?:CROSSSLOT|ERR|NOPERM)$/ }
                  sort keys %{ $cluster->errors() }), '',
   'no call spans two slots');

$ll->finish();
