package LeaseLoft::Backup;

# What the tests of "leaseloft backup" share: a directory for backups, and
# programs that run in place of redis-server.

use strict;
use warnings;

use Exporter qw(import);
use File::Temp qw(tempdir);
use Test::More;

use LeaseLoft;

our @EXPORT = qw(backups begin_backup in_redis_server percentage redis_on);


# the names of the backups in a directory, and of all else that is in it
sub backups {
    my ($dir) = @_;

    opendir my $d, $dir or die "$dir: $!";
    my @names = sort grep { !/^\.\.?$/ } readdir $d;

    my @backups = grep { /^\d{8}T\d{6}\.\d{3}Z$/ } @names;
    my @others = grep { !/^\d{8}T\d{6}\.\d{3}Z$/ } @names;

    return (\@backups, "@others");
}


# starts a backup in the background; its output is in BACKUP.log of $ll
sub begin_backup {
    my ($ll, $part, @arguments) = @_;

    return $ll->spawn($part, "$LeaseLoft::cli backup --redis $ll->{url} "
                             . "@arguments");
}


# a program that runs shell commands in the append-only directory of the copy,
# then redis-server, with more arguments
sub in_redis_server {
    my ($ll, $commands, $arguments) = @_;

    my $name = 'redis-server-' . ++$ll->{programs};
    $arguments //= '';

    $ll->write($name, <<"END");
#!/bin/sh
[ "\$1" = --version ] && exec $LeaseLoft::redis_server --version
for word; do
    [ "\$option" = --dir ] && dir=\$word
    option=\$word
done
cd "\$dir/appendonlydir" || exit 1
$commands
exec $LeaseLoft::redis_server "\$@" $arguments
END

    chmod 0755, $ll->dir() . "/$name";
    return ('--redis-server', $ll->dir() . "/$name");
}


# auto-aof-rewrite-percentage
sub percentage {
    my ($ll) = @_;

    return $ll->redis('CONFIG', 'GET', 'auto-aof-rewrite-percentage')->[1];
}


# redis_on($dir, @options): copies a backup, runs a redis-server on the copy, and
# calls it with a command, and kills it; undef if it does not start
sub redis_on {
    my ($from, $command, @options) = @_;

    my $dir = tempdir('restored-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    system('cp', '-a', "$from/appendonlydir", $dir) == 0 or die 'cp';

    my $pid = fork() // die "fork: $!";
    if ($pid == 0) {
        open STDOUT, '>', '/dev/null';
        exec $LeaseLoft::redis_server, '--port', 0, '--unixsocket', "$dir/s",
             '--dir', $dir, '--appendonly', 'yes', '--save', '', @options
            or POSIX::_exit(127);
    }

    my ($reply, $ended);
    wait_for(sub {
        return $ended = 1 if waitpid($pid, POSIX::WNOHANG()) == $pid;
        my $redis = LeaseLoft::Redis->new("$dir/s") or return 0;
        return eval { $reply = $redis->command(@$command); 1 };
    }, 10);

    if (!$ended) {
        kill 'KILL', $pid;
        waitpid $pid, 0;
    }

    return $reply;
}


1;
