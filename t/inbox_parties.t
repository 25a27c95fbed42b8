#!/usr/bin/perl

# The parties of a thread in the inbox: the first six in the order of the lease,
# the number of all others, and, for a closed window, the parties at its end.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new();

# a thread of a user's inbox
sub thread {
    my ($user, $property) = @_;

    my ($thread) = grep { $_->{property} eq $property }
        @{ $ll->get('/api/inbox', user => $user)->json()->{threads} };

    return $thread // {};
}

# the names of a thread's parties, and how many more there are
sub names {
    my ($thread) = @_;

    return join(' ', map { $_->{name} } @{ $thread->{parties} })
           . ($thread->{more_parties} ? " +$thread->{more_parties}" : '');
}

sub in_inbox { return names(thread(@_)) }


# in the order of the lease; the same for each reader, and whatever wrote the
# thread: a lease, a message, a read mark or a rebuild

$ll->lease('P', landlords => ['u-zoe', 'u-lena'],
           tenants => ['u-tom', { user => 'u-ana', name => "An\"a \x{e9} 7" }]);

my $parties = [ { user => 'u-zoe', role => 'landlord', name => 'Zoe' },
                { user => 'u-lena', role => 'landlord', name => 'Lena' },
                { user => 'u-tom', role => 'tenant', name => 'Tom' },
                { user => 'u-ana', role => 'tenant', name => "An\"a \x{e9} 7" } ];

my @makers = (
    ['a lease' => sub { }],
    ['a message' => sub { $ll->say('P', 'u-tom', 'hello') }],
    ['a mark' => sub { $ll->mark('P', $_, 2) for qw(u-lena u-tom) }],
    ['a rebuild' => sub { $ll->cli('unread', 'rebuild') }]);

for my $maker (@makers) {
    my ($name, $do) = @$maker;

    $do->();

    for my $user ('u-lena', 'u-tom') {
        my $thread = thread($user, 'P');
        is_deeply($thread->{parties}, $parties,
                  "after $name $user sees all parties in order")
            or diag(explain($thread));
        ok(!exists $thread->{more_parties},
           "after $name $user sees no more_parties");
    }
}

like(($ll->cli('unread', 'rebuild'))[1], qr/ 0 inbox threads/,
     'a rebuild finds nothing to repair after any of these');


# the first six

sub people { return map { "u-$_[0]$_" } 1 .. $_[1] }

$ll->lease('six', tenants => [people('t', 5)]);
is(in_inbox('u-lena', 'six'), 'Lena T1 T2 T3 T4 T5',
   'six parties are all named');
ok(!exists thread('u-lena', 'six')->{more_parties},
   'six parties have no more_parties');
$ll->lease('seven', tenants => [people('t', 6)]);
is(in_inbox('u-t6', 'seven'), 'Lena T1 T2 T3 T4 T5 +1',
   'the seventh party is not named but counted');
$ll->lease('forty', landlords => [people('l', 20)],
           tenants => [people('t', 20)]);
is(in_inbox('u-t20', 'forty'), 'L1 L2 L3 L4 L5 L6 +34',
   'six of forty parties are named');
$ll->say('forty', 'u-t20', 'hi');
is(in_inbox('u-l20', 'forty'), 'L1 L2 L3 L4 L5 L6 +34',
   'six of forty parties are named after a message');


# a pending lease

$ll->lease('soon', starts_at => at(7200), tenants => ['u-tom', 'u-ana']);
is(in_inbox('u-ana', 'soon'), 'Lena Tom Ana',
   'the parties of a pending lease are named');


# changes reach the streams of all users of the thread

my %streams = map { $_ => $ll->stream('/api/inbox/events', user => $_) }
                  qw(u-lena u-tom);
$_->wait_event('hello') for values %streams;

sub told {
    my ($property, $label, %expected) = @_;

    for my $user (sort keys %expected) {
        my $event = $streams{$user}->wait_event(sub {
            $_[0]{event} eq 'thread' && $_[0]{json}{property} eq $property
                && names($_[0]{json}) eq $expected{$user} });
        ok($event, "$label: the stream of $user has the parties");
        is(in_inbox($user, $property), $expected{$user},
           "$label: the inbox of $user has the parties");
    }
}

$ll->lease('C', tenants => ['u-tom', 'u-ana']);
told('C', 'a new lease', map { $_ => 'Lena Tom Ana' } qw(u-lena u-tom));

$ll->lease('C', tenants => ['u-tom', 'u-ana', 'u-new']);
told('C', 'one joined', map { $_ => 'Lena Tom Ana New' } qw(u-lena u-tom));

$ll->lease('C', tenants => ['u-tom', { user => 'u-ana', name => 'Anna' },
                            'u-new']);
told('C', 'one renamed, without an entry',
     map { $_ => 'Lena Tom Anna New' } qw(u-lena u-tom));

$ll->lease('C', tenants => ['u-new', 'u-tom',
                            { user => 'u-ana', name => 'Anna' }]);
told('C', 'another order', map { $_ => 'Lena New Tom Anna' } qw(u-lena u-tom));

$ll->lease('soon', starts_at => at(7200), tenants => ['u-tom']);
told('soon', 'a pending lease', map { $_ => 'Lena Tom' } qw(u-lena u-tom));


# closed windows: the parties at their end, without those who had left

$ll->lease('C', tenants => ['u-tom', 'u-new']);
told('C', 'one left', map { $_ => 'Lena Tom New' } qw(u-lena u-tom));
is(in_inbox('u-ana', 'C'), 'Lena New Tom',
   'a user who left is not a party any more');

$ll->lease('C', tenants => ['u-new']);
told('C', 'another left', 'u-lena' => 'Lena New', 'u-tom' => 'Lena New');
is(in_inbox('u-ana', 'C'), 'Lena New Tom',
   'a user who left sees the parties of that moment');

$ll->lease('C', tenants => [{ user => 'u-new', name => 'Newer' }]);
is(in_inbox('u-tom', 'C'), 'Lena New',
   'a user who left sees the names of that moment');

$ll->lease('C', tenants => [{ user => 'u-new', name => 'Newer' }],
           ends_at => at(-1));
told('C', 'an ended lease', 'u-lena' => 'Lena Newer');
$ll->lease('C', lease_id => 'L-2', starts_at => at(-1), tenants => ['u-next']);
told('C', 'the next lease', 'u-lena' => 'Lena Next');
is(in_inbox('u-new', 'C'), 'Lena Newer',
   'a tenant of an ended lease sees its parties, not the next ones');

# polls have the same parties
for my $user (qw(u-lena u-new u-next)) {
    is(join(' ', map { $_->{name} } @{ $ll->poll('C', $user)->{parties} }),
       in_inbox($user, 'C'), "$user sees the same parties in a poll");
}

$ll->finish();
