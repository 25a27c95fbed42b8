package LeaseLoft::Alerts;

# Which alerts of conf/monitoring/alerts.yml metrics would raise: promtool is
# given each series of a page of metrics as Prometheus would have stored it.

use strict;
use warnings;

use Exporter qw(import);
use File::Temp qw(tempdir);

our @EXPORT_OK = qw(fires);

my $rules = $LeaseLoft::root . '/conf/monitoring/alerts.yml';


# fires($alert, $before, $after, $interval): 1 if the alert fires after the page
# of metrics $before was read once, and then $after sixteen times, each interval
# (15s)
sub fires {
    my ($alert, $before, $after, $interval) = @_;

    $interval //= '15s';

    my %before = series($before);
    my %after = series($after);
    my ($n, $unit) = $interval =~ /^(\d+)(\w)$/;
    my $dir = tempdir(CLEANUP => 1);

    open my $out, '>', "$dir/test.yml" or die "test.yml: $!";
    print $out "rule_files: [ '$rules' ]\nevaluation_interval: 15s\ntests:\n"
               . "  - interval: $interval\n    input_series:\n";
    print $out "      - series: '$_'\n        values: '"
               . ($before{$_} // 0) . " $after{$_}+0x20'\n"
        for sort keys %after;
    print $out <<"END";
    promql_expr_test:
      - expr: '(count(ALERTS{alertname="$alert",alertstate="firing"}) > bool 0)
               or vector(0)'
        eval_time: ${\ ($n * 16) }$unit
        exp_samples:
          - value: 1
END
    close $out;

    my $said = qx(promtool test rules $dir/test.yml 2>&1);

    die "promtool: $said" if $said =~ /error|unable|cannot/i;

    return $said =~ /SUCCESS/ ? 1 : 0;
}


# name and labels of each series, with the label of its instance, and its value
sub series {
    my %series;

    while ($_[0] =~ /^(\w+)(?:\{(.*)\})? (\S+)$/mg) {
        my $labels = join ',', $2 // (), 'instance="a"';
        $series{"$1\{$labels}"} = $3;
    }

    return %series;
}


1;
