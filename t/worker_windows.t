#!/usr/bin/perl

# Random steps of one property, beside a plain model of windows as the contract
# has them: after each step, what each user sees is what the model says, in the
# thread and in the inbox.

use strict;
use warnings;

use JSON::PP;
use List::Util qw(max shuffle);
use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Requests;

my $steps = $ENV{LEASELOFT_STEPS} || 150;
my $seed = $ENV{LEASELOFT_SEED} || int(rand(1e9));
srand($seed);

my $ll = LeaseLoft->new(start => 0);
$ll->start('redis');
$ll->start("worker$_") for 1, 2;

my $q = LeaseLoft::Requests->new($ll);
my $json = JSON::PP->new->canonical;
my @users = map { "u-$_" } qw(lena omar tom ana mia);
my $PAST = '2026-01-01T00:00:00.000Z';
my $FUTURE = '2099-01-01T00:00:00.000Z';


# --- the model ---

my (@entries, $active, $pending, %window, %mark, $last, $number);

sub write_entry { push @entries, { @_ }; return scalar @entries }

# what a window that closes now keeps showing
sub snapshot {
    my ($lease, $ends, @gone) = @_;

    my %gone = map { $_ => 1 } @gone;

    return {
        label => $lease->{label}, id => $lease->{id}, ends => $ends,
        parties => [ map { [ @$_, shown_mark($_->[0]) ] }
                     grep { !$gone{$_->[0]} } @{ $lease->{parties} } ],
    };
}

sub shown_mark {
    my ($user) = @_;

    my $mark = $mark{$user} // 0;

    return $mark < $window{$user}{from} ? 0 : $mark;
}

sub open_window {
    my ($user, $role, $from) = @_;
    $window{$user} = { role => $role, from => $from };
}

sub model_end {
    my ($ends) = @_;

    my $seq = write_entry(event => 'ended');
    my $shown = snapshot($active, $ends);

    @{ $window{ $_->[0] } }{qw(to shown)} = ($seq, $shown)
        for @{ $active->{parties} };

    $last = { map { ("@$_" => $window{ $_->[0] }{from}) }
              @{ $active->{parties} } };
    undef $active;
}

sub model_open {
    ($active) = @_;

    my $seq = write_entry(event => 'opened');

    for (@{ $active->{parties} }) {
        my ($user, $role) = @$_;
        open_window($user, $role,
                    $role eq 'landlord' ? 1 : $last->{"@$_"} // $seq);
    }

    $last = {};
}

sub model_change {
    my ($new) = @_;

    my %old = map { ("@$_" => 1) } @{ $active->{parties} };
    my %new = map { ("@$_" => 1) } @{ $new->{parties} };
    my @gone;

    for (grep { !$new{"@$_"} } @{ $active->{parties} }) {
        my $seq = write_entry(event => 'left');
        push @gone, $_->[0];
        @{ $window{ $_->[0] } }{qw(to shown left)} =
            ($seq, snapshot($active, undef, @gone), 1);
    }

    for (grep { !$old{"@$_"} } @{ $new->{parties} }) {
        my $seq = write_entry(event => 'joined');
        open_window(@$_, $_->[1] eq 'landlord' ? 1 : $seq);
    }

    $active = $new;
}

sub unread {
    my ($user, $w) = @_;

    my $mark = max($mark{$user} // 0, $w->{from} - 1);

    return scalar grep {
        my $from = $entries[$_ - 1]{from};
        $from && $from ne $user
    } $mark + 1 .. $w->{to} // @entries;
}

# what a user should see, as text
sub expected {
    my ($user) = @_;

    my $w = $window{$user};
    my $next = $pending ? $pending->{id} : '-';

    if (!$w) {
        my ($party) = $pending
            ? grep { $_->[0] eq $user } @{ $pending->{parties} } : ();
        return 'nothing' unless $party;

        return join ' ', 'pending', $party->[1], 0, 0, '', 0, 0,
            $pending->{label}, $pending->{id}, 'pending', $pending->{ends},
            $party->[1] eq 'landlord' ? '-' : (),
            map { join ':', @$_, 0 } @{ $pending->{parties} };
    }

    my $s = $w->{shown};
    my $lease = $s || $active;
    my $head = $w->{to} // @entries;
    my @parties = $s
        ? map { $_->[0] eq $user ? [ @$_[0, 1], shown_mark($user) ] : $_ }
              @{ $s->{parties} }
        : map { [ @$_, shown_mark($_->[0]) ] } @{ $active->{parties} };

    return join ' ', $s ? 'closed' : 'open', $w->{role}, $w->{from}, $head,
        "$w->{from}-$head", shown_mark($user), unread($user, $w),
        $lease->{label}, $lease->{id}, $s ? 'ended' : 'active',
        $w->{left} ? 'left' : $lease->{ends},
        $w->{role} eq 'landlord' ? $next : (),
        map { join ':', @$_ } @parties;
}


# --- what a user sees, in the same form ---

sub seen {
    my ($user) = @_;

    my $view = $q->view('P', $user, 'after', 0, '', 100000)
        or return 'nothing';

    my @bytes = @{ $view->{entries} };
    my @seqs = map { $json->decode($bytes[$_])->{seq} }
               grep { $_ % 2 } 0 .. $#bytes;
    my $newest = @bytes ? $json->decode($bytes[-1]) : undef;
    my ($lease, $you) = @$view{'lease', 'you'};

    my $range = @seqs ? "$seqs[0]-$seqs[-1]" : '';
    $range = "@seqs" if @seqs && @seqs != $seqs[-1] - $seqs[0] + 1;

    # for a user who left, the lease ends when they left
    my $ends = $lease->{ends_at} // 'null';
    $ends = 'left' if $newest && ($newest->{event} // '') eq 'left'
                      && $view->{state} eq 'closed'
                      && $ends eq $newest->{at};

    return join ' ', $view->{state}, $view->{role}, $view->{from},
        $view->{head}, $range, $you->{read}, $you->{unread}, $view->{label},
        $lease->{id}, $lease->{state}, $ends,
        $view->{role} eq 'landlord'
            ? ($lease->{next} ? $lease->{next}{id} : '-') : (),
        map { join ':', @$_{qw(user role read)} } @{ $view->{parties} };
}

# what differs between a user's inbox and their view
sub inbox_fault {
    my ($user) = @_;

    my $inbox = $q->inbox($user);
    my $view = $q->view('P', $user, 'newest', 0, '', 1);
    my ($thread, @more) = @{ $inbox->{threads} };

    return 'two threads' if @more;
    return $thread ? 'a thread too many' : $inbox->{total} ? 'a total' : ''
        if !$view;
    return 'no thread' if !$thread;

    my $newest = @{ $view->{entries} }
        ? $json->decode($view->{entries}[-1]) : undef;

    return "unread $thread->{unread}"
        if $thread->{unread} != $view->{you}{unread};
    return "total $inbox->{total}" if $inbox->{total} != $thread->{unread};
    return "label $thread->{label}" if $thread->{label} ne $view->{label};
    return "role $thread->{role}" if $thread->{role} ne $view->{role};
    return 'lease ' . $json->encode($thread->{lease})
        if $json->encode($thread->{lease}) ne $json->encode($view->{lease});

    my @parties = @{ $view->{parties} };
    my $more = @parties > 6 ? @parties - 6 : 0;
    delete $_->{read} for @parties;
    splice @parties, 6;

    return 'parties ' . $json->encode($thread->{parties})
        if $json->encode($thread->{parties}) ne $json->encode(\@parties)
           || ($thread->{more_parties} // 0) != $more;
    return 'last ' . $json->encode($thread->{last} // {})
        if ($thread->{last} ? $thread->{last}{seq} : 0)
           != ($newest ? $newest->{seq} : 0);
    return '';
}


# --- steps ---

sub random_parties {
    my @who = shuffle @users;
    my ($l, $t) = (1 + int(rand(2)), 1 + int(rand(3)));

    return [ (map { [ $_, 'landlord' ] } @who[0 .. $l - 1]),
             (map { [ $_, 'tenant' ] } @who[$l .. $l + $t - 1]) ];
}

sub random_lease {
    my (%o) = @_;
    return { id => 'L' . ++$number, label => 'X' . int(rand(9)),
             starts => $PAST, ends => 'null', parties => random_parties(),
             %o };
}

sub put_lease {
    my ($lease) = @_;

    my %side = map {
        my $role = $_;
        ($role => [ map { { user => $_->[0], name => 'N' } }
                    grep { $_->[1] eq $role } @{ $lease->{parties} } ])
    } qw(landlord tenant);

    return $q->ask('lease', 'P', '', {
        lease_id => $lease->{id}, label => $lease->{label},
        time_zone => 'Europe/Berlin', landlords => $side{landlord},
        tenants => $side{tenant}, starts_at => $lease->{starts},
        ends_at => $lease->{ends} eq 'null' ? undef : $lease->{ends},
    })->{status};
}

my %step = (
    message => sub {
        my $user = $users[rand @users];
        my $good = $window{$user} && !$window{$user}{to};
        my $got = $q->say('P', $user, 'text', 'c' . ++$number)->{status};

        write_entry(from => $user) if $good;
        return $got, $good ? 201 : 409;
    },

    read => sub {
        my $user = $users[rand @users];
        my $w = $window{$user};
        my $head = $w ? $w->{to} // @entries : 0;
        my $upto = int(rand($head + 2));
        my $got = $q->ask('read', 'P', $user, { upto => $upto })->{status};

        return $got, expected($user) eq 'nothing' ? 404 : 422
            if !$w && ($upto || expected($user) eq 'nothing');
        return $got, 422 if $upto > $head;

        $mark{$user} = max($mark{$user} // 0, $upto)
            if $w && $upto >= $w->{from};
        return $got, 204;
    },

    change => sub {
        return unless $active;
        my $new = { %$active, label => 'X' . int(rand(9)) };
        $new->{parties} = random_parties() if rand() < 0.8;
        my $got = put_lease($new);

        model_change($new);
        return $got, 200;
    },

    finish => sub {
        return unless $active && rand() < 0.5;
        my $new = { %$active, ends => at(-0.2) };
        my $got = put_lease($new);

        # a past end becomes now, which is the time of the entry
        my $ended = ($q->thread('P'))[-1];

        $active = $new;
        model_end($json->decode($ended->[1])->{at});
        return $got, 200;
    },

    start => sub {
        return if $active;
        my $lease = $pending && rand() < 0.3
            ? { %$pending, starts => $PAST } : random_lease();
        my $got = put_lease($lease);

        # a lease without an end replaces a pending one
        undef $pending;
        model_open($lease);
        return $got, 200;
    },

    bygone => sub {
        return if $active;
        my $lease = random_lease(ends => '2026-01-02T00:00:00.000Z');
        my $got = put_lease($lease);

        model_open($lease);
        model_end($lease->{ends});
        return $got, 200;
    },

    pend => sub {
        my $lease = random_lease(starts => $FUTURE);
        $lease->{id} = $pending->{id} if $pending && rand() < 0.5;
        my $good = !$active || $active->{ends} ne 'null';
        my $got = put_lease($lease);

        $pending = $lease if $good;
        return $got, $good ? 200 : 409;
    },

    bounded => sub {
        return unless $active;
        my $new = { %$active, ends => rand() < 0.7 || $pending ? $FUTURE
                                                               : 'null' };
        my $got = put_lease($new);

        $active = $new;
        return $got, 200;
    },

    # the active lease ends soon, and another one follows it
    handover => sub {
        return unless $active && rand() < 0.4;
        my $at = at(0.4);
        my $follows = rand() < 0.7;
        my $new = { %$active, ends => $at };
        my $lease = random_lease(starts => $at);
        $lease->{parties} = [ shuffle @{ $active->{parties} } ]
            if rand() < 0.5;
        $lease->{parties} = [ sort { $a->[1] cmp $b->[1] }
                              @{ $lease->{parties} } ];

        my $got = put_lease($new);
        $got = put_lease($lease) if $follows && $got == 200;

        $active = $new;
        $pending = $lease if $follows;
        sleep 1;

        model_end($at);
        if ($follows) {
            my $next = $pending;
            undef $pending;
            model_open($next);
        }
        return $got, 200;
    },
);

my @names = (('message') x 6, ('read') x 4, ('change') x 3, qw(finish start
             start bygone pend pend bounded handover));
my @log;
my $fault = '';

STEP:
for my $n (1 .. $steps) {
    my $name = $names[rand @names];
    my ($got, $want) = $step{$name}->();
    next unless defined $got;

    push @log, "$name $got";

    if ($got != $want) {
        $fault = "$name: $got instead of $want";
        last;
    }

    for my $user (@users) {
        my ($is, $should) = (seen($user), expected($user));
        my $inbox = inbox_fault($user);

        # the inboxes of a due time are written after its entries
        wait_for(sub { ($inbox = inbox_fault($user)) eq '' }, 2)
            if $inbox && $name eq 'handover';

        if ($is ne $should || $inbox) {
            $fault = "$user\n     sees: $is\n   should: $should\n"
                     . "    inbox: $inbox";
            last STEP;
        }
    }
}

is($fault, '', 'what each user sees is what the model says')
    or diag("LEASELOFT_SEED=$seed, after: " . join(', ', @log[-10 .. -1]));
is($q->broken('P'), '', 'numbers and chain are valid');
cmp_ok(@log, '>', $steps / 3, 'more than a third of the steps were possible');
note(scalar(@log), ' steps, ', scalar(@entries), ' entries');

$ll->finish();
