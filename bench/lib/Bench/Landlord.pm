package Bench::Landlord;

# A landlord of many properties, each with a message: a page of the inbox, and a
# message to one of the properties.

use strict;
use warnings;

use Time::HiRes qw(sleep time);

use Bench qw(cpu spread);
use Bench::Servers;
use LeaseLoft::Redis;

my $count = 10_000 * $Bench::Measure::scale;
my $pages = 300;
my $messages = 3000;


sub contenders {
    return (['a page of 50 of the inbox', 'page'],
            ['a message to one of them', 'message']);
}


# a server in which Lena is the landlord of all properties
sub start {
    my $server = Bench::Servers->start('ours', properties => 1);
    my $ll = $server->{ll};

    $ll->write('leases', join '', map {
        qq({"property":"own$_","lease_id":"L-1","label":"$_ Elm St",)
        . qq("time_zone":"UTC","landlords":[{"user":"lena","name":"Lena"}],)
        . qq("tenants":[{"user":"tom$_","name":"Tom"}],)
        . qq("starts_at":"2020-01-01T00:00:00Z","ends_at":null}\n) }
        1 .. $count);

    my ($status, $said) = $ll->cli('lease', 'load', $ll->dir() . '/leases');
    die "leases: $said\n" if $status;

    send_to($server, 1 .. $count);

    return $server;
}


# a message to each of these properties, until all are stored
sub send_to {
    my ($server, @numbers) = @_;

    my $redis = LeaseLoft::Redis->new($server->socket());
    my $queue = 'll:{q:0}:requests';
    my $waiting = 0;

    for my $n (@numbers) {
        my $body = sprintf '{"client_id":"%08x%08x","text":"The heating is out '
                           . 'again, could you send somebody to look?"}',
                   rand 2**32, rand 2**32;

        $redis->send_command('XADD', $queue, '*', 'op', 'send', 'p', "own$n",
            'u', "tom$n", 'b', $body, 'r', 'none.1');

        next if ++$waiting < 100;
        $redis->reply() for 1 .. $waiting;
        $waiting = 0;
        sleep 0.01 while $redis->command('XLEN', $queue) > 2000;
    }

    $redis->reply() for 1 .. $waiting;
    sleep 0.01 while $redis->command('XLEN', $queue) > 0;
}


sub landlord {
    my ($kind) = @_;

    my $server = start();
    my @redis = $server->pids('redis');
    my ($times, @ms) = ($kind eq 'page' ? $pages : $messages);

    sleep 1;

    my $before = cpu(@redis);

    if ($kind eq 'page') {
        for (1 .. $times) {
            my $begun = time();
            my $r = $server->{ll}->get('/api/inbox?limit=50', user => 'lena');
            push @ms, 1000 * (time() - $begun);
            die 'inbox: ' . $r->status() . "\n"
                if $r->status() != 200 || @{ $r->json()->{threads} } != 50;
        }
    } else {
        send_to($server, map { 1 + int rand $count } 1 .. $times);
    }

    my $us = 1e6 * (cpu(@redis) - $before) / $times;

    $server->stop();

    return { value => $us, ms => @ms ? spread(@ms)->[1] : undef };
}


1;
