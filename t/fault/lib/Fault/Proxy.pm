package Fault::Proxy;

# A proxy in front of Redis, in a process of its own, that injects faults:
#
#     my $proxy = Fault::Proxy->new($socket_of_redis);
#     $proxy->port();               TCP
#     my $proxy = Fault::Proxy->new($socket_of_redis, $socket);
#                                   a Unix socket, by which the peer is known
#     $proxy->tell('stall');        forwards nothing, closes nothing
#     $proxy->tell('pass');         goes on, with what was held back
#     $proxy->tell('cut');          closes all connections
#     $proxy->tell('rate 3000');    bytes a second, each way, all together
#     $proxy->tell('to', $path);    where new connections go
#     $proxy->strike('after', 'll1_append', 3, $seconds)
#         kills the process that sends the third ll1_append from now on: once
#         Redis has received it, but before any reply; 'before': once Redis has
#         received all that was sent before it.  The pid, or 0 if none sent it.

use strict;
use warnings;

use IO::Socket::INET;
use IO::Socket::UNIX;
use Socket qw(SOL_SOCKET SO_PEERCRED);
use Time::HiRes qw(time);

use Fault::Child;
use Fault::Loop;

our @ISA = qw(Fault::Child);


sub new {
    my ($class, $path, $own) = @_;

    my $listener = defined $own
        ? IO::Socket::UNIX->new(Local => $own, Listen => 64)
        : IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 64,
              LocalPort => LeaseLoft::free_port(), ReuseAddr => 1);
    $listener or die "listen: $!";

    my $self = bless { path => $path, listener => $listener, links => {},
                       own => $own, mode => 'pass', strike => undef }, $class;

    $self->spawn('proxy');
    $self->{port} = $listener->sockport() if !defined $own;
    close delete $self->{listener};

    return $self;
}


sub port { $_[0]{port} }


sub tell {
    my ($self, @words) = @_;

    return $self->ask("@words");
}


# arms the strike and waits for it: see above
sub strike {
    my ($self, $when, $command, $count, $seconds) = @_;

    die "the peer of a TCP connection is not known\n" if !defined $self->{own};
    $self->tell('strike', $when, $command, $count);

    my $pid = $self->line($seconds);
    return $pid if defined $pid;

    # the strike may have happened just now
    $pid = $self->tell('calm');
    $self->line() if $pid;

    return $pid || 0;
}


sub stop {
    my ($self) = @_;

    close $self->{commands};
    kill 'KILL', $self->{pid};
    waitpid $self->{pid}, 0;
}


# --- in the child process ---

sub _run {
    my ($self) = @_;

    my $loop = $self->{loop} = Fault::Loop->new();

    $self->serve($loop);
    $loop->on_read($self->{listener}, sub { $self->_accept() });
    $loop->run();
}


sub handle {
    my ($self, $command, $reply, @words) = @_;

    my $method = "_do_$command";
    $self->$method(@words);
    $reply->(0);
}


sub _do_stall {
    my ($self) = @_;
    $self->{mode} = 'stall';
    $self->{loop}->pause($_)
        for map { @$_{qw(a b)} } values %{ $self->{links} };
}


sub _do_pass {
    my ($self) = @_;
    $self->{mode} = 'pass';
    $self->_resume();
}


sub _do_rate {
    my ($self, $rate) = @_;
    $self->{mode} = 'rate';
    $self->{rate} = $rate;
}


sub _do_cut {
    my ($self) = @_;
    $self->_close($_) for values %{ $self->{links} };
}


sub _do_to { my ($self, $path) = @_; $self->{path} = $path }
sub _do_calm { my ($self) = @_; $self->{strike} = undef }


sub _do_strike {
    my ($self, $when, $command, $count) = @_;
    $self->{strike} = { when => $when, command => $command, count => $count };
}


sub _accept {
    my ($self) = @_;

    my $a = $self->{listener}->accept() or return;
    my $b = IO::Socket::UNIX->new(Peer => $self->{path});

    if (!$b) {
        close $a;
        return;
    }

    my $link = { a => $a, b => $b, held => '', pid => 0 };

    # the kernel knows the peer of a Unix socket
    ($link->{pid}) = unpack 'i', getsockopt $a, SOL_SOCKET, SO_PEERCRED
        if defined $self->{own};

    $_->blocking(0) for $a, $b;
    $self->{links}{$link} = $link;

    if ($self->{mode} ne 'stall') {
        $self->_watch($link);
    }
}


sub _watch {
    my ($self, $link) = @_;

    my ($a, $b) = @$link{qw(a b)};

    $self->{loop}->on_read($a, sub { $self->_forward($link, $a, $b) });
    $self->{loop}->on_read($b, sub { $self->_forward($link, $b, $a) });
}


sub _resume {
    my ($self) = @_;
    $self->_watch($_) for values %{ $self->{links} };
}


sub _close {
    my ($self, $link) = @_;

    delete $self->{links}{$link} or return;

    for my $socket (@$link{qw(a b)}) {
        $self->{loop}->forget($socket);
        close $socket;
    }
}


sub _forward {
    my ($self, $link, $from, $to) = @_;

    my $most = 65536;

    if ($self->{mode} eq 'rate') {
        $most = 512;
        my $pause = $most / $self->{rate};
        $self->{loop}->pause($_)
            for map { @$_{qw(a b)} } values %{ $self->{links} };
        $self->{loop}->after($pause, sub {
            $self->_resume() if $self->{mode} ne 'stall';
        });
    }

    my $n = sysread($from, my $bytes, $most);

    if (!$n) {
        return if !defined $n && $!{EAGAIN};
        return $self->_close($link);
    }

    if ($from == $link->{a}) {
        $link->{held} .= $bytes;
        ($bytes, my $hit) = $self->_commands($link);

        if ($hit) {
            $self->_write($link, $to, $bytes);
            kill 'KILL', $link->{pid};
            $self->_close($link);
            $self->{strike} = undef;
            return $self->reply($link->{pid});
        }
    }

    $self->_write($link, $to, $bytes);
}


# writes everything or closes the link; the peers in tests do read
sub _write {
    my ($self, $link, $to, $bytes) = @_;

    my $end = time() + 2;

    while (length $bytes) {
        my $n = syswrite $to, $bytes;

        if (defined $n) {
            substr($bytes, 0, $n) = '';
        } elsif (!$!{EAGAIN} || time() > $end) {
            return $self->_close($link);
        } else {
            select undef, undef, undef, 0.005;
        }
    }
}


# splits off whole commands, and strikes if one of them matches; the returned
# bytes then end before or after it
sub _commands {
    my ($self, $link) = @_;

    my ($out, $strike) = ('', $self->{strike});

    while ($link->{held} =~ /^\*(\d+)\r\n/) {
        my ($n, $at, $name) = ($1, length $&, '');

        for my $i (1 .. $n) {
            pos($link->{held}) = $at;
            my ($size) = $link->{held} =~ /\G\$(\d+)\r\n/g or return $out;
            $at += length($size) + 3 + $size + 2;
            return $out if $at > length $link->{held};
            $name = substr $link->{held}, $at - 2 - $size, $size
                if $i == 1 || ($i == 2 && $name =~ /^FCALL/);
        }

        my $command = substr $link->{held}, 0, $at, '';

        if ($strike && $name eq $strike->{command}
            && --$strike->{count} <= 0)
        {
            $out .= $command if $strike->{when} eq 'after';
            return ($out, $strike);
        }

        $out .= $command;
    }

    return $out;
}


1;
