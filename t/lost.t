#!/usr/bin/perl

# Entries that Redis has lost: each client gets a "lost" entry in their place,
# once and in order, by streams and by polls, and continues without a reset.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Requests;

my $ll = LeaseLoft->new(main => 'worker_processes 1;');

$ll->lease('P', tenants => ['u-tom', 'u-ana']);

my %said = map { $_ => $ll->say('P', 'u-tom', "text $_", client_id => "c$_") }
           2 .. 20;
my @before = @{ $ll->poll('P', 'u-tom')->{entries} };
my $cursor = $ll->poll('P', 'u-tom', 'limit=1')->{head};
my @tags = map { my $s = $ll->events('P', 'u-tom', query => "after=0");
                 $s->wait_entry(20); my @ids = map { $_->{id} }
                 grep { !$_->{event} } $s->events(); $s->close(); @ids } 1;

is(scalar @tags, 20, 'a stream gets 20 entries with their cursors');

# the first one, two in a row, one in the middle, and one just before the head
my @lost = (1, 5, 6, 12, 19);
my %lost = map { $_ => 1 } @lost;

# a stream that is open before entries are lost
my $live = $ll->events('P', 'u-tom', last_id => $tags[9]);
ok($live->wait_entry(20), 'an open stream gets all entries');

is($ll->redis('XDEL', 'll:{p:P}:thread', map { "$_-0" } @lost), 5,
   'five entries are deleted');

sub short { map { $_->{kind} eq 'lost' ? "-$_->{seq}" : $_->{seq} } @_ }
sub expected { map { $lost{$_} ? "-$_" : $_ } $_[0] .. $_[1] }

sub is_read {
    my ($name, $from, $to, @entries) = @_;
    is(join(' ', short(@entries)), join(' ', expected($from, $to)),
       "$name has all entries, lost ones marked");

    my @times = map { $_->{at} } @entries;
    is("@times", join(' ', sort @times), "$name has times that do not go back");
}


# streams that begin after several entries, lost ones among them, with and
# without a tag, and from the beginning

for my $place ('0', map { $tags[$_ - 1], $tags[$_ - 1] =~ s/\..*//r }
                    1, 4, 5, 6, 10, 12, 18, 19)
{
    my $s = $ll->events('P', 'u-ana', last_id => $place);
    my ($seq) = $place =~ /^(\d+)/;

    ok($s->wait_entry(20), "a stream after $place gets to the end");
    is_read("a stream after $place", $seq + 1, 20, $s->entries());
    ok(!(grep { ($_->{event} // '') eq 'reset' } $s->events()),
       "a stream after $place gets no reset");
    $s->close();
}

my $s = $ll->events('P', 'u-ana', query => 'after=0');
$s->wait_entry(20);
my %ids = map { $_->{json}{seq} => $_->{id} } grep { !$_->{event} } $s->events();
is($ids{4}, $tags[3], 'an entry before a lost one has its id');
is($ids{5}, '5', 'a lost entry has an id without a tag');
is($ids{7}, $tags[6], 'an entry after a lost one has its id');
is_deeply([sort keys %{ ($s->entries())[4] }], [qw(at kind seq)],
          'a lost entry has at, kind and seq only');


# open streams continue

is($ll->say('P', 'u-lena', 'and then')->status(), 201,
   'a message can be sent after a loss');
ok($_->wait_entry(21), 'an open stream gets the message') for $live, $s;
is_read('an open stream', 11, 21,
        map { { %$_, kind => $lost{$_->{seq}} ? 'lost' : $_->{kind} } }
        $live->entries());


# an entry is written and lost while nginx is not connected to Redis

my ($nginx) = $ll->nginx_children();
my $q = LeaseLoft::Requests->new($ll);

kill 'STOP', $nginx;
$ll->redis('CLIENT', 'KILL', 'TYPE', 'pubsub');
$q->connect();
is($q->await(scalar $q->put('send', 'P', 'u-lena',
       { client_id => "away$_", text => 'while away' }))->{status}, 201,
   'a message is sent while nginx is stopped') for 21, 22;
$ll->redis('XDEL', 'll:{p:P}:thread', '22-0');
$lost{22} = 1;
kill 'CONT', $nginx;

ok($_->wait_entry(23), 'a stream catches up after a lost connection')
    for $live, $s;
is_read('a stream after a lost connection', 21, 23,
        ($_->entries())[-3 .. -1]) for $live, $s;
ok(!(grep { ($_->{event} // '') eq 'reset' } $_->events()),
   'a stream gets no reset after a lost connection') for $live, $s;
$ll->wait_healthy();


# polls forward, backward, and after several entries; by users whose access is
# cached and by others

for my $round (1, 2) {
    for my $user ('u-tom', 'u-lena') {
        for my $limit (1, 2, 3, 7, 200) {
            my (@on, @back, $page);

            do {
                $page = $ll->poll('P', $user, "limit=$limit&after="
                                  . (@on ? $on[-1]{seq} : 0));
                push @on, @{ $page->{entries} };
            } while ($page->{more} && @on < 50);

            is_read("reading on by $limit as $user, round $round,", 1, 23, @on);

            do {
                $page = $ll->poll('P', $user, "limit=$limit"
                                  . (@back ? "&before=$back[0]{seq}" : ''));
                unshift @back, @{ $page->{entries} };
            } while ($page->{more} && @back < 50);

            is_read("reading back by $limit as $user, round $round,", 1, 23,
                    @back);
        }
    }
}

for my $place (@tags[3, 4, 5, 18]) {
    my $page = $ll->poll('P', 'u-tom', "after=$place");
    ok(!$page->{reset}, "a poll after $place gets no reset");
}

is($ll->poll('P', 'u-tom', 'after=5.00000000')->{reset}, undef,
   'a poll after a lost entry gets no reset whatever the tag');
ok($ll->poll('P', 'u-tom', 'after=7.00000000')->{reset},
   'a poll after another entry gets reset for a wrong tag');


# a message that was sent and lost counts as sent

my $again = $ll->say('P', 'u-tom', 'text 5', client_id => 'c5');
is($again->status(), 200, 'a lost message that is sent again gets 200');
is_deeply([@{ $again->json() }{qw(seq kind)}], [5, 'lost'],
          'a lost message that is sent again gets the lost entry');
is($ll->say('P', 'u-tom', 'text 7', client_id => 'c7')->json()->{seq}, 7,
   'another message that is sent again gets its entry');
is($ll->say('P', 'u-tom', 'other', client_id => 'c7')->status(), 409,
   'another message that is sent again with another text gets 409');


# the newest entry is lost, and then the whole thread

$ll->redis('XDEL', 'll:{p:P}:thread', '23-0');
$lost{23} = 1;
is_read('a poll whose newest entry is lost', 21, 23,
        @{ $ll->poll('P', 'u-ana', 'limit=3')->{entries} });
is($ll->poll('P', 'u-ana', "after=23")->{reset}, undef,
   'a poll after the lost newest entry gets no reset');

$ll->redis('DEL', 'll:{p:P}:thread');
%lost = map { $_ => 1 } 1 .. 23;
is_read('a poll of a lost thread', 1, 23,
        @{ $ll->poll('P', 'u-ana')->{entries} });
is($ll->say('P', 'u-lena', 'a new start')->json()->{seq}, 24,
   'a message after a lost thread gets the next seq');
is_read('a poll after a lost thread and a message', 1, 24,
        @{ $ll->poll('P', 'u-ana')->{entries} });


# the log names one lost entry, and has no line for each

my @lines = $ll->slurp('error.log') =~ /^.*\[error\].* as lost.*$/mg;
is(scalar @lines, 1, 'lost entries are logged in one line')
    or diag("@lines");
like($lines[0] // '', qr/entry 1 of property "P"/,
     'the line in the log names a lost entry and its property');

$ll->finish();
