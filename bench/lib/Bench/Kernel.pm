package Bench::Kernel;

# Limits of the kernel on the number of connections: raised where they are too
# low, if the user may, and restored when the object is destroyed.
#
#     my $kernel = Bench::Kernel->need($connections);

use strict;
use warnings;

use Bench qw(note);

# for this number of connections, both ends of which are on this machine
my %needed = (
    'fs/file-max' => sub { 2.2 * $_[0] + 100000 },
    'fs/nr_open' => sub { 20000 },
    'kernel/pid_max' => sub { 8192 },
    'net/core/somaxconn' => sub { 4096 },
    'net/core/netdev_max_backlog' => sub { 10000 },
    'net/ipv4/tcp_max_syn_backlog' => sub { 8192 },

    # exists only if rules track connections
    'net/netfilter/nf_conntrack_max' => sub { 2.2 * $_[0] + 10000 },
);


sub need {
    my ($class, $connections) = @_;

    my $self = bless { owner => $$ }, $class;

    for my $name (sort keys %needed) {
        my $wanted = int $needed{$name}->($connections);
        my $have = value($name) // next;

        next if $have >= $wanted;

        if (set($name, $wanted)) {
            $self->{old}{$name} = $have;
        } else {
            note('%s is %s, and %s would be needed', $name, $have, $wanted);
        }
    }

    return $self;
}


sub value {
    my ($name) = @_;

    open my $f, '<', "/proc/sys/$name" or return undef;
    my $value = readline $f;

    return $value =~ /^(\d+)/ ? $1 : undef;
}


sub set {
    my ($name, $value) = @_;

    open my $f, '>', "/proc/sys/$name" or return 0;
    print $f "$value\n";

    return close $f;
}


sub DESTROY {
    my ($self) = @_;

    return if $$ != $self->{owner};

    set($_, $self->{old}{$_}) for keys %{ $self->{old} };
}


1;
