package Fault::Child;

# The base of classes whose objects run in a process of their own.  The test
# sends it commands, lines of words, and gets a line in reply to each.
#
#     $self->spawn('load', sub { ... });   calls _run() in the process
#     $self->ask('go now', 5);             its reply, or undef after 5 s
#
# In the process:
#
#     $self->serve($loop);                 calls _do_go($reply, 'now')

use strict;
use warnings;

use IO::Handle;
use POSIX ();
use Time::HiRes qw(time);


# spawn($name, $init): the name is for errors; $init, if given, is called in the
# new process first
sub spawn {
    my ($self, $name, $init) = @_;

    pipe my $commands, $self->{commands} or die "pipe: $!";
    pipe $self->{replies}, my $replies or die "pipe: $!";

    my $pid = fork() // die "fork: $!";

    if ($pid == 0) {
        $SIG{INT} = $SIG{TERM} = 'DEFAULT';
        $SIG{PIPE} = 'IGNORE';
        close $self->{commands};
        @$self{qw(commands replies)} = ($commands, $replies);
        $init->() if $init;
        eval { $self->_run(); 1 } or print STDERR "$name: $@";
        POSIX::_exit(0);
    }

    close $commands;
    close $replies;
    $self->{pid} = $pid;
    $self->{commands}->autoflush(1);
}


sub pid { $_[0]{pid} }


sub ask {
    my ($self, $command, $seconds) = @_;

    print { $self->{commands} } "$command\n";
    return $self->line($seconds);
}


# line($seconds): the next line of the process, without limit if not given, or
# undef.  The process sends one at a time, so that none is read in part.
sub line {
    my ($self, $seconds) = @_;

    my $end = defined $seconds ? time() + $seconds : undef;
    my $line = '';

    while ($line !~ /\n/) {
        my $in = '';
        vec($in, fileno $self->{replies}, 1) = 1;
        my $left = defined $end ? $end - time() : undef;
        return undef if defined $left && $left <= 0;
        return undef if !select($in, undef, undef, $left);
        sysread $self->{replies}, $line, 1, length $line or return undef;
    }

    chomp $line;
    return $line;
}


# --- in the process ---

# serve($loop): handles commands until the test ends
sub serve {
    my ($self, $loop) = @_;

    my $in = '';

    $loop->on_read($self->{commands}, sub {
        my $n = sysread $self->{commands}, $in, 4096, length $in;
        return $loop->stop() if !$n;

        while ($in =~ s/^(\w+) ?(.*)\n//) {
            $self->handle($1, sub { $self->reply($_[0]) }, split / /, $2);
        }
    });
}


sub handle {
    my ($self, $command, $reply, @words) = @_;

    my $method = "_do_$command";
    $self->$method($reply, @words);
}


sub reply {
    my ($self, $line) = @_;
    syswrite $self->{replies}, "$line\n";
}


1;
