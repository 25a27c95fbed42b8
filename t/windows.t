#!/usr/bin/perl

# Five users, end to end: Lena and Omar let, Tom, Ana and Mia rent. Who sees
# what, while people join, leave, renew, hand over and come back; the same by
# stream, poll and history.

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

    # what hello says is what the poll says
    my %poll = %{ $r->json() };
    delete @poll{'entries', 'more'};
    is_deeply($hello->{json}, \%poll, "$user: hello is the poll")
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


# Lena lets 12 Elm St to Tom, Omar another place to Mia

my %p = (landlords => ['u-lena'], tenants => ['u-tom'], label => '12 Elm St');

$ll->lease('P', %p);                                        # 1 opened
$ll->lease('Q', landlords => ['u-omar'], tenants => ['u-mia']);

is($ll->say('P', 'u-tom', 'The heating is out')->status(), 201, 'Tom');   # 2
is($ll->say('P', 'u-lena', 'On my way')->status(), 201, 'Lena');          # 3
is($ll->say('P', $_, 'hello?')->status(), 404, "$_ is a stranger")
    for qw(u-omar u-ana u-mia);

is(everyone('P'), 'lena 1-3, omar -, tom 1-3, ana -, mia -', 'two talk');
is(everyone('Q'), 'lena -, omar 1-1, tom -, ana -, mia 1-1', 'two others');


# Ana moves in with Tom: she sees from her joining on

$ll->lease('P', %p, tenants => ['u-tom', 'u-ana']);         # 4 joined
is(everyone('P'), 'lena 1-4, omar -, tom 1-4, ana 4-4, mia -', 'Ana joined');
is($ll->poll('P', 'u-ana')->{you}{unread}, 0, 'what was before is not unread');
is($ll->say('P', 'u-ana', 'Hi!')->status(), 201, 'Ana');    # 5
is_deeply($ll->poll('P', 'u-ana', 'before=4')->{entries}, [],
          'no history beyond');
is($ll->poll('P', 'u-ana', 'after=2')->{entries}[0]{seq}, 4,
   'after an earlier place: from the window on');

# a landlord who joins sees it all
$ll->lease('P', %p, tenants => ['u-tom', 'u-ana'],
           landlords => ['u-lena', 'u-omar']);              # 6 joined
is(everyone('P'), 'lena 1-6, omar 1-6, tom 1-6, ana 4-6, mia -', 'Omar too');
is($ll->poll('P', 'u-omar')->{you}{unread}, 3, 'all of it is unread');


# Tom leaves, with a stream open

my $tom = $ll->events('P', 'u-tom');
$tom->wait_event('hello');
$ll->lease('P', %p, tenants => ['u-ana'], landlords => ['u-lena', 'u-omar']);
is($tom->wait_entry(7, 2)->{event}, 'left', 'Tom sees that he left');     # 7

my $lease = $tom->find_event('lease', 2);
is($lease->{json}{lease}{state}, 'ended', 'his lease has ended');
is($lease->{json}{you}{can_write}, JSON::PP::false, 'he is read-only');
is_problem($ll->say('P', 'u-tom', 'one more thing'), 409, 'lease-not-active',
           'can not write');

my $left = $ll->poll('P', 'u-tom');
is($left->{lease}{ends_at}, $left->{entries}[-1]{at}, 'ended when he left');
is_deeply([map { $_->{user} } @{ $left->{parties} }],
          [qw(u-lena u-omar u-ana)], 'and he is not among the parties');

# for him nothing changes any more, but his own mark
my $unread = $left->{you}{unread};
my $etag = $ll->get('/api/properties/P/messages', user => 'u-tom')
              ->header('ETag');
$ll->say('P', 'u-ana', 'He is gone');                       # 8
$ll->mark('P', 'u-ana', 8);
$ll->lease('P', %p, tenants => [{ user => 'u-ana', name => 'A.' }],
           landlords => ['u-lena', 'u-omar'], label => 'Renamed');
is_deeply($ll->poll('P', 'u-tom'), $left, 'what he sees stays as it was');
is($ll->get('/api/properties/P/messages', user => 'u-tom',
            headers => { 'If-None-Match' => $etag })->status(), 304, 'a 304');
is($ll->get('/api/inbox', user => 'u-tom')->json()->{threads}[0]{label},
   '12 Elm St', 'his inbox too');
is(everyone('P'), 'lena 1-8, omar 1-8, tom 1-7, ana 4-8, mia -', 'Tom left');

is($ll->mark('P', 'u-tom', 7)->status(), 204, 'he may still mark');
is($ll->poll('P', 'u-tom')->{you}{unread}, 0, 'for himself');
is($ll->mark('P', 'u-tom', 8)->status(), 422, 'not past his head');
is($unread, 2, 'unread until then');
is($ll->poll('P', 'u-lena', 'limit=1')->{parties}[0]{read}, 0,
   'nobody else is concerned');
$tom->close();


# the lease ends, with Ana's stream open

my $ana = $ll->events('P', 'u-ana');
$ana->wait_event('hello');
my @ended = (tenants => [{ user => 'u-ana', name => 'A.' }],
             landlords => ['u-lena', 'u-omar'], label => 'Renamed',
             ends_at => at(-1));
is($ll->lease('P', %p, @ended)->json()->{lease}{state}, 'ended', 'ended');
is($ana->wait_entry(9, 2)->{event}, 'ended', 'Ana sees the end');         # 9
is($ana->find_event('lease', 2)->{json}{you}{can_write}, JSON::PP::false,
   'and is read-only');
is_problem($ll->say('P', $_, 'x'), 409, 'lease-not-active', "$_ too")
    for qw(u-lena u-omar u-ana);
is(everyone('P'), 'lena 1-9, omar 1-9, tom 1-7, ana 4-9, mia -', 'all closed');


# a renewal: Ana stays, Mia is new, Omar is no longer on it

is($ll->lease('P', lease_id => 'L-2', landlords => ['u-lena'],
              tenants => ['u-ana', 'u-mia'],
              starts_at => at(-0.2))->status(), 200, 'renewed');          # 10
is($ana->wait_entry(10, 2)->{event}, 'opened', 'on the open stream too');
$ll->say('P', 'u-mia', 'New here');                         # 11
is(everyone('P'), 'lena 1-11, omar 1-9, tom 1-7, ana 4-11, mia 10-11',
   'one window for who stays');
is($ll->get('/api/inbox', user => 'u-ana')->json()->{threads}[0]{unread},
   $ll->poll('P', 'u-ana')->{you}{unread}, 'one count');
is(state('P', 'u-omar') . can_write('P', 'u-omar'), 'ended0',
   'a landlord of the past');
is_deeply([map { $_->{event} // '' }
           @{ $ll->poll('P', 'u-lena', 'after=8')->{entries} }],
          ['ended', 'opened', ''], 'and nothing is written about it');


# Tom comes back: a new window only

$ll->lease('P', lease_id => 'L-2', landlords => ['u-lena'],
           tenants => ['u-ana', 'u-mia', 'u-tom'],
           starts_at => $ll->poll('P', 'u-lena')->{lease}{starts_at});    # 12
is(everyone('P'), 'lena 1-12, omar 1-9, tom 12-12, ana 4-12, mia 10-12',
   'Tom is back');

# Mia changes sides: left, then joined; a landlord sees all
$ll->lease('P', lease_id => 'L-2', landlords => ['u-lena', 'u-mia'],
           tenants => ['u-ana', 'u-tom'],
           starts_at => $ll->poll('P', 'u-lena')->{lease}{starts_at});
is(everyone('P'), 'lena 1-14, omar 1-9, tom 12-14, ana 4-14, mia 1-14',
   'Mia is a landlord');


# a handover that is scheduled: Ana and Tom until then, Omar's tenants after

my $starts = $ll->poll('P', 'u-lena')->{lease}{starts_at};
my $when = at(2);

is($ll->lease('P', lease_id => 'L-2', landlords => ['u-lena', 'u-mia'],
              tenants => ['u-ana', 'u-tom'], starts_at => $starts,
              ends_at => $when)->status(), 200, 'ends in two seconds');
is($ll->lease('P', lease_id => 'L-3', landlords => ['u-omar'],
              tenants => ['u-tom'], starts_at => $when)->json()->{lease}{state},
   'pending', 'the next one is pending');
is(seen('P', 'u-omar'), '1-9', 'Omar keeps his window until then');

my %s = map { $_ => $ll->events('P', $_) } @users;
$_->wait_event('hello') for values %s;

is($s{'u-tom'}->wait_entry(16, 4)->{event}, 'opened', 'handed over');
is($s{'u-ana'}->wait_entry(15, 2)->{event}, 'ended', 'it ended for Ana');
is($s{'u-omar'}->wait_entry(16, 2)->{seq}, 16, 'and began for Omar');
is($ll->say('P', 'u-tom', 'Hello Omar')->status(), 201, 'Tom writes');    # 17
is($s{'u-tom'}->wait_entry(17, 2)->{seq}, 17, 'and goes on');
is(join(' ', map { $_->{seq} } $s{'u-tom'}->entries()), '15 16 17',
   'in one window');

# what may come yet is one's own mark, and it comes after all of this
for my $user (qw(u-ana u-lena u-mia)) {
    is($ll->mark('P', $user, 15)->status(), 204, "$user has read the end");
    my $mark = $s{$user}->wait_event('read', 2);
    is($mark && $mark->{json}{user}, $user, 'and hears of that');
    is(join(' ', map { $_->{seq} } $s{$user}->entries()), '15',
       'but of nothing else');
}

is(everyone('P'), 'lena 1-15, omar 1-17, tom 12-17, ana 4-15, mia 1-15',
   'handed over');
is($ll->say('P', $_, 'x')->status(), 409, "$_ does not")
    for qw(u-lena u-ana u-mia);
is($ll->poll('P', 'u-lena')->{lease}{next}, undef,
   'a landlord of the past: lease.next');


# counts are those of the windows

for my $user (@users) {
    my $poll = $ll->poll('P', $user, 'after=0&limit=200');
    my $count = grep { $_->{kind} eq 'message' && $_->{from}{user} ne $user
                       && $_->{seq} > $poll->{you}{read} }
                @{ $poll->{entries} };
    my ($thread) = grep { $_->{property} eq 'P' }
                   @{ $ll->get('/api/inbox', user => $user)->json()
                         ->{threads} };
    is($poll->{you}{unread}, $count, "$user: unread");
    is($thread->{unread}, $count, "$user: unread in the inbox");
}

$ll->finish();
