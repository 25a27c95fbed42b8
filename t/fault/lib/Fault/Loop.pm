package Fault::Loop;

# A small event loop: handles that become readable or writable, and timers.

use strict;
use warnings;

use Time::HiRes qw(time);


sub new {
    my ($class) = @_;
    return bless { in => '', out => '', reads => {}, writes => {},
                   timers => {}, next => 1 }, $class;
}


# on_read($handle, $callback): until forget(); on_write() likewise, with undef
# to end it
sub on_read {
    my ($self, $handle, $callback) = @_;

    my $fd = fileno $handle;
    vec($self->{in}, $fd, 1) = 1;
    $self->{reads}{$fd} = $callback;
}


sub on_write {
    my ($self, $handle, $callback) = @_;

    my $fd = fileno $handle;

    if ($callback) {
        vec($self->{out}, $fd, 1) = 1;
        $self->{writes}{$fd} = $callback;
    } else {
        vec($self->{out}, $fd, 1) = 0;
        delete $self->{writes}{$fd};
    }
}


# pauses reading from a handle; on_read() resumes it
sub pause {
    my ($self, $handle) = @_;
    vec($self->{in}, fileno $handle, 1) = 0;
}


# must be called before a handle is closed
sub forget {
    my ($self, $handle) = @_;

    my $fd = fileno $handle;
    return if !defined $fd;

    vec($self->{in}, $fd, 1) = 0;
    vec($self->{out}, $fd, 1) = 0;
    delete $self->{reads}{$fd};
    delete $self->{writes}{$fd};
}


# after($seconds, $callback): returns a number for cancel()
sub after {
    my ($self, $seconds, $callback) = @_;

    my $n = $self->{next}++;
    $self->{timers}{$n} = [ time() + $seconds, $callback ];

    return $n;
}


sub cancel {
    my ($self, $n) = @_;
    delete $self->{timers}{$n} if defined $n;
}


sub stop { $_[0]{stopped} = 1 }


# run(): until stop()
sub run {
    my ($self) = @_;

    $self->{stopped} = 0;

    while (!$self->{stopped}) {
        $self->turn(1);
    }
}


# one turn, which waits at most this long
sub turn {
    my ($self, $most) = @_;

    my $now = time();

    for my $timer (values %{ $self->{timers} }) {
        my $left = $timer->[0] - $now;
        $most = $left < 0 ? 0 : $left if $left < $most;
    }

    my ($in, $out) = @$self{qw(in out)};
    my $n = select($in, $out, undef, $most);

    if ($n > 0) {
        for my $fd (_set($in)) {
            my $callback = $self->{reads}{$fd};
            $callback->() if $callback && vec($self->{in}, $fd, 1);
        }

        for my $fd (_set($out)) {
            my $callback = $self->{writes}{$fd};
            $callback->() if $callback;
        }
    }

    $now = time();

    for my $n (sort { $a <=> $b } keys %{ $self->{timers} }) {
        my $timer = $self->{timers}{$n} or next;
        next if $timer->[0] > $now;
        delete $self->{timers}{$n};
        $timer->[1]->();
    }
}


# the numbers of the set bits
sub _set {
    my $bits = unpack 'b*', $_[0];
    my ($at, @set) = (-1);

    push @set, $at while ($at = index $bits, '1', $at + 1) >= 0;

    return @set;
}


1;
