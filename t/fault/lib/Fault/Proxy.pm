package Fault::Proxy;

# A TCP proxy in front of Redis, in a process of its own, which can be told to
# misbehave:
#
#     my $proxy = Fault::Proxy->new($socket_of_redis);
#     $proxy->port();
#     $proxy->tell('stall');        forwards nothing, closes nothing
#     $proxy->tell('pass');         goes on, with what was held back
#     $proxy->tell('cut');          closes all connections
#     $proxy->tell('rate 3000');    bytes a second, each way, all together
#     $proxy->tell('to', $path);    where new connections go
#     $proxy->strike('after', 'll1_append', 3, $pid)
#         kills this process at its third ll1_append from now on: once Redis
#         has it, but before any reply; 'before': when Redis has all that came
#         before it.  True once it was done.

use strict;
use warnings;

use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX ();
use Time::HiRes qw(time);

use Fault::Loop;


sub new {
    my ($class, $path) = @_;

    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
        LocalPort => LeaseLoft::free_port(), Listen => 64, ReuseAddr => 1)
        or die "listen: $!";

    my $self = bless { path => $path, listener => $listener, links => {},
                       mode => 'pass', strike => undef }, $class;

    pipe my $commands, $self->{commands} or die "pipe: $!";
    pipe $self->{answers}, my $answers or die "pipe: $!";

    my $pid = fork() // die "fork: $!";

    if ($pid == 0) {
        $SIG{INT} = $SIG{TERM} = 'DEFAULT';
        $SIG{PIPE} = 'IGNORE';
        close $self->{commands};
        eval { $self->_run($commands, $answers); 1 }
            or print STDERR "proxy: $@";
        POSIX::_exit(0);
    }

    $self->{pid} = $pid;
    $self->{commands}->autoflush(1);
    $self->{port} = $listener->sockport();
    close delete $self->{listener};

    return $self;
}


sub port { $_[0]{port} }


sub tell {
    my ($self, @words) = @_;

    print { $self->{commands} } "@words\n";
    sysread $self->{answers}, my $line, 1;
}


# arms it, and waits: see above
sub strike {
    my ($self, $when, $command, $count, $pid, $seconds) = @_;

    $self->tell('strike', $when, $command, $count, $pid);

    my $in = '';
    vec($in, fileno $self->{answers}, 1) = 1;

    if (!select($in, undef, undef, $seconds)) {
        $self->tell('calm');
        # it may have struck just now
        vec($in, fileno $self->{answers}, 1) = 1;
        sysread $self->{answers}, my $line, 1
            if select($in, undef, undef, 0.05);
        return 0;
    }

    sysread $self->{answers}, my $line, 1;
    return 1;
}


sub stop {
    my ($self) = @_;

    close $self->{commands};
    kill 'KILL', $self->{pid};
    waitpid $self->{pid}, 0;
}


# --- in the process of its own ---

sub _run {
    my ($self, $commands, $answers) = @_;

    my $loop = $self->{loop} = Fault::Loop->new();
    my $line = '';

    $self->{answer} = sub { syswrite $answers, '.' };

    $loop->on_read($commands, sub {
        my $n = sysread $commands, $line, 4096, length $line;
        POSIX::_exit(0) if !$n;

        while ($line =~ s/^(\w+) ?(.*)\n//) {
            my $method = "_do_$1";
            $self->$method(split / /, $2);
            $self->{answer}->();
        }
    });

    $loop->on_read($self->{listener}, sub { $self->_accept() });
    $loop->run();
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
    my ($self, $when, $command, $count, $pid) = @_;
    $self->{strike} = { when => $when, command => $command, count => $count,
                        pid => $pid };
}


sub _accept {
    my ($self) = @_;

    my $a = $self->{listener}->accept() or return;
    my $b = IO::Socket::UNIX->new(Peer => $self->{path});

    if (!$b) {
        close $a;
        return;
    }

    my $link = { a => $a, b => $b, held => '' };
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
            kill 'KILL', $hit->{pid};
            $self->_close($link);
            $self->{strike} = undef;
            return $self->{answer}->();
        }
    }

    $self->_write($link, $to, $bytes);
}


# all of it, or the link is closed; peers of tests do read
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


# whole commands of what came, and the strike if it fell on one of them; the
# bytes then end before or after that one
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
