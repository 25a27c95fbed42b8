#!/usr/bin/perl

# The measurements: each one runs the same work against LeaseLoft and its peers,
# one after the other, RUNS times, and prints a table.
#
#     bench/run.pl [NAME ...]       all, or those of %Bench::Cases::all
#
# RUNS (3): the number of runs.  LENGTH (5): the seconds that each run counts.
# SCALE (1): a factor for streams and properties, for a quick look.  ONLY=ours:
# only contenders whose kind or label begins so.  REALTIME=1: latency and
# throughput with real-time priority over other work (root).

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/../t/lib";

use Bench qw(spread number ratio);
use Bench::Cases;

$| = 1;

my $runs = $ENV{RUNS} || 3;
my @names = Bench::Cases::names(@ARGV);

print "# $_\n" for Bench::Cases::versions();
table($_) for @names;


# one case: all contenders in turn, so that other load on the machine meets all
# of them
sub table {
    my ($name) = @_;

    my $case = Bench::Cases::case($name);
    my @contenders = grep { wanted(@$_) } @{ $case->{contenders} };
    my (@order, %figures);

    for my $run (1 .. $runs) {
        for my $contender (@contenders) {
            my ($label, @options) = @$contender;
            my $figures = eval { $case->{measure}->(@options) };

            push @order, $label if $run == 1;
            warn "$name, $label: $@" unless $figures;
            push @{ $figures{$label} }, $figures if $figures;
        }
    }

    $case->{finish}->() if $case->{finish};
    print_table($case, \@order, \%figures) if @order;
}


sub wanted {
    my ($label, $kind) = @_;

    my $only = $ENV{ONLY} // '';

    return grep { index(lc, lc $only) == 0 } $label, $kind;
}


sub print_table {
    my ($case, $order, $figures) = @_;

    my @more = @{ $case->{more} || [] };
    my $ours = median_of($figures->{ $case->{contenders}[0][0] }, 'value');
    my $ratio = $case->{ratio} // 1;

    print "\n### $case->{title}\n\n";
    row($case->{of} // 'server', qw(minimum median maximum),
        $ratio ? 'ours / it' : (), map { $_->[1] } @more);
    row(('---') x (4 + $ratio + @more));

    for my $label (@$order) {
        my $runs = $figures->{$label} or next;
        my $spread = median_of($runs, 'value') // [ (undef) x 3 ];
        my @cells = map {
            my $more = median_of($runs, $_->[0]);
            defined $more ? number($more->[1]) : '-';
        } @more;

        row($label, map({ number($_) } @$spread),
            $ratio ? number(ratio($ours, $spread)) : (), @cells);
    }
}


sub row {
    print '| ', join(' | ', @_), " |\n";
}


# the spread of one figure over all runs; undef if there is none
sub median_of {
    my ($runs, $name) = @_;

    my @all = grep { defined } map { $_->{$name} } @{ $runs || [] };

    return @all ? spread(@all) : undef;
}
