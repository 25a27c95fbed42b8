#!/usr/bin/perl

# Health and sends while a primary of a Redis Cluster is replaced: by a failover
# that was asked for, during which no send is refused, and after it was killed.
# While health is 200, sends are not 503.

use strict;
use warnings;

use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Cluster;

my $ll = LeaseLoft->new(start => 0);
my $cluster = LeaseLoft::Cluster->new($ll, replicas => 1);

$ll->{url} = $cluster->url(3);
$ll->nginx_conf();
$ll->start($_) for qw(worker1 nginx);
$ll->started();

my @properties = map { "P$_" } 0 .. 5;
is($ll->lease($_)->status(), 200, "a lease of $_ is declared")
    for @properties;

# A sender asks for health, then sends to each property, and so on until a file
# is there: a line for each send.
sub sender {
    my ($n) = @_;

    my $pid = open(my $pipe, '-|') // die "fork: $!";
    return $pipe if $pid;

    my ($sent, $lines) = (0, '');

    until (-e $ll->dir() . '/enough') {
        my $healthy = $ll->get('/internal/health')->status() == 200;

        for my $property (@properties) {
            my $id = "c-$$-" . ++$sent;
            my $status = $ll->say($property, 'u-tom', $id, client_id => $id)
                            ->status();
            $lines .= ($healthy ? 'healthy' : 'ill') . " $status\n";
            $healthy = 0 if $status == 503;
        }
    }

    syswrite STDOUT, $lines;
    POSIX::_exit(0);
}

# six of them send until a second after $until->(): how often each answer was
# got, and how often in the turn after health was 200
sub watch {
    my ($until) = @_;

    unlink $ll->dir() . '/enough';
    my @senders = map { sender($_) } 1 .. 6;

    ok(wait_for($until, 20), '... a replica takes over');
    sleep 1;
    $ll->write('enough', '');

    my (%all, %promised);

    for my $sender (@senders) {
        while (my $line = <$sender>) {
            my ($health, $status) = split ' ', $line;
            $all{$status}++;
            $promised{$status}++ if $health eq 'healthy';
        }
    }

    return (\%all, \%promised);
}

# a part and its replica change their roles, as before maintenance

for my $round (1 .. 4) {
    my $slot = $cluster->slot('ll:{p:P' . ($round % 2) . '}:meta');
    my $from = $cluster->owner($slot);
    my ($to) = grep { my $role = $cluster->on($_, 'ROLE');
                      $role->[0] eq 'slave'
                      && "127.0.0.1:$role->[2]" eq $cluster->address($from)
                    } $cluster->parts();

    ok($cluster->wait_ready(20), "failover $round: the cluster is complete");

    # Redis gives up a failover that takes more than 5 s
    my $asked = 0;

    my ($all) = watch(sub {
        return 1 if $cluster->owner($slot) eq $to;
        return 0 if time() - $asked < 6;
        $asked = time();
        $cluster->on($to, 'CLUSTER', 'FAILOVER');
        return 0;
    });
    # 200: it was stored, and done again as its verdict was lost
    is(join(' ', grep { !/^20[012]$/ } sort keys %$all), '',
       "failover $round: no send is refused");
}


# a primary is killed: the new one has no replica

sub doctor { return ($ll->cli('doctor'))[1] }

ok($cluster->wait_ready(20), 'the cluster is complete');
my $slot = $cluster->slot('ll:{p:P0}:meta');
my $lost = $cluster->owner($slot);

is(scalar(() = doctor() =~ /^ok +replicas +127\.0\.0\.1:\d+: 1$/mg), 3,
   'doctor knows the replica of each primary');
ok($cluster->redis($lost)->replicated(1), 'its replica has all that it has');
$ll->stop($lost, 'KILL');
ok($ll->wait_healthy(503, 5), 'health is 503 without a primary');

my (undef, $promised) = watch(sub {
    $ll->get('/internal/health')->status() == 200
});
cmp_ok($promised->{201}, '>', 0, 'health is 200 after a replica took over');
is(join(' ', grep { !/^20[012]$/ } sort keys %$promised), '',
   'no send is refused once health is 200');

my $new = $cluster->address($cluster->owner($slot));
like(doctor(), qr/^advice +replicas +\Q$new\E: none is connected/m,
     'doctor advises a replica for the new primary');

$ll->finish();
