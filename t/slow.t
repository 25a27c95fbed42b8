#!/usr/bin/perl

# Clients that do not read, over HTTP, TLS, HTTP/2 and both.  Each of the two
# limits is tested alone: the time for which a client may take nothing
# (leaseloft_slow_timeout), on a busy thread and on a quiet one, and how much
# may wait for it (leaseloft_slow_size).  A client that is only late gets all of
# it.  How a client resumes is in slow_resume.t.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;

my @ways = ([http => 1], [tls => 1], [http => 2], [tls => 1, http => 2]);

my $ll;

sub metric { return $ll->metric(@_) }

sub fds {
    my ($pid) = $ll->nginx_children();
    opendir my $dir, "/proc/$pid/fd" or return -1;
    return scalar grep { /^\d+$/ } readdir $dir;
}

sub stack {
    my ($server, %directives) = @_;

    $ll = LeaseLoft->new(main => 'worker_processes 1;',
                         listen => 'sndbuf=16k', server => $server,
                         directives => \%directives);
    $ll->lease('P', tenants => ['u-tom', 'u-ana']);
    $ll->say('P', 'u-lena', 'hello');
}

# one stream of each kind, which is not read any more; curl must not end one
sub stopped {
    my @streams = map { $ll->events('P', 'u-tom', @$_, timeout => 300) } @ways;
    $_->wait_event('hello') or fail('hello') for @streams;
    kill 'STOP', map { $_->{pid} // () } @streams;
    return @streams;
}

sub say_large { $ll->say('P', 'u-lena', 'x' x 4000) for 1 .. $_[0] }

sub gone {
    my ($fds, @streams) = @_;
    kill 'KILL', map { $_->{pid} // () } @streams;
    $_->close() for @streams;
    ok(wait_for(sub { metric('streams') == 0 && fds() == $fds }, 5),
       'descriptors and streams are as before') or diag(fds() . " $fds");
    $ll->finish(more => 1);
}


# by time, while messages keep coming: none of them extends the time

stack('', leaseloft_slow_timeout => '2s', leaseloft_slow_size => '500m');
my $fds = fds();
my @streams = stopped();
my $start;

say_large(150);
$start = time();
my $cut = wait_for(sub { say_large(1); metric('streams') == 0 }, 12);
ok($cut, 'busy: every stream that is not read is aborted by time')
    or diag(metric('streams') . ' are left');
cmp_ok(metric('streams_slow_total'), '>=', @ways,
       'busy: the aborted streams are counted as slow');
cmp_ok(time() - $start, '<', 8,
       sprintf 'busy: the streams are aborted after %.1f s', time() - $start);
is(scalar(() = $ll->slurp('access.log') =~ /^\S+ u-tom .* slow$/mg), @ways,
   'busy: the access log has the user of each and the reason');
like($ll->slurp('access.log'), qr/ u-lena .* -$/m,
     'busy: it has no reason for other requests');
gone($fds, @streams);


# by time, with nothing new to send

stack('', leaseloft_slow_timeout => '2s', leaseloft_slow_size => '500m',
      leaseloft_ping => '1h');
$fds = fds();
@streams = stopped();
say_large(200);
ok(wait_for(sub { metric('streams') == 0 }, 12),
   'quiet: every stream that is not read is aborted by time')
    or diag(metric('streams') . ' are left');
gone($fds, @streams);


# by size, long before the time; a client that does not take its "bye" either is
# left to send_timeout of nginx, which is long enough for all that is sent here.
# A stream that is read stays open.

stack('send_timeout 3s;', leaseloft_slow_timeout => '1h',
      leaseloft_slow_size => '64k');
$fds = fds();
@streams = stopped();
my @read = map { $ll->events('P', 'u-ana', @$_) } @ways;
$_->wait_event('hello') or fail('hello') for @read;

my $sent = 0;
$cut = wait_for(sub {
    say_large(10);
    $sent += 10;
    $_->events() for @read;
    metric('streams') == @read;
}, 15);

ok($cut,
   "every stream that is not read is aborted by size, within $sent messages")
    or diag(metric('streams') . ' are left');
cmp_ok(metric('streams_slow_total'), '>=', @ways,
       'the streams aborted by size are counted as slow');
ok($read[$_]->wait_entry($sent + 2),
   "@{ $ways[$_] }: a stream that is read gets every entry") for 0 .. $#ways;
$_->close() for @read;
gone($fds, @streams);


# a client is late and then reads: the last bytes are sent without a further
# event.  In steps of 4 kB some sizes fill the socket so that less than 16 kB is
# left in the buffer of TLS, or in frames of HTTP/2.

stack('', leaseloft_slow_timeout => '1h', leaseloft_slow_size => '500m',
      leaseloft_ping => '1h');
$fds = fds();
@streams = stopped();
my ($seq, @missed) = 2;

for my $n (8 .. 47) {
    kill 'STOP', map { $_->{pid} // () } @streams;
    say_large($n);
    $seq += $n;
    kill 'CONT', map { $_->{pid} // () } @streams;

    for my $i (0 .. $#ways) {
        next if $streams[$i]->wait_entry($seq, 15);
        push @missed, "@{ $ways[$i] }: after $n messages";
        $streams[$i]->{next} = 0;
    }

    last if @missed;
}

is("@missed", '', 'late: the last entry is sent without another event');

for my $i (0 .. $#ways) {
    is(scalar($streams[$i]->entries()), $seq - 2,
       "@{ $ways[$i] }: a late client gets every entry");
}

gone($fds, @streams);

done_testing();
