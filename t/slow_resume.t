#!/usr/bin/perl

# A client that does not read, and whose connection nginx therefore closes,
# resumes without a hole.  When nginx does that is in slow.t.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new(
    directives => { leaseloft_slow_timeout => '1s',
                    leaseloft_slow_size => '64k' },
    listen => 'sndbuf=16k', server => 'send_timeout 1s;');
$ll->lease('P', tenants => ['u-tom']);

# how many streams nginx has open; a connection of HTTP/2 may stay, where it was
# the stream's window that was full
sub streams { return $ll->metric('streams') // -1 }

for my $how (['HTTP/1.1'], ['HTTP/2', http => 2], ['TLS', tls => 1],
             ['TLS and HTTP/2', tls => 1, http => 2])
{
    my ($name, @how) = @$how;

    my $slow = $ll->events('P', 'u-tom', @how);
    $slow->wait_event('hello');

    # stop reading; where a curl reads for us, stop the curl
    kill 'STOP', $slow->{pid} if $slow->{pid};

    my $last;
    for my $i (1 .. 400) {
        my $r = $ll->say('P', 'u-lena', 'x' x 4000);
        $last = $r->json()->{seq} if $r->status() == 201;
        last if $i % 20 == 0 && streams() == 0;
    }

    ok(wait_for(sub { streams() == 0 }, 8),
       "$name: nginx ends the stream of a client that does not read");

    kill 'CONT', $slow->{pid} if $slow->{pid};
    $slow->wait_closed(5);
    my @got = map { $_->{seq} } $slow->entries();
    my $resumed = $ll->events('P', 'u-tom', last_id => $slow->last_id() // '1',
                              @how);
    $resumed->wait_entry($last, 10);
    push @got, map { $_->{seq} } $resumed->entries();
    my @want = $got[0] .. $last;
    is("@got", "@want",
       "$name: the client resumes without a hole or a repetition");
    $_->close() for $slow, $resumed;
}

$ll->finish();
