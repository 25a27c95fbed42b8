package Fault;

# A LeaseLoft under continuous load, and a fault. Two of the four properties
# show how soon all continue; the other two get no messages meanwhile, since a
# later message may repair what the fault has left undone. Then all senders
# pause, and all answers are compared with the contents of Redis.
#
#     my $f = Fault->new(workers => 2, nginx => 2);
#
#     $f->fault('a worker is killed', sub { ... });
#     $f->end();
#
# Four properties, each with two senders and three readers, by streams, over TLS
# and HTTP/2 too, by polls, and by all of them in turn; three users watch their
# inboxes.
# LEASELOFT_SEED=N repeats the random choices of a run; LEASELOFT_LONG=1 asks
# for the long variants; LEASELOFT_RATE=N messages a second for each sender.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time sleep);

use LeaseLoft;
use LeaseLoft::Cluster;
use LeaseLoft::Requests;

use Fault::Judge;
use Fault::Load;
use Fault::Proxy;

our $long = $ENV{LEASELOFT_LONG};


# new(%options)
#
#     workers, nginx => N       2 of each
#     claim => MS               when a worker's work is claimed (1500)
#     options => '--seal-after 1'       further ones of workers
#     proxy => 'nginx', 'workers' or 'all'    these reach Redis through one
#     socket => 1               a Unix socket, for workers: see strike() there
#     cluster => 1              a Redis Cluster: see cluster(); or the options
#                               of LeaseLoft::Cluster->new
#     daemon => 1               nginx's master is not a child of the test, which
#                               then has to end it; else it ignores USR2
#     lossy => 1                acknowledged entries may be lost with Redis
#     properties => N, rate => N, recover => seconds allowed (10)
#     more of LeaseLoft->new's
sub new {
    my ($class, %o) = @_;

    my $self = bless {
        workers => 2, nginx => 2, claim => 1500, options => '',
        rate => $ENV{LEASELOFT_RATE} // 20,
        properties => 4, recover => 10, lossy => 0, proxy => '',
        seed => $ENV{LEASELOFT_SEED} // int(rand 1e9), %o,
    }, $class;

    my $ll = $self->{ll} = LeaseLoft->new(
        start => 0, main => "worker_processes $self->{nginx};",
        %{ $o{stack} || {} },
        directives => { leaseloft_max_streams => 100,
                        %{ $o{directives} || {} } });

    # from here on, since a seed does not repeat ports
    srand($self->{seed});
    diag("LEASELOFT_SEED=$self->{seed}");

    if ($self->{cluster}) {
        my $more = ref $self->{cluster} ? $self->{cluster} : {};
        $self->{cluster} = LeaseLoft::Cluster->new($ll, replicas => 1, %$more);
        $ll->{url} = $self->{cluster}->url();
        $ll->nginx_conf();
    }

    # enough for the streams of any test
    my $conf = $ll->slurp('nginx.conf');
    $conf =~ s/worker_connections \d+/worker_connections 16384/;
    $conf =~ s/daemon off;// if $self->{daemon};
    $ll->write('nginx.conf', $conf);

    $ll->start('redis') if !$self->{cluster};
    $self->_urls();
    $self->start_worker($_) for 1 .. $self->{workers};
    $ll->start('nginx');
    $ll->started();

    if ($self->{daemon}) {
        waitpid $ll->pid('nginx'), 0;
        chomp($ll->{pids}{nginx} = $ll->slurp('nginx.pid'));
    }

    $self->_leases();
    $self->_load();

    # one second without a fault first
    $self->{load}->recovery(10)->{readers} // BAIL_OUT('no load');
    sleep 0.5;

    return $self;
}


sub ll { $_[0]{ll} }
sub load { $_[0]{load} }
sub names { $_[0]{names} }
sub proxy { $_[0]{the_proxy} }
sub cluster { $_[0]{cluster} }           # three primaries, three replicas


# the processes that connect to Redis directly, and those through the proxy
sub _urls {
    my ($self) = @_;

    my $ll = $self->{ll};

    $self->{worker_url} = $ll->{url};

    return if !$self->{proxy};

    my $own = $self->{socket} ? $ll->dir() . '/proxy.sock' : undef;
    $self->{the_proxy} = Fault::Proxy->new($ll->dir() . '/redis.sock', $own);
    my $url = $own ? "unix:$own"
                   : 'redis://127.0.0.1:' . $self->{the_proxy}->port();

    if ($self->{proxy} ne 'workers') {
        $ll->{url} = $url;
        $ll->nginx_conf();
    }

    if ($self->{proxy} ne 'nginx') {
        $self->{worker_url} = $url;
    }
}


# start_worker($n, $binary): of this build, unless another binary is named
sub start_worker {
    my ($self, $n, $binary) = @_;

    $binary //= $LeaseLoft::worker;

    return $self->{ll}->spawn("worker$n",
        "$binary --redis $self->{worker_url} --claim $self->{claim}"
        . " $self->{options}");
}


# kills a worker with SIGKILL; another replaces it after this many seconds
sub kill_worker {
    my ($self, $n, $seconds) = @_;

    $self->{ll}->stop("worker$n", 'KILL');
    sleep $seconds if $seconds;
    $self->start_worker($n);
}


sub _leases {
    my ($self) = @_;

    my $ll = $self->{ll};
    my @landlords = qw(u-lena u-omar);

    for my $n (1 .. $self->{properties}) {
        my @tenants = map { "u-$_$n" } qw(tom ana mia);
        my $r;

        # 202 while a replica is not yet there
        wait_for(sub {
            $r = $ll->lease("P$n", landlords => \@landlords,
                            tenants => \@tenants);
            $r->status() != 202;
        }, 10);
        BAIL_OUT('no lease: ' . $r->raw()) if $r->status() != 200;

        push @{ $self->{names} }, "P$n";
        push @{ $self->{members}{$_} }, "P$n" for @landlords, @tenants;
    }
}


sub _load {
    my ($self) = @_;

    my @names = @{ $self->{names} };
    my @inboxes = @{ $self->{inboxes} = [ 'u-lena', 'u-ana1', 'u-mia2' ] };

    $self->{judge} = $self->_judge();
    $self->{load} = Fault::Load->start($self->{ll},
        seed => $self->{seed}, rate => $self->{rate},
        lossy => $self->{lossy}, properties => \@names,
        senders => [ map { my ($n) = /(\d+)/;
                           ([ 'u-lena', $_ ], [ "u-tom$n", $_ ]) } @names ],
        readers => [ map { my ($n) = /(\d+)/;
            ({ user => "u-mia$n", property => $_,
               kind => $n == 1 ? 'secure' : $n == 2 ? 'h2' : 'stream' },
             { user => "u-ana$n", property => $_, kind => 'mixed' },
             { user => $n % 2 ? 'u-omar' : "u-tom$n", property => $_,
               kind => $n % 2 ? 'poll' : 'stream' }) } @names ],
        inboxes => \@inboxes);
}


# fault($name, $do, %o): runs $do, waits until senders and readers continue and
# health is 200, prints the time since the end of $do, and compares all answers
# with Redis
#
#     since => 1      measured from its begin instead
#     recover => S    instead of the 10 s (or new's) that it may take
sub fault {
    my ($self, $name, $do, %o) = @_;

    my $begin = time();
    $do->();
    my $start = $o{since} ? $begin : time();
    my $spent = time() - $start;

    $self->still();

    my $most = $o{recover} // $self->{recover};
    my $r = $self->{load}->recovery($most);
    my $health = $self->{ll}->wait_healthy(200, 5);
    my $all = time() - $start;

    $_->{over} //= time() for @{ $self->{losses} };

    my $said = join ', ', map {
        "$_ " . (defined $r->{$_} ? sprintf('%.2f s', $r->{$_} + $spent)
                                  : 'not')
    } qw(senders readers);

    $self->{said}{$name}++ or !$o{quiet} and diag("$name: $said");
    push @{ $self->{times}{$name} }, $all;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    ok($health, "$name: health is 200 again")
        or diag($self->{ll}->get('/internal/health')->raw());

    $self->_look($name);

    # those that had no messages before
    $r = $self->{load}->recovery(10) if defined $r->{readers};
    ok(defined $r->{senders} && defined $r->{readers},
       "$name: senders and readers continue")
        or diag("late: $r->{who}");

    return $all;
}


# still(@properties): no more messages to these; without arguments to two others
# than the last time. fault() calls it, if the test has not.
sub still {
    my ($self, @properties) = @_;

    return if $self->{still};

    my $n = $self->{faults}++;
    my @names = @{ $self->{names} };
    @properties = map { $names[ ($n + $_) % @names ] } 0, 1 if !@properties;

    $self->{still} = 1;
    $self->{load}->still(@properties);
}


# cut_off($primary, $replica, $cut): $cut stops the replication (both are a
# LeaseLoft::Redis); when the replica lacks entries of each property, returns
# what it has, for lost()
sub cut_off {
    my ($self, $primary, $replica, $cut) = @_;

    my $since = time();

    # the replica has all messages acknowledged before
    ok($primary->replicated(1), 'the replica is up to date');
    $cut->();

    my %kept = $self->seqs($replica);

    ok(wait_for(sub {
        my %now = $self->seqs($primary);
        return !grep { $now{$_} <= $kept{$_} } @{ $self->{names} };
    }, 10), 'the replica lacks entries once it is cut off');

    return { since => $since, kept => \%kept };
}


# the last seq of each property, in a Redis
sub seqs {
    my ($self, $redis) = @_;

    return map { $_ => $redis->command('HGET', "ll:{p:$_}:meta", 'seq') }
               @{ $self->{names} };
}


# lost($cut_off): the primary answers nobody any more, and the replica takes its
# place
sub lost {
    my ($self, $loss) = @_;
    push @{ $self->{losses} }, { %$loss, until => time() };
}


# the number of acknowledged messages lost in that way, and of resets told to
# readers, up to the last comparison
sub lacking { $_[0]{judge}{lacking} // 0 }
sub resets { $_[0]{judge}{resets} // 0 }


# after end(keep => 1): starts the load again, on the same threads
sub again {
    my ($self) = @_;

    $self->{earlier} = { %{ $self->{earlier} // {} },
                         %{ $self->{model}{sent} } };
    $self->{seed}++;
    $self->_load();
}


# waits until no messages and no work are left: the model, or undef
sub _settle {
    my ($self) = @_;

    return undef if !$self->{load}->quiesce(20);

    my $cluster = $self->{cluster};
    my $q = $cluster ? LeaseLoft::Requests->over($cluster)
                     : LeaseLoft::Requests->new($self->{ll});

    wait_for(sub {
        $cluster ? !$cluster->sum('XLEN', 'requests')
                   && !$cluster->sum('ZCARD', 'owed')
                 : !$q->redis('XLEN', 'll:{q:0}:requests');
    }, 20) or return undef;

    $self->{heads} = {
        $self->seqs($q->{redis}),
        (map { $_ => $q->inbox($_, 1)->{rev} } @{ $self->{inboxes} }),
    };

    return $q;
}


# the number of dead letters
sub _dead {
    my ($self, $q) = @_;

    return $self->{cluster} ? $self->{cluster}->sum('XLEN', 'dead')
                            : $q->redis('XLEN', 'll:{q:0}:dead');
}


sub _judge {
    my ($self) = @_;

    return Fault::Judge->new(
        members => $self->{members}, sent => { %{ $self->{earlier} // {} } },
        losses => $self->{losses} //= []);
}


sub _get {
    my ($self) = @_;

    my $ll = $self->{ll};

    return sub { $ll->get($_[0], user => $_[1])->json() // {} };
}


# after a fault: checks what holds at any time
sub _look {
    my ($self, $name) = @_;

    my $start = time();
    my $q = $self->_settle();

    if ($q) {
        my $model = $self->{load}->look($self->{heads}, 10);
        my @bad = map { my ($what, @bad) = @$_; map { "$what: $_" } @bad }
                      $self->{judge}->look($q, $self->_get(), $model);

        $self->_none("$name: the threads match the replies and events", @bad);
        is($self->_dead($q), 0,
           "$name: there is no dead letter");

    } else {
        fail("$name: the queue becomes empty");
    }

    $self->{still} = 0;
    $self->{load}->go();
    push @{ $self->{looks} }, time() - $start;
}


# a long list of problems is cut: the first ones are enough
sub _none {
    my ($self, $name, @bad) = @_;

    my $n = @bad;
    splice @bad, 10 if $n > 10;

    local $Test::Builder::Level = $Test::Builder::Level + 2;
    is(join("\n", @bad), '', $name) or diag("$n in all");
}


# end(%o): stops the load, checks everything again, and ends the test
#
#     more => 1       another stack follows
#     keep => 1       this one goes on
sub end {
    my ($self, %o) = @_;

    my $ll = $self->{ll};
    my $q = $self->_settle() // die "the queue is not empty\n";
    my $model = $self->{model} = $self->{load}->finish($self->{heads}, 15);
    my $judge = $self->_judge();
    my @found = $judge->look($q, $self->_get(), $model);

    diag($judge->entries() . ' entries; answers: '
         . join ', ', map { "$model->{counts}{$_} x $_" }
                          sort keys %{ $model->{counts} });

    if (my @looks = sort { $a <=> $b } @{ $self->{looks} // [] }) {
        diag(sprintf '%d looks, of up to %.1f s', scalar @looks, $looks[-1]);
    }

    $self->_none(@$_) for @found;
    is($self->_dead($q), 0, 'no request was given up');

    my ($status, $out) = $ll->cli('unread', 'rebuild');
    is($status, 0, 'unread rebuild exits with 0') or diag($out);
    like($out, qr/, 0 inbox threads repaired, 0 removed, 0 damaged$/,
         'unread rebuild finds nothing to repair');
    $self->_none('unread counts are right after a rebuild',
                 $judge->unread($self->_get(), $model));

    ok($ll->wait_healthy(), 'health is 200 in the end');

    if ($self->{the_proxy}) {
        (delete $self->{the_proxy})->stop();
    }

    $ll->finish(more => $o{more}) if !$o{keep};
}


1;
