package Fault::Failover;

# Promotes a replica that lacks the last entries, as Sentinel does if the
# primary dies before it could replicate. Seqs are then issued again; by the
# tags of cursors readers get "reset", fetch again and have the new thread: no
# entry twice, none of the old ones, and all that the replica had.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep);

use Fault;
use LeaseLoft;


sub on {
    my ($path, @command) = @_;
    return LeaseLoft::Redis->new($path)->command(@command);
}


# an up-to-date replica of the Redis in use: the path of its socket
sub replica {
    my ($ll, $round) = @_;

    my $dir = $ll->dir();
    my $path = "$dir/replica$round.sock";

    mkdir "$dir/redis$round";
    $ll->write("replica$round.conf", <<"END");
include $LeaseLoft::root/conf/redis.conf
daemonize no
dir $dir/redis$round
unixsocket $path
enable-debug-command local
END

    # replication needs a port of the primary
    my $port = LeaseLoft::free_port();
    on("$dir/redis.sock", 'CONFIG', 'SET', 'port', $port);
    $ll->spawn_redis("replica$round", "replica$round.conf");
    wait_for(sub { eval { on($path, 'PING') } }, 5) or die 'no replica';
    on($path, 'REPLICAOF', '127.0.0.1', $port);
    ok(wait_for(sub { on($path, 'INFO', 'replication')
                          =~ /master_link_status:up/ }, 10),
       'the replica is connected to its primary');

    return $path;
}


# test($rounds, %options of Fault->new)
sub test {
    my ($rounds, %o) = @_;

    my $f = Fault->new(lossy => 1, recover => 20, %o);
    my $ll = $f->ll();
    my $redis = $ll->dir() . '/redis.sock';

    for my $round (1 .. $rounds) {
        my $path = replica($ll, $round);
        my ($lacking, $resets) = ($f->lacking(), $f->resets());

        $f->fault('a replica that lacks the last second', sub {
            my $loss = $f->cut_off(LeaseLoft::Redis->new($redis),
                LeaseLoft::Redis->new($path),
                sub { on($path, 'REPLICAOF', 'NO', 'ONE') });

            sleep 0.3 + rand;
            $ll->stop('redis', 'KILL');
            $f->lost($loss);
            rename $path, $redis;
            $ll->{pids}{redis} = delete $ll->{pids}{"replica$round"};
        });

        $lacking = $f->lacking() - $lacking;
        cmp_ok($lacking, '>', 0,
               "$lacking acknowledged messages are lost with the primary");

        # of 12 readers
        $resets = $f->resets() - $resets;
        cmp_ok($resets, '>=', 6, "readers get reset, $resets times");
    }

    $f->end();
}


1;
