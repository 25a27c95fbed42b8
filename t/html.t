#!/usr/bin/perl

# How the files of html/ are served: types, caching, and what they may not do.

use strict;
use warnings;

use File::Find;
use Test::More;

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new();
my %types = (html => 'text/html', css => 'text/css', js => 'text/javascript',
             mjs => 'text/javascript', json => 'application/json',
             svg => 'image/svg+xml', png => 'image/png', ico => 'image/x-icon',
             webmanifest => 'application/manifest+json');
my @files;

find(sub { push @files, $File::Find::name if -f }, 'html');

my $total = 0;

for my $file (sort @files) {
    my ($path, $type) = ($file =~ s{^html}{}r, $file =~ /\.(\w+)$/);
    my $r = $ll->get($path);

    is($r->status(), 200, $path);
    like($r->header('Content-Type') // '', qr/^\Q$types{$type}\E(;|$)/,
         'its type');
    is($r->header('X-Content-Type-Options'), 'nosniff', 'nosniff');
    is($r->header('Cache-Control'), 'no-cache', 'to be asked about');

    my $csp = $r->header('Content-Security-Policy') // '';
    like($csp, qr/default-src 'none'.*script-src 'self'/, 'a strict policy');
    unlike($csp, qr/unsafe|\*|http:/, 'indeed');

    my $again = $ll->get($path, headers => {
        'If-None-Match' => $r->header('ETag') // 'none' });
    is($again->status(), 304, '304 while it is what it was');

    my $small = $ll->get($path, headers => { 'Accept-Encoding' => 'gzip' });
    $total += length $small->body();

    if ($type eq 'html') {
        unlike($r->body(), qr/<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|<style/i,
               'nothing inline');
        unlike($r->body(), qr{(?:src|href)="(?:https?:)?//}i,
               'nothing from elsewhere');
    }
}

note("all of it, compressed: $total bytes");

is($ll->get('/')->body(), $ll->get('/index.html')->body(), '/');
is($ll->get('/nope')->status(), 404, 'what is not there');
is($ll->get('/..%2f..%2fMakefile', )->status() =~ /^40[04]$/ ? 1 : 0, 1,
   'no way out');

$ll->finish();
