#!/usr/bin/perl

# Measures the time from the first byte of a POST to the event on the stream of
# the other party, on an otherwise idle machine, with the shipped configuration
# (every write is synced before it is answered).  Messages are sent one by one.
#
#     bench/latency.pl [MESSAGES]

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../t/lib";

use IO::Select;
use Test::More;
use Time::HiRes qw(time);

use LeaseLoft;

my $messages = shift // 2000;
my $warm_up = 100;

my $ll = LeaseLoft->new(http => 'keepalive_requests 100000;');
my @sync = $ll->redis('CONFIG', 'GET', 'appendfsync');

$ll->lease('P', landlords => ['u-lena'], tenants => ['u-tom']);

my $listener = connection(request('GET', '/api/properties/P/events', 'u-tom'));
my $in = '';
receive($listener, qr/event: hello.*\n\n/s);

my $sender = connection('');
my (@event, @answer);

for my $n (1 .. $warm_up + $messages) {
    my $body = qq({"client_id":"c-$n","text":"The heating in unit $n is out"});
    my $request = request('POST', '/api/properties/P/messages', 'u-lena',
                          $body);

    my $start = time();
    syswrite $sender, $request;

    my ($at_event, $at_answer) = race($n);
    next if $n <= $warm_up;

    push @event, 1000 * ($at_event - $start);
    push @answer, 1000 * ($at_answer - $start);

    # the limit is 20 sends a second, after a burst of 100
    select undef, undef, undef, 0.051;
}

print "# appendfsync $sync[0][1], $messages messages, milliseconds\n";
print "#             p50    p90    p99    max\n";
printf "# to event  %s\n# to answer %s\n", quantiles(@event),
       quantiles(@answer);

my @sorted = sort { $a <=> $b } @event;
cmp_ok($sorted[@sorted / 2], '<', 2, 'p50 under 2 ms');
cmp_ok($sorted[@sorted * 0.99], '<', 10, 'p99 under 10 ms');

$ll->finish();


sub connection {
    my ($bytes) = @_;

    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $ll->{ports}{http}) or die "connect: $!";
    $socket->blocking(0);
    syswrite $socket, $bytes if length $bytes;

    return $socket;
}


sub request {
    my ($method, $path, $user, $body) = @_;

    my $length = defined $body ? 'Content-Length: ' . length($body) . "\r\n"
                                 . "Content-Type: application/json\r\n" : '';

    return "$method $path HTTP/1.1\r\nHost: localhost\r\n$length"
           . 'Authorization: Bearer ' . $ll->token($user) . "\r\n\r\n"
           . ($body // '');
}


sub receive {
    my ($socket, $regex) = @_;

    my $select = IO::Select->new($socket);

    until ($in =~ $regex) {
        $select->can_read(5) or die "nothing came\n";
        sysread $socket, $in, 65536, length $in or die "closed\n";
    }
}


# when the event came, and when the answer did
sub race {
    my ($n) = @_;

    my ($event, $answer);
    my ($heard, $answered) = ('', '');
    my $select = IO::Select->new($listener, $sender);

    until ($event && $answer) {
        my @ready = $select->can_read(5) or die "message $n was lost\n";
        my $now = time();

        for my $socket (@ready) {
            my $to = $socket == $listener ? \$heard : \$answered;
            sysread $socket, $$to, 65536, length $$to or die "closed\n";
        }

        $event //= $now if $heard =~ /"client_id":"c-$n"/;
        $answer //= $now if $answered =~ m{^HTTP/1.1 201 .*"c-$n"\}$}s;
        die "refused: $answered\n" if $answered =~ m{^HTTP/1.1 [45]};
    }

    return ($event, $answer);
}


sub quantiles {
    my @sorted = sort { $a <=> $b } @_;

    return join ' ', map { sprintf '%6.2f', $_ }
           @sorted[map { $_ * $#sorted } 0.5, 0.9, 0.99, 1];
}
