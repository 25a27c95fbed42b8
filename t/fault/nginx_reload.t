#!/usr/bin/perl

# Ten reloads in a minute, with many streams open that are opened again with
# Last-Event-ID as they close; then a new binary.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib', 't/fault/lib';
use Fault;
use Fault::Crowd;
use LeaseLoft;

my $many = $ENV{LEASELOFT_STREAMS} // ($Fault::long ? 5000 : 500);
my $reloads = $Fault::long ? 10 : 4;
my $drain = $Fault::long ? 10 : 4;

# a binary is replaced by the path that the old one was started with
chomp($ENV{NGINX_BIN} = `PATH=\$PATH:/usr/sbin command -v nginx`)
    if ($ENV{NGINX_BIN} // 'nginx') eq 'nginx';

my $f = Fault->new(rate => 4, daemon => 1, recover => 20,
    directives => { leaseloft_drain => "${drain}s",
                    leaseloft_max_streams => 100000, leaseloft_zone => '4m' },
    stack => { main => 'worker_processes 2;', http => <<'END' });
log_format ends '$pid $msec $request_completion $uri';
access_log ends.log ends;
END
my $ll = $f->ll();

my $master = $ll->pid('nginx');
END { local $?; kill 'KILL', $master if $master }

my $crowd = Fault::Crowd->start($ll, $f->names(), $many);
ok($crowd->wait_open($many, 60), "$many streams are open");

# old processes, each with when it was told to go, those that stayed longer than
# they may, and those that were told together
my (%told, %late, @rounds);

sub goes {
    my (@pids) = @_;

    @told{@pids} = (time()) x @pids;
    push @rounds, { time => time(), pids => { map { $_ => 1 } @pids } };
}

sub watch {
    for my $pid (keys %told) {
        if (!-d "/proc/$pid") {
            delete $told{$pid};
        } elsif (time() > $told{$pid} + $drain + 1.5) {
            $late{$pid} = 1;
        }
    }
}

for my $round (1 .. $reloads) {
    goes(grep { !$told{$_} } $ll->nginx_children());
    $ll->signal('nginx', 'HUP');

    # in the long run some processes still drain when the next are told to
    my $next = time() + ($Fault::long ? 6 : $drain + 2);

    $f->fault('a reload', sub { });
    wait_for(sub { watch(); time() > $next }, $drain + 60);
    is(join(' ', keys %late), '', 'old processes are gone in time');
}

ok(wait_for(sub { watch(); !%told }, $drain + 10), 'all old ones are gone');
is(join(' ', keys %late), '', 'in time');
is(scalar(() = $ll->nginx_children()), 2, 'two processes are left')
    or diag(join ' ', $ll->nginx_children());
ok($crowd->wait_open($many, 60), 'all streams are open again');

# a new binary: the old one is told to go once the new one serves

my $old = $ll->pid('nginx');
my $pid_file = $ll->dir() . '/nginx.pid';
my @old = $ll->nginx_children();

$ll->signal('nginx', 'USR2');
ok(wait_for(sub { -e "$pid_file.oldbin" && -s $pid_file
                  && $ll->slurp('nginx.pid') != $old }, 5), 'USR2');
chomp(my $new = $ll->slurp('nginx.pid'));
sleep 0.5;
goes(@old);
kill 'WINCH', $old;
ok(wait_for(sub { !grep { -d "/proc/$_" } @old }, $drain + 5),
   'WINCH: the old processes are gone');
kill 'QUIT', $old;
$ll->{pids}{nginx} = $master = $new;
ok(wait_for(sub { !kill 0, $old }, 5), 'QUIT: the old master too');
ok($crowd->wait_open($many, 60), 'all streams are open again');
$f->fault('a new binary', sub { });

$f->end(keep => 1);

my $report = $crowd->finish($f->{heads});
diag(sprintf '%d streams saw %d entries, opened %d times; byes: %s',
     $many, $report->{entries}, $report->{opened},
     join ', ', map { "$report->{byes}{$_} $_" } keys %{ $report->{byes} });
is(join("\n", @{ $report->{problems} }), '', 'no stream missed anything');

is(scalar @rounds, $reloads + 1, 'as many reloads, and a new binary');

# Evenly, each time: nginx draws when to close each stream, from all of the
# drain time alike.  Of N streams a fifth of that has N / 5, give or take the
# square root of 0.16 N: 100 and 9 for 500.  Six times that away is less than
# once in a million runs; half its share is allowed as well, as with thousands
# of streams chance is less than what a busy process is late.  The time begins
# with the first one to be closed, as the processes are told a moment after the
# signal.
for my $round (@rounds) {
    my @ends = sort { $a <=> $b } map { $_->[1] }
        grep { $round->{pids}{ $_->[0] } && $_->[1] > $round->{time} }
        map { m{^(\d+) ([\d.]+) OK .*/events$} ? [ $1, $2 ] : () }
        split /\n/, $ll->slurp('ends.log');
    my @fifths = (0) x 5;

    for my $time (@ends) {
        my $n = int(($time - $ends[0]) / $drain * 5);
        $fifths[$n > 4 ? 4 : $n]++;
    }

    my $share = @ends / 5;
    my ($most) = sort { $b <=> $a } 6 * sqrt(0.16 * @ends), $share / 2;

    diag("closings by fifths of the drain time: @fifths");
    is(scalar(grep { abs($_ - $share) > $most } @fifths), 0, 'spread evenly');

    # in the long run not all are back when the next processes are told
    cmp_ok(scalar @ends, '>=', $many, 'all streams')
        if !$Fault::long || $round == $rounds[0];
}

# the new master is not a child of this process
delete $ll->{pids}{nginx};
kill 'QUIT', $master;
ok(wait_for(sub { !kill 0, $master }, $drain + 5), 'QUIT: all is over');
$master = 0;

unlike($ll->slurp('error.log'), qr/open socket/, 'no open socket left');
$ll->finish();
