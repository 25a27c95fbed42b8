package LeaseLoft::Redis;

# A small client of the Redis protocol, over a unix socket.

use strict;
use warnings;

use IO::Select;
use IO::Socket::UNIX;


# new($path): connects, or returns undef
sub new {
    my ($class, $path) = @_;

    my $socket = IO::Socket::UNIX->new(Peer => $path) or return undef;

    return bless { socket => $socket, buf => '' }, $class;
}


# command(@args): sends one command and returns its reply: a string, a number,
# undef for nil, or a list reference; dies on an error reply, and after 10 s
sub command {
    my ($self, @args) = @_;

    $self->send_command(@args);

    my $reply = $self->reply();

    die "redis: $$reply\n" if ref $reply eq 'SCALAR';

    return $reply;
}


# replicated($n): whether n replicas have, within 5 s, all that the server has
# now.  WAIT is about what its own connection has written; here it only has the
# replicas say at once how far they are.
sub replicated {
    my ($self, $n) = @_;

    my ($end) = $self->command('INFO', 'replication')
                =~ /^master_repl_offset:(\d+)/m;

    for (1 .. 100) {
        my @offsets = $self->command('INFO', 'replication')
                      =~ /^slave\d+:.*?,state=online,offset=(\d+),/mg;

        return 1 if $n <= grep { $_ >= $end } @offsets;
        $self->command('WAIT', @offsets + 1, 50);
    }

    return 0;
}


sub send_command {
    my ($self, @args) = @_;

    my $out = '*' . @args . "\r\n";

    for my $arg (@args) {
        $out .= '$' . length($arg) . "\r\n$arg\r\n";
    }

    ($self->{socket}->syswrite($out) // 0) == length $out
        or die "redis: short write\n";
}


# one reply; an error reply is a reference to its text
sub reply {
    my ($self, $timeout) = @_;

    my $line = $self->_line($timeout || 10);

    my ($type, $rest) = (substr($line, 0, 1), substr($line, 1));

    return $rest if $type eq '+';
    return $rest + 0 if $type eq ':';
    return \$rest if $type eq '-';

    if ($type eq '$') {
        return undef if $rest < 0;
        my $bytes = $self->_bytes($rest + 2);
        return substr($bytes, 0, $rest);
    }

    if ($type eq '*') {
        return undef if $rest < 0;
        return [ map { $self->reply($timeout) } 1 .. $rest ];
    }

    die "redis: unexpected reply '$line'\n";
}


sub _fill {
    my ($self, $timeout) = @_;

    IO::Select->new($self->{socket})->can_read($timeout)
        or die "redis: no reply within $timeout s\n";

    $self->{socket}->sysread($self->{buf}, 65536, length $self->{buf})
        or die "redis: connection closed\n";
}


sub _line {
    my ($self, $timeout) = @_;

    $self->_fill($timeout) while $self->{buf} !~ /\r\n/;

    $self->{buf} =~ s/^(.*?)\r\n//s;

    return $1;
}


sub _bytes {
    my ($self, $n) = @_;

    $self->_fill(10) while length $self->{buf} < $n;

    return substr($self->{buf}, 0, $n, '');
}


# acl($password): the users of conf/leaseloft.acl, all with that password, as
# lines of redis.conf; "default" stays on
sub acl {
    my ($password) = @_;

    open my $f, '<', 'conf/leaseloft.acl' or die "leaseloft.acl: $!";

    return join '', map { s/#@[A-Z]+@/>$password/r }
                        grep { !/^user default / } <$f>;
}


1;
