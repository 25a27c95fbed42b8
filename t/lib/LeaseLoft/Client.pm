package LeaseLoft::Client;

# The requests of a LeaseLoft, which inherits them: any request, and those of
# the API.

use strict;
use warnings;

use Exporter qw(import);
use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use Time::HiRes qw(time);

use LeaseLoft::Response;
use LeaseLoft::Stream;
use LeaseLoft::Token;

our @EXPORT_OK = qw(connect_to);

my $json = JSON::PP->new->canonical->utf8;


# a token for a user, valid for an hour; token($user, exp => …) changes claims
sub token {
    my ($self, $user, %claims) = @_;

    return LeaseLoft::Token::token($self->{key},
        { sub => $user, exp => int(time()) + 3600, %claims });
}


# request($method, $path, %options): a LeaseLoft::Response
#
#     user => ID, token => TOKEN, cookie => TOKEN
#     headers => { NAME => VALUE }, body => BYTES, json => DATA
#     tls => 1, http => 2 (or 1, '1.0'), port => N, timeout => S
sub request {
    my ($self, $method, $path, %o) = @_;

    my @headers = $self->_headers(\%o);

    return $self->_curl($method, $path, \%o, @headers) if $o{tls} || $o{http};

    my $raw = "$method $path HTTP/1.1\r\nHost: localhost\r\n"
              . "Connection: close\r\n" . join('', map { "$_\r\n" } @headers);

    $raw .= 'Content-Length: ' . length($o{body}) . "\r\n" if defined $o{body};
    $raw .= "\r\n" . ($o{body} // '');

    return $self->raw($raw, port => $self->_port($path, \%o), %o);
}


sub get { my $self = shift; return $self->request('GET', @_) }


# post($path, $data, …): $data is encoded unless it is text
sub post { my $self = shift; return $self->_write('POST', @_) }
sub put { my $self = shift; return $self->_write('PUT', @_) }


sub _write {
    my ($self, $method, $path, $data, %o) = @_;

    return $self->request($method, $path,
        body => ref $data ? $json->encode($data) : $data, %o,
        headers => { 'Content-Type' => 'application/json',
                     %{ $o{headers} || {} } });
}


# raw($bytes, port => N): sends these bytes; returns the response up to its end
sub raw {
    my ($self, $bytes, %o) = @_;

    my $socket = connect_to($o{port} // $self->{ports}{http})
        or return LeaseLoft::Response->parse('');

    my $end = time() + ($o{timeout} // 10);
    my ($in, $select) = ('', IO::Select->new($socket));

    $socket->blocking(1);
    $socket->print($bytes);
    $socket->flush();

    while ($select->can_read($end - time())) {
        sysread $socket, $in, 65536, length $in or last;
    }

    return LeaseLoft::Response->parse($in);
}


# stream($path, %options): a LeaseLoft::Stream; options as for request(), and
# last_id => CURSOR
sub stream {
    my ($self, $path, %o) = @_;

    $o{headers}{'Last-Event-ID'} = $o{last_id} if defined $o{last_id};
    $o{headers}{Accept} = 'text/event-stream';

    my @headers = $self->_headers(\%o);

    if ($o{tls} || $o{http}) {
        my @command = $self->_curl_command('GET', $path, \%o, @headers);
        my $pid = open my $pipe, '-|', @command or die "curl: $!";
        return LeaseLoft::Stream->new($pipe, $pid);
    }

    my $socket = connect_to($self->_port($path, \%o)) or die "connect: $!";
    my $raw = join "\r\n", "GET $path HTTP/1.1", 'Host: localhost', @headers;

    $socket->syswrite("$raw\r\n\r\n");

    return LeaseLoft::Stream->new($socket);
}


sub _headers {
    my ($self, $o) = @_;

    my %headers = %{ $o->{headers} || {} };
    my $token = $o->{token} // ($o->{user} && $self->token($o->{user}));

    $headers{Authorization} = "Bearer $token" if defined $token;
    $headers{Cookie} = "leaseloft_session=$o->{cookie}" if $o->{cookie};

    return map { "$_: $headers{$_}" } sort keys %headers;
}


sub _port {
    my ($self, $path, $o) = @_;

    return $o->{port} // $self->{ports}{
        $path =~ m{^/internal} ? 'internal'
        : $o->{tls} ? 'tls' : ($o->{http} // '') eq '2' ? 'h2c' : 'http' };
}


sub _curl_command {
    my ($self, $method, $path, $o, @headers) = @_;

    my $scheme = $o->{tls} ? 'https' : 'http';
    my $port = $self->_port($path, $o);
    my $version = $o->{http} // '1.1';
    my @http = $version eq '1.0' ? ('--http1.0', '--no-alpn')
             : $version ne '2' ? '--http1.1'
             : $o->{tls} ? '--http2' : '--http2-prior-knowledge';

    return ('curl', '-s', '-N', '-k', '-i', '--raw', @http, '--path-as-is',
            '-X', $method, '--max-time', $o->{timeout} // 60,
            (map { ('-H', $_) } @headers), '-H', 'Expect:',
            (defined $o->{body} ? ('--data-binary', $o->{body}) : ()),
            "$scheme://127.0.0.1:$port$path");
}


sub _curl {
    my ($self, $method, $path, $o, @headers) = @_;

    open my $pipe, '-|',
        $self->_curl_command($method, $path, $o, @headers) or die "curl: $!";
    local $/;
    my $raw = <$pipe>;
    close $pipe;

    return LeaseLoft::Response->parse($raw);
}


# --- requests of the API ---

# lease($property, %members): declares a lease; users may be given as ids, and
# get names made from them
sub lease {
    my ($self, $property, %members) = @_;

    my %body = (
        lease_id => 'L-1', label => "Label of $property",
        time_zone => 'America/New_York', landlords => ['u-lena'],
        tenants => ['u-tom'], starts_at => '2020-01-01T00:00:00Z',
        ends_at => undef, %members,
    );

    for my $side (qw(landlords tenants)) {
        $body{$side} = [ map { ref $_ ? $_
            : { user => $_, name => ucfirst(s/^u-//r) } } @{ $body{$side} } ];
    }

    return $self->put("/internal/properties/$property/lease", \%body);
}


my $client_ids = 0;

# say($property, $user, $text, %options): sends a message
sub say {
    my ($self, $property, $user, $text, %o) = @_;

    my $id = delete $o{client_id} // "c-$$-" . ++$client_ids;

    return $self->post("/api/properties/$property/messages",
        { client_id => $id, text => $text }, user => $user, %o);
}


# mark($property, $user, $seq): marks everything up to seq as read
sub mark {
    my ($self, $property, $user, $seq, %o) = @_;

    return $self->post("/api/properties/$property/read", { upto => $seq },
                       user => $user, %o);
}


# metric($name): the sum of all series of leaseloft_$name, or undef
sub metric {
    my ($self, $name) = @_;

    my ($sum, @values) = (0, $self->get('/internal/metrics')->body()
                          =~ /^leaseloft_$name(?:\{[^}]*\})? (\S+)$/mg);

    $sum += $_ for @values;

    return @values ? $sum : undef;
}


# poll($property, $user, $query): the decoded body of a 200
sub poll {
    my ($self, $property, $user, $query) = @_;

    return $self->get("/api/properties/$property/messages"
                      . ($query ? "?$query" : ''), user => $user)->json();
}


# events($property, $user, %options): the stream of the thread
sub events {
    my ($self, $property, $user, %o) = @_;

    my $query = delete $o{query};

    return $self->stream("/api/properties/$property/events"
                         . ($query ? "?$query" : ''), user => $user, %o);
}


# a connection to a port of this machine, or undef
sub connect_to {
    my ($port) = @_;

    return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port,
                                 Timeout => 5);
}


1;
