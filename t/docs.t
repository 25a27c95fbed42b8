#!/usr/bin/perl

# The documentation matches the code: docs/directives.md has each directive of
# the module with its contexts and each variable, and no other; the shipped
# configuration uses directives that exist; links lead to files and headings
# that exist; the newest changes are those of the version, and nginx knows the
# revision of the functions.  Each block of commands or settings in the manual
# belongs to a test that runs it.

use strict;
use warnings;

use File::Basename qw(dirname);
use Test::More;

use lib 't/lib';
use LeaseLoft::Files;
use LeaseLoft::Manual;


my %contexts = (MAIN => 'http', SRV => 'server', LOC => 'location',
                LIF => 'if in location', SIF => 'if');

my (%code, %variables);

for my $file (glob 'ngx_leaseloft_module/{,*/}*.c') {
    my $text = slurp($file);

    while ($text =~ /\{\s*ngx_string\("(leaseloft_\w+)"\),\s*
                     ([A-Z0-9_|\s]+?),/gx)
    {
        my ($name, $flags) = ($1, $2);
        my @in = map { $contexts{$_} // $_ } $flags =~ /NGX_HTTP_(\w+)_CONF/g;

        $code{$name} = join ', ', @in;
    }

    $variables{$1} = 1 while $text =~ /ngx_string\("(leaseloft_user)"\)/g;
}

my $page = slurp('docs/directives.md');
my %page;

my $section = qr/^### (\S+)\n\n> Syntax: (.*?)\n> Default: (.*?)\n/ms;

while ($page =~ /$section> Context: (.*?)\n(.*?)(?=^#)/gms) {
    my ($name, $syntax, $default, $context, $text) = ($1, $2, $3, $4, $5);

    $page{$name} = $context;

    like($syntax, qr/^\*\*\Q$name\E\*\*( .*)?;\\$/,
         "$name: its syntax is documented");
    like($default, qr/^(—|\Q$name\E .*;)\\$/,
         "$name: its default is documented");
    like($text, qr/\w.*\./s, "$name: its purpose is documented");
}

is(join("\n", map { "$_: $page{$_}" } sort keys %page),
   join("\n", map { "$_: $code{$_}" } sort keys %code),
   'docs/directives.md has the directives and contexts of the code');

like($page, qr/^`\$$_`/m, "\$$_ is documented") for sort keys %variables;

# the directives in the shipped configuration
for my $file (glob 'conf/*.conf conf/leaseloft/*.conf') {
    my %used = map { $_ => 1 } slurp($file) =~ /^\s*#?(leaseloft_\w+)\s/mg;
    is(join(' ', grep { !$code{$_} } sort keys %used), '',
       "$file uses directives that exist");
}

for my $file (glob '*.md docs/*.md') {
    my $text = slurp($file);
    my %anchors = anchors($text);
    my @broken;

    $text =~ s/^```.*?^```//gms;

    for my $link ($text =~ /\]\(([^)\s]+)\)/g) {
        next if $link =~ /^https?:/;
        my ($path, $anchor) = $link =~ /^([^#]*)(?:#(.*))?$/;
        my $target = $path eq '' ? $file : dirname($file) . "/$path";

        push @broken, $link if !-e $target;
        push @broken, $link
            if defined $anchor && -f $target
               && !{ anchors(slurp($target)) }->{$anchor};
    }

    is("@broken", '', "$file: all links lead somewhere");
}

# Which tests take the blocks of a section, and how many.  The other pages show
# JSON, hashes and pictures.

my $machine = 't/lib/LeaseLoft/Site.pm';       # for t/deb/acceptance.t

my %run = (
    'backup.md' => {
        'Backup and restore' => { 't/systemd_backup.t' => 2,
                                  't/backup_restore.t' => 3 },
        'With users of Redis' => { 't/deb/acceptance.t' => 1 },
        'A Redis Cluster' => { 't/cluster_backup.t' => 3 } },
    'cli.md' => {
        map { $_ => { 't/manual.t' => 1 } } qw(verify erase backup doctor) },
    'configure.md' => { 'Records' => { 't/manual.t' => 1 } },
    'directives.md' => {
        'leaseloft_user' => { 't/manual.t' => 2 },
        'leaseloft_record_key' => { 't/manual.t' => 1 },
        'Endpoints' => { 't/manual.t' => 1 } },
    'erase.md' => { 'Erasing a message' => { 't/manual.t' => 1 } },
    'install.md' => {
        'Debian packages' => { $machine => 1 },
        'From the sources' => { 't/systemd.t' => 1, 't/manual.t' => 1 },
        'First start' => { $machine => 8 } },
    'keys.md' => {
        'Keys of tokens' => { 't/rotate.t' => 6 },
        'Keys of tokens, as a JWKS' => { 't/rotate.t' => 1 },
        'Passwords of Redis' => { 't/rotate.t' => 3 },
        'Certificates of nginx' => { 't/rotate.t' => 2 },
        'Certificates of Redis' => { 't/rotate.t' => 3 },
        'The secret of the lease endpoint' => { 't/lease_remote.t' => 2 } },
    'metrics.md' => { 'Metrics' => { 't/manual.t' => 1 } },
    'operations.md' => { 'What to watch' => { 't/deb/acceptance.t' => 1 } },
    'proxies.md' => {
        'Origin behind TLS termination' => { 't/manual.t' => 3 },
        map { $_ => { 't/proxies.t' => 1 } }
            qw(nginx HAProxy Caddy Apache Varnish Squid) },
    'redis.md' => {
        'Settings' => { 't/manual.t' => 1 },
        'Users of Redis' => { $machine => 5 },
        'An administrator of Redis' => { 't/deb/acceptance.t' => 2 },
        'Redis on another machine' => { 't/manual.t' => 1 } },
    'scale.md' => {
        'Sentinel' => { 't/manual.t' => 3 },
        'Redis Cluster' => { 't/manual.t' => 1, 't/cluster_grow.t' => 1 },
        'Growing from one server to Sentinel' => { 't/sentinel_grow.t' => 4 },
        'Growing from one server to a cluster' => { 't/cluster_grow.t' => 4 } },
    'secure.md' => {
        'Leases from another host' => { 't/lease_remote.t' => 4 },
        'Limits by address' => { 't/address_limit.t' => 3 } },
    'upgrade.md' => {
        'nginx without a restart: USR2' => { 't/usr2.t' => 4 },
        'Taking an nginx out of a load balancer' =>
            { 't/manual.t' => 1, 't/drain_balancer.t' => 1 } },
);

my %shows = map { $_ => 1 } qw(code.md design.md http.md record.md ui.md);

for my $file (glob 'docs/*.md') {
    my $name = $file =~ s{.*/}{}r;
    my $short = $name =~ s/\.md//r;
    my $sections = $run{$name} // {};
    my (%blocks, %tests);

    next if $shows{$name};
    $blocks{ $_->{section} }++ for LeaseLoft::Manual::page($file);

    for my $section (sort keys %{ { %$sections, %blocks } }) {
        my $tests = $sections->{$section} // {};
        my $n = 0;

        $n += $_ for values %$tests;
        is($blocks{$section} // 0, $n, "$file, $section: tests run the blocks");
        $tests{$_} = 1 for keys %$tests;
    }

    like(slurp($_), qr{docs/\Q$name\E|'\Q$short\E'}, "$_ reads $file")
        for sort keys %tests;
}

my ($version) = slurp('common/version.h') =~ /LEASELOFT_VERSION +"(.*)"/;
my ($newest) = slurp('CHANGES') =~ /^Changes with LeaseLoft messaging (\S+)/m;
is($version, $newest, 'the programs have the version that CHANGES begins with');

my ($library) = slurp('worker/lua/functions.lua') =~ /^-- revision (\d+)$/m;
my ($revision) = slurp('common/version.h') =~ /LEASELOFT_REVISION +(\d+)/;
my ($told) = slurp('worker/lua/functions.lua') =~ /^local REVISION = (\d+)$/m;
is($revision, $library, 'common/version.h has the revision of the functions');
is($told, $library, 'the functions tell their revision');

done_testing();


sub anchors {
    my ($text) = @_;

    return map { lc(s/[^\w\s-]//gr) =~ s/\s/-/gr => 1 }
           $text =~ /^#+ (.*)$/mg;
}
