#!/usr/bin/perl

# The documentation matches the code: docs/directives.md has each directive of
# the module with its contexts and each variable, and no other; the shipped
# configuration uses directives that exist; links lead to files and headings
# that exist; the newest changes are those of the version, and nginx knows the
# revision of the functions.

use strict;
use warnings;

use File::Basename qw(dirname);
use Test::More;

use lib 't/lib';
use LeaseLoft::Files;


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
