#!/usr/bin/perl

# The pages say what the code does: every directive and variable of the module
# is in docs/directives.md with its contexts, and nothing else is; links and
# the files that pages name are there.

use strict;
use warnings;

use File::Basename qw(dirname);
use Test::More;


sub slurp {
    my ($file) = @_;

    open my $f, '<', $file or die "$file: $!";
    local $/;

    return scalar <$f>;
}


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

    like($syntax, qr/^\*\*\Q$name\E\*\*( .*)?;\\$/, "$name: syntax");
    like($default, qr/^(—|\Q$name\E .*;)\\$/, "$name: default");
    like($text, qr/\w.*\./s, "$name: a sentence on it");
}

is(join("\n", map { "$_: $page{$_}" } sort keys %page),
   join("\n", map { "$_: $code{$_}" } sort keys %code),
   'directives and their contexts, as in the code');

like($page, qr/^`\$$_`/m, "\$$_ is documented") for sort keys %variables;

# what the shipped configuration uses exists
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

    is("@broken", '', "$file: links");
}

done_testing();


sub anchors {
    my ($text) = @_;

    return map { lc(s/[^\w\s-]//gr) =~ s/\s/-/gr => 1 }
           $text =~ /^#+ (.*)$/mg;
}
