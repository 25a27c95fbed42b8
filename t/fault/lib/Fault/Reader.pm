package Fault::Reader;

# A reader, and the entries that it got. Kinds:
#
#     stream     one stream, opened again with Last-Event-ID whenever it ends
#     secure     the same over TLS and HTTP/2
#     h2         the same over HTTP/2 without TLS
#     poll       polls after its cursor
#     mixed      all of it in turn, for moments each; marks what it read
#     inbox      the stream of an inbox, which it fetches after a gap
#
# What contract.md promises to clients is checked on arrival: each entry once,
# in order, without a gap. Problems are collected for the judge.

use strict;
use warnings;

use JSON::PP;
use Time::HiRes qw(time);

use Fault::Http;

my $json = JSON::PP->new->utf8;
my %curl = (secure => 'tls', h2 => 'h2c');


# new($load, user => U, property => P, kind => K)
sub new {
    my ($class, $load, %o) = @_;

    my $self = bless {
        %o, load => $load, loop => $load->{loop},
        ports => $load->{ll}{ports}, token => $load->{tokens}{ $o{user} },
        last => 0, tags => [], texts => [], problems => [], resets => [],
        live => 0, marked => [], unread => {}, heard_at => {}, looked => 0,
        connects => 0,
    }, $class;

    $self->{http} = Fault::Http->new($self->{loop}, $self->{ports}{http});
    $self->{marks} = Fault::Http->new($self->{loop}, $self->{ports}{http});

    # readers start at different moments
    $self->{loop}->after(rand(0.2), sub { $self->_next() });

    if ($o{kind} eq 'mixed') {
        $self->{loop}->after(0.5 + rand(0.5), sub { $self->_mark() });
    }

    return $self;
}


sub name { "$_[0]{kind}:$_[0]{user}:" . ($_[0]{property} // '') }


# the property, or the user of the inbox
sub of { $_[0]{property} // $_[0]{user} }


# rest(1): sets no marks
sub rest { $_[0]{resting} = $_[1] }


sub end {
    my ($self) = @_;

    $self->{done} = 1;
    $self->{stream}->close() if $self->{stream};
}


# whether it has got this seq, or rev (0: any), and is live, if it is a stream
sub caught_up {
    my ($self, $head) = @_;

    return 0 if $self->{kind} ne 'poll' && $self->{kind} ne 'mixed'
                && !$self->{live};
    return !$head || $self->{rev} == $head if $self->{kind} eq 'inbox';
    return $self->{last} >= $head && !$self->{marking};
}


# for the judge: the entries from "from" on, all or those since the last call;
# each problem is returned once
sub result {
    my ($self, $all) = @_;

    my ($from, $last) = ($all ? 1 : $self->{looked} + 1, $self->{last});
    $self->{looked} = $last;

    return { name => $self->name(), from => $from,
        texts => [ @{ $self->{texts} }[$from .. $last] ],
        tags => [ @{ $self->{tags} }[$from .. $last] ],
        problems => [ splice @{ $self->{problems} } ],
        map { $_ => $self->{$_} }
            qw(user property kind last resets marked maybe unread heard_at
               total connects) };
}


sub _problem {
    my ($self, $what) = @_;
    push @{ $self->{problems} }, $what if @{ $self->{problems} } < 20;
}


# the next action
sub _next {
    my ($self) = @_;

    return if $self->{done};

    my $kind = $self->{kind};

    return $self->_inbox_stream() if $kind eq 'inbox';
    return $self->_stream($curl{$kind}) if $kind =~ /^(stream|secure|h2)$/;
    return $self->_poll(1) if $kind eq 'poll';

    my $dice = rand;

    return $self->_poll(1 + int rand 5) if $dice < 0.4;

    $self->_stream(undef, $dice < 0.6);
    my $stream = $self->{stream};
    $self->{loop}->after(0.1 + rand(1.5), sub {
        return if ($self->{stream} // 0) != $stream;
        $stream->close();
        $self->{stream} = undef;
        $self->_next();
    });
}


sub _later {
    my ($self) = @_;
    $self->{loop}->after(0.05 + rand(0.15), sub { $self->_next() });
}


# --- the thread ---

sub _place {
    my ($self) = @_;

    my $tag = $self->{tags}[ $self->{last} ];

    return $self->{last} . (defined $tag ? ".$tag" : '');
}


sub _path {
    my ($self, $what) = @_;
    return "/api/properties/$self->{property}/$what";
}


# an entry: a stream has its tag, a poll has not
sub _entry {
    my ($self, $seq, $tag, $data) = @_;

    if ($seq != $self->{last} + 1) {
        $self->_problem("$seq follows $self->{last}");
        return if $seq <= $self->{last};
    }

    $self->{last} = $seq;
    $self->{tags}[$seq] = $tag;
    $self->{texts}[$seq] = $data;
}


# a reset: drops its entries and fetches the thread again
sub _reset {
    my ($self) = @_;

    my $last = $self->{last};

    push @{ $self->{resets} }, [ time(), $last, $self->{texts}[$last] ];
    @$self{qw(last tags texts looked)} = (0, [], [], 0);
}


sub _stream {
    my ($self, $curl, $query) = @_;

    $self->{connects}++;

    my $path = $self->_path('events');
    my $place = $self->_place();
    $path .= "?after=$place" if $query;

    $self->{stream} = Fault::EventStream->new($self->{loop},
        port => $self->{ports}{ $curl // 'http' }, curl => $curl,
        path => $path, token => $self->{token},
        last_id => $query ? undef : $place,
        event => sub { $self->_event(@_) },
        closed => sub { $self->_closed(@_) });
}


sub _event {
    my ($self, $name, $id, $data) = @_;

    if ($name eq '') {
        my ($seq, $tag) = $id =~ /^(\d+)\.([0-9a-f]{8})$/
            or return $self->_problem("id $id");
        return $self->_entry($seq, $tag, $data);
    }

    if ($name eq 'hello') {
        $self->{live} = 1;

    } elsif ($name eq 'ping') {
        $self->{live} = $data =~ /"live":true/ ? 1 : 0;

    } elsif ($name eq 'reset') {
        # fetches everything; the stream continues from the head
        $self->_reset();
        $self->{stream}->close();
        $self->{stream} = undef;
        $self->_later();
    }
}


sub _closed {
    my ($self, $why) = @_;

    $self->{live} = 0;
    $self->{stream} = undef;
    $self->_problem($why) if $why =~ /^status/;
    $self->_later();
}


sub _poll {
    my ($self, $times) = @_;

    return if $self->{done};

    my $place = $self->_place();
    my $limit = 1 + int rand 200;

    # a page that ends before the head has no tag, and by its seq alone a lost
    # entry looks like the one that replaced it
    $limit = 200 if $self->{load}{lossy};

    my @more = defined $self->{etag} && $self->{etag}[0] eq "$place $limit"
             ? "If-None-Match: $self->{etag}[1]" : ();

    $self->{http}->request('GET',
        $self->_path("messages?after=$place&limit=$limit"), $self->{token},
        undef, 8, sub { $self->_polled($times, "$place $limit", @_) }, @more);
}


sub _polled {
    my ($self, $times, $query, $status, $body, $head) = @_;

    if ($status == 200) {
        my ($etag) = $head =~ /^etag: (.*?)\r?$/mi;
        $self->{etag} = [ $query, $etag ];

        if ($body =~ /"reset":true/) {
            $self->_reset();

        } else {
            my ($list) = $body =~ /"entries":\[(.*)\]/;
            $self->_entry($1, undef, $&)
                while $list =~ /\{"seq":(\d+),"kind".*?\}(?=,\{"seq":|$)/g;

            my ($seq, $tag) = $body =~ /"head":"(\d+)\.([0-9a-f]{8})"/;
            $self->{tags}[$seq] = $tag if $seq == $self->{last};
            $self->_problem("head $seq, but entries up to $self->{last}")
                if $seq < $self->{last};
        }

    } elsif ($status != 304 && $status != 503 && $status != 0) {
        $self->_problem("poll: $status $body");
    }

    $self->{loop}->after($self->{kind} eq 'poll' ? 0.15 + rand(0.1)
                                                 : rand(0.1), sub {
        $times > 1 ? $self->_poll($times - 1) : $self->_next();
    });
}


# marks all its entries as read
sub _mark {
    my ($self) = @_;

    return if $self->{done};
    return $self->{loop}->after(0.1, sub { $self->_mark() })
        if $self->{resting};

    my ($asked, $upto) = (time(), $self->{last});

    $self->{marking} = 1;
    $self->{maybe} = $upto if $upto > ($self->{maybe} // 0);
    $self->{marks}->request('POST', $self->_path('read'), $self->{token},
        qq({"upto":$upto}), 8, sub {
            my ($status, $body) = @_;

            $self->{marking} = 0;
            push @{ $self->{marked} }, [ $asked, time(), $upto ]
                if $status == 204;
            $self->_problem("mark: $status $body")
                if $status !~ /^(204|202|503|0)$/
                   && !($status == 422 && $self->{load}{lossy});
            $self->{loop}->after(0.3 + rand(1), sub { $self->_mark() });
        });
}


# --- the inbox ---

sub _inbox_stream {
    my ($self) = @_;

    $self->{connects}++;
    $self->{stream} = Fault::EventStream->new($self->{loop},
        port => $self->{ports}{http}, path => '/api/inbox/events',
        token => $self->{token}, last_id => $self->{rev},
        event => sub { $self->_inbox_event(@_) },
        closed => sub { $self->_closed(@_) });
}


sub _inbox_event {
    my ($self, $name, $id, $data) = @_;

    return if $name eq 'bye';

    if ($name eq 'thread') {
        my $thread = $json->decode($data);
        $self->{unread}{ $thread->{property} } = $thread->{unread};
        $self->{heard_at}{ $thread->{property} } = time();
        $self->{total} = $thread->{total_unread};
        $self->{rev} = $self->{heard} = $id;
        return;
    }

    my ($rev) = $data =~ /"rev":(\d+)/;
    my $live = $data !~ /"live":false/;

    $self->{live} = $live && !$self->{fetching};

    if ($name eq 'hello' ? ($self->{rev} // -1) != $rev
                         : $self->{rev} != $rev)
    {
        $self->_fetch();
    }
}


sub _fetch {
    my ($self) = @_;

    return if $self->{fetching};

    $self->{fetching} = 1;
    $self->{live} = $self->{heard} = 0;
    $self->{http}->request('GET', '/api/inbox?limit=200', $self->{token},
                           undef, 8, sub {
        my ($status, $body) = @_;

        $self->{fetching} = 0;

        if ($status != 200) {
            $self->_problem("inbox: $status") if $status && $status != 503;
            $self->{loop}->after(0.2, sub { $self->_fetch() });
            return;
        }

        # events that arrived meanwhile are newer than this
        my $inbox = $json->decode($body);
        return $self->_fetch() if ($self->{heard} // 0) > $inbox->{rev};
        $self->{live} = 1;
        $self->{rev} = $inbox->{rev};
        $self->{total} = $inbox->{total_unread};
        $self->{unread} = { map { $_->{property} => $_->{unread} }
                            @{ $inbox->{threads} } };
        $self->{heard_at} = { map { $_ => time() } keys %{ $self->{unread} } };
    });
}


1;
