#!/usr/bin/perl

# "leaseloft purge" and "leaseloft forget" are killed before each command by
# which they change something, on a single server and on a Redis Cluster.  What
# is left meanwhile can be read; a dry run tells it, and changes nothing; a
# repetition completes it: nothing of the property, nor the name and the texts of
# the person, is left, and chains and counts are exact.  Both tell their progress.

use strict;
use warnings;

use JSON::PP;
use Test::More;

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Cluster;

plan skip_all => 'valgrind is no program to preload into'
    if $ENV{LEASELOFT_UNDER};

my ($past, $ended) = ('2020-01-01T00:00:00Z', '2020-06-01T00:00:00Z');
my ($ll, $cluster, $die, $where);

sub ok_for { my ($ok, $what, $diag) = @_; ok($ok, "$where, $what") or diag($diag) }


# --- the servers ---

sub single {
    $ll = LeaseLoft->new(worker_options => '--seal-after 3 --seal-size 4');
    undef $cluster;
}

sub cluster {
    $ll = LeaseLoft->new(start => 0,
                         worker_options => '--seal-after 3 --seal-size 4');
    $cluster = LeaseLoft::Cluster->new($ll);
    $ll->{url} = $cluster->url();
    $ll->nginx_conf();
    $ll->start($_) for qw(worker1 nginx);
    $ll->started();
}

# the servers, each as a function of a command
sub servers {
    return sub { $ll->redis(@_) } if !$cluster;
    return map { my $part = $_; sub { $cluster->on($part, @_) } }
               $cluster->parts();
}

# a command, to the server of its key
sub redis { return $cluster ? $cluster->command(@_) : $ll->redis(@_) }

# all keys, with what they have
sub contents {
    my %contents;

    for my $server (servers()) {
        for my $key (@{ $server->('KEYS', '*') }) {
            my $type = $server->('TYPE', $key);
            my $all = $type eq 'hash' ? $server->('HGETALL', $key)
                    : $type eq 'zset' ? $server->('ZRANGE', $key, 0, -1)
                    : $type eq 'set' ? $server->('SMEMBERS', $key)
                    : $type eq 'stream' ? [map { @{ $_->[1] } }
                          @{ $server->('XRANGE', $key, '-', '+') }] : [];

            $contents{$key} = join "\n", $key, @$all;
        }
    }

    return \%contents;
}

# the keys with a text in their name, or in what they have
sub found {
    my ($text, $contents) = @_;
    return grep { $contents->{$_} =~ /\Q$text\E(?!\d)/ } sort keys %$contents;
}


# --- the command ---

# starts it; with DIE_AT, it is killed
sub begin {
    my ($env, @words) = @_;

    my $pid = open(my $pipe, '-|') // die "fork: $!";

    if ($pid == 0) {
        $ENV{LEASELOFT_REDIS} = $ll->{url};
        $ENV{LD_PRELOAD} = $die;
        $ENV{ASAN_OPTIONS} = ($ENV{ASAN_OPTIONS} // '')
                             . ':verify_asan_link_order=0:detect_leaks=0';
        @ENV{keys %$env} = values %$env;
        open STDERR, '>&', \*STDOUT;
        exec $LeaseLoft::cli, @words or POSIX::_exit(127);
    }

    return [$pipe, $env];
}

# its exit status, that of the shell for a signal, and output
sub end {
    my ($pipe) = @{ $_[0] };

    my $out = do { local $/; <$pipe> } // '';
    close $pipe;

    return ($? & 127 ? 128 + ($? & 127) : $? >> 8, $out);
}

# kills it at each step until it has no more, and then repeats each: the number
# of steps; $prepare->($step) returns its words, and $partly->($step) looks at
# what is there between
sub crash {
    my ($prepare, $partly) = @_;

    my @words;

    for my $step (1 .. 200) {
        my @now = $prepare->($step);
        my ($status, $out) = end(begin({ DIE_AT => $step }, @now));

        if ($status == 0) {
            ok_for(1, "$now[0]: it has " . @words . ' steps');
            last;
        }

        ok_for($status == 128 + 9, "@now: it is killed at step $step", $out);
        push @words, \@now;
        $partly->($step);

        ($status, $out) = end(begin({ DIE_AT => 1 }, $now[0], '--dry-run',
                                    @now[1 .. $#now]));
        ok_for($status == 0 && $out =~ /would /, "@now: a dry run after step"
               . " $step tells what is left, and changes nothing", $out);
    }

    # purging takes a second: all at once

    for my $run (map { begin({}, @$_) } @words) {
        my ($status, $out) = end($run);
        ok_for($status == 0, "$words[0][0] is repeated", $out);
    }

    return scalar @words;
}

# all counts and inboxes are right
sub exact {
    my ($what) = @_;

    my ($status, $out) = $ll->cli('unread', 'rebuild');
    ok_for($status == 0 && $out =~ / 0 inbox threads repaired, 0 removed, 0 dam/,
           "$what: counts and inboxes are exact", $out);
}

sub told {
    my ($what, $text, @words) = @_;

    my ($pause) = (servers())[-1];

    $pause->('CLIENT', 'PAUSE', 2600, 'ALL');
    my ($status, $out) = end(begin({}, @words));
    ok_for($status == 0 && $out =~ $text, "$what tells its progress", $out);
}


# --- a property ---

my @members = qw(u-lena u-tom u-ana);

sub property {
    my ($property) = @_;

    $ll->lease($property, tenants => ['u-tom', 'u-ana'], ends_at => at(3600));
    $ll->say($property, 'u-tom', "of $property $_") for 1 .. 9;

    redis('XADD', 'll:{q:' . ($cluster ? 17 : 0) . '}:dead', '*', 'op', 'send',
          'p', $property, 'u', 'u-tom', 'b', '{}', 'why', 'x', 'id', '1-1');
}

sub purge {
    property('Kept');

    my $steps = crash(sub {
        property("G-$_[0]");
        return ('purge', "G-$_[0]");
    }, sub {
        my $is = redis('EXISTS', "ll:{p:G-$_[0]}:meta") ? 200 : 404;
        my $status = $ll->get("/api/properties/G-$_[0]/messages",
                              user => 'u-ana')->status();
        ok_for($status == $is, "purge: a poll is a $is after step $_[0]",
               $status);
    });

    ok_for($steps >= 10, 'purge: it was killed often');
    property('G-' . ($steps + 2));
    told('purge', qr/^\d of 3 inboxes so far$/m, 'purge', 'G-' . ($steps + 2));

    my $contents = contents();

    for my $step (1 .. $steps + 2) {
        my @found = found("G-$step", $contents);
        ok_for(!@found, "purge: nothing of G-$step is left", "@found");
    }

    exact('purge');
    ok_for($ll->poll('Kept', $_)->{head} =~ /^10\./, "purge: $_ reads the other")
        for @members;
}


# --- a person ---

sub party { return { user => $_[0], name => $_[1] } }

sub declare {
    my ($property, $tenants, $to) = @_;

    my $r = $ll->put("/internal/properties/$property/lease", {
        lease_id => 'L-1', label => 'A', time_zone => 'Europe/Berlin',
        landlords => [party('u-lena', 'Lena')], starts_at => $past,
        tenants => [@$tenants, party('u-ida', 'Ida')], ends_at => $to });

    ok_for($r->status() == 200, "$property is declared", $r->body());
}

# of one the lease has ended, the other one they have left
sub person {
    my ($n) = @_;

    for my $property ("E-$n", "L-$n") {
        declare($property, [party("u-$n", "Name-$n")], undef);
        $ll->say($property, $_ % 3 ? 'u-ida' : "u-$n",
                 $_ % 3 ? "kept $_" : "text-$n") for 1 .. 8;
    }

    declare("E-$n", [party("u-$n", "Name-$n")], $ended);
    declare("L-$n", [], undef);
}

sub forget {
    my @texts = ('--texts', '--reason', 'x');

    my $steps = crash(sub {
        person($_[0]);
        return ('forget', @texts, "u-$_[0]");
    }, sub {
        my ($n) = @_;
        ok_for($ll->poll($_, 'u-lena')->{head} =~ /^\d/,
               "forget: $_ can be read after step $n") for "E-$n", "L-$n";
    });

    ok_for($steps >= 20, 'forget: it was killed often');
    person($steps + 2);

    told('forget', qr/^\d+ properties looked at, \d of them theirs/m,
         'forget', @texts, 'u-' . ($steps + 2));

    my $contents = contents();

    for my $n (1 .. $steps + 2) {
        my @left = (found("text-$n", $contents),
                    grep { !/:(?:thread|segments)$/ }
                         found("Name-$n", $contents));
        ok_for(!@left, "forget: neither texts nor name of u-$n are left",
               "@left");

        my $inbox = ($ll->cli('unread', "u-$n", '--json'))[1];
        ok_for(decode_json($inbox)->{total_unread} == 0
               && $inbox !~ /"[EL]-$n"/,
               "forget: nothing is in the inbox of u-$n", $inbox);

        # one of the two, as each takes two commands

        my $property = $n % 2 ? "E-$n" : "L-$n";

        $ll->write('record', ($ll->cli('record', $property))[1]);
        my ($status, $out) = $ll->cli('verify', $ll->dir() . '/record');
        ok_for($status == 0, "forget: the record of $property verifies", $out);
    }

    my $status = $ll->get('/api/inbox', user => "u-$steps")->status();
    ok_for($status == 401, 'forget: their tokens are refused', $status);
    exact('forget');
}


for (['a single server', \&single], ['a cluster', \&cluster]) {
    my $start;

    ($where, $start) = @$_;
    $start->();

    $die = $ll->dir() . '/die_at.so';
    ok_for(system("gcc -shared -fPIC -O1 -o $die t/lib/die_at.c") == 0,
           'the library that kills is built');

    purge();
    forget();
    $ll->finish(more => 1);
}

done_testing();
