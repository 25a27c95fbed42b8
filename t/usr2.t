#!/usr/bin/perl

# Another nginx program by USR2, with the commands of docs/upgrade.md: back to the
# old one, on with the new one, and one that cannot start; a stream resumes.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Files;

my @steps = slurp('docs/upgrade.md')
            =~ /^## nginx without a restart: USR2\n(.*?)^## /ms
            ? $1 =~ /^```sh\n(.*?)^```$/msg : ();
is(scalar @steps, 4, 'docs/upgrade.md has the steps') or BAIL_OUT('no steps');

# nginx starts the program of the name that it was started with, without PATH
if (!$LeaseLoft::sanitized && ($ENV{NGINX_BIN} // 'nginx') eq 'nginx') {
    chomp($ENV{NGINX_BIN} = qx(command -v nginx || echo /usr/sbin/nginx));
}

# and gives it no variable that is not named
my $ll = LeaseLoft->new(
    start => 0, directives => { leaseloft_drain => '1s' },
    main => join ' ', map { "env $_;" }
            $LeaseLoft::sanitized ? qw(LD_PRELOAD ASAN_OPTIONS UBSAN_OPTIONS)
                                  : ());
my $dir = $ll->dir();
my ($stream, $last, %masters);

END { kill 'KILL', grep { -d "/proc/$_" } keys %masters }

# a child of this test would ignore USR2
$ll->write('nginx.conf', $ll->slurp('nginx.conf') =~ s/^daemon off;//mr);
$ll->start($_) for qw(redis worker1);
is(system($ll->_nginx_command()), 0, 'nginx is started');
$ll->started();

# a command of the page: nginx -t, and signals to the pids in files
sub run {
    my ($commands) = @_;

    my $nginx = $ll->_nginx_command();
    $commands =~ s{/run/}{$dir/}g;
    $commands =~ s/^nginx/$nginx/mg;
    qx(($commands) 2>&1);
    is($?, 0, $commands =~ /kill (-\w+)/ ? "$1 is sent" : 'it is run');
}

sub pid {
    my $pid = $ll->slurp('nginx.pid') =~ s/\s//r;
    $masters{$pid} = 1 if $pid;
    return $pid;
}

sub children { return qx(cat /proc/$_[0]/task/$_[0]/children 2>/dev/null) }

# a message is answered, and is in the stream, which resumes where it was
sub follow {
    my ($what) = @_;

    if (!$stream) {
        $stream = $ll->events('P', 'u-tom', last_id => $last);
        ok($stream->wait_event('hello', 5), "$what: a stream is open");
    }

    my $r = $ll->say('P', 'u-lena', $what);
    is($r->status(), 201, "$what: a message is sent");
    ok($stream->wait_entry($r->json()->{seq}, 5), "$what: the stream has it");
}

# the stream is told to come back
sub leaves {
    is(($stream->wait_event('bye', 10) // {})->{json}{reason}, 'drain',
       'the stream gets bye');
    $last = $stream->last_id();
    $stream = undef;
}

# the new program is started, and the old processes end
sub changes {
    my $old = pid();
    my @old = split ' ', children($old);

    run($steps[0]);
    ok(wait_for(sub { -e "$dir/nginx.pid.oldbin" && pid() && pid() != $old
                      && children(pid()) =~ /\d/ }, 20), 'a new program runs');
    follow('with both');
    run($steps[1]);
    leaves();
    ok(wait_for(sub { !grep { -d "/proc/$_" } @old }, 20),
       'the old processes end');
    ok($ll->wait_healthy(200, 20), 'health is 200');
    follow('with the new one');

    return ($old, pid());
}

$ll->lease('P', tenants => ['u-tom']);
follow('at first');

my ($old, $new) = changes();
run($steps[3]);
ok(wait_for(sub { !-d "/proc/$new" }, 20), 'back: the new program ends');
is(pid(), $old, 'back: the old one is that of the file');
ok($ll->wait_healthy(200, 20), 'back: health is 200');
leaves();
follow('back');

# what is on the disk cannot start
my $conf = $ll->slurp('nginx.conf');
$ll->write('nginx.conf', "load_module $dir/token.key;\n$conf");
kill 'USR2', $old;
ok(wait_for(sub { ($ll->slurp("error.log") . $ll->slurp("nginx.log"))
                  =~ /\[emerg\].*dlopen/ }, 20), 'the log says why');
ok(wait_for(sub { pid() eq $old }, 20), 'the old one goes on');
follow('after that');
$ll->write('nginx.conf', $conf);
$ll->expect_log(qr/dlopen/);

($old, $new) = changes();
run($steps[2]);
ok(wait_for(sub { !-d "/proc/$old" }, 20), 'on: the old program ends');
follow('on');
$stream->close();

kill 'QUIT', $new;
ok(wait_for(sub { !-d "/proc/$new" }, 20), 'the new program ends when it is told to');

$ll->finish();
