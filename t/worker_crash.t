#!/usr/bin/perl

# Workers compete for the same properties and are killed at any moment, with
# messages, marks and leases under way.  Verdicts stay true, every request is
# processed once, and numbers, chain, unread counts and inboxes are exact.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Requests;

my $seconds = $ENV{LEASELOFT_CRASH_SECONDS} || 6;
my $seed = $ENV{LEASELOFT_SEED} || int(rand(1e9));
srand($seed);
diag("LEASELOFT_SEED=$seed") if $ENV{LEASELOFT_SEED};

my $ll = LeaseLoft->new(start => 0);
$ll->start('redis');

sub start_worker {
    my ($i) = @_;
    $ll->spawn("worker$i",
        "$LeaseLoft::worker --redis $ll->{url} --claim 700"
        . ' --seal-after 10 --seal-size 4');
}

start_worker($_) for 1 .. 3;

my $q = LeaseLoft::Requests->new($ll);
my @properties = map { "P$_" } 1 .. 4;
my @landlords = qw(u-lena u-omar);
my @tenants = qw(u-tom u-ana u-mia);

$q->lease($_, landlords => \@landlords, tenants => [ @tenants[0, 1] ])
    for @properties;

# the requests: number => [property, user, client id, text]
my (%sent, %asked);
my ($made, $kills) = (0, 0);
my $end = time() + $seconds;
my $next_kill = time() + 0.3;

while (time() < $end) {

    for (1 .. 20) {
        my $property = $properties[rand @properties];
        my $dice = rand;

        if ($dice < 0.8) {
            my $user = (@landlords, @tenants[0, 1])[rand 4];
            my $body = { client_id => 'c' . $made++, text => "text $made" };
            my $n = $q->put('send', $property, $user, $body);
            $sent{$n} = [ $property, $user, @$body{qw(client_id text)} ];
            $asked{$n} = ['send', $property, $user, %$body];

        } elsif ($dice < 0.97) {
            my $head = $q->redis('HGET', "ll:{p:$property}:meta", 'seq');
            my $user = (@landlords, @tenants)[rand 5];
            my $upto = int(rand($head + 1));
            $asked{$q->put('read', $property, $user, { upto => $upto })} =
                ['read', $property, $user, $upto];

        } else {
            # Mia joins and leaves; Tom and Ana stay, so that sends are valid
            $asked{$q->put('lease', $property, '', {
                lease_id => 'L-1', label => 'L' . int(rand(3)),
                time_zone => 'Europe/Berlin',
                landlords => [ map { { user => $_, name => 'N' } }
                               @landlords ],
                tenants => [ map { { user => $_, name => 'N' } }
                             @tenants[0, 1, rand() < 0.5 ? 2 : ()] ],
                starts_at => '2026-01-01T00:00:00Z', ends_at => undef,
            })} = ['lease', $property, ''];
        }
    }

    $q->pump(0.01);

    if (time() > $next_kill) {
        my $i = 1 + int(rand(3));
        $ll->stop("worker$i", 'KILL');
        start_worker($i);
        $kills++;
        $next_kill = time() + 0.1 + rand(0.5);
    }
}

my $inbox = 'll:{q:0}:requests';

ok(wait_for(sub {
    $q->pump(0.2);
    $q->redis('XLEN', $inbox) == 0
        && $q->redis('XPENDING', $inbox, 'workers')->[0] == 0;
}, 30), 'every request is processed in the end') or diag("seed $seed");

$q->pump(0.5);

note("$made messages, $kills kills");
cmp_ok($kills, '>', 5, 'workers were killed more than five times');
is($q->redis('XLEN', 'll:{q:0}:dead'), 0, 'no request was given up');

# each request has a verdict, and each send an entry, once

is(scalar(grep { !$q->{verdicts}{$_} } keys %asked), 0,
   'every request has a verdict');
is(scalar(grep { $q->{verdicts}{$_}{status} !~ /^20[014]$/ } keys %sent), 0,
   'every send gets 200, 201 or 204');

my %contradiction;
for my $n (keys %{ $q->{told} }) {
    my %family = map { substr($_, 0, 1) => 1 } @{ $q->{told}{$n} };
    # a mark of Mia that was too early may be valid the second time
    my ($op, undef, $user) = @{ $asked{$n} || [] };
    next if ($op // '') eq 'read' && $user eq 'u-mia';
    $contradiction{$n} = 1 if keys %family > 1;
}
is(scalar(keys %contradiction), 0, 'no request gets contradicting verdicts')
    or diag("seed $seed: ", map { "$_: @{ $q->{told}{$_} } @{ $asked{$_} }\n" }
            keys %contradiction);

my (%place, $twice);
for my $property (@properties) {
    is($q->broken($property), '', "$property: numbers and chain are valid")
        or diag("seed $seed");

    for my $item ($q->thread($property)) {
        my $entry = decode_json($item->[1]);
        next if $entry->{kind} ne 'message';

        my $key = "$property $entry->{from}{user} $entry->{client_id}";
        $twice++ if $place{$key};
        $place{$key} = [ $entry->{seq}, $entry->{text}, $item->[1] ];
    }
}

is($twice, undef, 'no message is stored twice');
is(scalar(keys %place), scalar(keys %sent), 'every message sent is stored');

my $wrong = grep {
    my ($property, $user, $id, $text) = @{ $sent{$_} };
    my $there = $place{"$property $user $id"};
    my $v = $q->{verdicts}{$_};
    !$there || $there->[1] ne $text || $v->{seq} != $there->[0]
        || $v->{body} ne $there->[2];
} keys %sent;
is($wrong, 0, 'every message is stored as its verdict says');

# versions of frames have no hole, and each one was published once

for my $property (@properties) {
    my @vers = map { (split / /, $_->[1])[1] }
               grep { $_->[0] eq "ll:{p:$property}:ch" } @{ $q->{frames} };
    is(join(' ', @vers), join(' ', 1 .. @vers),
       "$property: versions of frames have no hole");
}

# unread counts and inboxes

my @bad;
for my $user (@landlords, @tenants) {
    my ($total, %thread) = (0);
    my $shown = $q->inbox($user);
    $thread{ $_->{property} } = $_ for @{ $shown->{threads} };

    for my $property (@properties) {
        my $counted = $q->recount($property, $user);
        my $view = $q->view($property, $user);
        $total += $counted;

        next if !$view && !$thread{$property};
        push @bad, "$user $property: unread $view->{you}{unread}, not $counted"
            if $view->{you}{unread} != $counted;
        push @bad, "$user $property: inbox $thread{$property}{unread}"
            if ($thread{$property}{unread} // -1) != $counted;
        push @bad, "$user $property: inbox last"
            if ($thread{$property}{last}{seq} // 0) != $view->{head};
        push @bad, "$user $property: inbox label"
            if $thread{$property}{label} ne $view->{label};
        push @bad, "$user $property: inbox lease"
            if encode_json($thread{$property}{lease})
               ne encode_json($view->{lease})
               && JSON::PP->new->canonical->encode($thread{$property}{lease})
               ne JSON::PP->new->canonical->encode($view->{lease});
    }

    push @bad, "$user: total $shown->{total}, not $total"
        if $shown->{total} != $total;

    # the last frame of an inbox has its final state
    my ($last) = grep { $_->[0] eq "ll:{u:$user}:ch" }
                 reverse @{ $q->{frames} };
    push @bad, "$user: last heard $last->[1]"
        if $last->[1] ne "I $shown->{rev} $shown->{total}";
}

is(join("\n", @bad), '', 'unread counts and inboxes are exact')
    or diag("seed $seed");

$ll->finish();
