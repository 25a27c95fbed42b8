#!/usr/bin/perl

# Churn for LEASELOFT_SOAK seconds: clients connect, send, read, misbehave and
# leave.  In the end, descriptors and memory of each process, what Redis stores
# beside the messages, and its subscriptions are as after the first half, in
# which spare buffers and tables have grown to their final size.  Memory is what
# malloc has allocated: this finds a leak of eight bytes a stream in ten
# minutes, which the size of resident pages does not show.

use strict;
use warnings;

use File::Temp qw(tempdir);
use POSIX ();
use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib', 't/fault/lib';
use Fault;
use Fault::Crowd;
use LeaseLoft;

# two minutes at least, as spare buffers and tables grow for one of them
my $seconds = $ENV{LEASELOFT_SOAK} // 600;

# how much buffers and tables may still grow in the second half, in bytes
my $moment = 48 * 1024;

# sanitizers have a malloc of their own, which keeps what is freed
my $heap = !$LeaseLoft::sanitized && tempdir(CLEANUP => 1);

if ($heap) {
    system("gcc -shared -fPIC -Wall -o $heap/heap.so t/fault/lib/heap.c") == 0
        or die "gcc failed\n";
    @ENV{'LD_PRELOAD', 'HEAP_DIR'} = ("$heap/heap.so", $heap);

    # malloc counts what it caches for a thread as allocated
    $ENV{GLIBC_TUNABLES} = 'glibc.malloc.tcache_count=0';
}

# users have one token each, as valid tokens are cached
my $until = int(time()) + 86400;
my $token = \&LeaseLoft::Client::token;

{
    no warnings 'redefine';
    *LeaseLoft::Client::token = sub { $token->(@_, exp => $until) };
}

my $f = Fault->new(rate => 5, directives => {
    leaseloft_linger => '2s', leaseloft_max_streams => 1000,
    leaseloft_zone => '2m' }, stack => { http => 'keepalive_timeout 2s;' });
my $ll = $f->ll();

delete @ENV{'LD_PRELOAD', 'HEAP_DIR', 'GLIBC_TUNABLES'};


# bytes that a process has from malloc, less what it has given back
sub heap_of {
    my ($pid) = @_;

    my $file = "$heap/heap.$pid";

    unlink $file;
    kill POSIX::SIGRTMIN() + 5, $pid;
    wait_for(sub { -e $file }, 5) or die "process $pid does not answer\n";
    open my $text, '<', $file or die "$file: $!";

    return <$text> + 0;
}


# what each process has: name => { rss => KiB, fds => N, heap => bytes }
sub taken {
    my %pids = (redis => $ll->pid('redis'), master => $ll->pid('nginx'),
                map { ("worker$_" => $ll->pid("worker$_")) } 1, 2);
    my $n = 0;
    $pids{ 'nginx' . ++$n } = $_ for sort { $a <=> $b } $ll->nginx_children();

    my %taken;

    for my $name (keys %pids) {
        open my $status, '<', "/proc/$pids{$name}/status" or die "status: $!";
        my ($rss) = map { /^VmRSS:\s+(\d+)/ } <$status>;
        opendir my $fds, "/proc/$pids{$name}/fd" or die "fd: $!";
        $taken{$name} = { rss => $rss, fds => scalar(grep { /^\d/ }
                                                     readdir $fds) };
        $taken{$name}{heap} = heap_of($pids{$name})
            if $heap && $name ne 'redis';
    }

    return \%taken;
}


# what Redis stores: its keys, the bytes of those that do not grow with each
# message or mark, and bytes beside keys and clients
sub stored {
    my @keys = sort @{ $ll->redis('KEYS', '*') };
    my %info = $ll->redis('INFO', 'all') =~ /^(\w+):(\d+)\r/mg;
    my $beside = $info{used_memory} - $info{mem_clients_normal}
                 - $info{mem_aof_buffer};
    my $fixed = 0;

    for my $key (@keys) {
        my $size = $ll->redis('MEMORY', 'USAGE', $key, 'SAMPLES', 0);
        $beside -= $size;
        $fixed += $size if $key !~ /:(?:thread|segments|reads|sent:\d+)$/;
    }

    return { keys => \@keys, beside => $beside, fixed => $fixed,
             clients => $info{connected_clients} };
}


# channels of properties and users that have a subscriber
sub channels {
    return join ' ', sort grep { /\{[pu]:/ }
                     @{ $ll->redis('PUBSUB', 'CHANNELS') };
}


# connections of clients that nginx has, whether the clients are there or not
sub connections {
    my %ports = map { sprintf('%04X', $_) => 1 } values %{ $ll->{ports} };
    open my $tcp, '<', '/proc/net/tcp' or die "tcp: $!";
    return scalar grep { /^ *\d+: \w+:(\w+) \w+:\w+ (?:01|08) / && $ports{$1} }
                  <$tcp>;
}


# a client that misbehaves, or behaves in another way than those of the load
sub once {
    my ($i) = @_;

    my $stranger = $i % 10;
    my $property = 'P' . (1 + int rand 4);
    my $dice = int rand 9;

    if ($dice == 0) {
        my $s = $ll->events($property, 'u-omar', tls => 1, http => 2);
        $s->wait_event('hello');

    } elsif ($dice == 1) {
        # a body that never comes
        my $socket = LeaseLoft::connect_to($ll->{ports}{http}) or return;
        print $socket "POST /api/properties/$property/messages HTTP/1.1\r\n"
            . "Host: x\r\nAuthorization: Bearer " . $ll->token('u-omar')
            . "\r\nContent-Type: application/json\r\n"
            . "Content-Length: 1000\r\n\r\n{\"client_id\"";
        $socket->flush();

    } elsif ($dice == 2) {
        $ll->get("/api/properties/$property/messages",
                 user => "u-nobody$stranger");

    } elsif ($dice == 3) {
        $ll->get('/api/inbox', token => "x$i");

    } elsif ($dice == 4) {
        # the same parties with another label: all streams get an event
        my ($n) = $property =~ /(\d)/;
        $ll->lease($property, landlords => [qw(u-lena u-omar)],
                   tenants => [ map { "u-$_$n" } qw(tom ana mia) ],
                   label => "label $i");

    } elsif ($dice == 5) {
        $ll->post("/api/properties/$property/messages", '{"text":1}',
                  user => 'u-omar');

    } elsif ($dice == 6) {
        $ll->get('/internal/metrics');

    } elsif ($dice == 7) {
        my $s = $ll->stream('/api/inbox/events', user => "u-x$stranger");
        $s->next_event(1);

    } else {
        # a subscriber who reads nothing and leaves
        my $s = $ll->events($property, 'u-omar', query => 'after=0');
        sleep 0.05;
    }
}


my ($entries, $opened, $odd) = (0, 0, 0);

sub part {
    my ($time) = @_;

    my $crowd = Fault::Crowd->start($ll, $f->names(), 100, churn => 2);
    my $end = time() + $time;

    while (time() < $end) {
        once(++$odd);
        sleep 0.05;
    }

    $f->end(keep => 1);
    my $report = $crowd->finish($f->{heads});
    is(join("\n", @{ $report->{problems} }), '',
       'each stream got each entry once');
    $entries += $report->{entries};
    $opened += $report->{opened};
    is($report->{byes}{overload} // 0, 0, 'no stream was refused');

    ok(wait_for(sub { connections() == 0 }, 15), 'all connections are closed');
    ok(wait_for(sub { channels() eq '' }, 15),
       'no channel of a property or user is subscribed to')
        or diag(channels());
    delete $f->{q};         # which subscribes to all
}


part($seconds / 2);
my ($before, $kept) = (taken(), stored());
my $first = $opened;

$f->again();
part($seconds / 2);
my ($after, $kept2) = (taken(), stored());
my $streams = $opened - $first;

diag("$opened streams were opened, $streams of them in the second part;"
     . " they saw $entries entries; $odd odd requests");

for my $name (sort keys %$before) {
    my ($then, $now) = ($before->{$name}, $after->{$name} // {});

    diag("$name: " . join '; ', map { "$_ $then->{$_}, then $now->{$_}" }
                                    sort keys %$then);
    is($now->{fds}, $then->{fds},
       "$name: the number of descriptors is as before");

    # these have no streams, and store nothing of what they have done
    cmp_ok($now->{heap} - $then->{heap}, '<', 8192,
           "$name: memory is as before")
        if $heap && $name =~ /^(?:master|worker)/;
}

if ($heap) {
    my $more = 0;
    $more += $after->{$_}{heap} - $before->{$_}{heap} for 'nginx1', 'nginx2';
    diag("nginx: $more bytes more for $streams streams");
    cmp_ok($more, '<', 4 * $streams + $moment,
           'nginx: streams leave no memory allocated');
}

diag("Redis, beside its keys: $kept->{beside} bytes, then $kept2->{beside};"
     . " in keys that do not grow: $kept->{fixed}, then $kept2->{fixed}");
cmp_ok($kept2->{beside} - $kept->{beside}, '<', 4 * $streams + $moment,
       'Redis: memory beside the keys is as before');
cmp_ok($kept2->{fixed} - $kept->{fixed}, '<', 512,
       'Redis: memory of keys other than messages and marks is as before');
is("@{ $kept2->{keys} }", "@{ $kept->{keys} }",
   'Redis: the keys are as before');
is($kept2->{clients}, $kept->{clients},
   'Redis: the number of connections is as before');
is($ll->redis('PUBSUB', 'NUMPAT'), 0, 'Redis: no pattern is subscribed to');

my @channels = @{ $ll->redis('PUBSUB', 'CHANNELS') };
is(scalar(@channels), 2, 'Redis: each nginx process subscribes to one channel')
    or diag("@channels");
is(join(' ', @{ $ll->redis('PUBSUB', 'NUMSUB', @channels) }[1, 3]), '1 1',
   'Redis: each of these channels has one subscriber');

is($ll->metric('streams'), 0, 'no stream is counted');

$ll->finish();
