#!/usr/bin/perl

# Reload and quit: streams are sent bye drain, spread over leaseloft_drain, lose
# no entry, and old processes exit with nothing left open.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;

my $drain = 3;
my $ll = LeaseLoft->new(directives => {
    leaseloft_drain => "${drain}s", leaseloft_max_streams => 200,
    leaseloft_wait => '5s' },
    http => 'log_format ends "$msec $uri"; access_log ends.log ends;');

$ll->lease('P', tenants => ['u-tom']);
$ll->lease('Q', tenants => ['u-tom']);

my @streams = map {
    $_ % 3 ? $ll->events($_ % 2 ? 'P' : 'Q', 'u-tom')
           : $ll->stream('/api/inbox/events', user => 'u-tom')
} 1 .. 120;
push @streams, $ll->events('P', 'u-tom', http => 2),
               $ll->events('P', 'u-tom', tls => 1),
               $ll->events('P', 'u-tom', tls => 1, http => 2);
$_->wait_event('hello') or fail('hello') for @streams;

my ($old) = $ll->nginx_children();
my $start = time();

$ll->signal('nginx', 'HUP');
ok(wait_for(sub { my @c = $ll->nginx_children();
                  @c == 2 || (@c == 1 && $c[0] != $old) }, 3),
   'a reload starts a new process');

# messages are sent meanwhile
my $seq;
for (1 .. 10) {
    $seq = $ll->say('P', 'u-tom', "m$_")->json()->{seq};
    $_->events() for @streams;
    sleep 0.1;
}

my @byes = map { $_->wait_event('bye', $drain + 2) } @streams;
is(scalar(grep { $_ && $_->{json}{reason} eq 'drain' } @byes),
   scalar @streams, 'every stream is sent bye drain');
ok(!(grep { !$_->wait_closed(2) } @streams), 'every stream is closed');
ok(!(grep { $_->retry() < 1000 || $_->retry() > 4000 } @streams),
   'every stream has a retry of 1 to 4 s');

# when each one was closed, by the access log
my @times;
ok(wait_for(sub {
    my @lines = grep { m{/events$} } split /\n/, $ll->slurp('ends.log');
    @times = sort { $a <=> $b } map { /^([\d.]+)/ && $1 - $start } @lines;
    return @times == @streams;
}, 2), 'every stream is in the access log');
cmp_ok($times[-1], '<', $drain + 1.5,
       'every stream is closed within the drain time');

# The close of each stream is drawn evenly from the drain time, so that of 123
# streams a quarter of it has 31, give or take 5.  Less than 6, or more than 60,
# comes by chance less than once in a million runs.  The time starts with the
# first close, as the process gets the signal a moment after it is sent.
my @quarters = (0) x 4;
for my $time (@times) {
    my $q = int(($time - $times[0]) / $drain * 4);
    $quarters[$q > 3 ? 3 : $q]++;
}
is(scalar(grep { $_ < 6 || $_ > 60 } @quarters), 0,
   'closes are spread over the drain time')
    or diag("@quarters");

ok(wait_for(sub { !-d "/proc/$old" }, $drain + 2), 'the old process exits');

# every entry once, across the closed stream and the one that resumes it
my @got = map { $_->{seq} } $streams[0]->entries();
my $next = $ll->events('P', 'u-tom', last_id => $streams[0]->last_id() // '1');
$next->wait_entry($seq, 3);
push @got, map { $_->{seq} } $next->entries();
is("@got", join(' ', 2 .. $seq), 'the resumed stream has every entry once');


# several reloads in a row, with a send under way
my @more = map { $ll->events('P', 'u-tom') } 1 .. 10;
$_->wait_event('hello') for @more;
my $pid = fork();
if ($pid == 0) {
    POSIX::_exit($ll->say('P', 'u-tom', 'under way')->status() == 201 ? 0 : 1);
}
for (1 .. 3) {
    $ll->signal('nginx', 'HUP');
    sleep 0.5;
}
waitpid $pid, 0;
is($?, 0, 'a send during a reload gets 201');
ok(wait_for(sub { (() = $ll->nginx_children()) == 1 }, $drain + 5),
   'only the newest process is left');


# quit drains streams too
my $last = $ll->events('P', 'u-tom');
$last->wait_event('hello');
$start = time();
my $status = $ll->stop('nginx', 'QUIT', $drain + 3);
is($status, 0, 'nginx exits with 0 on QUIT');
is(($last->wait_event('bye') // { json => {} })->{json}{reason}, 'drain',
   'QUIT sends bye drain');

# no connection was left open
my $log = $ll->slurp('error.log');
unlike($log, qr/open socket/, 'nginx logs no open socket left');

# a stream that is not uncounted would be refused here
$ll->start('nginx');
ok($ll->wait_healthy(), 'health is 200 after a restart');
my @again = map { $ll->events('P', 'u-tom') } 1 .. 190;
is(scalar(grep { ($_->next_event(3) // {})->{event} eq 'hello' } @again), 190,
   '190 streams of 200 are accepted after the restart');
$_->close() for @again;

$ll->finish();
