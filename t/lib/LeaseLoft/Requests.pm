package LeaseLoft::Requests;

# The worker without nginx: requests are queued as nginx queues them, and
# verdicts are received by pub/sub.
#
#     my $q = LeaseLoft::Requests->new($ll);       # a LeaseLoft with a Redis
#
#     my $v = $q->ask('send', 'P', 'u-tom', { client_id => 'c', text => 't' });
#     is($v->{status}, 201, 'sent');

use strict;
use warnings;

use Digest::SHA qw(sha256);
use IO::Select;
use JSON::PP;
use Time::HiRes qw(time);

use LeaseLoft::Redis;
use LeaseLoft::Segment qw(thread_of unseal);

my $json = JSON::PP->new->canonical->utf8;
my @names = qw(thread meta reads snaps leases segments);


sub new {
    my ($class, $ll) = @_;

    my $path = $ll->dir() . '/redis.sock';
    my $self = bless {
        path => $path, name => 't' . $$ . int(rand(1e6)), next => 1,
        verdicts => {}, frames => [],
    }, $class;

    $self->connect();

    return $self;
}


# over($redis): the same over anything that has command(), such as a
# LeaseLoft::Cluster; it only reads
sub over {
    my ($class, $redis) = @_;
    return bless { redis => $redis }, $class;
}


# connects both connections again, as after a restart of Redis
sub connect {
    my ($self) = @_;

    $self->{redis} = LeaseLoft::Redis->new($self->{path}) or die 'no redis';
    $self->{sub} = LeaseLoft::Redis->new($self->{path}) or die 'no redis';
    $self->{sub}->command('PSUBSCRIBE', "ll:{r:$self->{name}}:ch",
                          'll:{p:*}:ch', 'll:{u:*}:ch');
    $self->{sub}->reply() for 2, 3;
}


sub redis { my $self = shift; return $self->{redis}->command(@_) }

sub keys_of { return map { "ll:{p:$_[1]}:$_" } @names }
sub user_keys { return map { "ll:{u:$_[1]}:$_" } qw(inbox order) }


# put($op, $property, $user, $body): queues a request; returns its number, for
# await()
sub put {
    my ($self, @request) = @_;
    return $self->put_all(\@request);
}


# put_all([$op, $property, $user, $body], …): queues many; returns their numbers
sub put_all {
    my ($self, @requests) = @_;

    my @numbers;

    while (my @some = splice @requests, 0, 100) {
        for my $request (@some) {
            my ($op, $property, $user, $body) = @$request;
            push @numbers, $self->{next}++;

            $self->{redis}->send_command('XADD', 'll:{q:0}:requests', '*',
                'op', $op, 'p', $property, 'u', $user,
                'b', ref $body ? $json->encode($body) : $body,
                'r', "$self->{name}.$numbers[-1]");
        }

        for (@some) {
            my $reply = $self->{redis}->reply();
            die "redis: $$reply\n" if ref $reply;
        }
    }

    return wantarray ? @numbers : $numbers[-1];
}


# receives what is published within some seconds, or up to a verdict; frames are
# kept as [channel, line, payload]
sub pump {
    my ($self, $seconds, $until) = @_;

    my $end = time() + $seconds;

    while (!defined $until || !$self->{verdicts}{$until}) {
        my $left = $end - time();
        last if $left <= 0;

        # the rest of an incomplete reply is waited for
        my $sub = $self->{sub};
        last if $sub->{buf} eq ''
                && !IO::Select->new($sub->{socket})->can_read($left);
        my $reply = $sub->reply();
        my ($channel, $payload) = @$reply[2, 3];

        if ($channel eq "ll:{r:$self->{name}}:ch") {
            $self->take_verdicts($payload);

        } else {
            push @{ $self->{frames} }, [ $channel, split /\n/, $payload, 2 ];
        }
    }
}


sub take_verdicts {
    my ($self, $payload) = @_;

    while ($payload =~ s/^(\d+) (\d+) (\d+) (\d+)\n//) {
        my ($n, $status, $seq, $body) =
            ($1, $2, $3, substr($payload, 0, $4, ''));

        push @{ $self->{told}{$n} }, $status;
        $self->{verdicts}{$n} = {
            status => $status, seq => $seq, body => $body,
            json => scalar eval { $json->decode($body) },
        };
    }

    die "no verdict: $payload\n" if $payload ne '';
}


# the verdict of a request: status, seq, body, json; undef after the timeout
sub await {
    my ($self, $n, $seconds) = @_;

    $self->pump($seconds // 10, $n);

    return $self->{verdicts}{$n};
}


sub ask {
    my ($self, @request) = @_;
    return $self->await($self->put(@request));
}


# the frames since the last call whose channel matches
sub frames {
    my ($self, $channel) = @_;

    my @frames = grep { $_->[0] =~ $channel } @{ $self->{frames} };
    $self->{frames} = [];

    return @frames;
}


# lease($property, %members): the verdict; users as ids
sub lease {
    my ($self, $property, %members) = @_;

    my %body = (
        lease_id => 'L-1', label => "Label of $property",
        time_zone => 'Europe/Berlin', landlords => ['u-lena'],
        tenants => ['u-tom'], starts_at => '2026-01-01T00:00:00Z',
        ends_at => undef, %members,
    );

    for my $side (qw(landlords tenants)) {
        $body{$side} = [ map { { user => $_, name => "Name of $_" } }
                         @{ $body{$side} } ];
    }

    return $self->ask('lease', $property, '', \%body);
}


sub say {
    my ($self, $property, $user, $text, $client_id) = @_;

    return $self->ask('send', $property, $user,
                      { client_id => $client_id, text => $text });
}


# the entries of a thread after a seq (0): [seq, entry, salt, hash, sender]
sub thread {
    my ($self, $property, $after) = @_;

    return grep { $_->[0] > ($after // 0) } map {
        my %field = @{ $_->[1] };
        [ $_->[0] =~ /^(\d+)-0$/, @field{qw(e s h u)} ];
    } thread_of(sub { $self->redis(@_) }, $property);
}


# the first fault in the chain and the numbering, or ''; only after a seq whose
# hash is given, if the entries up to it were checked before
sub broken {
    my ($self, $property, $after, $hash) = @_;

    my $n = $after // 0;
    $hash //= sha256($property);

    for my $item ($self->thread($property, $n)) {
        my ($seq, $entry, $salt, $stored) = @$item;

        return "$seq follows $n" if $seq != ++$n;
        return "entry $seq says otherwise"
            if $json->decode($entry)->{seq} != $seq;
        my $erased = $entry =~ /^\{"seq":\d+,"kind":"erased"/;

        return "salt of $seq" if length $salt != ($erased ? 32 : 16);

        $hash = sha256($hash . ($erased ? $salt : sha256($salt . $entry)));
        return "hash of $seq" if $hash ne $stored;
    }

    my ($seq, $head) =
        @{ $self->redis('HMGET', "ll:{p:$property}:meta", 'seq', 'hash') };

    return "head is $seq" if ($seq // 0) != $n;
    return 'head has another hash' if defined $head && $head ne $hash;
    return '';
}


# the unread messages of a user, counted from the thread
sub recount {
    my ($self, $property, $user) = @_;

    my ($state, undef, $from, $to) = split / /,
        $self->redis('HGET', "ll:{p:$property}:meta", "m:$user") // 'x';
    return 0 if $state !~ /^[oc]$/;
    $to = undef if $state eq 'o';

    my $mark = $self->redis('HGET', "ll:{p:$property}:meta", "r:$user") // 0;

    return scalar grep {
        my ($seq, undef, undef, undef, $sender) = @$_;
        $seq > $mark && $seq >= $from && (!$to || $seq <= $to)
            && $sender ne '' && $sender ne $user;
    } $self->thread($property);
}


# the reply of ll1_view, as nginx gets it: a hash, or undef
sub view {
    my ($self, $property, $user, $mode, $seq, $tag, $limit) = @_;

    my $list = $self->redis('FCALL_RO', 'll1_view', scalar @names,
                            $self->keys_of($property), $user, $mode // 'none',
                            $seq // 0, $tag // '', $limit // 50, 1 << 20)
        or return undef;

    my %view;
    @view{qw(ver rev role state from head tag sig label lease you parties
             valid more first entries zone sealed)} = @$list;

    # nginx adds sealed entries to the others
    my ($first, $last, $size, undef, undef, @segments) = @{ $view{sealed} };
    my $n = int((($first // 1) - 1) / ($size // 1)) * ($size // 0);

    unshift @{ $view{entries} }, map { my %field = @{ $_->[1] };
                                       unpack('H8', $field{h}), $field{e} }
        grep { $n++; $n >= $first && $n <= $last } map { unseal($_) } @segments;

    $view{$_} = $json->allow_nonref->decode($view{$_})
        for qw(label lease you parties);

    return \%view;
}


# the unread messages of a user, by the counters of the property
sub unread {
    my ($self, $property, $user) = @_;

    my $view = $self->view($property, $user);

    return $view ? $view->{you}{unread} : 0;
}


# the inbox of a user, as nginx makes it: rev, total, next, threads (decoded)
sub inbox {
    my ($self, $user, $limit, $at, $property) = @_;

    my ($rev, $total, $more, $places) = @{ $self->redis(
        'FCALL_RO', 'll1_inbox', 2, $self->user_keys($user), $limit // 50,
        $at // '', $property // '') };
    my ($next, @threads) = ('');

    while (my ($name, $time) = splice @$places, 0, 2) {
        my $thread = $self->redis('FCALL_RO', 'll1_thread', scalar @names,
                                  $self->keys_of($name), $name, $user);
        push @threads, $json->decode("$thread}") if defined $thread;
        $next = "$time.$name" if $more;
    }

    return { rev => $rev, total => $total, next => $next,
             threads => \@threads };
}


1;
