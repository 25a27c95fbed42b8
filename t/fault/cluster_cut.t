#!/usr/bin/perl

# A Redis Cluster of which one primary is in a network namespace: its link is
# cut for 20 s, without a reset.  nginx and the workers find out by their own
# limits, before a replica takes over.  Threads on the other primaries are not
# touched; those on the one that is cut work again once a replica has taken over.
#
# The primary that is cut has two replicas, so that there is one for
# --replicas 1 after one of them was promoted.

use strict;
use warnings;

use POSIX ();
use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib', 't/fault/lib';
use Fault;
use LeaseLoft;
use LeaseLoft::Net;

my $net = eval { LeaseLoft::Net->new() } or plan skip_all => $@;

my ($cut, $others) = ('node1', 'node0');
my $f = Fault->new(cluster => { net => $net, inside => [$cut],
                                conf => "cluster-node-timeout 5000\n" },
                   options => '--replicas 1', recover => 20,
                   directives => { leaseloft_ping => '1s' });
my ($ll, $c) = ($f->ll(), $f->cluster());

my $replica = $c->add_part();
$c->manage('add-node', $c->address($replica), $c->address($cut),
           '--cluster-slave', '--cluster-master-id', $c->id($cut));
ok($c->wait_nodes(7) && $c->wait_ready(20),
   'the primary that will be cut has two replicas');

# properties on the primary that is cut and on the others, with users there too
sub named {
    my ($where, $key, $n) = @_;
    my @found = grep { ($c->has(sprintf $key, $_) eq $cut) == $where }
                     map { "x-$_" } 1 .. 40;
    return @found[0 .. $n - 1];
}

my @users = (named(1, 'll:{u:%s}:inbox', 1), named(0, 'll:{u:%s}:inbox', 1));
my %properties = (cut => [ named(1, 'll:{p:%s}:meta', 2) ],
                  other => [ named(0, 'll:{p:%s}:meta', 2) ]);
my @all = map { @$_ } values %properties;

is($ll->lease($_, landlords => [$users[0]], tenants => [$users[1]])->status(),
   200, "a lease of $_ is declared") for @all;


# sends to a property, five times a second, and writes what came of it
sub sender {
    my ($property) = @_;

    my $test = $$;
    my $pid = fork() // die "fork: $!";
    return $pid if $pid;

    open my $log, '>>', $ll->dir() . "/sends-$property" or POSIX::_exit(1);

    for (my $n = 1; getppid() == $test; $n++) {
        my $start = time();
        my $status = $ll->say($property, $users[0], "text $n")->status();
        syswrite $log, "$start " . time() . " $status\n";
        sleep 0.2;
    }

    POSIX::_exit(1);
}

# [begin, end, status] of the sends to these properties that began after a time
sub sends {
    my ($since, @properties) = @_;

    return grep { $_->[0] > $since } map { [ split ' ' ] }
           map { split /\n/, $ll->slurp("sends-$_") =~ s/[^\n]*\z//r }
               @properties;
}

my %streams = map { $_ => $ll->events($_, $users[1]) } @all;
ok($streams{$_}->wait_event('hello'), "a stream of $_ is open") for @all;
my $inbox = $ll->stream('/api/inbox/events', user => $users[1]);
ok($inbox->wait_event('hello'), 'a stream of an inbox is open');

# the times of the pings of a property that say so
sub live {
    my ($live, $property) = @_;
    return map { $_->{time} }
           grep { $_->{event} eq 'ping' && $_->{json}{live} == $live }
                $streams{$property}->events();
}

# reads all streams all the time, so that events have the right times
sub watch {
    my ($until, $seconds) = @_;
    return wait_for(sub { $_->events() for values %streams, $inbox;
                          return $until->() }, $seconds);
}

sub takes_over {
    return scalar grep { (eval { $c->on($_, 'ROLE')->[0] } // '') eq 'master' }
                       $replica, 'node4';
}

my @senders = map { sender($_) } @all;
my ($start, $promoted);

watch(sub { @all == grep { sends(0, $_) > 5 } @all }, 10);

$f->fault('the link of a primary is cut for 20 s', sub {
    $start = time();
    $net->cut();
    ok(watch(\&takes_over, 15), 'a replica takes over');
    $promoted = time();
    diag(sprintf 'a replica takes over after %.1f s', $promoted - $start);

    ok(watch(sub {
        2 == grep { my ($last) = reverse live(1, $_); $last > $promoted }
                  @{ $properties{cut} }
    }, 10), 'streams of its threads are live again');
    ok(watch(sub {
        my @sends = sends($promoted, @{ $properties{cut} });
        return 10 < grep { $_->[2] == 201 } @sends;
    }, 10), 'messages to its threads get 201 again');

    watch(sub { time() > $start + 20 }, 20);
    ok($ll->wait_healthy(), 'health is 200 while the link is cut');
    $net->mend();
}, since => 1, recover => 40);

ok(wait_for(sub {
    my $role = $c->on($cut, 'ROLE');
    $role->[0] eq 'slave' && $role->[3] eq 'connected'
}, 30), 'the old primary becomes a replica');
ok($c->wait_ready(20), 'the cluster is complete');
watch(sub { 0 }, 2);

kill 'TERM', @senders;
waitpid $_, 0 for @senders;


# threads on the other primaries

for my $property (@{ $properties{other} }) {
    my @sends = sends(0, $property);
    my ($longest) = sort { $b <=> $a } map { $_->[1] - $_->[0] } @sends;

    is(join(' ', map { sprintf '%.1f s: %d', $_->[0] - $start, $_->[2] }
                 grep { $_->[2] != 201 } @sends), '',
       "$property, elsewhere: each message gets 201");
    cmp_ok($longest, '<', 2, "$property: none takes long");
    is(scalar(live(0, $property)), 0, "$property: its stream is always live");
    diag(sprintf '%s, elsewhere: %d messages, the longest took %.2f s',
         $property, scalar @sends, $longest);
}


# those on the one that was cut

for my $property (@{ $properties{cut} }) {
    my $told = (live(0, $property))[0] // time();
    my ($live) = grep { $_ > $promoted } live(1, $property);
    my @sends = sends($start, $property);
    my ($longest) = sort { $b <=> $a } map { $_->[1] - $_->[0] } @sends;
    my ($again) = map { $_->[1] }
                  grep { $_->[2] == 201 && $_->[0] > $promoted } @sends;

    cmp_ok($told - $start, '<', 5, "$property, cut: its stream is told");
    is(join(' ', grep { !/^20[0-2]$|^503$/ } map { $_->[2] } @sends), '',
       "$property: each message is answered 201, 202 or 503");
    cmp_ok($longest, '<', 8, "$property: none takes longer than nginx waits");
    diag(sprintf '%s, cut: live:false after %.1f s; after the promotion live '
                 . 'after %.1f s, 201 after %.1f s; the longest took %.1f s',
         $property, $told - $start, $live - $promoted, $again - $promoted,
         $longest);
}

# and each reader has all that was acknowledged, once, as has the thread

for my $property (@all) {
    my @entries = map { $_->{seq} } $streams{$property}->entries();

    is_deeply(\@entries, [ $entries[0] .. $entries[0] + $#entries ],
              "$property: its reader has each entry once, in order");
    cmp_ok(@entries, '>=', scalar(grep { $_->[2] == 201 } sends(0, $property)),
           "$property: and all that were acknowledged");
}

my ($said, $count);
ok(wait_for(sub {
    ($said) = map { $_->{json}{total_unread} // () } reverse $inbox->events();
    $count = $ll->get('/api/inbox', user => $users[1])->json()->{total_unread};
    $said == $count
}, 10), 'the stream of the inbox has the last count')
    or diag("$said, not $count");

$f->end();
