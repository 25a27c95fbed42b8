#!/usr/bin/perl

# Windows of five users, end to end: Lena and Omar are landlords, Tom, Ana and
# Mia tenants.  What each one sees while parties join, leave, renew, hand over
# and return; the same by stream, poll and history.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new();
my @users = qw(u-lena u-omar u-tom u-ana u-mia);

# the seqs that a user sees, the same by every way; '-' for a 404
sub seen {
    my ($property, $user) = @_;

    my $r = $ll->get("/api/properties/$property/messages?after=0&limit=200",
                     user => $user);
    return '-' if $r->status() == 404;

    my @poll = map { $_->{seq} } @{ $r->json()->{entries} };
    my ($head) = split /\./, $r->json()->{head};

    my $newest = $ll->poll($property, $user, 'limit=200');
    my $history = $ll->poll($property, $user, 'before=999&limit=200');
    my $stream = $ll->events($property, $user, query => 'after=0');
    my $hello = $stream->wait_event('hello');
    $stream->wait_entry($head, 2) if @poll;
    my @live = map { $_->{seq} } $stream->entries();
    $stream->close();

    my @ways = ("@poll", "@live",
                join(' ', map { $_->{seq} } @{ $newest->{entries} }),
                join(' ', map { $_->{seq} } @{ $history->{entries} }));

    my %different = map { $_ => 1 } @ways;
    return join ' / ', @ways if keys %different != 1;

    # hello has the same members as the poll
    my %poll = %{ $r->json() };
    delete @poll{'entries', 'more'};
    is_deeply($hello->{json}, \%poll,
              "$user: hello is the poll without entries")
        if $hello;

    return 'nothing' unless @poll;
    return "$poll[0]-$poll[-1]" if @poll == $poll[-1] - $poll[0] + 1
                                   && $poll[-1] == $head;
    return "@poll (head $head)";
}

sub everyone {
    my ($property) = @_;
    return join ', ', map { s/^u-//r . ' ' . seen($property, $_) } @users;
}

sub state { return $ll->poll(@_)->{lease}{state} }
sub can_write { return $ll->poll(@_)->{you}{can_write} ? 1 : 0 }


# Tom rents 12 Elm St from Lena, Mia another property from Omar

my %p = (landlords => ['u-lena'], tenants => ['u-tom'], label => '12 Elm St');

$ll->lease('P', %p);                                        # 1 opened
$ll->lease('Q', landlords => ['u-omar'], tenants => ['u-mia']);

is($ll->say('P', 'u-tom', 'The heating is out')->status(), 201,
   'the tenant sends');                                     # 2
is($ll->say('P', 'u-lena', 'On my way')->status(), 201,
   'the landlord sends');                                   # 3
is($ll->say('P', $_, 'hello?')->status(), 404, "$_ without a lease gets 404")
    for qw(u-omar u-ana u-mia);

is(everyone('P'), 'lena 1-3, omar -, tom 1-3, ana -, mia -',
   'each party sees the whole thread of P');
is(everyone('Q'), 'lena -, omar 1-1, tom -, ana -, mia 1-1',
   'each party sees the whole thread of Q');


# Ana joins Tom: her window starts with her joined entry

$ll->lease('P', %p, tenants => ['u-tom', 'u-ana']);         # 4 joined
is(everyone('P'), 'lena 1-4, omar -, tom 1-4, ana 4-4, mia -',
   'the window of a tenant who joins starts there');
is($ll->poll('P', 'u-ana')->{you}{unread}, 0,
   'earlier entries are not unread for Ana');
is($ll->say('P', 'u-ana', 'Hi!')->status(), 201,
   'a tenant who joined sends');    # 5
is_deeply($ll->poll('P', 'u-ana', 'before=4')->{entries}, [],
          'history before the window is empty');
is($ll->poll('P', 'u-ana', 'after=2')->{entries}[0]{seq}, 4,
   'a cursor before the window gives the window');

# the window of a landlord who joins is the whole thread
$ll->lease('P', %p, tenants => ['u-tom', 'u-ana'],
           landlords => ['u-lena', 'u-omar']);              # 6 joined
is(everyone('P'), 'lena 1-6, omar 1-6, tom 1-6, ana 4-6, mia -',
   'the window of a landlord who joins starts at 1');
is($ll->poll('P', 'u-omar')->{you}{unread}, 3,
   'every message is unread for Omar');


# Tom leaves, with a stream open

my $tom = $ll->events('P', 'u-tom');
$tom->wait_event('hello');
$ll->lease('P', %p, tenants => ['u-ana'], landlords => ['u-lena', 'u-omar']);
is($tom->wait_entry(7, 2)->{event}, 'left',
   'the stream of Tom gets the left entry');                # 7

my $lease = $tom->find_event('lease', 2);
is($lease->{json}{lease}{state}, 'ended', 'the lease event for Tom says ended');
is($lease->{json}{you}{can_write}, JSON::PP::false,
   'the lease event for Tom says can_write: false');
is_problem($ll->say('P', 'u-tom', 'one more thing'), 409, 'lease-not-active',
           'a send by Tom gets 409');

my $left = $ll->poll('P', 'u-tom');
is($left->{lease}{ends_at}, $left->{entries}[-1]{at},
   'for Tom the lease ended when he left');
is_deeply([map { $_->{user} } @{ $left->{parties} }],
          [qw(u-lena u-omar u-ana)], 'Tom is not among the parties');

# nothing changes for him any more but his own mark
my $unread = $left->{you}{unread};
my $etag = $ll->get('/api/properties/P/messages', user => 'u-tom')
              ->header('ETag');
$ll->say('P', 'u-ana', 'He is gone');                       # 8
$ll->mark('P', 'u-ana', 8);
$ll->lease('P', %p, tenants => [{ user => 'u-ana', name => 'A.' }],
           landlords => ['u-lena', 'u-omar'], label => 'Renamed');
is_deeply($ll->poll('P', 'u-tom'), $left, 'a poll by Tom stays as it was');
is($ll->get('/api/properties/P/messages', user => 'u-tom',
            headers => { 'If-None-Match' => $etag })->status(), 304,
   'the ETag of Tom still gets 304');
is($ll->get('/api/inbox', user => 'u-tom')->json()->{threads}[0]{label},
   '12 Elm St', 'the inbox of Tom has the former label');
is(everyone('P'), 'lena 1-8, omar 1-8, tom 1-7, ana 4-8, mia -',
   'the window of Tom ends with his left entry');

is($ll->mark('P', 'u-tom', 7)->status(), 204, 'a mark by Tom gets 204');
is($ll->poll('P', 'u-tom')->{you}{unread}, 0,
   'the mark of Tom counts for his unread');
is($ll->mark('P', 'u-tom', 8)->status(), 422,
   'a mark past the head of Tom gets 422');
is($unread, 2, 'two messages were unread for Tom');
is($ll->poll('P', 'u-lena', 'limit=1')->{parties}[0]{read}, 0,
   'the mark of Tom leaves others unchanged');
$tom->close();


# the lease ends, with Ana's stream open

my $ana = $ll->events('P', 'u-ana');
$ana->wait_event('hello');
my @ended = (tenants => [{ user => 'u-ana', name => 'A.' }],
             landlords => ['u-lena', 'u-omar'], label => 'Renamed',
             ends_at => at(-1));
is($ll->lease('P', %p, @ended)->json()->{lease}{state}, 'ended',
   'a past ends_at ends the lease');
is($ana->wait_entry(9, 2)->{event}, 'ended',
   'the stream of Ana gets the ended entry');               # 9
is($ana->find_event('lease', 2)->{json}{you}{can_write}, JSON::PP::false,
   'the lease event for Ana says can_write: false');
is_problem($ll->say('P', $_, 'x'), 409, 'lease-not-active',
           "a send by $_ gets 409 after the end")
    for qw(u-lena u-omar u-ana);
is(everyone('P'), 'lena 1-9, omar 1-9, tom 1-7, ana 4-9, mia -',
   'every window ends with the ended entry');


# a renewal: Ana stays, Mia is new, Omar is no longer a party

is($ll->lease('P', lease_id => 'L-2', landlords => ['u-lena'],
              tenants => ['u-ana', 'u-mia'],
              starts_at => at(-0.2))->status(), 200,
   'a renewal is declared');                                # 10
is($ana->wait_entry(10, 2)->{event}, 'opened',
   'the open stream of Ana gets the opened entry');
$ll->say('P', 'u-mia', 'New here');                         # 11
is(everyone('P'), 'lena 1-11, omar 1-9, tom 1-7, ana 4-11, mia 10-11',
   'a tenant who stays keeps one window');
is($ll->get('/api/inbox', user => 'u-ana')->json()->{threads}[0]{unread},
   $ll->poll('P', 'u-ana')->{you}{unread},
   'unread of Ana is the same in the inbox');
is(state('P', 'u-omar') . can_write('P', 'u-omar'), 'ended0',
   'a former landlord keeps a closed window');
is_deeply([map { $_->{event} // '' }
           @{ $ll->poll('P', 'u-lena', 'after=8')->{entries} }],
          ['ended', 'opened', ''], 'a renewal writes no left or joined entry');


# Tom returns: he has the new window only

$ll->lease('P', lease_id => 'L-2', landlords => ['u-lena'],
           tenants => ['u-ana', 'u-mia', 'u-tom'],
           starts_at => $ll->poll('P', 'u-lena')->{lease}{starts_at});    # 12
is(everyone('P'), 'lena 1-12, omar 1-9, tom 12-12, ana 4-12, mia 10-12',
   'a tenant who returns has a new window');

# Mia changes sides: left, then joined; a landlord sees the whole thread
$ll->lease('P', lease_id => 'L-2', landlords => ['u-lena', 'u-mia'],
           tenants => ['u-ana', 'u-tom'],
           starts_at => $ll->poll('P', 'u-lena')->{lease}{starts_at});
is(everyone('P'), 'lena 1-14, omar 1-9, tom 12-14, ana 4-14, mia 1-14',
   'a tenant who becomes a landlord sees the whole thread');


# a scheduled handover: Ana and Tom until then, the tenants of Omar after it

my $starts = $ll->poll('P', 'u-lena')->{lease}{starts_at};
my $when = at(2);

is($ll->lease('P', lease_id => 'L-2', landlords => ['u-lena', 'u-mia'],
              tenants => ['u-ana', 'u-tom'], starts_at => $starts,
              ends_at => $when)->status(), 200,
   'an end in two seconds is declared');
is($ll->lease('P', lease_id => 'L-3', landlords => ['u-omar'],
              tenants => ['u-tom'], starts_at => $when)->json()->{lease}{state},
   'pending', 'the next lease is pending');
is(seen('P', 'u-omar'), '1-9',
   'Omar keeps his closed window until the handover');

my %s = map { $_ => $ll->events('P', $_) } @users;
$_->wait_event('hello') for values %s;

is($s{'u-tom'}->wait_entry(16, 4)->{event}, 'opened',
   'the stream of Tom gets the opened entry');
is($s{'u-ana'}->wait_entry(15, 2)->{event}, 'ended',
   'the stream of Ana gets the ended entry');
is($s{'u-omar'}->wait_entry(16, 2)->{seq}, 16,
   'the stream of Omar gets the opened entry');
is($ll->say('P', 'u-tom', 'Hello Omar')->status(), 201,
   'Tom sends after the handover');                         # 17
is($s{'u-tom'}->wait_entry(17, 2)->{seq}, 17,
   'the stream of Tom gets the message');
is(join(' ', map { $_->{seq} } $s{'u-tom'}->entries()), '15 16 17',
   'the stream of Tom has both leases in one window');

# only their own mark may come yet, and it comes after all of this
for my $user (qw(u-ana u-lena u-mia)) {
    is($ll->mark('P', $user, 15)->status(), 204, "a mark by $user gets 204");
    my $mark = $s{$user}->wait_event('read', 2);
    is($mark && $mark->{json}{user}, $user,
       "the stream of $user gets the own mark");
    is(join(' ', map { $_->{seq} } $s{$user}->entries()), '15',
       "the stream of $user gets no entry past the end");
}

is(everyone('P'), 'lena 1-15, omar 1-17, tom 12-17, ana 4-15, mia 1-15',
   'each window is right after the handover');
is($ll->say('P', $_, 'x')->status(), 409,
   "a send by $_ gets 409 after the handover")
    for qw(u-lena u-ana u-mia);
is($ll->poll('P', 'u-lena')->{lease}{next}, undef,
   'a former landlord sees no lease.next');


# unread counts are those of the windows

for my $user (@users) {
    my $poll = $ll->poll('P', $user, 'after=0&limit=200');
    my $count = grep { $_->{kind} eq 'message' && $_->{from}{user} ne $user
                       && $_->{seq} > $poll->{you}{read} }
                @{ $poll->{entries} };
    my ($thread) = grep { $_->{property} eq 'P' }
                   @{ $ll->get('/api/inbox', user => $user)->json()
                         ->{threads} };
    is($poll->{you}{unread}, $count,
       "$user: unread in the poll counts the window");
    is($thread->{unread}, $count,
       "$user: unread in the inbox counts the window");
}

$ll->finish();
