package Bench::Record;

# Records the commands sent to a Redis and sends them again, so that the work of
# a worker can be measured without the worker.
#
#     my $record = Bench::Record->new($server);      state, and from here on
#     ... the servers work ...
#     $record->end();
#     $record->restore($other);
#     my $took = $record->replay($other, qr/^FCALL ll1_append /);
#
# The state is restored byte for byte, so each command has the same effect as
# the first time.

use strict;
use warnings;

use Time::HiRes qw(sleep time);

my %escapes = (n => "\n", r => "\r", t => "\t", a => "\a", b => "\b");


# new($server): stores the content of its Redis, and records from now on
sub new {
    my ($class, $server) = @_;

    my $self = bless { file => $server->{ll}->dir() . '/monitor' }, $class;

    $self->{functions} = $server->redis('FUNCTION', 'DUMP');
    $self->_dump($server);
    $self->_listen($server->socket());

    return $self;
}


sub _dump {
    my ($self, $server) = @_;

    my ($cursor, $redis) = (0, LeaseLoft::Redis->new($server->socket()));

    do {
        ($cursor, my $keys) = @{ $redis->command('SCAN', $cursor, 'COUNT',
                                                 1000) };
        for my $key (@$keys) {
            my $dump = $redis->command('DUMP', $key) // next;
            my $ttl = $redis->command('PTTL', $key);

            $self->{keys}{$key} = resp('RESTORE', $key, $ttl > 0 ? $ttl : 0,
                                       $dump);
        }
    } while $cursor ne '0';
}


sub _listen {
    my ($self, $socket) = @_;

    $self->{pid} = fork() // die "fork: $!";

    if ($self->{pid} == 0) {
        open STDOUT, '>', $self->{file};
        exec 'redis-cli', '-s', $socket, 'MONITOR' or POSIX::_exit(127);
    }

    for (1 .. 500) {
        return if -s $self->{file};
        sleep 0.01;
    }

    die "MONITOR says nothing\n";
}


# end(): ends the recording; redis-cli may still have some of it to write
sub end {
    my ($self) = @_;

    for (my $size = -1; $size != -s $self->{file}; sleep 0.3) {
        $size = -s $self->{file};
    }

    kill 'TERM', $self->{pid};
    waitpid $self->{pid}, 0;

    open my $f, '<', $self->{file} or die "$self->{file}: $!";
    $self->{commands} = [];

    while (<$f>) {
        # commands that functions call are not sent by a client
        /^[\d.]+ \[\d+ (?!lua\])[^\]]*\] (".*)$/ or next;

        my @words = map { unescape($_) } $1 =~ /"((?:[^"\\]|\\.)*)"/g;
        push @{ $self->{commands} }, \@words;
    }

    close $f;
    unlink $self->{file};
}


sub unescape {
    my ($text) = @_;

    return $text =~ s{\\(x([0-9a-f]{2})|.)}
                     { defined $2 ? chr hex $2 : $escapes{$1} // $1 }ger;
}


# resp(@words): a command in the protocol of Redis
sub resp {
    return join '', '*' . @_ . "\r\n",
                map { '$' . length($_) . "\r\n$_\r\n" } @_;
}


# commands($regex): the commands that match, as words separated by spaces
sub commands {
    my ($self, $regex) = @_;

    return grep { join(' ', @$_, '') =~ $regex } @{ $self->{commands} };
}


# restore($server): gives its Redis the content of the recorded one
sub restore {
    my ($self, $server) = @_;

    $server->redis('FLUSHALL');
    $server->redis('FUNCTION', 'RESTORE', $self->{functions}, 'REPLACE');
    send_all($server, values %{ $self->{keys} });
}


# replay($server, $regex): sends these commands again, pipelined; seconds
sub replay {
    my ($self, $server, $regex) = @_;

    return send_all($server, map { resp(@$_) } $self->commands($regex));
}


# send_all($server, @commands): pipelined by redis-cli, which counts the
# replies; seconds from the first byte to the last reply. An error is fatal,
# since other work would be measured.
sub send_all {
    my ($server, @commands) = @_;

    return pipe_all($server, $server->socket(), @commands);
}


# to the Redis with that socket
sub pipe_all {
    my ($server, $socket, @commands) = @_;

    my $file = $server->{ll}->dir() . '/commands';

    open my $f, '>', $file or die "$file: $!";
    print $f $_ for @commands;
    close $f;

    my $pin = defined $server->{pin} ? "taskset -c $server->{pin}" : '';
    my $start = time();
    my $said = qx($pin redis-cli -s $socket --pipe <$file \\
                  2>&1);
    my $took = time() - $start;

    unlink $file;

    $said =~ /errors: 0, replies: (\d+)/ && $1 == @commands
        or die 'redis-cli --pipe: ' . substr($said, -200) . "\n";

    return $took;
}


1;
