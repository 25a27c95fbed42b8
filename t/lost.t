#!/usr/bin/perl

# Entries that Redis has lost: each reader is told so, once, in order, however
# it reads, and goes on; nobody starts over.

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

is(scalar @tags, 20, 'entries, with their cursors');

# in the middle, two in a row, the first, and one just before the head
my @lost = (1, 5, 6, 12, 19);
my %lost = map { $_ => 1 } @lost;

# one who listens meanwhile is not touched
my $live = $ll->events('P', 'u-tom', last_id => $tags[9]);
ok($live->wait_entry(20), 'a stream');

is($ll->redis('XDEL', 'll:{p:P}:thread', map { "$_-0" } @lost), 5, 'lost');

sub short { map { $_->{kind} eq 'lost' ? "-$_->{seq}" : $_->{seq} } @_ }
sub expected { map { $lost{$_} ? "-$_" : $_ } $_[0] .. $_[1] }

sub is_read {
    my ($name, $from, $to, @entries) = @_;
    is(join(' ', short(@entries)), join(' ', expected($from, $to)), $name);

    my @times = map { $_->{at} } @entries;
    is("@times", join(' ', sort @times), 'times do not go back');
}


# streams: replay from each place, those of lost entries too, with and without
# a tag, and from the beginning

for my $place ('0', map { $tags[$_ - 1], $tags[$_ - 1] =~ s/\..*//r }
                    1, 4, 5, 6, 10, 12, 18, 19)
{
    my $s = $ll->events('P', 'u-ana', last_id => $place);
    my ($seq) = $place =~ /^(\d+)/;

    ok($s->wait_entry(20), "a stream after $place gets to the end");
    is_read("after $place", $seq + 1, 20, $s->entries());
    ok(!(grep { ($_->{event} // '') eq 'reset' } $s->events()), 'no reset');
    $s->close();
}

my $s = $ll->events('P', 'u-ana', query => 'after=0');
$s->wait_entry(20);
my %ids = map { $_->{json}{seq} => $_->{id} } grep { !$_->{event} } $s->events();
is($ids{4}, $tags[3], 'the id of an entry');
is($ids{5}, '5', 'and of a lost one, whose tag nobody knows');
is($ids{7}, $tags[6], 'and of one after it');
is_deeply([sort keys %{ ($s->entries())[4] }], [qw(at kind seq)],
          'what a lost one says');


# who listens goes on

is($ll->say('P', 'u-lena', 'and then')->status(), 201, 'another message');
ok($_->wait_entry(21), 'is heard') for $live, $s;
is_read('a stream that was open', 11, 21,
        map { { %$_, kind => $lost{$_->{seq}} ? 'lost' : $_->{kind} } }
        $live->entries());


# streams that were away from Redis when an entry came and was lost

my ($nginx) = $ll->nginx_children();
my $q = LeaseLoft::Requests->new($ll);

kill 'STOP', $nginx;
$ll->redis('CLIENT', 'KILL', 'TYPE', 'pubsub');
$q->connect();
is($q->await(scalar $q->put('send', 'P', 'u-lena',
       { client_id => "away$_", text => 'while away' }))->{status}, 201, 'said')
    for 21, 22;
$ll->redis('XDEL', 'll:{p:P}:thread', '22-0');
$lost{22} = 1;
kill 'CONT', $nginx;

ok($_->wait_entry(23), 'a stream catches up') for $live, $s;
is_read('with what was lost meanwhile', 21, 23, ($_->entries())[-3 .. -1])
    for $live, $s;
ok(!(grep { ($_->{event} // '') eq 'reset' } $_->events()), 'without a reset')
    for $live, $s;
$ll->wait_healthy();


# polls: on, back, and from each place; asked, known, and by who just came

for my $round (1, 2) {
    for my $user ('u-tom', 'u-lena') {
        for my $limit (1, 2, 3, 7, 200) {
            my (@on, @back, $page);

            do {
                $page = $ll->poll('P', $user, "limit=$limit&after="
                                  . (@on ? $on[-1]{seq} : 0));
                push @on, @{ $page->{entries} };
            } while ($page->{more} && @on < 50);

            is_read("$user $round: on by $limit", 1, 23, @on);

            do {
                $page = $ll->poll('P', $user, "limit=$limit"
                                  . (@back ? "&before=$back[0]{seq}" : ''));
                unshift @back, @{ $page->{entries} };
            } while ($page->{more} && @back < 50);

            is_read("$user $round: back by $limit", 1, 23, @back);
        }
    }
}

for my $place (@tags[3, 4, 5, 18]) {
    my $page = $ll->poll('P', 'u-tom', "after=$place");
    ok(!$page->{reset}, "no reset after $place");
}

is($ll->poll('P', 'u-tom', 'after=5.00000000')->{reset}, undef,
   'nor where the tag can not be compared');
ok($ll->poll('P', 'u-tom', 'after=7.00000000')->{reset},
   'but where it can');


# one that was sent and lost: it counts as sent

my $again = $ll->say('P', 'u-tom', 'text 5', client_id => 'c5');
is($again->status(), 200, 'a lost message sent again');
is_deeply([@{ $again->json() }{qw(seq kind)}], [5, 'lost'], 'says so');
is($ll->say('P', 'u-tom', 'text 7', client_id => 'c7')->json()->{seq}, 7,
   'one that is there');
is($ll->say('P', 'u-tom', 'other', client_id => 'c7')->status(), 409,
   'with another text');


# the newest is lost, and the whole thread

$ll->redis('XDEL', 'll:{p:P}:thread', '23-0');
$lost{23} = 1;
is_read('the newest is lost', 21, 23,
        @{ $ll->poll('P', 'u-ana', 'limit=3')->{entries} });
is($ll->poll('P', 'u-ana', "after=23")->{reset}, undef, 'no reset');

$ll->redis('DEL', 'll:{p:P}:thread');
%lost = map { $_ => 1 } 1 .. 23;
is_read('all are lost', 1, 23, @{ $ll->poll('P', 'u-ana')->{entries} });
is($ll->say('P', 'u-lena', 'a new start')->json()->{seq}, 24, 'it goes on');
is_read('after that', 1, 24, @{ $ll->poll('P', 'u-ana')->{entries} });


# it is logged, naming one, but not each time

my @lines = $ll->slurp('error.log') =~ /^.*\[error\].* is lost.*$/mg;
is(scalar @lines, 1, 'one line in the log') or diag("@lines");
like($lines[0] // '', qr/entry 1 of property "P"/, 'which names it');

$ll->finish();
