#!/usr/bin/perl

# The drain file: health is 503 while it exists, and nothing else changes until a
# reload has streams leave in their time, for another nginx.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new(
    directives => { leaseloft_drain => '2s', leaseloft_drain_file => 'off.d/drain' },
    server => 'location = /health { leaseloft_health; }'
              . ' location = /denied { deny all; leaseloft_health; }');
my $file = "$ll->{dir}/off.d/drain";

sub health { return $ll->get($_[0] // '/internal/health') }
sub drain { $ll->write('off.d/drain', '') }
sub metric { return $ll->metric('drained') }

$ll->lease('P', tenants => ['u-tom']);

is(health()->status(), 200, 'health is 200 though the directory is missing');
mkdir "$ll->{dir}/off.d" or die;
is(health()->status(), 200, 'and though the file is');
is(health()->json()->{drained}, 0, 'it says that nginx is not drained');
is(metric(), 0, 'and so do the metrics');

my @streams = ($ll->events('P', 'u-tom'), $ll->events('P', 'u-tom', http => 2),
               $ll->stream('/api/inbox/events', user => 'u-tom'));
ok($_->wait_event('hello'), 'a stream is open') for @streams;


# the file exists

drain();

for my $path ('/internal/health', '/health') {
    my $r = health($path);
    my $said = $r->json();
    is($r->status(), 503, "$path is 503 while the file exists");
    is($said->{detail}, 'This nginx is drained.',
       "$path says why");
    is($said->{drained}, 1, "$path has it as a member");
    is(join(' ', map { $said->{$_} } qw(nginx redis workers)), 'up up up',
       "$path: all parts are up");
    is_deeply($said->{$_}, [], "$path: there are no $_") for qw(faults advice);
    is($ll->request('HEAD', $path)->status(), 503, "$path: HEAD too");
}

is(metric(), 1, 'the metrics say that nginx is drained');
is(health('/denied')->status(), 403, 'health can be denied by address');

my $seq = $ll->say('P', 'u-lena', 'while drained')->json()->{seq};
ok($_->wait_entry($seq), 'a stream that is open goes on') for @streams[0, 1];
is($streams[2]->wait_event('thread')->{json}{last}{seq}, $seq,
   'that of the inbox too');
is($ll->poll('P', 'u-tom')->{entries}[-1]{seq}, $seq, 'polls are answered');

my $late = $ll->events('P', 'u-tom');
ok($late->wait_event('hello'), 'who still comes gets a stream');
is(scalar(grep { $_->{event} eq 'bye' } map { $_->events() } @streams, $late), 0,
   'no stream was sent bye');


# a fault is listed beside it, and logged

$ll->stop('worker1');
ok(wait_for(sub { @{ health()->json()->{faults} } }, 6), 'a fault is listed too');
like(health()->json()->{detail}, qr/^This nginx is drained/,
     'the detail is that nginx is drained');
like($ll->slurp('error.log'), qr/health: "No worker has sent/,
     'the fault is in the log');
$ll->start("worker1");
ok(wait_for(sub { !@{ health()->json()->{faults} } }, 6), 'until it is mended');


# a reload

my ($old) = $ll->nginx_children();
$ll->signal('nginx', 'HUP');

for my $stream (@streams, $late) {
    my $bye = $stream->wait_event('bye', 5);
    is($bye && $bye->{json}{reason}, 'drain', 'a reload has streams leave');
}

ok(wait_for(sub { !-d "/proc/$old" }, 5), 'the old process exits');
is(health()->status(), 503, 'health is 503 after the reload too');

unlink $file or die;
is(health()->status(), 200, 'without the file health is 200, without a reload');
is(health()->json()->{drained}, 0, 'and says that nginx is not drained');
is(metric(), 0, 'the metrics say so too');


# a name that leads to itself

symlink 'drain', $file or die;
is(health()->status(), 200, 'health is 200 if nginx cannot look for the file');
is_deeply(health()->json()->{advice}, ['The drain file cannot be looked for.'],
          'with an advice');
like($ll->slurp('error.log'), qr/\[crit\].*stat\(\) "\Q$file\E" failed \(40: /,
     'and a reason in the log');

my ($status, $said) = do {
    $ll->nginx_conf(directives => { leaseloft_drain_file => '""' });
    $ll->nginx_test();
};
is($status, 1, 'an empty name is refused');
like($said, qr/"leaseloft_drain_file" (?:directive )?is empty/,
     'and nginx says so');

$ll->expect_log(qr/leaseloft_drain_file/);
$ll->finish();
