package Fault::Load;

# Senders and readers in a process of their own, and the answers they got: the
# model that Fault::Judge compares with Redis.
#
# A sender sends one message after another, at its rate. A message with an
# uncertain answer (202, 503, a broken connection) is either sent again with the
# same client_id until the answer is certain, or left. Fault::Reader lists the
# kinds of readers.
#
#     my $load = Fault::Load->start($ll, seed => 1, rate => 20);
#     $load->still('P1', 'P3');            # nobody sends there any more
#     my $times = $load->recovery(10);     # since now: senders, readers
#     $load->quiesce(20);                  # nobody sends any more
#     my $model = $load->look(\%heads);    # readers have read up to these
#     $load->go();
#     my $model = $load->finish(\%heads);  # the same, and all is over

use strict;
use warnings;

use Storable qw(retrieve store);
use Time::HiRes qw(time);

use Fault::Child;
use Fault::Http;
use Fault::Loop;
use Fault::Reader;

our @ISA = qw(Fault::Child);


# start($ll, %options): leases must have been declared
#
#     properties => [ ID ... ]
#     senders => [ [ USER, PROPERTY ] ... ], rate => messages a second for each
#     readers => [ { user, property, kind } ... ], inboxes => [ USER ... ]
#     seed => N, lossy => 1 (a promoted replica may have lost entries)
sub start {
    my ($class, $ll, %o) = @_;

    my $self = bless { %o, ll => $ll, file => $ll->dir() . "/model-$o{seed}" },
                     $class;

    # tokens are made once, since each costs a signature
    my %users = map { $_ => 1 } (map { $_->[0] } @{ $o{senders} }),
        (map { $_->{user} } @{ $o{readers} }), @{ $o{inboxes} };
    $self->{tokens}{$_} = $ll->token($_) for keys %users;

    $self->spawn('load', sub { srand($o{seed}) });

    return $self;
}


# still(@properties): no new messages to these until go()
sub still { my $self = shift; return $self->ask("still @_", 5) }


# recovery($seconds): the seconds until each sender got an answer to a message
# begun after now, and until each reader got one of these messages and each
# stream is live; undef for what did not happen in time. Properties without
# messages do not count.
sub recovery {
    my ($self, $seconds) = @_;

    my $line = $self->ask("mark $seconds", $seconds + 5) // '- - dead';
    my ($senders, $readers, $who) = split / /, $line, 3;

    return { senders => $senders eq '-' ? undef : $senders,
             readers => $readers eq '-' ? undef : $readers, who => $who };
}


# quiesce($seconds): no new messages or marks; returns 1 once all repeated
# requests are answered, or undef. go(): all continue
sub quiesce {
    my ($self, $seconds) = @_;
    return $self->ask("quiesce $seconds", $seconds + 5);
}


sub go { $_[0]->ask('go', 5) }


# look(\%heads, $seconds): once all readers have caught up, the answers since
# the last call, or all of them if a loss is possible. The heads are the last
# seq of each property, and the rev of each inbox.
sub look {
    my ($self, $heads, $seconds) = @_;
    return $self->_model('look', $heads, $seconds);
}


# finish(\%heads, $seconds): all answers; ends the process
sub finish {
    my ($self, $heads, $seconds) = @_;

    my $model = $self->_model('finish', $heads, $seconds);
    waitpid $self->{pid}, 0;

    return $model;
}


sub _model {
    my ($self, $command, $heads, $seconds) = @_;

    $self->ask("$command $seconds "
               . join(' ', map { "$_=$heads->{$_}" } keys %$heads),
               $seconds + 20);

    my $model = eval { retrieve($self->{file}) } // die "no model: $@";
    unlink $self->{file};

    return $model;
}


# --- in the child process ---

sub _run {
    my ($self) = @_;

    my $loop = $self->{loop} = Fault::Loop->new();

    $self->{sent} = {};
    $self->{fresh} = {};
    $self->{still} = {};
    $self->{made} = 0;

    $self->{clients} = [ map { $self->_sender(@$_) } @{ $self->{senders} } ];
    $self->{eyes} = [
        (map { Fault::Reader->new($self, %$_) } @{ $self->{readers} }),
        (map { Fault::Reader->new($self, user => $_, kind => 'inbox') }
             @{ $self->{inboxes} }),
    ];

    $self->serve($loop);
    $loop->run();

    # the curl processes of streams must exit
    $_->end() for @{ $self->{eyes} };
}


sub _sender {
    my ($self, $user, $property) = @_;

    my $sender = {
        user => $user, property => $property, name => "$user.$property",
        http => Fault::Http->new($self->{loop}, $self->{ll}{ports}{http}),
        next => time() + rand(1 / $self->{rate}), acked => 0,
    };

    $self->_plan($sender);

    return $sender;
}


# the time of the next message; messages missed in a stall are not sent later
sub _plan {
    my ($self, $sender) = @_;

    my $now = time();

    $sender->{busy} = 0;
    $sender->{next} += 1 / $self->{rate};
    $sender->{next} = $now if $sender->{next} < $now;

    $self->{loop}->after($sender->{next} - $now, sub {
        return $self->_idle($sender)
            if $self->{paused} || $self->{still}{ $sender->{property} };

        my $n = ++$self->{made};
        my $id = "m$self->{seed}-$n";

        $self->_send($sender, $self->{sent}{$id} = $self->{fresh}{$id} = {
            id => $id, user => $sender->{user},
            property => $sender->{property},
            text => "text $n of $sender->{user}",
            begun => time(), after => $sender->{last},
            patient => rand() < 0.8, tries => 0, told => [],
        });
    });
}


sub _idle {
    my ($self, $sender) = @_;

    $sender->{next} = time() + 0.02;
    $self->{loop}->after(0.02, sub { $self->_plan($sender) });
}


sub _send {
    my ($self, $sender, $message) = @_;

    $sender->{busy} = 1;
    $message->{tries}++;
    $message->{asked} = time();

    $sender->{http}->request('POST',
        "/api/properties/$message->{property}/messages",
        $self->{tokens}{ $message->{user} },
        qq({"client_id":"$message->{id}","text":"$message->{text}"}), 8,
        sub { $self->_answered($sender, $message, @_) });
}


sub _answered {
    my ($self, $sender, $message, $status, $body) = @_;

    $self->{counts}{$status}++;
    push @{ $message->{told} }, $status;

    if ($status == 201 || $status == 200) {
        my ($seq) = $body =~ /^\{"seq":(\d+),/;

        $message->{seq} = $seq;
        ($message->{at}) = $body =~ /"at":"([^"]*)"/;
        $sender->{acked} = $seq;
        $sender->{last} = $message->{id};
        $sender->{since} = $message->{begun};
        $message->{wrong} = "answered $body"
            if index($body, qq("text":"$message->{text}")) < 0;
        return $self->_plan($sender);
    }

    $message->{accepted} = [ $message->{asked}, time() ] if $status == 202;
    $message->{wrong} = "$status: $body"
        if $status != 202 && $status != 503 && $status != 0;

    if ($message->{patient} && !$message->{wrong}) {
        $self->{loop}->after(0.05 + rand(0.25),
                             sub { $self->_send($sender, $message) });
        return;
    }

    # the messages after an abandoned one need not have a later seq
    $self->_plan($sender);
}


# repeats the question until it holds or the time is over
sub _until {
    my ($self, $seconds, $condition, $done) = @_;

    my $end = time() + $seconds;
    my $look;

    $look = sub {
        my $holds = $condition->();

        if ($holds || time() > $end) {
            undef $look;
            return $done->($holds);
        }

        $self->{loop}->after(0.01, $look);
    };

    $look->();
}


sub _do_mark {
    my ($self, $answer, $seconds) = @_;

    my $start = time();
    my @clients = grep { !$self->{still}{ $_->{property} } }
                       @{ $self->{clients} };
    my ($senders, %seqs);

    $self->_until($seconds, sub {
        return 0 if grep { ($_->{since} // 0) < $start } @clients;

        if (!defined $senders) {
            $senders = sprintf '%.2f', time() - $start;
            for my $sender (@clients) {
                my $p = $sender->{property};
                $seqs{$p} = $sender->{acked}
                    if $sender->{acked} > ($seqs{$p} // 0);
            }
        }

        return !grep { !$_->caught_up($seqs{ $_->of() } // 0) }
                     @{ $self->{eyes} };
    }, sub {
        my ($holds) = @_;

        my @late = map { $_->name() }
            defined $senders
            ? grep { !$_->caught_up($seqs{ $_->of() } // 0) }
                   @{ $self->{eyes} }
            : ();
        @late = map { $_->{name} } grep { ($_->{since} // 0) < $start }
                    @clients if !defined $senders;

        $answer->(($senders // '-') . ' '
                  . ($holds ? sprintf('%.2f', time() - $start) : '-')
                  . " @late");
    });
}


sub _do_quiesce {
    my ($self, $answer, $seconds) = @_;

    $self->{paused} = 1;
    $_->rest(1) for @{ $self->{eyes} };

    $self->_until($seconds,
                  sub { !grep { $_->{busy} } @{ $self->{clients} } },
                  sub { $answer->($_[0] ? 1 : 0) });
}


sub _do_still {
    my ($self, $answer, @properties) = @_;

    $self->{still} = { map { $_ => 1 } @properties };
    $answer->(1);
}


sub _do_go {
    my ($self, $answer) = @_;

    $self->{paused} = 0;
    $self->{still} = {};
    $_->rest(0) for @{ $self->{eyes} };
    $answer->(1);
}


sub _until_there {
    my ($self, $seconds, $heads, $done) = @_;

    my %heads = map { split /=/ } @$heads;

    $self->_until($seconds, sub {
        return !grep { !$_->caught_up($heads{ $_->of() } // 0) }
                     @{ $self->{eyes} };
    }, $done);
}


sub _store {
    my ($self, $sent, $all) = @_;

    store({
        sent => $sent, counts => $self->{counts},
        readers => [ map { $_->result($all) } @{ $self->{eyes} } ],
    }, $self->{file});
}


sub _do_look {
    my ($self, $answer, $seconds, @heads) = @_;

    $self->_until_there($seconds, \@heads, sub {
        $self->{lossy} ? $self->_store($self->{sent}, 1)
                       : $self->_store($self->{fresh}, 0);
        $self->{fresh} = {};
        $answer->(1);
    });
}


sub _do_finish {
    my ($self, $answer, $seconds, @heads) = @_;

    $self->_until_there($seconds, \@heads, sub {
        # a doubled entry arrives soon after
        $self->{loop}->after(0.5, sub {
            $self->_store($self->{sent}, 1);
            $answer->(1);
            $self->{loop}->stop();
        });
    });
}


1;
