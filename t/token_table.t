#!/usr/bin/perl

# The table of valid tokens that all nginx processes share: which tokens are
# verified once, and which ones again.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep);

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new(main => 'worker_processes 1;',
                        directives => { leaseloft_zone => '32k',
                                        leaseloft_drain => '100ms' });

sub verified {
    my ($n) = $ll->get('/internal/metrics')->body()
              =~ /^leaseloft_tokens_verified_total (\d+)$/m;
    return $n;
}

sub grows {
    my ($n, $name, $code) = @_;
    my $before = verified();
    $code->();
    is(verified() - $before, $n, $name);
}

sub status { $ll->get('/api/session', token => $_[0])->status() }

# restarts all nginx processes
sub reload {
    my %old = map { $_ => 1 } $ll->nginx_children();
    $ll->signal('nginx', 'HUP');
    ok(wait_for(sub { my @c = $ll->nginx_children();
                      @c && !grep { $old{$_} } @c }, 10),
       'a reload replaces the process');
}

my $token = $ll->token('u-tom');

grows(1, 'a token is verified once', sub { status($token) for 1 .. 3 });
reload();
grows(0, 'another process does not verify it again',
      sub { is(status($token), 200, 'another process accepts it') });
is($ll->get('/api/session', token => $token)->json()->{user}, 'u-tom',
   'the user is that of the token');

# a process that is killed
my ($pid) = $ll->nginx_children();
kill 'KILL', $pid;
$ll->expect_log(qr/exited on signal 9/);
ok(wait_for(sub { my @c = $ll->nginx_children(); @c && $c[0] != $pid }, 10),
   'a killed process is replaced');
$ll->wait_healthy();
grows(0, 'the table is kept when a process is killed',
      sub { is(status($token), 200, 'a token in the table is accepted') });

# expiry
my $short = $ll->token('u-tom', exp => int(time()) + 2);
is(status($short), 200, 'a token is accepted before its expiry');
ok(wait_for(sub { status($short) == 401 }, 5),
   'a token in the table is refused once it has expired');

# the table of 32k has room for fewer tokens than these
my @many = map { $ll->token("u-$_", n => $_) } 1 .. 400;
grows(400, 'each of many tokens is verified', sub {
    my @bad = grep { status($many[$_]) != 200
                     || ($_ % 20 == 0 && status($token) != 200) } 0 .. $#many;
    is("@bad", '', 'more tokens than fit into the table are accepted');
});
grows(0, 'the most recently used tokens are not verified again',
      sub { status($_) for @many[380 .. 399], $token });
grows(1, 'the least recently used token was replaced',
      sub { is(status($many[0]), 200, 'a replaced token is accepted') });

# another key
$ll->write('token.key', 'another secret of 32 bytes or more');
reload();
is(status($token), 401, 'a token of the former key is refused');
{
    local $ll->{key} = 'another secret of 32 bytes or more';
    is(status($ll->token('u-tom')), 200, 'a token of the new key is accepted');
}

$ll->finish();
