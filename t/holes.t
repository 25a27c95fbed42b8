#!/usr/bin/perl

# What never arrives, and what arrives late: frames that are published and not
# heard, a client that takes nothing for a while, an inbox that is told of an
# older change after a newer one.  Readers see everything once, in order.

use strict;
use warnings;

use IO::Handle;
use Socket;
use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Requests;

my $ll = LeaseLoft->new(main => 'worker_processes 1;',
                        listen => 'sndbuf=16k');

$ll->lease($_, tenants => ['u-tom', 'u-ana']) for 'P', 'Q';

sub metric {
    my ($name) = @_;
    my ($value) = $ll->get('/internal/metrics')->body()
                      =~ /^leaseloft_$name (\d+)/m;
    return $value;
}

sub seqs { return join ' ', map { $_->{seq} } $_[0]->entries() }

# the library as it is, but that what has LOST in it is not published
my %library = @{ $ll->redis('FUNCTION', 'LIST', 'WITHCODE')->[0] };
my $hearing = $library{library_code};
my $deaf = $hearing =~ s/\bcall\('PUBLISH', /publish('PUBLISH', /gr;

$deaf =~ s/^(#!.*?\n.*?\n\n)/$1local function publish(command, channel, text)
    if string.find(text, 'LOST', 1, true) then
        return 0
    end
    return redis.call(command, channel, text)
end\n\n/s;

sub load_library { $ll->redis('FUNCTION', 'LOAD', 'REPLACE', $_[0]) }


# frames that are not heard

my $thread = $ll->events('P', 'u-ana');
my $inbox = $ll->stream('/api/inbox/events', user => 'u-ana');
ok($_->wait_event('hello'), 'a stream') for $thread, $inbox;
is($ll->say('P', 'u-tom', 'first')->status(), 201, 'a message');
ok($thread->wait_entry(2), 'is seen');
ok($inbox->wait_event(sub { $_[0]{event} eq 'thread' }), 'in the inbox, too');

my $holes = metric('holes_filled_total');

load_library($deaf);
is($ll->say('P', 'u-tom', "LOST $_")->status(), 201, 'not published')
    for 1 .. 3;
sleep 0.3;
is(seqs($thread), '2', 'so nobody hears of it');
is($ll->say('P', 'u-tom', 'then')->status(), 201, 'the next one');
ok($thread->wait_entry(6), 'is seen');
is(seqs($thread), '2 3 4 5 6', 'after those that it follows');

# in the inbox it is another thread's change that tells of it
is($ll->say('P', 'u-tom', 'LOST again')->status(), 201, 'not published');
sleep 0.3;
is($ll->say('Q', 'u-tom', 'hello')->status(), 201, 'another thread');
my %unread;
ok(wait_for(sub {
    %unread = map { $_->{json}{property} => $_->{json}{unread} }
              grep { $_->{event} eq 'thread' } $inbox->events();
    ($unread{P} // 0) == 6 && ($unread{Q} // 0) == 1;
}, 5), 'the inbox tells of both') or diag(explain(\%unread));

my ($last) = reverse grep { $_->{event} eq 'thread' } $inbox->events();
is($last->{json}{total_unread}, 7, 'and the total');
cmp_ok(metric('holes_filled_total'), '>', $holes, 'holes were noticed');
load_library($hearing);

is($ll->say('P', 'u-tom', 'LOST no more')->status(), 201, 'published again');
ok($thread->wait_entry(8), 'and seen');
$_->close() for $thread, $inbox;


# late: what follows its place is not kept any more when it reads again

socket(my $late, PF_INET, SOCK_STREAM, 0) or die "socket: $!";
setsockopt $late, SOL_SOCKET, SO_RCVBUF, pack('i', 4096);
connect $late, pack_sockaddr_in($ll->{ports}{http}, inet_aton('127.0.0.1'))
    or die "connect: $!";
syswrite $late, "GET /api/properties/P/events HTTP/1.1\r\nHost: x\r\n"
                . 'Authorization: Bearer ' . $ll->token('u-ana') . "\r\n\r\n";

my $in = '';
wait_for(sub { sysread $late, $in, 4096, length $in; $in =~ /hello/ }, 5);

my $seq;
$seq = $ll->say('P', 'u-tom', 'x' x 4000)->json()->{seq} for 1 .. 150;
is($seq, 158, '600 kB while it does not read');

$late->blocking(0);
wait_for(sub {
    1 while sysread $late, $in, 65536, length $in;
    $in =~ /^id: $seq\..*\n\n/ms;
}, 20);

my @ids = $in =~ /^id: (\d+)\./mg;
is("@ids", join(' ', 9 .. $seq), 'has it all, in order');
close $late;


# late: an inbox is told of what it was before, and of what it is

my $q = LeaseLoft::Requests->new($ll);

sub inbox_of {
    my $body = $ll->get('/api/inbox', user => 'u-ana')->json();
    return join ' ', $body->{rev}, $body->{total_unread},
           map { "$_->{property}=$_->{unread}" } @{ $body->{threads} };
}

my $before = inbox_of();
my $ver = $q->redis('HGET', 'll:{p:P}:meta', 'ver');
my @keys = $q->user_keys('u-ana');
my $old = '{"property":"P","unread":1}';

for my $late ($ver - 1, $ver) {
    is($q->redis('FCALL', 'll1_badge', scalar @keys, @keys, 'P', $late, 1,
                 1_700_000_000_000, $old, 'll:{u:u-ana}:ch', 0), 0,
       'what is not newer changes nothing');
}

is(inbox_of(), $before, 'the inbox is as it was');

$ll->finish();
