package Bench::Capacity;

# What a Redis of many messages needs: memory and files for each message, the
# time to load them, and what a rewrite of the append-only file copies while
# messages are sent.

use strict;
use warnings;

use Time::HiRes qw(sleep time);

use Bench::Servers;
use Bench::Storage;
use LeaseLoft;
use LeaseLoft::Redis;


sub contenders {
    return (['450 messages a property', 450, 300_000],
            ['50 messages a property', 50, 200_000]);
}


sub capacity {
    my ($messages, $all) = @_;

    my $properties = int($all / $messages * $Bench::Measure::scale) || 1;
    my $count = $properties * $messages;
    my $server = Bench::Servers->start('backend', properties => $properties);
    my %figures;

    unattended($server);

    Bench::Storage::fill($server, $properties, $messages);
    $figures{value} = Bench::Storage::settled($server) / $count;
    $figures{written} = info($server, 'aof_current_size') / $count;
    $figures{load_written} = load($server) / $count * 1e6;

    rewrite($server);
    $figures{rewritten} = info($server, 'aof_current_size') / $count;
    $figures{load} = load($server) / $count * 1e6;

    my $ll = $server->{ll};
    my $gigabytes = info($server, 'used_memory') / 2**30;

    $ll->start('worker1');
    ($figures{sent}, my $seconds) = busy_rewrite($server, $properties);
    $figures{fork} = info($server, 'latest_fork_usec') / 1000 / $gigabytes;
    $figures{copied} = info($server, 'aof_last_cow_size') / 2**30 / $gigabytes
                       * 100;
    $figures{rewrite} = $seconds / $count * 1e6;

    $server->stop();

    return \%figures;
}


# no rewrite begins by itself, also after Redis is started again
sub unattended {
    my ($server) = @_;

    my $path = $server->{ll}->dir() . '/redis.conf';

    open my $f, '>>', $path or die "$path: $!\n";
    print $f "auto-aof-rewrite-percentage 0\n";
    close $f or die "$path: $!\n";

    $server->redis('CONFIG', 'SET', 'auto-aof-rewrite-percentage', 0);
}


# a number of Redis's INFO
sub info {
    my ($server, $name) = @_;

    my ($value) = $server->redis('INFO', 'everything') =~ /^\Q$name\E:(\d+)/m
        or die "Redis has no $name\n";

    return $value;
}


# starts Redis again, without a worker: the seconds that it loaded by its own log
sub load {
    my ($server) = @_;

    my $ll = $server->{ll};

    $ll->stop('worker1') if $ll->pid('worker1');
    $ll->stop('redis', 'TERM', 60);

    $ll->spawn_redis('redis', 'redis.conf');
    LeaseLoft::wait_for(sub {
        my $redis = LeaseLoft::Redis->new($server->socket());
        return $redis && eval { $redis->command('PING') eq 'PONG' };
    }, 300) or die "Redis does not load\n";

    my @seconds = $ll->slurp('redis.log')
                  =~ /DB loaded from append only file: ([\d.]+) seconds/g;

    return $seconds[-1] // die "Redis does not say how long it loaded\n";
}


# rewrites the append-only file: the seconds that it takes
sub rewrite {
    my ($server, $meanwhile) = @_;

    my $start = time();

    $server->redis('BGREWRITEAOF');

    do {
        $meanwhile ? $meanwhile->() : sleep 0.02;
    } while info($server, 'aof_rewrite_in_progress')
            || info($server, 'aof_rewrite_scheduled');

    return time() - $start;
}


# the same while messages are sent to all properties, as fast as workers are:
# how many a second, and the seconds
sub busy_rewrite {
    my ($server, $properties) = @_;

    my ($sent, $start) = (0, time());

    my $seconds = rewrite($server, sub {
        Bench::Storage::fill($server, $properties, 1);
        $sent += $properties;
    });

    return ($sent / (time() - $start), $seconds);
}


1;
