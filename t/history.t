#!/usr/bin/perl

# Pages of history.  For a user whose access is cached, nginx reads the page
# from the thread's stream; for others a function in Redis makes it.  Both give
# the same page, and both stay within the user's window.

use strict;
use warnings;

use POSIX ();
use Test::More;

use lib 't/lib';
use LeaseLoft;

# segments.t reads sealed entries
my $ll = LeaseLoft->new(worker_options => '--seal-after 0');
my $messages = '/api/properties/P/messages';

# three tenancies: Tom's, then Ana's, then Ida's, which is active

sub lease {
    my ($id, $tenant, $starts, $ends) = @_;
    return $ll->lease('P', lease_id => $id, tenants => [$tenant],
                      starts_at => $starts, ends_at => $ends);
}

my $id = 0;
for (['L-1', 'u-tom', 30], ['L-2', 'u-ana', 1], ['L-3', 'u-ida', 120]) {
    my ($lease, $tenant, $n) = @$_;
    lease($lease, $tenant, '2026-01-01T00:00:00Z', undef);
    $ll->say('P', $_ % 3 ? $tenant : 'u-lena', 'm' . $id++) for 1 .. $n;
    lease($lease, $tenant, '2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z')
        if $lease ne 'L-3';
}

my @thread = map { { @{ $_->[1] } }->{e} }
             $ll->thread('P');
my %window = ('u-lena' => [1, scalar @thread], 'u-tom' => [1, 32],
              'u-ana' => [33, 35], 'u-ida' => [36, scalar @thread]);

like($thread[$window{$_}[0] - 1], qr/"opened"/,
     "the window of $_ begins with the opening") for keys %window;
like($thread[$window{$_}[1] - 1], qr/"ended"/,
     "the window of $_ ends with the end") for qw(u-tom u-ana);

sub calls {
    my ($name) = @_;
    my ($n) = $ll->redis('INFO', 'commandstats')
              =~ /^cmdstat_$name:calls=(\d+)/m;
    return $n // 0;
}

my ($known, $pages) = (0, 0);

for my $user (sort keys %window) {
    my ($from, $to) = @{ $window{$user} };

    for my $before (undef, 0, 1, 2, $from, $from + 1, $from + 2, 33, 36, 50,
                    $to, $to + 1, 160, 999999999)
    {
        for my $limit (1, 2, 31, 50, 200) {
            my $query = "limit=$limit"
                        . (defined $before ? "&before=$before" : '');
            my $last = defined $before && $before - 1 < $to ? $before - 1 : $to;
            my $first = $last - $limit + 1 < $from ? $from : $last - $limit + 1;
            my @expected = $first <= $last ? @thread[$first - 1 .. $last - 1]
                                           : ();

            my $calls = calls('xrevrange');
            my $response = $ll->get("$messages?$query", user => $user);
            my ($entries) = $response->body() =~ /"entries":\[(.*)\]\}$/;
            my $more = $response->json()->{more} ? 1 : 0;

            $known += calls('xrevrange') != $calls;
            $pages++;

            next if $entries eq join(',', @expected)
                    && $more == (@expected && $first > $from ? 1 : 0);

            fail("a page of $user with $query has the right entries");
            diag("first $first, last $last, more $more: ",
                 substr $response->body(), -300);
        }
    }
}

cmp_ok($known, '>', 100, 'pages are read from the stream');
is($pages, 4 * 14 * 5, 'all pages were compared');

# for a stranger nginx reads no stream

$ll->lease('Q');
my $strangers = calls('xrevrange');
$ll->get('/api/properties/Q/messages', user => 'u-ida') for 1 .. 3;
$ll->get('/api/properties/none/messages', user => 'u-ida') for 1 .. 3;
is(calls('xrevrange'), $strangers, 'a stranger causes no read of a stream');

# while the thread grows, each page has the newest entries, as many as asked for

my $test = $$;
my $writer = fork() // die;
if ($writer == 0) {
    for (my $i = 0; getppid() == $test; $i++) {
        $ll->say('P', 'u-ida', "grows $i");
    }
    POSIX::_exit(0);
}

my ($wrong, $grown, $before, $end) = (0, 0, undef, time() + 30);
until ($grown > 50 || time() > $end) {
    my $page = $ll->get("$messages?limit=50", user => 'u-lena')->json();
    my @seqs = map { $_->{seq} } @{ $page->{entries} };
    my ($head) = $page->{head} =~ /^(\d+)\./;

    $grown++ if $head > ($before // $head);
    $before = $head;
    $wrong++ if "@seqs" ne join ' ', $head - 49 .. $head;
}

kill 'KILL', $writer;
waitpid $writer, 0;

cmp_ok($grown, '>', 50, 'pages are read while the thread grows');
is($wrong, 0, 'each page of a growing thread has its newest fifty entries');

$ll->finish();
