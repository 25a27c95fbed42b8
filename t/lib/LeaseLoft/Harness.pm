package LeaseLoft::Harness;

# The harness that prove runs the tests with: at the end it prints which tests
# were skipped, and why.  prove alone counts a skipped test as passed.

use strict;
use warnings;

use parent 'TAP::Harness';

my %skipped;


sub make_parser {
    my ($self, $job) = @_;

    my ($parser, $session) = $self->SUPER::make_parser($job);
    my $skip = sub {
        my ($said) = @_;
        $skipped{ $job->description() . ': ' . $said->explanation() }++
            if $said->has_skip();
    };

    $parser->callback(plan => $skip);
    $parser->callback(test => $skip);

    return ($parser, $session);
}


sub summary {
    my ($self, @args) = @_;

    my @lines = map { "  $_" . ($skipped{$_} > 1 ? " ($skipped{$_})" : '') }
                    sort keys %skipped;

    print 'Skipped: ', scalar @lines, "\n", map { "$_\n" } @lines;
    $self->SUPER::summary(@args);
}


1;
