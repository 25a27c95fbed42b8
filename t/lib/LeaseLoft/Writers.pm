package LeaseLoft::Writers;

# Processes that send messages while something else happens, each message until
# it is acknowledged, and what became of them.
#
#     my $writers = LeaseLoft::Writers->new($ll, @properties);
#
#     ok($writers->sending(), 'messages are sent');
#     $writers->pause($since);     the longest one since a time, in seconds
#     $writers->stop();
#     my $texts = $writers->judge();

use strict;
use warnings;

use JSON::PP;
use POSIX ();
use Test::More;
use Time::HiRes qw(time sleep);

use LeaseLoft;


# three of them, who send to these properties in turn, as u-tom
sub new {
    my ($class, $ll, @properties) = @_;

    my $self = bless { ll => $ll, properties => \@properties }, $class;

    $self->{pids} = [ map { $self->_begin($_) } 1 .. 3 ];

    return $self;
}


sub _begin {
    my ($self, $n) = @_;

    my $ll = $self->{ll};
    my @properties = @{ $self->{properties} };
    my $test = $$;
    my $pid = fork() // die "fork: $!";
    return $pid if $pid;

    open my $log, '>>', $ll->dir() . '/acknowledged' or POSIX::_exit(1);

    for (my $i = 0;; $i++) {
        my $property = $properties[($i + $n) % @properties];
        my $text = "message $i of writer $n";
        my $status = 0;

        while ($status != 201 && $status != 200) {
            POSIX::_exit(1) if getppid() != $test;      # it died
            $status = eval { $ll->say($property, 'u-tom', $text,
                                      client_id => "w$n-$i")->status() } // 0;
            sleep 0.02;
        }

        syswrite $log, join("\t", $property, $text, time()) . "\n";
    }
}


sub stop {
    my ($self) = @_;

    kill 'TERM', @{ $self->{pids} };
    waitpid $_, 0 for @{ $self->{pids} };
}


# [property, text, time] of each acknowledged message
sub acknowledged {
    my ($self) = @_;

    return map { [split /\t/] } split /\n/,
           $self->{ll}->slurp('acknowledged') =~ s/[^\n]*\z//r;
}


# the longest time between two acknowledgements since a time
sub pause {
    my ($self, $since) = @_;

    my ($last, $longest) = ($since, 0);

    for my $at (sort { $a <=> $b } grep { $_ > $since }
                map { $_->[2] } $self->acknowledged()) {
        $longest = $at - $last if $at - $last > $longest;
        $last = $at;
    }

    return $longest;
}


# waits until twenty more are acknowledged
sub sending {
    my ($self) = @_;

    my $n = $self->acknowledged();

    return wait_for(sub { $self->acknowledged() > $n + 20 }, 30);
}


# after stop(): tests that each acknowledged message is in its thread once, and
# that the records verify; returns { property => { text => number } }
sub judge {
    my ($self) = @_;

    my $ll = $self->{ll};
    my %texts;

    for my $property (@{ $self->{properties} }) {
        my ($status, $record) = $ll->cli('record', $property);

        $ll->write('record', $record);
        is(($ll->cli('verify', $ll->dir() . '/record'))[0], 0,
           "the record of $property verifies");
        $texts{$property}{$_}++
            for map { $_->{text} } grep { $_->{kind} eq 'message' }
                map { decode_json($_->{entry}) } grep { defined $_->{entry} }
                map { decode_json($_) } split /\n/, $record;
    }

    my @acknowledged = $self->acknowledged();

    is(scalar(grep { !$texts{ $_->[0] }{ $_->[1] } } @acknowledged), 0,
       'all ' . @acknowledged . ' acknowledged messages are there');
    is(scalar(grep { $_ > 1 } map { values %$_ } values %texts), 0,
       'and none is there twice');

    return \%texts;
}


1;
