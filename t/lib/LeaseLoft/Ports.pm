package LeaseLoft::Ports;

# Free ports for tests that run at the same time.

use strict;
use warnings;

use Exporter qw(import);
use IO::Socket::INET;
use IO::Socket::UNIX;

our @EXPORT_OK = qw(free_port);

# abstract names, which only one process can bind, until the test ends
my @reserved;


# a port outside the range that the kernel gives to clients, which is not given
# to another test between this call and the start of the server
sub free_port {
    for (1 .. 100) {
        my $port = 10000 + int rand 20000;
        my $name = IO::Socket::UNIX->new(Local => "\0leaseloft-port-$port",
                                         Listen => 1) or next;
        my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
                         LocalPort => $port, Listen => 1, ReuseAddr => 1)
                     or next;

        push @reserved, $name;
        return $port;
    }

    die "no free port\n";
}


1;
