package Bench;

# What each measurement needs: the load generator as a process, processor time
# and memory of processes, and statistics of several runs.
#
#     my $load = Bench->load($server, streams => 100, properties => 50);
#     $load->phase('open');
#     my $report = $load->report();

use strict;
use warnings;

use Exporter qw(import);
use IPC::Open2;
use JSON::PP;
use List::Util qw(sum min max);
use POSIX qw(setsid sysconf _SC_CLK_TCK);

use LeaseLoft;

our @EXPORT_OK = qw(cpu pss spread number ratio note used spent stolen
                    realtime realtime_low yield);

my $ticks = sysconf(_SC_CLK_TCK);


# load($server, %options): starts the generator against a server (an object of
# Bench::Servers); the options are those of the program
sub load {
    my ($class, $server, %o) = @_;

    $o{'event-id'} = 'yes' if $server->{kind} eq 'push';

    my @command = ("$LeaseLoft::build/bench/load", '--port', $server->port(),
                   '--key', $server->key());

    for my $name (sort keys %o) {
        next unless defined $o{$name};
        push @command, "--$name", $o{$name} eq 'yes' ? () : $o{$name};
    }

    my $pid = open2(my $out, my $in, @command);

    return bless { pid => $pid, out => $out, in => $in }, $class;
}


# phase($name): waits until the generator has reached this phase
sub phase {
    my ($self, $name) = @_;

    while (defined(my $line = readline $self->{out})) {
        my $said = decode_json($line);
        return $said if $said->{phase} eq $name;
    }

    die "the load generator ended before \"$name\"\n";
}


# lets a waiting generator continue
sub go {
    my ($self) = @_;

    syswrite $self->{in}, "\n";
}


# report(): the report of the last phase, after which the generator has exited
sub report {
    my ($self) = @_;

    my $report = $self->phase('report');
    $self->end();

    return $report;
}


sub end {
    my ($self) = @_;

    close $self->{in};
    close $self->{out};
    kill 'TERM', $self->{pid};
    waitpid $self->{pid}, 0;
}


# note($format, ...): prints the progress
sub note {
    my ($format, @values) = @_;

    printf STDERR "# $format\n", @values;
}


# cpu(@pids): seconds of processor time that these processes have used so far,
# in all threads that still run
sub cpu {
    my (@pids) = @_;

    my $sum = 0;

    for my $pid (@pids) {
        my $ns = 0;

        for my $file (glob "/proc/$pid/task/*/schedstat") {
            open my $f, '<', $file or next;
            $ns += (readline($f) // 0) =~ /^(\d+)/ ? $1 : 0;
        }

        $sum += $ns ? $ns / 1e9 : ticks($pid);
    }

    return $sum;
}


# in hundredths of a second, for kernels without a finer count
sub ticks {
    my ($pid) = @_;

    open my $f, '<', "/proc/$pid/stat" or return 0;
    my @field = split / /, (readline($f) =~ s/^.*\) //r);

    return ($field[11] + $field[12]) / $ticks;
}


# used(@pids): what each process has used; spent($used, @pids): the sum since
# then. Redis has a child while it rewrites its append-only file: a child that
# started since then counts, one that has exited subtracts nothing.
sub used {
    my (@pids) = @_;

    return { map { $_ => cpu($_) } @pids };
}


sub spent {
    my ($used, @pids) = @_;

    return sum(0, map { -e "/proc/$_" ? cpu($_) - ($used->{$_} // 0) : 0 }
                      @pids);
}


# stolen(): ticks of all processors that the host of a virtual machine has given
# to others so far, and all ticks. The host takes them in pieces of up to 20 ms,
# which are no fault of the server; stolen(@before): per cent since then.
sub stolen {
    my (@before) = @_;

    open my $f, '<', '/proc/stat' or return (0, 0);
    my @field = split ' ', readline $f;
    my @now = ($field[8], sum(@field[1 .. 8]));

    return @now unless @before;
    return 100 * ($now[0] - $before[0]) / ($now[1] - $before[1] || 1);
}


# realtime(@pids): if REALTIME is set, runs these processes before all others,
# so that the time they take is their own; realtime_low() those that yield to
# them
sub realtime { return _realtime(10, @_) }
sub realtime_low { return _realtime(5, @_) }


sub _realtime {
    my ($priority, @pids) = @_;

    return unless $ENV{REALTIME};

    for my $pid (@pids) {
        system('chrt', '--all-tasks', '--fifo', '--pid', $priority, $pid) == 0
            or die "no real time: chrt needs root\n";
    }
}


# yield(): lowers the priority of this process as searchers do, and by the same
# means (worker/base/priority.c), for what stands for other machines
sub yield {
    require 'syscall.ph';

    my $attributes = pack 'LLQlLQQQ', 48, 3, 0, 10, 0, 100_000_000, 0, 0;

    syscall(SYS_sched_setattr(), $$, $attributes, 0) == 0
        or die "sched_setattr: $!\n";

    setsid();
    open my $f, '>', '/proc/self/autogroup' or return;
    syswrite $f, '10';
}


# pss(@pids): bytes; each shared page is divided by the number of its users
sub pss {
    my (@pids) = @_;

    my $sum = 0;

    for my $pid (@pids) {
        open my $f, '<', "/proc/$pid/smaps_rollup" or next;
        /^Pss:\s+(\d+)/ and $sum += 1024 * $1 while <$f>;
    }

    return $sum;
}


# spread(@figures): [minimum, median, maximum]
sub spread {
    my @sorted = sort { $a <=> $b } grep { defined } @_;

    return [ 0, 0, 0 ] unless @sorted;
    return [ $sorted[0], $sorted[$#sorted / 2], $sorted[-1] ];
}


# number($x): with three significant digits
sub number {
    my ($x) = @_;

    return '-' unless defined $x;
    return sprintf '%.0f', $x if abs $x >= 100;
    return sprintf '%.1f', $x if abs $x >= 10;
    return sprintf '%.2f', $x;
}


# ratio($a, $b): of the medians of two spreads
sub ratio {
    my ($x, $y) = @_;

    return undef unless $x && $y && $y->[1];
    return $x->[1] / $y->[1];
}


1;
