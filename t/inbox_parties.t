#!/usr/bin/perl

# The parties that a thread of the inbox names.

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

# those of a thread, in short, and how many more
sub names {
    my ($thread) = @_;

    return join(' ', map { $_->{name} } @{ $thread->{parties} })
           . ($thread->{more_parties} ? " +$thread->{more_parties}" : '');
}

sub in_inbox { return names(thread(@_)) }


# in the lease's order, the same for each reader and from each maker: the lease,
# a message, a mark, a rebuild

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
        is_deeply($thread->{parties}, $parties, "$name: $user")
            or diag(explain($thread));
        ok(!exists $thread->{more_parties}, 'no more of them');
    }
}

like(($ll->cli('unread', 'rebuild'))[1], qr/ 0 inbox threads/,
     'all makers write the same bytes');


# the first six

sub people { return map { "u-$_[0]$_" } 1 .. $_[1] }

$ll->lease('six', tenants => [people('t', 5)]);
is(in_inbox('u-lena', 'six'), 'Lena T1 T2 T3 T4 T5', 'six are all named');
ok(!exists thread('u-lena', 'six')->{more_parties}, 'and no more');
$ll->lease('seven', tenants => [people('t', 6)]);
is(in_inbox('u-t6', 'seven'), 'Lena T1 T2 T3 T4 T5 +1', 'the seventh is not');
$ll->lease('forty', landlords => [people('l', 20)],
           tenants => [people('t', 20)]);
is(in_inbox('u-t20', 'forty'), 'L1 L2 L3 L4 L5 L6 +34', 'of forty');
$ll->say('forty', 'u-t20', 'hi');
is(in_inbox('u-l20', 'forty'), 'L1 L2 L3 L4 L5 L6 +34', 'after a message');


# a pending lease

$ll->lease('soon', starts_at => at(7200), tenants => ['u-tom', 'u-ana']);
is(in_inbox('u-ana', 'soon'), 'Lena Tom Ana', 'of a pending lease');


# changes reach the others' streams

my %streams = map { $_ => $ll->stream('/api/inbox/events', user => $_) }
                  qw(u-lena u-tom);
$_->wait_event('hello') for values %streams;

sub told {
    my ($property, $label, %expected) = @_;

    for my $user (sort keys %expected) {
        my $event = $streams{$user}->wait_event(sub {
            $_[0]{event} eq 'thread' && $_[0]{json}{property} eq $property
                && names($_[0]{json}) eq $expected{$user} });
        ok($event, "$label: $user is told");
        is(in_inbox($user, $property), $expected{$user}, 'and finds the same');
    }
}

$ll->lease('C', tenants => ['u-tom', 'u-ana']);
told('C', 'opened', map { $_ => 'Lena Tom Ana' } qw(u-lena u-tom));

$ll->lease('C', tenants => ['u-tom', 'u-ana', 'u-new']);
told('C', 'joined', map { $_ => 'Lena Tom Ana New' } qw(u-lena u-tom));

$ll->lease('C', tenants => ['u-tom', { user => 'u-ana', name => 'Anna' },
                            'u-new']);
told('C', 'renamed, which no entry says',
     map { $_ => 'Lena Tom Anna New' } qw(u-lena u-tom));

$ll->lease('C', tenants => ['u-new', 'u-tom',
                            { user => 'u-ana', name => 'Anna' }]);
told('C', 'another order', map { $_ => 'Lena New Tom Anna' } qw(u-lena u-tom));

$ll->lease('soon', starts_at => at(7200), tenants => ['u-tom']);
told('soon', 'a pending lease', map { $_ => 'Lena Tom' } qw(u-lena u-tom));


# closed windows: as of their end, without those who had left

$ll->lease('C', tenants => ['u-tom', 'u-new']);
told('C', 'left', map { $_ => 'Lena Tom New' } qw(u-lena u-tom));
is(in_inbox('u-ana', 'C'), 'Lena New Tom', 'who left is not among them');

$ll->lease('C', tenants => ['u-new']);
told('C', 'left too', 'u-lena' => 'Lena New', 'u-tom' => 'Lena New');
is(in_inbox('u-ana', 'C'), 'Lena New Tom', 'as when they left');

$ll->lease('C', tenants => [{ user => 'u-new', name => 'Newer' }]);
is(in_inbox('u-tom', 'C'), 'Lena New', 'nor renamed since');

$ll->lease('C', tenants => [{ user => 'u-new', name => 'Newer' }],
           ends_at => at(-1));
told('C', 'ended', 'u-lena' => 'Lena Newer');
$ll->lease('C', lease_id => 'L-2', starts_at => at(-1), tenants => ['u-next']);
told('C', 'the next lease', 'u-lena' => 'Lena Next');
is(in_inbox('u-new', 'C'), 'Lena Newer', 'the last one\'s, as of its end');

# what the inbox names is who the thread names
for my $user (qw(u-lena u-new u-next)) {
    is(join(' ', map { $_->{name} } @{ $ll->poll('C', $user)->{parties} }),
       in_inbox($user, 'C'), "$user: as in the thread");
}

$ll->finish();
