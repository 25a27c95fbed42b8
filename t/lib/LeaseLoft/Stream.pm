package LeaseLoft::Stream;

# A client of an event stream (SSE).  The transport is a socket, or a pipe from
# curl for TLS and HTTP/2.
#
# An event is { event => NAME or '', id => ID or undef, data => TEXT,
# json => the data decoded or undef, retry => MS or undef, time => when }.

use strict;
use warnings;

use IO::Select;
use JSON::PP;
use LeaseLoft::Response;
use Time::HiRes qw(time);


# new($handle, $pid): the handle to read from, and the process behind it
sub new {
    my ($class, $handle, $pid) = @_;

    $handle->blocking(0);

    return bless {
        handle => $handle, pid => $pid, start => time(),
        in => '', raw => '', text => '', unread => '', events => [], next => 0,
        closed => 0, last_id => undef, retry => undef,
    }, $class;
}


sub response { $_[0]->_wait(sub { $_[0]{response} }, 5); $_[0]{response} }
sub status { my $r = $_[0]->response(); $r ? $r->status() : 0 }
sub header { my $r = $_[0]->response(); $r ? $r->header($_[1]) : undef }

# all bytes received, and the event text in them
sub raw { $_[0]{raw} }
sub text { $_[0]{text} }

# the last "retry:" and the last id
sub retry { $_[0]{retry} }
sub last_id { $_[0]{last_id} }

# all events so far
sub events { $_[0]->_read(0); @{ $_[0]{events} } }

# entries so far, decoded
sub entries { map { $_->{json} } grep { $_->{event} eq '' } $_[0]->events() }


# next_event($timeout): takes the next event, or returns undef
sub next_event {
    my ($self, $timeout) = @_;

    $self->_wait(sub { $self->{next} < @{ $self->{events} } }, $timeout // 5)
        or return undef;

    return $self->{events}[$self->{next}++];
}


# wait_event($what, $timeout): takes events up to the first that matches, and
# returns it, or undef; $what is a name ('' for entries), or a function
sub wait_event {
    my ($self, $what, $timeout) = @_;

    my $want = ref $what ? $what : sub { $_[0]{event} eq $what };
    my $end = time() + ($timeout // 5);

    while (my $event = $self->next_event($end - time())) {
        return $event if $want->($event);
    }

    return undef;
}


# find_event($what, $timeout): the newest event received that matches, or the
# first to come; takes none: for events without a defined order
sub find_event {
    my ($self, $what, $timeout) = @_;

    my $want = ref $what ? $what : sub { $_[0]{event} eq $what };
    my $found;

    $self->_wait(sub {
        ($found) = grep { $want->($_) } reverse @{ $self->{events} };
    }, $timeout // 5);

    return $found;
}


# wait_entry($seq or function of the entry, $timeout): the same, for entries
sub wait_entry {
    my ($self, $what, $timeout) = @_;

    my $want = ref $what ? $what : sub { $_[0]{seq} == $what };

    my $event = $self->wait_event(
        sub { $_[0]{event} eq '' && $want->($_[0]{json}) }, $timeout);

    return $event && $event->{json};
}


# 1 once the server has closed the stream
sub wait_closed {
    my ($self, $timeout) = @_;
    return $self->_wait(sub { $self->{closed} }, $timeout // 5);
}


sub close {
    my ($self) = @_;

    if ($self->{pid}) {
        kill 'KILL', $self->{pid};
        waitpid $self->{pid}, 0;
        delete $self->{pid};
    }

    if ($self->{handle}) {
        CORE::close(delete $self->{handle});
    }

    $self->{closed} = 1;
}


sub DESTROY {
    local ($?, $@, $!);
    $_[0]->close();
}


# reads until the condition holds; returns 0 after the timeout
sub _wait {
    my ($self, $done, $timeout) = @_;

    my $end = time() + $timeout;

    for (;;) {
        $self->_read(0);
        return 1 if $done->($self);
        return 0 if $self->{closed} || time() >= $end;

        $self->_read($end - time());
    }
}


# reads what is available, after waiting at most this long
sub _read {
    my ($self, $timeout) = @_;

    return if $self->{closed};

    my $select = IO::Select->new($self->{handle});

    while ($select->can_read($timeout > 0 ? $timeout : 0)) {
        my $n = sysread $self->{handle}, my $bytes, 65536;

        if (!$n) {
            $self->{closed} = 1 if defined $n || !$!{EAGAIN};
            last;
        }

        $self->{in} .= $bytes;
        $self->{raw} .= $bytes;
        $timeout = 0;
    }

    $self->_parse();
}


sub _parse {
    my ($self) = @_;

    if (!$self->{response}) {
        $self->{in} =~ s/^(HTTP\/.*?\r\n\r\n)//s or return;
        $self->{response} = LeaseLoft::Response->parse($1);
        $self->{chunked} = 1
            if ($self->{response}->header('transfer-encoding') // '')
               eq 'chunked';
    }

    if ($self->{chunked}) {
        $self->_dechunk();

    } else {
        $self->{text} .= $self->{in};
        $self->{unread} .= $self->{in};
        $self->{in} = '';
    }

    while ($self->{unread} =~ s/^(.*?)\n\n//s) {
        $self->_event($1);
    }
}


sub _dechunk {
    my ($self) = @_;

    while ($self->{in} =~ /^([0-9a-fA-F]+)\r\n/) {
        my ($head, $size) = (length $&, hex $1);
        last if length $self->{in} < $head + $size + 2;

        my $bytes = substr $self->{in}, $head, $size;
        substr($self->{in}, 0, $head + $size + 2) = '';

        if ($size == 0) {
            $self->{closed} = $self->{ended} = 1;
        }

        $self->{text} .= $bytes;
        $self->{unread} .= $bytes;
    }
}


# one event, as the HTML standard parses it; a block without data is ignored
sub _event {
    my ($self, $block) = @_;

    my %event = (event => '', time => time());
    my @data;

    for my $line (split /\n/, $block) {
        my ($name, $value) = $line =~ /^([^:]*):? ?(.*)$/s;

        if ($name eq 'data') {
            push @data, $value;

        } elsif ($name eq 'retry') {
            $event{retry} = $self->{retry} = $value + 0;

        } elsif ($name eq 'event' || $name eq 'id') {
            $event{$name} = $value;
        }
    }

    $self->{last_id} = $event{id} if defined $event{id};

    return unless @data;

    $event{data} = join "\n", @data;
    $event{json} = eval { JSON::PP->new->utf8->decode($event{data}) };

    push @{ $self->{events} }, \%event;
}


1;
