package Bench::Storage;

# Bytes of Redis (used_memory): of a property in which nobody has written, and
# of a message, before and after it is sealed.  Messages are added to the queue
# as nginx adds them.

use strict;
use warnings;

use List::Util qw(sum);
use Time::HiRes qw(sleep);

use Bench::Servers;
use LeaseLoft::Redis;

# texts that are as repetitive as such messages are
my @words = qw(the heating is out again in our kitchen could you please send
    somebody to look at it tomorrow morning rent for November was paid water
    pipe leaking under sink of bathroom thanks will be there between nine and
    noon landlord key neighbour window does not close door lock broken plumber
    electrician Saturday afternoon we are away until Monday photo of damage
    insurance asks invoice deposit contract renewal notice quiet hours garbage
    bins parking space number seven smoke detector battery needs replacing
    washing machine makes noise called company they said okay best regards);

my $length = 120;


sub contenders {
    return (['property, two users, no message', 'silent'],
            ['message of 120 bytes, not sealed', 'sent', messages => 100,
             seal => 0],
            ['message of 120 bytes, sealed', 'sealed', messages => 450],
            ['message of 120 bytes, in a thread of 450', 'sent',
             messages => 450]);
}


sub storage {
    my ($kind, %o) = @_;

    my $properties = int((100_000 / ($o{messages} // 50))
                         * $Bench::Measure::scale);
    my $server = Bench::Servers->start('backend', seal => $o{seal},
                                       properties => 1);

    sleep 2;    # the first property needs more

    my $before = used($server);

    $server->leases(1, $properties);
    sleep 2;

    my $silent = used($server);

    return done($server, ($silent - $before) / $properties)
        if $kind eq 'silent';

    fill($server, $properties, $o{messages});

    my $after = settled($server);

    return done($server, $kind eq 'sealed'
                         ? sealed($server, $properties)
                         : ($after - $silent) / $properties / $o{messages});
}


sub done {
    my ($server, $bytes) = @_;

    $server->stop();

    return { value => $bytes };
}


sub used {
    my ($server) = @_;

    my ($used) = $server->redis('INFO', 'memory') =~ /^used_memory:(\d+)/m;

    return $used;
}


# used_memory, once the workers have nothing left to seal
sub settled {
    my ($server) = @_;

    my ($last, $now) = (0, used($server));

    while (abs($now - $last) > 20_000) {
        sleep 5;
        ($last, $now) = ($now, used($server));
    }

    return $now;
}


# a text of that length
sub text {
    return substr join(' ', map { $words[rand @words] } 1 .. 40), 0, $length;
}


sub fill {
    my ($server, $properties, $messages) = @_;

    my $redis = LeaseLoft::Redis->new($server->socket());
    my $queue = 'll:{q:0}:requests';

    for my $n (1 .. $messages) {
        my $letter = $n % 2 ? 't' : 'l';

        for my $property (1 .. $properties) {
            my $text = text();
            $redis->send_command('XADD', $queue, '*', 'op', 'send', 'p',
                "b$property", 'u', "$letter$property", 'b',
                sprintf('{"client_id":"%08x-%04x-%04x","text":"%s"}', $n,
                        rand 65536, rand 65536, $text), 'r', 'none.1');
        }

        $redis->reply() for 1 .. $properties;
        sleep 0.01 while $redis->command('XLEN', $queue) > 2000;
    }

    sleep 0.1 while $redis->command('XLEN', $queue) > 0;
}


# the segments of 20 properties, for each entry in them
sub sealed {
    my ($server, $properties) = @_;

    my ($bytes, $entries) = (0, 0);

    for my $property (map { "b$_" } 1 .. 20) {
        $bytes += $server->redis('MEMORY', 'USAGE', "ll:{p:$property}:segments",
                                 'SAMPLES', 0);
        my ($sealed) = split / /, $server->redis('HGET',
                                      "ll:{p:$property}:meta", 'sealed');
        $entries += $sealed;
    }

    return $bytes / $entries;
}


1;
