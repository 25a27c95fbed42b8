package LeaseLoft::H2;

# A minimal HTTP/2 client (RFC 9113), to open many streams over one connection
# without TLS.  Header blocks are sent without Huffman codes and without a
# dynamic table; of those received only the status is read, which nginx sends
# first.
#
#     my $h2 = LeaseLoft::H2->new($port);
#     my $n = $h2->get($path, $token);
#     $n = $h2->request('POST', $path, $token, \@headers, @data, undef);
#     $h2->write($n, $more, 1);        the last data
#     $h2->read(1);                    receives for up to a second
#     $h2->status($n), $h2->body($n), $h2->ended($n)

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;

use constant { DATA => 0, HEADERS => 1, RST_STREAM => 3, SETTINGS => 4,
               PING => 6, GOAWAY => 7, WINDOW_UPDATE => 8 };
use constant { END_STREAM => 1, ACK => 1, END_HEADERS => 4 };

# indexes of the static table of RFC 7541; other values are literals
my %statuses = (0x88 => 200, 0x89 => 204, 0x8b => 304, 0x8c => 400,
                0x8d => 404, 0x8e => 500);


sub new {
    my ($class, $port) = @_;

    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                       PeerPort => $port) or return undef;
    my $self = bless { socket => $socket, in => '', next => 1, gone => 0,
                       streams => {} }, $class;

    # windows so large that they need no update
    syswrite $socket, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        . frame(SETTINGS, 0, 0, pack 'nN', 4, 2**31 - 1)
        . frame(WINDOW_UPDATE, 0, 0, pack 'N', 2**31 - 1 - 65535);

    return $self;
}


sub frame {
    my ($type, $flags, $stream, $payload) = @_;

    return substr(pack('N', length $payload), 1)
           . pack('CCN', $type, $flags, $stream) . $payload;
}


# a string of RFC 7541, without Huffman codes
sub string {
    my ($text) = @_;

    my $n = length $text;

    return chr($n) . $text if $n < 127;

    my $out = chr 127;

    for ($n -= 127; $n >= 128; $n >>= 7) {
        $out .= chr($n % 128 + 128);
    }

    return $out . chr($n) . $text;
}


# get($path, $token, %headers): sends a GET; returns the number of its stream
sub get {
    my ($self, $path, $token, %headers) = @_;
    return $self->request('GET', $path, $token,
                          [map { $_, $headers{$_} } sort keys %headers]);
}


# request($method, $path, $token, \@headers, @data): the same, with a frame for
# each piece of data; the last one ends the stream, unless undef follows
sub request {
    my ($self, $method, $path, $token, $headers, @data) = @_;

    my $n = $self->{next};
    my @headers = (':method', $method, ':path', $path, ':authority',
                   'localhost', @{ $headers // [] });
    push @headers, 'authorization', "Bearer $token" if defined $token;

    # http, and the other headers by name
    my $block = "\x86";
    $block .= "\0" . string(shift @headers) . string(shift @headers)
        while @headers;

    my $out = frame(HEADERS, END_HEADERS | (@data ? 0 : END_STREAM), $n,
                    $block);

    while (defined(my $piece = shift @data)) {
        $out .= frame(DATA, @data ? 0 : END_STREAM, $n, $piece);
    }

    $self->{next} += 2;
    $self->{streams}{$n} = { body => '' };
    syswrite $self->{socket}, $out;

    return $n;
}


# write($n, $bytes, $last): sends more data of a request
sub write {
    my ($self, $n, $bytes, $last) = @_;
    syswrite $self->{socket},
             frame(DATA, $last ? END_STREAM : 0, $n, $bytes);
}


# receives for up to some seconds; returns 0 if nothing came
sub read {
    my ($self, $seconds) = @_;

    IO::Select->new($self->{socket})->can_read($seconds) or return 0;

    if (!sysread $self->{socket}, $self->{in}, 65536, length $self->{in}) {
        $self->{gone} = 1;
        return 0;
    }

    while (length $self->{in} >= 9) {
        my $size = unpack 'N', "\0" . substr $self->{in}, 0, 3;
        last if length $self->{in} < 9 + $size;

        my ($type, $flags, $n) = unpack 'CCN', substr $self->{in}, 3, 6;
        my $payload = substr $self->{in}, 9, $size;
        substr($self->{in}, 0, 9 + $size) = '';
        $self->_frame($type, $flags, $n, $payload);
    }

    return 1;
}


sub _frame {
    my ($self, $type, $flags, $n, $payload) = @_;

    my $stream = $self->{streams}{$n};

    if ($type == SETTINGS && !($flags & ACK)) {
        syswrite $self->{socket}, frame(SETTINGS, ACK, 0, '');

    } elsif ($type == PING && !($flags & ACK)) {
        syswrite $self->{socket}, frame(PING, ACK, 0, $payload);

    } elsif ($type == GOAWAY) {
        $self->{gone} = 1;

    } elsif ($type == HEADERS && $stream) {
        # by its index, or as a literal
        $stream->{status} //= $payload =~ /^[\x08\x48]\x03(\d{3})/ ? $1
            : $statuses{ ord $payload } // ord $payload;
        $stream->{ended} = 1 if $flags & END_STREAM;

    } elsif ($type == DATA && $stream) {
        $stream->{body} .= $payload;
        $stream->{ended} = 1 if $flags & END_STREAM;

    } elsif ($type == RST_STREAM && $stream) {
        $stream->{reset} = $stream->{ended} = 1;
    }
}


sub status { $_[0]{streams}{ $_[1] }{status} // 0 }
sub body { $_[0]{streams}{ $_[1] }{body} }
sub ended { $_[0]{streams}{ $_[1] }{ended} }
sub gone { $_[0]{gone} }
sub close { close $_[0]{socket} }


1;
