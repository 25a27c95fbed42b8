#!/usr/bin/perl

# The hash chain of a thread: recomputed from what Redis stores, by the formula
# in docs/http.md, and compared with the tags that clients get.

use strict;
use warnings;

use Digest::SHA qw(sha256);
use Test::More;

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new(workers => 2);

$ll->lease('P', tenants => ['u-tom', 'u-ana']);

# several senders at once, on two workers
my @pids;
for my $user (qw(u-tom u-ana u-lena)) {
    my $pid = fork();
    if ($pid == 0) {
        for (1 .. 40) {
            $ll->say('P', $user, "$_ by $user", client_id => "c-$_")->status()
                == 201 or POSIX::_exit(1);
        }
        POSIX::_exit(0);
    }
    push @pids, $pid;
}
is(join(' ', map { waitpid $_, 0; $? } @pids), '0 0 0',
   'three senders send all of their messages');

$ll->lease('P', tenants => ['u-tom'], ends_at => at(-1));

my $entries = [ $ll->thread('P') ];
my $hash = sha256('P');
my (%tags, %salts, @bad);
my $n = 0;

for my $entry (@$entries) {
    my ($id, $fields) = @$entry;
    my %f = @$fields;

    $n++;
    $hash = sha256($hash . sha256($f{s} . $f{e}));
    $tags{$n} = unpack 'H8', $hash;
    $salts{$f{s}}++;

    push @bad, $id if $id ne "$n-0" || $f{h} ne $hash || length $f{s} != 16
                      || JSON::PP->new->utf8->decode($f{e})->{seq} != $n;
}

is("@bad", '', 'each entry has the right id, seq, salt length and hash');
cmp_ok($n, '>=', 122, 'the thread has all entries');
is(scalar keys %salts, $n, 'no two entries have the same salt');

# the tags that clients get
my $stream = $ll->events('P', 'u-tom', query => 'after=0');
$stream->wait_entry($n, 5);
my @ids = map { $_->{id} } grep { $_->{event} eq '' } $stream->events();
is("@ids", join(' ', map { "$_.$tags{$_}" } 1 .. $n),
   'ids of events have the tags of the chain');
is($ll->poll('P', 'u-tom')->{head}, "$n.$tags{$n}",
   'the head of a poll has the tag of the last entry');

# each sender waits for an answer before the next send
for my $user (qw(u-tom u-ana u-lena)) {
    my @order = map { $_->{text} =~ /^(\d+)/ }
                grep { ($_->{from}{user} // '') eq $user } $stream->entries();
    is("@order", join(' ', 1 .. 40), "messages of $user are in order");
}

# hash(0), of a thread without entries
$ll->lease('Q', starts_at => at(3600));
is($ll->poll('Q', 'u-tom')->{head}, '0.' . unpack('H8', sha256('Q')),
   'the head of an empty thread has the tag of hash(0)');

$ll->finish();
