package Fault::Judge;

# Compares what senders and readers were told with what is there.

use strict;
use warnings;

use Exporter qw(import);
use JSON::PP;

our @EXPORT_OK = qw(threads_of judge_sent judge_readers judge_unread);

my $json = JSON::PP->new->utf8;


# threads_of($q, @properties): property => list by seq of
# { text, id, user, tag, raw, sender }, from Redis itself ($q: a
# LeaseLoft::Requests)
sub threads_of {
    my ($q, @properties) = @_;

    my %threads;

    for my $property (@properties) {
        for my $item ($q->thread($property)) {
            my ($seq, $raw, undef, $hash, $sender) = @$item;
            my $entry = $json->decode($raw);

            $threads{$property}[$seq] = {
                text => $entry->{text}, id => $entry->{client_id},
                raw => $raw, sender => $sender,
                tag => substr(unpack('H*', $hash), 0, 8),
            };
        }
    }

    return \%threads;
}


# what is wrong with the sent messages
sub judge_sent {
    my ($model, $threads, %o) = @_;

    my (%there, @bad);

    for my $property (keys %$threads) {
        my $thread = $threads->{$property};

        for my $seq (1 .. $#$thread) {
            my $entry = $thread->[$seq];
            my $id = $entry->{id} // next;

            push @bad, "$id is at $there{$id} and at $property $seq"
                if $there{$id};
            push @bad, "$id was never sent" if !$model->{sent}{$id};
            $there{$id} = "$property $seq";
        }
    }

    for my $m (values %{ $model->{sent} }) {
        my ($id, $property) = @$m{qw(id property)};
        my $there = $there{$id};

        push @bad, "$id: $m->{wrong}" if $m->{wrong};

        if ($m->{seq}) {
            # a replica that was promoted may lack it, and have another there
            next if $o{lossy};
            push @bad, "$id was told to be $m->{seq}, is at "
                       . ($there // 'no place')
                if ($there // '') ne "$property $m->{seq}";
            push @bad, "$id overtook what $m->{user} had sent before"
                if $m->{seq} <= $m->{after};

        } elsif ($m->{accepted} && !$o{lossy}) {
            push @bad, "$id was accepted, and is lost" if !$there;
        }

        next if !$there;
        my ($seq) = $there =~ / (\d+)$/;
        push @bad, "$id has another text or place"
            if $threads->{$property}[$seq]
               && $there eq "$property $seq"
               && $threads->{$property}[$seq]{text} ne $m->{text};
    }

    return @bad;
}


# what is wrong with what readers saw: all of it, once, in order
sub judge_readers {
    my ($model, $threads, %o) = @_;

    my @bad;

    for my $reader (grep { $_->{property} } @{ $model->{readers} }) {
        my $thread = $threads->{ $reader->{property} };
        my $name = $reader->{name};

        push @bad, map { "$name: $_" } @{ $reader->{problems} };
        push @bad, "$name: $reader->{resets} resets"
            if $reader->{resets} && !$o{lossy};
        push @bad, "$name: saw $reader->{last} of $#$thread"
            if $reader->{last} != $#$thread;

        for my $seq (1 .. $#$thread) {
            my ($saw, $tag) = ($reader->{texts}[$seq], $reader->{tags}[$seq]);

            push @bad, "$name: entry $seq differs"
                if ($saw // '') ne $thread->[$seq]{raw};
            push @bad, "$name: tag of $seq differs"
                if defined $tag && $tag ne $thread->[$seq]{tag};
            last if @bad > 20;
        }
    }

    return @bad;
}


# what is wrong with counts of unread messages; get(PATH, USER) asks
sub judge_unread {
    my ($model, $threads, $members, $get, %o) = @_;

    my (%unread, %marks, %tried, @bad);

    for my $reader (@{ $model->{readers} }) {
        next if !$reader->{property};
        my $key = "$reader->{user} $reader->{property}";

        for (['mark', \%marks], ['maybe', \%tried]) {
            my ($name, $hash) = @$_;
            $hash->{$key} = $reader->{$name}
                if ($reader->{$name} // 0) > ($hash->{$key} // 0);
        }
    }

    for my $user (keys %$members) {
        my $total = 0;

        for my $property (@{ $members->{$user} }) {
            my $key = "$user $property";
            my $you = $get->("/api/properties/$property/messages?limit=1",
                             $user)->{you};
            if (!$you) {
                push @bad, "$key: no answer";
                next;
            }

            my $thread = $threads->{$property};
            my $n = grep { $thread->[$_]{sender} ne ''
                           && $thread->[$_]{sender} ne $user }
                         $you->{read} + 1 .. $#$thread;

            push @bad, "$key: unread $you->{unread}, not $n"
                if $you->{unread} != $n;
            push @bad, "$key: read up to $you->{read}, but marked "
                       . $marks{$key}
                if $you->{read} < ($marks{$key} // 0) && !$o{lossy};
            push @bad, "$key: read up to $you->{read}, but nobody said so"
                if $you->{read} > ($tried{$key} // 0);

            $unread{$user}{$property} = $n;
            $total += $n;
        }

        my $inbox = $get->('/api/inbox?limit=200', $user);
        if (!$inbox->{threads}) {
            push @bad, "$user: no inbox";
            next;
        }

        push @bad, "$user: inbox says $inbox->{total_unread}, not $total"
            if $inbox->{total_unread} != $total;

        for my $thread (@{ $inbox->{threads} }) {
            my $property = $thread->{property};
            push @bad, "$user $property: inbox says $thread->{unread}"
                if $thread->{unread} != $unread{$user}{$property};
            push @bad, "$user $property: inbox shows $thread->{last}{seq}"
                if $thread->{last}{seq} != $#{ $threads->{$property} };
        }

        for my $reader (@{ $model->{readers} }) {
            next if $reader->{kind} ne 'inbox' || $reader->{user} ne $user;

            push @bad, map { "$reader->{name}: $_" } @{ $reader->{problems} };
            push @bad, "$reader->{name}: was told $reader->{total}, not $total"
                if $reader->{total} != $total;
            push @bad, map { "$reader->{name}: $_ was told to have "
                             . ($reader->{unread}{$_} // 'none') }
                       grep { ($reader->{unread}{$_} // -1)
                              != $unread{$user}{$_} }
                       @{ $members->{$user} };
        }
    }

    return @bad;
}


1;
