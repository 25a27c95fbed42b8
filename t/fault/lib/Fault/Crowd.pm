package Fault::Crowd;

# Many streams in a process of their own. Each starts at the head, and is
# reopened with Last-Event-ID when it ends; each entry must arrive once, in
# order and without a gap.
#
#     my $crowd = Fault::Crowd->start($ll, \@properties, 500);
#     $crowd->wait_open(500, 30);
#     $crowd->drop();                closes all at once, and opens all at once
#     start(..., 500, churn => 2)    each leaves after up to 2 s, and comes back
#     my $report = $crowd->finish(\%heads);
#         { problems => [], entries, opened, byes => { REASON => N } }

use strict;
use warnings;

use Storable qw(retrieve store);
use Time::HiRes qw(time);

use Fault::Child;
use Fault::Http;
use Fault::Loop;

our @ISA = qw(Fault::Child);


sub start {
    my ($class, $ll, $properties, $n, %o) = @_;

    my $self = bless {
        port => $ll->{ports}{http}, n => $n, properties => $properties,
        file => $ll->dir() . '/crowd', entries => 0, opened => 0, open => 0,
        byes => {}, problems => [], streams => [], churn => $o{churn},
    }, $class;

    # the lease of Fault.pm has one more tenant for each property
    $self->{tokens}{$_} = $ll->token('u-mia' . substr $_, 1)
        for @$properties;

    $self->spawn('crowd');

    return $self;
}


# wait_open($n, $seconds): waits until n streams are open: the time, at least
# 0.01, or 0
sub wait_open { $_[0]->ask("open $_[1] $_[2]", $_[2] + 5) // 0 }
sub drop { $_[0]->ask('drop', 120) }
sub opened { $_[0]->ask('opened', 5) }


sub finish {
    my ($self, $heads) = @_;

    $self->ask('finish ' . join(' ', map { "$_=$heads->{$_}" } keys %$heads),
               60);
    waitpid $self->{pid}, 0;

    my $report = eval { retrieve($self->{file}) } // die "no report: $@";
    unlink $self->{file};

    return $report;
}


# --- in the child process ---

sub _run {
    my ($self) = @_;

    my $loop = $self->{loop} = Fault::Loop->new();
    my @properties = @{ $self->{properties} };

    # slower than the backlog of the listening socket fills
    for my $i (1 .. $self->{n}) {
        my $one = { property => $properties[ $i % @properties ], n => $i };
        push @{ $self->{streams} }, $one;
        $loop->after($i / 1500, sub { $self->_open($one) });
    }

    $self->serve($loop);
    $loop->run();
}


sub _open {
    my ($self, $one) = @_;

    $self->{opened}++;
    $one->{stream} = Fault::EventStream->new($self->{loop},
        port => $self->{port}, token => $self->{tokens}{ $one->{property} },
        path => "/api/properties/$one->{property}/events",
        last_id => $one->{place},
        event => sub { $self->_event($one, @_) },
        closed => sub { $self->_closed($one, $_[0]) });
}


sub _event {
    my ($self, $one, $name, $id, $data) = @_;

    if ($name eq '') {
        my ($seq) = $id =~ /^(\d+)/;

        $self->_problem($one, "$seq follows $one->{last}")
            if $seq != $one->{last} + 1;
        $one->{last} = $seq;
        $one->{place} = $id;
        $self->{entries}++;

    } elsif ($name eq 'hello') {
        $self->{open}++;
        $one->{open} = 1;

        $self->_leave($one) if $self->{churn};

        # the first time it starts at the head
        if (!defined $one->{place}) {
            ($one->{place}, $one->{last}) = $data =~ /"head":"((\d+)\.\w+)"/;
        }

    } elsif ($name eq 'bye') {
        my ($reason) = $data =~ /"reason":"(\w+)"/;
        $self->{byes}{$reason}++;

    } elsif ($name eq 'reset') {
        $self->_problem($one, 'reset');
    }
}


# closes at any moment, without notice, and reconnects
sub _leave {
    my ($self, $one) = @_;

    my $stream = $one->{stream};

    $self->{loop}->after(rand $self->{churn}, sub {
        return if $one->{stream} != $stream || $self->{ending};
        $stream->close();
        $self->{open}-- if delete $one->{open};
        $self->{loop}->after(rand 0.5, sub { $self->_open($one) });
    });
}


sub _problem {
    my ($self, $one, $what) = @_;

    push @{ $self->{problems} }, "stream $one->{n} of $one->{property}: $what"
        if @{ $self->{problems} } < 20;
}


sub _closed {
    my ($self, $one, $why) = @_;

    $self->_problem($one, $why) if $why =~ /^status/;
    $self->{open}-- if delete $one->{open};
    $self->{loop}->after(0.05 + rand(0.1), sub { $self->_open($one) })
        if !$self->{ending};
}


sub _do_open {
    my ($self, $answer, $n, $seconds) = @_;

    my $start = time();
    my $look;

    $look = sub {
        my $took = time() - $start;

        if ($self->{open} >= $n || $took > $seconds) {
            undef $look;
            return $answer->($self->{open} >= $n
                             ? ($took > 0.01 ? $took : 0.01) : 0);
        }

        $self->{loop}->after(0.02, $look);
    };

    $look->();
}


sub _do_opened { $_[1]->($_[0]{opened}) }


sub _do_drop {
    my ($self, $answer) = @_;

    for my $one (@{ $self->{streams} }) {
        $one->{stream}->close();
        $self->{open}-- if delete $one->{open};
    }

    $self->_open($_) for @{ $self->{streams} };
    $answer->(1);
}


sub _do_finish {
    my ($self, $answer, @heads) = @_;

    my %heads = map { split /=/ } @heads;
    my $end = time() + 30;
    my $look;

    $look = sub {
        my @late = grep { ($_->{last} // 0) < $heads{ $_->{property} } }
                        @{ $self->{streams} };

        if (@late && time() < $end) {
            return $self->{loop}->after(0.05, $look);
        }

        undef $look;
        $self->{ending} = 1;
        $self->_problem($_, "saw $_->{last} of $heads{ $_->{property} }")
            for @late;

        store({ map { $_ => $self->{$_} }
                qw(problems entries opened byes) }, $self->{file});
        $_->{stream} && $_->{stream}->close() for @{ $self->{streams} };
        $answer->(1);
        $self->{loop}->stop();
    };

    $look->();
}


1;
