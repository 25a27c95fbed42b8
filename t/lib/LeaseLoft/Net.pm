package LeaseLoft::Net;

# A network namespace with one link to this machine, which can be cut: whoever
# is at the other end then hears nothing more, not even a reset.
#
#     my $net = eval { LeaseLoft::Net->new() } or plan skip_all => $@;
#
#     $net->here()        the address of this machine
#     $net->there()       that of the namespace
#     $net->inside()      what a command begins with to run there
#     $net->cut();        sets the link down ...
#     $net->mend();       ... and up

use strict;
use warnings;

my $owner = $$;
my @all;


# dies with the reason if there can be none
sub new {
    my ($class) = @_;

    my $name = "ll$$" . @all;
    my $self = bless { name => $name, undo => [],
                       net => '10.' . join '.', 64 + int rand 128,
                                                int rand 256 }, $class;
    my ($a, $b) = ("${name}a", "${name}b");

    push @all, $self;

    die "not root\n" if $> != 0;
    $self->_do("ip netns add $name", "ip netns del $name")
        or die "no network namespaces (ip netns)\n";
    $self->_do("ip link add $a type veth peer name $b netns $name",
               "ip link del $a") or die "no veth\n";

    $self->_must("ip addr add $self->{net}.1/30 dev $a", "ip link set $a up",
                 "ip -n $name link set lo up",
                 "ip -n $name addr add $self->{net}.2/30 dev $b",
                 "ip -n $name link set $b up");

    # a permanent neighbour, so that the kernel sends packets to an address
    # that is gone, rather than report that it does not resolve
    my ($mac) = `ip -n $name link show dev $b` =~ m{link/ether (\S+)};
    $self->_must("ip neigh replace $self->{net}.2 lladdr $mac dev $a"
                 . ' nud permanent');

    return $self;
}


sub _do {
    my ($self, $command, $undo) = @_;

    system("$command >/dev/null 2>&1") == 0 or return 0;
    push @{ $self->{undo} }, $undo // ();

    return 1;
}


sub _must {
    my ($self, @commands) = @_;
    $self->_do($_) or die "failed: $_\n" for @commands;
}


sub here { "$_[0]{net}.1" }
sub there { "$_[0]{net}.2" }
sub inside { "ip netns exec $_[0]{name}" }
sub cut { $_[0]->_must("ip -n $_[0]{name} link set $_[0]{name}b down") }
sub mend { $_[0]->_must("ip -n $_[0]{name} link set $_[0]{name}b up") }


# takes the address from the namespace, and gives it back
sub vanish {
    my ($self) = @_;
    $self->_must("ip -n $self->{name} addr del $self->{net}.2/30"
                 . " dev $self->{name}b");
}

sub appear {
    my ($self) = @_;
    $self->_must("ip -n $self->{name} addr replace $self->{net}.2/30"
                 . " dev $self->{name}b");
}


END {
    my $status = $?;

    if ($$ == $owner) {
        for my $self (@all) {
            $self->_do($_) for reverse @{ $self->{undo} };
        }
    }

    $? = $status;
}


1;
