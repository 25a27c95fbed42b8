#!/usr/bin/perl

# A worker stands still for longer than the claim time, with requests taken and
# maybe half done, then goes on: two workers hold the same requests.  Then
# workers are replaced one after the other, as in an upgrade.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib', 't/fault/lib';
use Fault;
use LeaseLoft;

my $f = Fault->new(claim => 800);
my $ll = $f->ll();

for my $round (1 .. ($Fault::long ? 20 : 5)) {
    $f->fault('SIGSTOP past the claim time, SIGCONT', sub {
        my $n = 1 + int rand 2;
        sleep rand 0.2;
        $ll->signal("worker$n", 'STOP');
        sleep 1.2 + rand;
        $ll->signal("worker$n", 'CONT');
    });
}

$f->fault('both stand still', sub {
    $ll->signal("worker$_", 'STOP') for 1, 2;
    sleep 3.5;
    is($ll->get('/internal/health')->status(), 503, 'health says so');
    $ll->signal("worker$_", 'CONT') for 2, 1;
});

$f->fault('workers are replaced, one after the other', sub {
    for my $n (1, 2, 1, 2) {
        is($ll->stop("worker$n"), 0, 'leaves with 0');
        sleep rand 0.3;
        $f->start_worker($n);
        sleep 0.3;
    }
});

# a later version's library appears beside this one, and goes; this one is
# loaded anew, and lost

my %loaded = @{ $ll->redis('FUNCTION', 'LIST', 'WITHCODE')->[0] };
my $library = $loaded{library_code};
my $next = $library =~ s/leaseloft_1/leaseloft_2/r =~ s/ll1_/ll2_/gr;

$f->fault('two libraries side by side', sub {
    for (1 .. 5) {
        $ll->redis('FUNCTION', 'LOAD', 'REPLACE', $next);
        sleep rand 0.2;
        $ll->redis('FUNCTION', 'LOAD', 'REPLACE', $library);
        sleep rand 0.2;
        $ll->redis('FUNCTION', 'DELETE', 'leaseloft_2');
    }
});

$f->fault('the library is lost', sub { $ll->redis('FUNCTION', 'FLUSH') });

$f->end();
