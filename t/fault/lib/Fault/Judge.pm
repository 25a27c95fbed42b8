package Fault::Judge;

# Compares the answers that senders and readers got with the contents of Redis,
# while nobody sends, the queue is empty and readers have caught up. Entries
# that were right are not checked again after the next fault; a new judge checks
# everything.
#
#     my $judge = Fault::Judge->new(members => { USER => [ PROPERTY ... ] });
#     my @bad = $judge->look($q, $get, $model);
#
# After a replica was promoted, "losses" lists which entries may be missing:
#
#     { kept => { PROPERTY => SEQ },   the last entries of the replica
#       since => TIME,                 it had all that was acknowledged by then
#       until => TIME,                 the old primary acknowledged none later
#       over => TIME }                 all senders and readers had continued
#
# An entry after that seq, acknowledged before "until", may be lost ("lacking"
# counts them), and a reader who had it may get "reset" ("resets").  No other
# entry may be lost.  nginx's processes notice the promotion one after another:
# until "over", one that has not may send "reset" to a reader who comes from one
# that has.

use strict;
use warnings;

use JSON::PP;
use Time::Local qw(timegm);

my $json = JSON::PP->new->utf8;


# new(members => { ... }, losses => [ ... ], sent => { earlier messages })
sub new {
    my ($class, %o) = @_;

    return bless { losses => [], sent => {}, threads => {}, there => {}, %o },
                 $class;
}


# look($q, $get, $model): the problems since the last call, by subject: [ NAME,
# PROBLEM ... ] each. $q asks Redis (a LeaseLoft::Requests), $get->(PATH, USER)
# nginx.
sub look {
    my ($self, $q, $get, $model) = @_;

    my %properties = map { $_ => 1 } map { @$_ } values %{ $self->{members} };
    my %from;

    # after a loss, earlier entries may be missing
    @$self{qw(threads there)} = ({}, {}) if @{ $self->{losses} };

    @$self{qw(lacking resets)} = (0, 0);

    $self->{sent}{$_} = $model->{sent}{$_} for keys %{ $model->{sent} };

    my @chain = map {
        my $thread = $self->{threads}{$_} //= [ {} ];
        my $why = $q->broken($_, $#$thread, $thread->[-1]{hash});

        $from{$_} = @$thread;
        $self->_more($q, $_);
        $why eq '' ? () : "$_: $why";
    } sort keys %properties;

    return (
        [ 'numbers and chain of each thread are valid', @chain ],
        [ 'each acknowledged message is stored once, at the seq of its reply',
          $self->_doubles(\%from), $self->_sent($model) ],
        [ 'each reader got each entry once, in order',
          $self->_readers($model) ],
        [ 'unread counts and inboxes are right', $self->unread($get, $model) ],
    );
}


# the number of entries
sub entries {
    my ($self) = @_;

    my $n = 0;
    $n += $#$_ for values %{ $self->{threads} };

    return $n;
}


# the new entries of a thread, from Redis
sub _more {
    my ($self, $q, $property) = @_;

    my $thread = $self->{threads}{$property};

    for my $item ($q->thread($property, $#$thread)) {
        my ($seq, $raw, undef, $hash, $sender) = @$item;
        my $entry = $json->decode($raw);

        $thread->[$seq] = {
            text => $entry->{text}, id => $entry->{client_id}, raw => $raw,
            sender => $sender, hash => $hash,
            tag => substr(unpack('H*', $hash), 0, 8),
        };
    }
}


# the place of each message, which must occur once
sub _doubles {
    my ($self, $from) = @_;

    my ($there, @bad) = ($self->{there});

    for my $property (keys %$from) {
        my $thread = $self->{threads}{$property};

        for my $seq ($from->{$property} .. $#$thread) {
            my $id = ($thread->[$seq] // {})->{id} // next;

            push @bad, "$id is at @{ $there->{$id} } and at $property $seq"
                if $there->{$id};
            push @bad, "$id was never sent" if !$self->{sent}{$id};
            $there->{$id} = [ $property, $seq ];
        }
    }

    return @bad;
}


sub _sent {
    my ($self, $model) = @_;

    my @bad;

    for my $m (values %{ $model->{sent} }) {
        my ($id, $there) = ($m->{id}, $self->{there}{ $m->{id} });

        push @bad, "$id: $m->{wrong}" if $m->{wrong};

        if ($m->{seq} && !$self->_in_place($m)) {
            $self->{lacking}++;
            push @bad, "$id was acknowledged as $m->{seq}, is at "
                       . ($there ? "@$there" : 'no seq')
                if !$self->_may_lack($m);

        } elsif (!$m->{seq} && $m->{accepted} && !$there) {
            push @bad, "$id was accepted, and is lost"
                if !$self->_within(@{ $m->{accepted} });
        }

        next if !$there;

        # the hash before it, unless that entry was lost
        my $before = $self->{sent}{ $m->{after} // '' };
        push @bad, "$id overtook what $m->{user} had sent before"
            if $before && $self->_in_place($before)
               && $there->[1] <= $before->{seq};

        my ($property, $seq) = @$there;
        push @bad, "$id has another text or property"
            if $property ne $m->{property}
               || $self->{threads}{$property}[$seq]{text} ne $m->{text};
    }

    return @bad;
}


sub _in_place {
    my ($self, $m) = @_;

    my $there = $self->{there}{ $m->{id} };

    return $there && $there->[0] eq $m->{property}
           && $there->[1] == $m->{seq};
}


# an acknowledged message that is not at its seq
sub _may_lack {
    my ($self, $m) = @_;

    # a worker sets the time of an entry before the commit
    my ($y, $mon, $d, $h, $min, $s) =
        $m->{at} =~ /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+\.\d+)Z$/ or return 0;
    my $at = timegm(0, $min, $h, $d, $mon - 1, $y) + $s;

    return $self->_loss(sub { $m->{seq} > $_[0]{kept}{ $m->{property} }
                              && $at <= $_[0]{until} });
}


# whether a message sent and acknowledged at these times may be lost
sub _within {
    my ($self, $asked, $told) = @_;

    return 0 if !defined $told;
    return $self->_loss(sub { $told >= $_[0]{since}
                              && $asked <= $_[0]{until} });
}


sub _loss {
    my ($self, $condition) = @_;
    return scalar grep { $condition->($_) } @{ $self->{losses} };
}


# a reader's resets: time, seq, and what the reader had at that seq
sub _resets {
    my ($self, $reader) = @_;

    my $thread = $self->{threads}{ $reader->{property} };
    my @resets = @{ $reader->{resets} };

    $self->{resets} += @resets;

    return @resets . ' resets' if @resets && !@{ $self->{losses} };

    return map { "reset at $_->[1], which is there" } grep {
        my ($time, $seq, $raw) = @$_;

        (!$seq || (($thread->[$seq] // {})->{raw} // '') eq $raw)
            && !$self->_loss(sub { $time >= $_[0]{until}
                                   && $time <= $_[0]{over} })
    } @resets;
}


sub _readers {
    my ($self, $model) = @_;

    my @bad;

    for my $reader (grep { $_->{property} } @{ $model->{readers} }) {
        my $thread = $self->{threads}{ $reader->{property} };
        my ($name, $from, $last) = @$reader{qw(name from last)};

        push @bad, map { "$name: $_" } @{ $reader->{problems} },
                                       $self->_resets($reader);
        push @bad, "$name: saw $last of $#$thread" if $last != $#$thread;

        for my $seq ($from .. $#$thread) {
            my ($saw, $tag) = map { $reader->{$_}[ $seq - $from ] }
                                  qw(texts tags);

            push @bad, "$name: entry $seq differs"
                if ($saw // '') ne $thread->[$seq]{raw};
            push @bad, "$name: tag of $seq differs"
                if defined $tag && $tag ne $thread->[$seq]{tag};
            last if @bad > 20;
        }
    }

    return @bad;
}


# the acknowledged read mark of each user and property, and the greatest
# possible one
sub _marks {
    my ($self, $model) = @_;

    my (%marks, %tried);

    for my $reader (grep { $_->{property} } @{ $model->{readers} }) {
        my $key = "$reader->{user} $reader->{property}";

        for my $marked (@{ $reader->{marked} }) {
            my ($asked, $told, $upto) = @$marked;

            next if $self->_within($asked, $told);
            $marks{$key} = $upto if $upto > ($marks{$key} // 0);
        }

        $tried{$key} = $reader->{maybe}
            if ($reader->{maybe} // 0) > ($tried{$key} // 0);
    }

    return (\%marks, \%tried);
}


# problems of unread counts
sub unread {
    my ($self, $get, $model) = @_;

    my ($marks, $tried) = $self->_marks($model);
    my @bad;

    for my $user (sort keys %{ $self->{members} }) {
        my (%unread, $total);

        for my $property (@{ $self->{members}{$user} }) {
            my $key = "$user $property";
            my $you = $get->("/api/properties/$property/messages?limit=1",
                             $user)->{you};
            if (!$you) {
                push @bad, "$key: no answer";
                next;
            }

            my $thread = $self->{threads}{$property};
            my $n = grep { $thread->[$_]{sender} ne ''
                           && $thread->[$_]{sender} ne $user }
                         $you->{read} + 1 .. $#$thread;

            push @bad, "$key: unread $you->{unread}, not $n"
                if $you->{unread} != $n;
            push @bad, "$key: read up to $you->{read}, but marked "
                       . $marks->{$key}
                if $you->{read} < ($marks->{$key} // 0);
            push @bad, "$key: read up to $you->{read}, but nobody said so"
                if $you->{read} > ($tried->{$key} // 0);

            $unread{$property} = $n;
            $total += $n;
        }

        push @bad, $self->_inbox($get, $user, \%unread, $total),
                   map { $self->_events($_, \%unread, $total) }
                   grep { $_->{kind} eq 'inbox' && $_->{user} eq $user }
                        @{ $model->{readers} };
    }

    return @bad;
}


# an inbox as the user gets it
sub _inbox {
    my ($self, $get, $user, $unread, $total) = @_;

    my $inbox = $get->('/api/inbox?limit=200', $user);

    return "$user: no inbox" if !$inbox->{threads};

    my @bad;
    push @bad, "$user: inbox says $inbox->{total_unread}, not $total"
        if $inbox->{total_unread} != $total;
    push @bad, "$user: inbox shows " . @{ $inbox->{threads} } . ' threads'
        if @{ $inbox->{threads} } != keys %$unread;

    for my $thread (@{ $inbox->{threads} }) {
        my $property = $thread->{property};
        push @bad, "$user $property: inbox says $thread->{unread}"
            if $thread->{unread} != $unread->{$property};
        push @bad, "$user $property: inbox shows $thread->{last}{seq}"
            if $thread->{last}{seq} != $#{ $self->{threads}{$property} };
    }

    return @bad;
}


# the same by the events of a reader's stream. A thread that a loss has changed
# may be out of date until it changes again: the numbers of an inbox do not show
# that (docs/reliability.md).
sub _events {
    my ($self, $reader, $unread, $total) = @_;

    my ($name, $heard) = @$reader{qw(name heard_at)};
    my @bad = map { "$name: $_" } @{ $reader->{problems} };
    my ($last) = sort { $b <=> $a } values %$heard;

    push @bad, "$name: the last total is $reader->{total}, not $total"
        if $reader->{total} != $total && !$self->_within($last, $last);
    push @bad, map { "$name: $_ has the last count "
                     . ($reader->{unread}{$_} // 'none') }
               grep { ($reader->{unread}{$_} // -1) != $unread->{$_}
                      && !$self->_within($heard->{$_}, $heard->{$_}) }
               sort keys %$unread;

    return @bad;
}


1;
