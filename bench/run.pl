#!/usr/bin/perl

# The measurements: each runs the same work against ours and its peers, one
# after the other, RUNS times, and prints a table.
#
#     bench/run.pl [NAME ...]       all, or those of %Bench::Cases::all
#
# RUNS (3) is how often, LENGTH (5) how many seconds each run counts, SCALE (1)
# a factor for streams and properties, for a quick look.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/../t/lib";

use Bench qw(spread number ratio);
use Bench::Cases;

$| = 1;

my $runs = $ENV{RUNS} || 3;
my @names = @ARGV ? @ARGV : Bench::Cases::names();

print "# $_\n" for Bench::Cases::versions();
table($_) for @names;


# one case: all contenders in turn, so that what else the machine does meets
# all of them
sub table {
    my ($name) = @_;

    my $case = Bench::Cases::case($name)
        or die "no measurement \"$name\": " . join(' ', Bench::Cases::names())
               . "\n";
    my (@order, %figures);

    for my $run (1 .. $runs) {
        for my $contender (@{ $case->{contenders} }) {
            my ($label, @options) = @$contender;
            my $figures = eval { $case->{measure}->(@options) };

            push @order, $label if $run == 1;
            warn "$name, $label: $@" unless $figures;
            push @{ $figures{$label} }, $figures if $figures;
        }
    }

    print_table($case, \@order, \%figures);
}


sub print_table {
    my ($case, $order, $figures) = @_;

    my @more = @{ $case->{more} || [] };
    my $ours = median_of($figures->{ $order->[0] }, 'value');

    print "\n### $case->{title}\n\n";
    print "| server | minimum | median | maximum | ours / it | ",
          join(' | ', map { $_->[1] } @more), " |\n";
    print '| --- ' x (5 + @more), "|\n";

    for my $label (@$order) {
        my $runs = $figures->{$label} or next;
        my $spread = median_of($runs, 'value');
        my @cells = map {
            my $more = median_of($runs, $_->[0]);
            defined $more ? number($more->[1]) : '-';
        } @more;

        print '| ', join(' | ', $label, map({ number($_) } @$spread),
                         number(ratio($ours, $spread)), @cells), " |\n";
    }
}


# the spread of one figure over all runs, undef where there is none
sub median_of {
    my ($runs, $name) = @_;

    my @all = grep { defined } map { $_->{$name} } @{ $runs || [] };

    return @all ? spread(@all) : undef;
}
