package Fault::Http;

# HTTP in an event loop: requests over a persistent connection, and event
# streams. Nothing is judged here; a response that cannot be parsed has status
# 0.
#
#     my $http = Fault::Http->new($loop, $port);
#     $http->request('GET', $path, $token, undef, 5, sub {
#         my ($status, $body) = @_;
#     });

use strict;
use warnings;

use IO::Socket::INET;
use POSIX ();


sub new {
    my ($class, $loop, $port) = @_;
    return bless { loop => $loop, port => $port }, $class;
}


# request($method, $path, $token, $body, $seconds, $callback, @headers): one at
# a time; the callback gets status, body and head, or 0 and the reason
sub request {
    my ($self, $method, $path, $token, $body, $seconds, $callback, @more) = @_;

    $self->_connect()
        or return $self->{loop}->after(0, sub { $callback->(0, 'connect') });

    my $raw = join "\r\n", "$method $path HTTP/1.1", 'Host: localhost', @more,
        (defined $token ? "Authorization: Bearer $token" : ());

    $raw .= "\r\nContent-Type: application/json\r\nContent-Length: "
            . length $body if defined $body;

    $self->{in} = '';
    $self->{callback} = $callback;
    $self->{timer} = $self->{loop}->after($seconds,
                                          sub { $self->_fail('timeout') });

    # requests are small: the buffer of a socket holds them whole
    my $n = syswrite $self->{socket}, "$raw\r\n\r\n" . ($body // '');
    $self->_fail('write') if !$n;
}


sub close {
    my ($self) = @_;

    my $socket = delete $self->{socket} or return;
    $self->{loop}->forget($socket);
    CORE::close($socket);
}


sub _connect {
    my ($self) = @_;

    return 1 if $self->{socket};

    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $self->{port}, Timeout => 2) or return 0;

    $socket->blocking(0);
    $self->{socket} = $socket;
    $self->{loop}->on_read($socket, sub { $self->_readable() });

    return 1;
}


sub _readable {
    my ($self) = @_;

    my $n = sysread $self->{socket}, $self->{in}, 65536, length $self->{in};

    if (!$n) {
        return if !defined $n && $!{EAGAIN};
        return $self->_fail('closed');
    }

    return $self->_fail('unasked') if !$self->{callback};

    my $end = index $self->{in}, "\r\n\r\n";
    return if $end < 0;

    my $head = substr $self->{in}, 0, $end;
    my ($status) = $head =~ m{^HTTP/1\.1 (\d+)};
    return $self->_fail('malformed') if !$status;

    my ($length) = $head =~ /^content-length: (\d+)/mi;

    if (!defined $length) {
        return $self->_fail('length') if $status != 204 && $status != 304;
        $length = 0;
    }

    return if length($self->{in}) < $end + 4 + $length;

    my $body = substr $self->{in}, $end + 4, $length;

    $self->close() if $head =~ /^connection: close/mi;
    $self->_done($status, $body, $head);
}


sub _fail {
    my ($self, $why) = @_;

    $self->close();
    $self->_done(0, $why, '');
}


sub _done {
    my ($self, @result) = @_;

    $self->{loop}->cancel(delete $self->{timer});

    my $callback = delete $self->{callback} or return;
    $callback->(@result);
}


package Fault::EventStream;

# new($loop, %options): an event stream
#
#     port, path, token, last_id
#     curl => 'tls'        HTTP/2 through curl, with TLS
#     curl => 'h2c'        and without
#     event => sub { my ($name, $id, $data) = @_ }
#     closed => sub { my ($why) = @_ }     once, unless close() is called
sub new {
    my ($class, $loop, %o) = @_;

    my $self = bless { %o, loop => $loop, in => '', text => '' }, $class;

    my $handle = $o{curl} ? $self->_curl() : $self->_plain();

    if (!$handle) {
        $loop->after(0, sub { $self->_end('connect') });
        return $self;
    }

    $handle->blocking(0);
    $self->{handle} = $handle;
    $loop->on_read($handle, sub { $self->_readable() });

    return $self;
}


sub _headers {
    my ($self) = @_;

    return ("Authorization: Bearer $self->{token}",
            defined $self->{last_id} ? "Last-Event-ID: $self->{last_id}" : ());
}


sub _plain {
    my ($self) = @_;

    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $self->{port}, Timeout => 2) or return undef;

    syswrite $socket, join("\r\n", "GET $self->{path} HTTP/1.1",
                           'Host: localhost', $self->_headers()) . "\r\n\r\n";
    return $socket;
}


sub _curl {
    my ($self) = @_;

    my $url = "127.0.0.1:$self->{port}$self->{path}";

    $self->{pid} = open my $pipe, '-|', 'curl', '-s', '-N', '-k', '-i',
        ($self->{curl} eq 'tls' ? ('--http2', "https://$url")
                                : ('--http2-prior-knowledge', "http://$url")),
        (map { ('-H', $_) } $self->_headers()) or return undef;

    return $pipe;
}


sub close {
    my ($self) = @_;

    my $handle = delete $self->{handle};

    $self->{ended} = 1;

    if ($self->{pid}) {
        kill 'KILL', delete $self->{pid};
    }

    if ($handle) {
        $self->{loop}->forget($handle);
        CORE::close($handle);
    }
}


sub _end {
    my ($self, $why) = @_;

    return if $self->{ended};

    $self->close();
    $self->{closed}->($why);
}


sub _readable {
    my ($self) = @_;

    my $n = sysread $self->{handle}, $self->{in}, 16384, length $self->{in};

    if (!$n) {
        return if !defined $n && $!{EAGAIN};
        return $self->_end('closed');
    }

    if (!$self->{status}) {
        my $end = index $self->{in}, "\r\n\r\n";
        return if $end < 0;

        my $head = substr $self->{in}, 0, $end + 4, '';
        ($self->{status}) = $head =~ m{^HTTP/[\d.]+ (\d+)};
        $self->{chunked} = $head =~ /^transfer-encoding: chunked/mi;

        return $self->_end("status $self->{status}")
            if $self->{status} != 200;
    }

    if ($self->{chunked}) {
        while ($self->{in} =~ /\G([0-9a-f]+)\r\n/gc) {
            my ($start, $size) = (pos $self->{in}, hex $1);
            if (length($self->{in}) < $start + $size + 2) {
                pos($self->{in}) = $start - length($1) - 2;
                last;
            }
            $self->{text} .= substr $self->{in}, $start, $size;
            pos($self->{in}) = $start + $size + 2;
        }

        substr($self->{in}, 0, pos($self->{in}) // 0) = '';
        pos($self->{in}) = 0;

    } else {
        $self->{text} .= $self->{in};
        $self->{in} = '';
    }

    $self->_events();
}


sub _events {
    my ($self) = @_;

    my $from = 0;

    while ((my $end = index $self->{text}, "\n\n", $from) >= 0) {
        my $block = substr $self->{text}, $from, $end - $from;
        $from = $end + 2;

        my ($data) = $block =~ /^data: (.*)$/m;
        next if !defined $data;

        my ($name) = $block =~ /^event: (.*)$/m;
        my ($id) = $block =~ /^id: (.*)$/m;

        $self->{event}->($name // '', $id, $data);
        return if $self->{ended};
    }

    substr($self->{text}, 0, $from) = '';
}


1;
