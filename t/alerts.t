#!/usr/bin/perl

# Alerts for Prometheus and the dashboard for Grafana: each alert fires when it
# should and is described, and all metrics that they use exist.

use strict;
use warnings;

use JSON::PP;
use Test::More;

use lib 't/lib';
use LeaseLoft::Files;

my $rules = slurp('conf/monitoring/alerts.yml');
my $tests = slurp('t/alerts.yml');
my $manual = slurp('docs/alerts.md');
my $dashboard = decode_json(slurp('conf/monitoring/dashboard.json'));

like(qx(promtool check rules conf/monitoring/alerts.yml 2>&1),
     qr/SUCCESS: \d+ rules found/, 'promtool accepts the alerts');
like(qx(promtool test rules t/alerts.yml 2>&1), qr/\A\S.*\n\s+SUCCESS\s*\z/,
     'each alert fires when it should');


# each alert is tested both ways and has a section

my @alerts = $rules =~ /- alert: (\w+)/g;
my @sections = $manual =~ /^## (\w+)$/mg;

cmp_ok(scalar @alerts, '>', 10, 'there are more than ten alerts');
is("@sections", "@alerts", 'docs/alerts.md has a section for each alert');

for my $alert (@alerts) {
    like($tests, qr/name: $alert $_\n/, "t/alerts.yml has: $alert $_")
        for 'fires', 'is silent';
    like($manual, qr/^## $alert\n\n\*\*Means\.\*\* .+\n\n\*\*Look at\*\* .+\n
                      \n\*\*Do\.\*\*\ .+\n/mx,
         "$alert: what it means, what to look at and what to do");
    like($rules, qr/manual: docs.alerts\.md#\L$alert\n/,
         "$alert: it names its section");
}


# all metrics exist: t/metrics.t compares docs/metrics.md with what nginx says,
# and counters of workers are those of their heartbeat

my %known = map { $_ => 1 } map { /`(leaseloft_\w+)`/g }
            slurp('docs/metrics.md') =~ /^\|([^|]*)\|/mg;

$known{"leaseloft_${_}_bucket"} = 1 for 'send_seconds', 'delivery_seconds';
$known{"leaseloft_worker_${_}_total"} = 1
    for 'busy_seconds', slurp('worker/job/stats.c') =~ /STATS_FIELD\((\w+)\)/g;

my @queries = $rules =~ /expr: '(.*)'/g;
my @panels = @{ $dashboard->{panels} };
push @queries, map { $_->{expr} } map { @{ $_->{targets} } } @panels;

cmp_ok(scalar @panels, '>', 10, 'the dashboard has more than ten panels');
is(join(' ', grep { !$known{$_} } map { /\b(leaseloft_\w+)/g } @queries), '',
   'all metrics that alerts and the dashboard use exist');
is(scalar(grep { !/\bleaseloft_\w+|\bup\{/ } @queries), 0,
   'each query has a metric');


# Prometheus can parse each query of the dashboard

open my $out, '>', "/tmp/leaseloft-alerts.$$" or die $!;
print $out "groups:\n- name: dashboard\n  rules:\n";
print $out "  - record: q:$_\n    expr: '$queries[$_]'\n" for 0 .. $#queries;
close $out;
like(qx(promtool check rules /tmp/leaseloft-alerts.$$ 2>&1),
     qr/SUCCESS: ${\ scalar @queries} rules/, 'promtool parses all queries');
unlink "/tmp/leaseloft-alerts.$$";

done_testing();
