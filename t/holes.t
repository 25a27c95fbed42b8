#!/usr/bin/perl

# Lost and late frames: frames that are not published, a client that does not
# read for a while, and an older change of an inbox after a newer one.  Clients
# get each entry once, in order.

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

# the library of functions, changed so that frames with LOST are not published
my %library = @{ $ll->redis('FUNCTION', 'LIST', 'WITHCODE')->[0] };
my $hearing = $library{library_code};
my $deaf = $hearing;

ok($deaf =~ s/^(local function publish\(channel, message\)\n)/$1
    if string.find(message, 'LOST', 1, true)
       or string.find(message, '^I [%d ]+\\nP')
    then
        return
    end
/m, 'the library can be changed');

sub load_library { $ll->redis('FUNCTION', 'LOAD', 'REPLACE', $_[0]) }


# frames that are not published

my $thread = $ll->events('P', 'u-ana');
my $inbox = $ll->stream('/api/inbox/events', user => 'u-ana');
ok($_->wait_event('hello'), 'a stream begins') for $thread, $inbox;
is($ll->say('P', 'u-tom', 'first')->status(), 201, 'a message is sent');
ok($thread->wait_entry(2), 'the stream gets it');
ok($inbox->wait_event(sub { $_[0]{event} eq 'thread' }),
   'the inbox stream gets its thread');

my $holes = metric('holes_filled_total');

load_library($deaf);
is($ll->say('P', 'u-tom', "LOST $_")->status(), 201,
   'a message whose frame is lost is sent') for 1 .. 3;
sleep 0.3;
is(seqs($thread), '2', 'the stream does not get lost frames');
is($ll->say('P', 'u-tom', 'then')->status(), 201,
   'a message whose frame is published is sent');
ok($thread->wait_entry(6), 'the stream gets it');
is(seqs($thread), '2 3 4 5 6', 'the stream gets the lost entries before it');

# an inbox notices a lost frame when another of its threads changes
is($ll->say('P', 'u-tom', 'LOST again')->status(), 201,
   'another message whose frame is lost is sent');
sleep 0.3;
is($ll->say('Q', 'u-tom', 'hello')->status(), 201,
   'a message to another thread is sent');
my %unread;
ok(wait_for(sub {
    %unread = map { $_->{json}{property} => $_->{json}{unread} }
              grep { $_->{event} eq 'thread' } $inbox->events();
    ($unread{P} // 0) == 6 && ($unread{Q} // 0) == 1;
}, 5), 'the inbox stream gets both threads') or diag(explain(\%unread));

my ($last) = reverse grep { $_->{event} eq 'thread' } $inbox->events();
is($last->{json}{total_unread}, 7, 'the inbox stream gets the total');
cmp_ok(metric('holes_filled_total'), '>', $holes,
       'the metric counts filled holes');
load_library($hearing);

is($ll->say('P', 'u-tom', 'LOST no more')->status(), 201,
   'a message is sent with the original library');
ok($thread->wait_entry(8), 'the stream gets it as the next one');
$_->close() for $thread, $inbox;


# a client that is so late that nginx's cache no longer has the next entry

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
is($seq, 158, '600 kB are sent while a client does not read');

$late->blocking(0);
wait_for(sub {
    1 while sysread $late, $in, 65536, length $in;
    $in =~ /^id: $seq\..*\n\n/ms;
}, 20);

my @ids = $in =~ /^id: (\d+)\./mg;
is("@ids", join(' ', 9 .. $seq), 'a late client gets all entries in order');
close $late;


# an inbox is given an older version of a thread, and the current one again

my $q = LeaseLoft::Requests->new($ll);

sub inbox_of {
    my $body = $ll->get('/api/inbox', user => 'u-ana')->json();
    return join ' ', $body->{rev}, $body->{total_unread},
           map { "$_->{property}=$_->{unread}" } @{ $body->{threads} };
}

my $before = inbox_of();
my $ver = $q->redis('HGET', 'll:{p:P}:meta', 'ver');
my @keys = $q->user_keys('u-ana');

for my $late ($ver - 1, $ver) {
    is($q->redis('FCALL', 'll1_badge', scalar @keys, @keys, 'll:{u:u-ana}:ch',
                 0, 'P', $late, 1, 1_700_000_000_000, '1.1'), 0,
       'a version of a thread that is not newer is refused');
}

is(inbox_of(), $before,
   'a version of a thread that is not newer does not change the inbox');

$ll->finish();
