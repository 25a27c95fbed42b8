package Fault;

# A LeaseLoft under continuous load, to which something is done; then all that
# was told is compared with what is there.
#
#     my $f = Fault->new(workers => 2, nginx => 2);
#
#     $f->fault('a worker is killed', sub { ... });
#     $f->end();
#
# Four properties, on each of which two send and three read, as streams,
# secure streams, polls and all of it in turn, and two watch their inboxes.
# LEASELOFT_SEED=N repeats the random choices of a run; LEASELOFT_LONG=1 asks
# for the long variants; LEASELOFT_RATE=N messages a second for each sender.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time sleep);

use LeaseLoft;
use LeaseLoft::Requests;

use Fault::Judge qw(threads_of judge_sent judge_readers judge_unread);
use Fault::Load;
use Fault::Proxy;

our $long = $ENV{LEASELOFT_LONG};


# new(%options)
#
#     workers, nginx => N       2 of each
#     claim => MS               when a worker's work is claimed (1500)
#     proxy => 'nginx', 'workers' or 'all'    these reach Redis through one
#     daemon => 1               nginx's master is not a child of the test, which
#                               then has to end it; else it ignores USR2
#     lossy => 1                what was told may be lost with Redis
#     properties => N, rate => N, recover => seconds allowed (10)
#     more of LeaseLoft->new's
sub new {
    my ($class, %o) = @_;

    my $self = bless {
        workers => 2, nginx => 2, claim => 1500,
        rate => $ENV{LEASELOFT_RATE} // 20,
        properties => 4, recover => 10, lossy => 0, proxy => '',
        seed => $ENV{LEASELOFT_SEED} // int(rand 1e9), %o,
    }, $class;

    srand($self->{seed});
    diag("LEASELOFT_SEED=$self->{seed}");

    my $ll = $self->{ll} = LeaseLoft->new(
        start => 0, main => "worker_processes $self->{nginx};",
        %{ $o{stack} || {} },
        directives => { leaseloft_max_streams => 100,
                        %{ $o{directives} || {} } });

    # room for as many streams as a test may want
    my $conf = $ll->slurp('nginx.conf');
    $conf =~ s/worker_connections \d+/worker_connections 16384/;
    $conf =~ s/daemon off;// if $self->{daemon};
    $ll->write('nginx.conf', $conf);

    $ll->start('redis');
    $self->_urls();
    $self->start_worker($_) for 1 .. $self->{workers};
    $ll->start('nginx');
    $ll->wait_healthy() or BAIL_OUT('not healthy');

    if ($self->{daemon}) {
        waitpid $ll->pid('nginx'), 0;
        chomp($ll->{pids}{nginx} = $ll->slurp('nginx.pid'));
    }

    $self->_leases();
    $self->_load();

    # a first second without a fault
    $self->{load}->recovery(10)->{readers} // BAIL_OUT('no load');
    sleep 0.5;

    return $self;
}


sub ll { $_[0]{ll} }
sub load { $_[0]{load} }
sub names { $_[0]{names} }
sub proxy { $_[0]{the_proxy} }


# who speaks to Redis directly, and who through the proxy
sub _urls {
    my ($self) = @_;

    my $ll = $self->{ll};

    $self->{worker_url} = $ll->{url};

    return if !$self->{proxy};

    $self->{the_proxy} = Fault::Proxy->new($ll->dir() . '/redis.sock');
    my $url = 'redis://127.0.0.1:' . $self->{the_proxy}->port();

    if ($self->{proxy} ne 'workers') {
        $ll->{url} = $url;
        $ll->nginx_conf();
    }

    if ($self->{proxy} ne 'nginx') {
        $self->{worker_url} = $url;
    }
}


sub start_worker {
    my ($self, $n) = @_;

    return $self->{ll}->spawn("worker$n",
        "$LeaseLoft::build/leaseloft-worker --redis $self->{worker_url}"
        . " --claim $self->{claim}");
}


# kills one with SIGKILL; another takes its place after so many seconds
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
        my $r = $ll->lease("P$n", landlords => \@landlords,
                           tenants => \@tenants);
        BAIL_OUT('no lease: ' . $r->raw()) if $r->status() != 200;

        push @{ $self->{names} }, "P$n";
        push @{ $self->{members}{$_} }, "P$n" for @landlords, @tenants;
    }
}


sub _load {
    my ($self) = @_;

    my @names = @{ $self->{names} };

    $self->{load} = Fault::Load->start($self->{ll},
        seed => $self->{seed}, rate => $self->{rate},
        lossy => $self->{lossy}, properties => \@names,
        senders => [ map { my ($n) = /(\d+)/;
                           ([ 'u-lena', $_ ], [ "u-tom$n", $_ ]) } @names ],
        readers => [ map { my ($n) = /(\d+)/;
            ({ user => "u-mia$n", property => $_,
               kind => $n == 1 ? 'secure' : 'stream' },
             { user => "u-ana$n", property => $_, kind => 'mixed' },
             { user => $n % 2 ? 'u-omar' : "u-tom$n", property => $_,
               kind => $n % 2 ? 'poll' : 'stream' }) } @names ],
        inboxes => [ 'u-lena', 'u-ana1', 'u-mia2' ]);
}


# fault($name, $do, %o): does it, then waits until senders and readers go on
# and health is green, and says how long that took from the end of $do
#
#     since => 1      measured from its begin instead
#     recover => S    instead of the 10 s (or new's) that it may take
sub fault {
    my ($self, $name, $do, %o) = @_;

    my $begin = time();
    $do->();
    my $start = $o{since} ? $begin : time();
    my $spent = time() - $start;

    my $most = $o{recover} // $self->{recover};
    my $r = $self->{load}->recovery($most);
    my $health = $self->{ll}->wait_healthy(200, 5);
    my $all = time() - $start;

    my $said = join ', ', map {
        "$_ " . (defined $r->{$_} ? sprintf('%.2f s', $r->{$_} + $spent)
                                  : 'not')
    } qw(senders readers);

    $self->{said}{$name}++ or !$o{quiet} and diag("$name: $said");
    push @{ $self->{times}{$name} }, $all;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    ok(defined $r->{senders} && defined $r->{readers}, "$name: all go on")
        or diag("late: $r->{who}");
    ok($health, "$name: healthy")
        or diag($self->{ll}->get('/internal/health')->raw());

    return $all;
}


# after end(keep => 1): the load begins anew, on the same threads
sub again {
    my ($self) = @_;

    $self->{earlier} = { %{ $self->{earlier} // {} },
                         %{ $self->{model}{sent} } };
    $self->{seed}++;
    $self->_load();
}


# the queue is empty, nobody has anything left
sub _idle {
    my ($self, $q) = @_;

    return wait_for(sub {
        my $left = eval { $q->redis('XLEN', 'll:{in:0}:inbox') };
        defined $left && $left == 0;
    }, 20);
}


# end(%o): no more messages; judges all of it, and ends the test
#
#     more => 1       another stack follows
#     keep => 1       this one goes on
sub end {
    my ($self, %o) = @_;

    my $ll = $self->{ll};

    ok($self->{load}->quiesce(20), 'each sender got its answer');

    my $q = $self->{q} = LeaseLoft::Requests->new($ll);

    ok($self->_idle($q), 'the queue is empty');
    is($q->redis('XLEN', 'll:{in:0}:dead'), 0, 'nothing was given up');

    my %heads = map { $_ => $q->redis('HGET', "ll:{p:$_}:meta", 'seq') }
                    @{ $self->{names} };
    $self->{heads} = \%heads;
    my $model = $self->{model} = $self->{load}->finish(\%heads, 15);

    $model->{sent} = { %{ $self->{earlier} // {} }, %{ $model->{sent} } };
    $self->_judge($model, $q);

    if ($self->{the_proxy}) {
        (delete $self->{the_proxy})->stop();
    }

    $ll->finish(more => $o{more}) if !$o{keep};
}


sub _judge {
    my ($self, $model, $q) = @_;

    my $ll = $self->{ll};
    my @lossy = (lossy => $self->{lossy});
    my $threads = threads_of($q, @{ $self->{names} });
    my $entries = 0;
    $entries += $#$_ for values %$threads;

    diag("$entries entries; answers: "
         . join ', ', map { "$model->{counts}{$_} x $_" }
                          sort keys %{ $model->{counts} });

    # a list of what is wrong is cut: the first few say it
    my $none = sub {
        my ($name, @bad) = @_;
        my $n = @bad;
        splice @bad, 10 if $n > 10;
        is(join("\n", @bad), '', $name) or diag("$n in all");
    };

    $none->('numbers and chain', grep { $_ ne '' }
            map { my $b = $q->broken($_); $b && "$_: $b" }
            @{ $self->{names} });
    $none->('each acknowledged message is there once, where it was told',
            judge_sent($model, $threads, @lossy));
    $none->('each reader saw everything once, in order',
            judge_readers($model, $threads, @lossy));

    my $get = sub { $ll->get($_[0], user => $_[1])->json() // {} };
    my @unread = ($model, $threads, $self->{members}, $get, @lossy);

    $none->('unread counts', judge_unread(@unread));

    my ($status, $out) = $ll->cli('unread', 'rebuild');
    is($status, 0, 'leaseloft unread rebuild') or diag($out);
    unlike($out, qr/[1-9]\d* (?:corrected|mended|repaired|wrong)/,
           'which finds nothing to mend');
    $none->('unread counts, rebuilt', judge_unread(@unread));

    ok($ll->wait_healthy(), 'healthy');
}


1;
