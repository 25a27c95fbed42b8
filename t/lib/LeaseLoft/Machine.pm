package LeaseLoft::Machine;

# A machine with systemd for one test: namespaces of its own, and a copy of a
# root directory in which everything may be changed (an overlay in memory).
#
#     my $machine = LeaseLoft::Machine->new(root => '/', add => $installed);
#
#     is($machine->run('systemctl start leaseloft-redis'), '', 'it starts');
#     is($machine->status(), 0, 'systemctl succeeds');
#     $machine->stop();
#
# It has a network of its own, with loopback only.  Services of the root
# directory that are enabled are not started: it boots to basic.target.

use strict;
use warnings;

use File::Temp qw(tempdir);
use POSIX ();
use Time::HiRes qw(time sleep);

my $owner = $$;

# runs in the new namespaces: an empty directory, the root, what is copied to it
my $boot = <<'END';
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" \
    overlay "$1/root"
[ -z "$3" ] || cp -a "$3"/* "$1/root"
cd "$1/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm
for node in null zero full random urandom tty; do
    touch dev/$node
    mount --bind /dev/$node dev/$node
done
mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ip link set lo up
mkdir -p run/old run/systemd/system
for unit in systemd-udevd.service systemd-udev-trigger.service \
    systemd-timesyncd.service systemd-pstore.service dev-hugepages.mount \
    dev-mqueue.mount keyboard-setup.service console-setup.service \
    systemd-modules-load.service
do
    ln -s /dev/null run/systemd/system/$unit
done
pivot_root . run/old
umount -l /run/old
mount --make-rshared /
exec env -i container=leaseloft PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --system --unit=basic.target --show-status=false \
    --log-target=journal </dev/null
END


# why there can be no machine here, or undef
sub missing {
    return 'not root' if $> != 0;
    return 'no systemd' if !-x '/lib/systemd/systemd';
    return 'no cgroups of version 2' if !defined cgroups();
    return undef;
}


# where the kernel's cgroups of version 2 are
sub cgroups {
    open my $mounts, '<', '/proc/mounts' or return undef;

    for (<$mounts>) {
        return $1 if m{^\S+ (/\S+) cgroup2 rw};
    }

    return undef;
}


sub new {
    my ($class, %options) = @_;

    my $top = tempdir('leaseloft-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    my $self = bless { top => $top, cgroup => cgroups() . "/leaseloft-$$-"
                                              . int rand 1e9 }, $class;

    mkdir $self->{cgroup} or die "$self->{cgroup}: $!\n";

    $self->{pid} = fork() // die "fork: $!\n";

    if ($self->{pid} == 0) {
        open my $procs, '>', "$self->{cgroup}/cgroup.procs" or die $!;
        print $procs $$;
        close $procs;

        open STDOUT, '>', "$top.log";
        open STDERR, '>&', \*STDOUT;
        exec qw(unshare --fork --pid --mount --uts --ipc --net --cgroup
                --kill-child sh -c), $boot, 'boot', $top,
             $options{root} // '/', $options{add} // ''
            or POSIX::_exit(127);
    }

    my $end = time() + 60;

    until (`cat /proc/$self->{pid}/task/$self->{pid}/children` =~ /(\d+)/
           && ($self->{init} = $1)
           && $self->run('systemctl is-system-running') =~ /running|degraded/)
    {
        die "no machine: " . `cat $top.log` . "\n" if time() > $end;
        sleep 0.1;
    }

    return $self;
}


# the output of a command of a shell in the machine, without the last newline
sub run {
    my ($self, $command) = @_;

    open my $pipe, '-|', 'nsenter', '-t', $self->{init}, '-a', '--', 'env',
        '-i', 'HOME=/root', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
        'SYSTEMD_PAGER=', 'LC_ALL=C.UTF-8', 'DEBIAN_FRONTEND=noninteractive',
        'sh', '-c', "exec 2>&1 </dev/null; $command"
        or die "nsenter: $!\n";
    my $out = do { local $/; <$pipe> } // '';
    close $pipe;
    $self->{status} = $?;
    chomp $out;

    return $out;
}


# of the last command: its exit status
sub status { $_[0]{status} >> 8 }


# waits until a command's output matches; returns the last output
sub wait_for {
    my ($self, $command, $expected, $seconds) = @_;

    my $end = time() + ($seconds // 10);
    my $out;

    while (($out = $self->run($command)) !~ $expected && time() < $end) {
        sleep 0.1;
    }

    return $out;
}


sub stop {
    my ($self) = @_;

    my $pid = delete $self->{pid} or return;

    # the kernel ends all processes of the namespace with the first one
    kill 'KILL', $self->{init} // (), $pid;
    waitpid $pid, 0;
    unlink "$self->{top}.log";

    for (1 .. 50) {
        system("find $self->{cgroup} -depth -type d -exec rmdir {} + 2>/dev/null");
        last if !-e $self->{cgroup};
        sleep 0.1;
    }
}


sub DESTROY {
    my ($self) = @_;
    $self->stop() if $$ == $owner;
}


1;
