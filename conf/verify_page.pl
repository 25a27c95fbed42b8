#!/usr/bin/perl

# Inserts the scripts that html/verify.html contains, and the digests of its
# script and style in its policy: "make verify-page", after one of them was
# changed.  With --check it changes nothing, and fails if the page is not up to
# date.

use strict;
use warnings;

use Digest::SHA qw(sha256);
use MIME::Base64 qw(encode_base64);

my $check = grep { $_ eq '--check' } @ARGV;
my $page = 'html/verify.html';
my $old = slurp($page);
my $new = $old;

# each part goes up to the next line of this form
for my $file ($old =~ m{^/\* ---- (js/\S+) ---- \*/$}mg) {
    my $text = slurp("html/$file");

    $text =~ s{\A/\*.*?\*/\n+}{}s;
    $text =~ s/^import .*?;\n+//msg;
    $text =~ s/^export //mg;

    $new =~ s{(/\* ---- \Q$file\E ---- \*/\n).*?(?=^/\* ---- )}
             {"$1\n$text\n\n"}mse;
}

my %digest = map {
    my ($inner) = $new =~ m{<$_\b[^>]*>(.*?)</$_>}s;
    $_ => encode_base64(sha256($inner), '')
} qw(script style);

$new =~ s{($_-src 'sha256-)[^']*'}{$1$digest{$_}'} for qw(script style);

exit 0 if $new eq $old;

die "$page is not up to date: run make verify-page\n" if $check;

open my $out, '>', $page or die "$page: $!\n";
print $out $new;
close $out;


sub slurp {
    local (@ARGV, $/) = $_[0];
    return scalar <>;
}
