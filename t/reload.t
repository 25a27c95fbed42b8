#!/usr/bin/perl

# A reload and a quit: streams are told, spread over the drain time, and lose
# nothing; old processes go away; nothing is left open.

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
                  @c == 2 || (@c == 1 && $c[0] != $old) }, 3), 'a new worker');

# meanwhile messages keep coming
my $seq;
for (1 .. 10) {
    $seq = $ll->say('P', 'u-tom', "m$_")->json()->{seq};
    $_->events() for @streams;
    sleep 0.1;
}

my @byes = map { $_->wait_event('bye', $drain + 2) } @streams;
is(scalar(grep { $_ && $_->{json}{reason} eq 'drain' } @byes),
   scalar @streams, 'each is told: drain');
ok(!(grep { !$_->wait_closed(2) } @streams), 'and closed');
ok(!(grep { $_->retry() < 1000 || $_->retry() > 4000 } @streams), 'retry');

# when each was closed, by nginx's own word
my @times;
ok(wait_for(sub {
    my @lines = grep { m{/events$} } split /\n/, $ll->slurp('ends.log');
    @times = sort { $a <=> $b } map { /^([\d.]+)/ && $1 - $start } @lines;
    return @times == @streams;
}, 2), 'each is logged');
cmp_ok($times[-1], '<', $drain + 1.5, 'within the drain time');

# Evenly: when to close is drawn for each stream, from all of the drain time
# alike, so that of 123 a quarter of it has 31, give or take 5.  Less than 6, or
# more than 60, would come by chance less than once in a million runs.  The time
# begins with the first one, as the process is told a moment after the signal.
my @quarters = (0) x 4;
for my $time (@times) {
    my $q = int(($time - $times[0]) / $drain * 4);
    $quarters[$q > 3 ? 3 : $q]++;
}
is(scalar(grep { $_ < 6 || $_ > 60 } @quarters), 0, 'spread over it')
    or diag("@quarters");

ok(wait_for(sub { !-d "/proc/$old" }, $drain + 2), 'the old worker is gone');

# every entry once, across the two streams
my @got = map { $_->{seq} } $streams[0]->entries();
my $next = $ll->events('P', 'u-tom', last_id => $streams[0]->last_id() // '1');
$next->wait_entry($seq, 3);
push @got, map { $_->{seq} } $next->entries();
is("@got", join(' ', 2 .. $seq), 'nothing is lost');


# several reloads, with a send under way
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
is($?, 0, 'a send under way is answered');
ok(wait_for(sub { (() = $ll->nginx_children()) == 1 }, $drain + 5),
   'only the newest worker is left');


# quit: the same, then all is over
my $last = $ll->events('P', 'u-tom');
$last->wait_event('hello');
$start = time();
my $status = $ll->stop('nginx', 'QUIT', $drain + 3);
is($status, 0, 'quits');
is(($last->wait_event('bye') // { json => {} })->{json}{reason}, 'drain',
   'with a bye');

# nothing was left open
my $log = $ll->slurp('error.log');
unlike($log, qr/open socket/, 'no open socket left');

# a reload that makes a connection count wrong would show as no room
$ll->start('nginx');
ok($ll->wait_healthy(), 'up again');
my @again = map { $ll->events('P', 'u-tom') } 1 .. 190;
is(scalar(grep { ($_->next_event(3) // {})->{event} eq 'hello' } @again), 190,
   'all counts of streams came back');
$_->close() for @again;

$ll->finish();
