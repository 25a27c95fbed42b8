#!/usr/bin/perl

# A replica is promoted that lacks the last entries: what Sentinel does when
# the primary dies before it could replicate.  Seqs are issued again; the tags
# of cursors tell, readers get "reset", fetch again and hold the new thread:
# nothing twice, nothing of the old one left.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib', 't/fault/lib';
use Fault;
use LeaseLoft;

my $f = Fault->new(lossy => 1, recover => 15);
my $ll = $f->ll();
my $dir = $ll->dir();

sub on {
    my ($path, @command) = @_;
    return LeaseLoft::Redis->new($path)->command(@command);
}

for my $round (1 .. ($Fault::long ? 6 : 2)) {
    my $replica = "$dir/replica$round.sock";

    mkdir "$dir/redis$round";
    $ll->write("replica$round.conf", <<"END");
include $LeaseLoft::root/conf/redis.conf
daemonize no
dir $dir/redis$round
unixsocket $replica
enable-debug-command local
END

    # the primary needs a port to be replicated from
    my $port = LeaseLoft::free_port();
    on("$dir/redis.sock", 'CONFIG', 'SET', 'port', $port);
    $ll->spawn("replica$round", "redis-server $dir/replica$round.conf");
    wait_for(sub { -S $replica }, 5) or die 'no replica';
    on($replica, 'REPLICAOF', '127.0.0.1', $port);
    ok(wait_for(sub { on($replica, 'INFO', 'replication')
                          =~ /master_link_status:up/ }, 10), 'replicates');
    sleep 0.5;

    my ($before, $after);

    $f->fault("a replica that lacks the last second", sub {
        on($replica, 'REPLICAOF', 'NO', 'ONE');
        $before = on($replica, 'HGET', 'll:{p:P1}:meta', 'seq');
        sleep 0.3 + rand;
        $after = on("$dir/redis.sock", 'HGET', 'll:{p:P1}:meta', 'seq');

        $ll->stop('redis', 'KILL');
        rename $replica, "$dir/redis.sock";
        $ll->{pids}{redis} = delete $ll->{pids}{"replica$round"};
    });

    cmp_ok($after, '>', $before, 'entries were lost: ' . ($after - $before));
}

$f->end(more => 1);

my @readers = grep { $_->{property} } @{ $f->{model}{readers} };
cmp_ok(scalar(grep { $_->{resets} } @readers), '>', @readers / 2,
       'readers were told to reset');
done_testing();
