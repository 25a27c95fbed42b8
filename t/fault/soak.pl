#!/usr/bin/perl

# Churn for LEASELOFT_SOAK seconds: clients connect, send, read, misbehave and
# leave.  Once it is quiet again, memory and descriptors of each process are
# where they were after a first, shorter part.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib', 't/fault/lib';
use Fault;
use Fault::Crowd;
use LeaseLoft;

my $seconds = $ENV{LEASELOFT_SOAK} // 600;

# how long it takes until what nginx keeps for later is given up
my $quiet = 5;

my $f = Fault->new(rate => 5, directives => {
    leaseloft_linger => '2s', leaseloft_max_streams => 1000,
    leaseloft_zone => '2m' }, stack => { http => 'keepalive_timeout 2s;' });
my $ll = $f->ll();


# what each process has: name => [ KiB resident, descriptors ]
sub taken {
    my %pids = (redis => $ll->pid('redis'), master => $ll->pid('nginx'),
                map { ("worker$_" => $ll->pid("worker$_")) } 1, 2);
    my $n = 0;
    $pids{ 'nginx' . ++$n } = $_ for sort { $a <=> $b } $ll->nginx_children();

    my %taken;

    for my $name (keys %pids) {
        open my $status, '<', "/proc/$pids{$name}/status" or next;
        my ($rss) = map { /^VmRSS:\s+(\d+)/ } <$status>;
        opendir my $fds, "/proc/$pids{$name}/fd" or next;
        $taken{$name} = [ $rss, scalar grep { /^\d/ } readdir $fds ];
    }

    return \%taken;
}


# what a client may do wrong, or in another way than the load does
sub once {
    my ($i) = @_;

    my $property = 'P' . (1 + int rand 4);
    my $dice = int rand 9;

    if ($dice == 0) {
        my $s = $ll->events($property, 'u-omar', tls => 1, http => 2);
        $s->wait_event('hello');

    } elsif ($dice == 1) {
        # a body that never comes
        my $socket = LeaseLoft::connect_to($ll->{ports}{http}) or return;
        print $socket "POST /api/properties/$property/messages HTTP/1.1\r\n"
            . "Host: x\r\nAuthorization: Bearer " . $ll->token('u-omar')
            . "\r\nContent-Type: application/json\r\n"
            . "Content-Length: 1000\r\n\r\n{\"client_id\"";
        $socket->flush();

    } elsif ($dice == 2) {
        $ll->get("/api/properties/$property/messages", user => "u-nobody$i");

    } elsif ($dice == 3) {
        $ll->get('/api/inbox', token => "x$i");

    } elsif ($dice == 4) {
        # the same parties under another label: all streams are told
        my ($n) = $property =~ /(\d)/;
        $ll->lease($property, landlords => [qw(u-lena u-omar)],
                   tenants => [ map { "u-$_$n" } qw(tom ana mia) ],
                   label => "label $i");

    } elsif ($dice == 5) {
        $ll->post("/api/properties/$property/messages", '{"text":1}',
                  user => 'u-omar');

    } elsif ($dice == 6) {
        $ll->get('/internal/metrics');

    } elsif ($dice == 7) {
        my $s = $ll->stream('/api/inbox/events', user => "u-x$i");
        $s->next_event(1);

    } else {
        # a watcher who reads nothing and goes
        my $s = $ll->events($property, 'u-omar', query => 'after=0');
        sleep 0.05;
    }
}


my ($entries, $opened, $odd) = (0, 0, 0);

sub part {
    my ($time) = @_;

    my $crowd = Fault::Crowd->start($ll, $f->names(), 100, churn => 2);
    my $end = time() + $time;

    while (time() < $end) {
        once(++$odd);
        sleep 0.05;
    }

    $f->end(keep => 1);
    my $report = $crowd->finish($f->{heads});
    is(join("\n", @{ $report->{problems} }), '', 'no stream missed anything');
    $entries += $report->{entries};
    $opened += $report->{opened};

    sleep $quiet;
}


part($seconds * 0.3);
my $before = taken();

$f->again();
part($seconds * 0.7);
my $after = taken();

diag("$opened streams were opened and saw $entries entries, $odd odd requests");

for my $name (sort keys %$before) {
    my ($rss, $fds) = @{ $before->{$name} };
    my ($rss2, $fds2) = @{ $after->{$name} // [ 0, -1 ] };

    diag("$name: $rss KiB, then $rss2; $fds descriptors, then $fds2");
    cmp_ok($fds2, '<=', $fds, "$name: descriptors");

    # Redis keeps the threads
    cmp_ok($rss2, '<=', $rss * 1.1 + 512, "$name: memory")
        if $name ne 'redis';
}

my ($streams) = $ll->get('/internal/metrics')->body()
                    =~ /^leaseloft_streams (\d+)/m;
is($streams, 0, 'no stream is counted any more');

$ll->finish();
