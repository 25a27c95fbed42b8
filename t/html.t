#!/usr/bin/perl

# The files of html/ as they are served: types, caching, and a strict content
# security policy that the files comply with.

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

    is($r->status(), 200, "$path gets 200");
    like($r->header('Content-Type') // '', qr/^\Q$types{$type}\E(;|$)/,
         "$path has the type $types{$type}");
    is($r->header('X-Content-Type-Options'), 'nosniff',
       "$path has X-Content-Type-Options");
    is($r->header('Cache-Control'), 'no-cache', "$path is revalidated");

    my $csp = $r->header('Content-Security-Policy') // '';

    # has its script inside, and nothing of this site
    if ($path eq '/verify.html') {
        like($csp, qr/^default-src 'none'; script-src 'unsafe-inline';.*sandbox/,
             "$path has a policy that isolates it from this site");
        like($r->body(), qr/default-src 'none'; script-src 'sha256-[^']{44}'/,
             "$path has a policy inside that allows its own script only");
        is(system('conf/verify_page.pl --check'), 0,
           "$path contains the present scripts");
        unlike($r->body(), qr{(?:src|href|url)\s*[=(]}i, "$path loads nothing");
        next;
    }

    like($csp, qr/default-src 'none'.*script-src 'self'/,
         "$path has a policy that allows its own scripts");
    unlike($csp, qr/unsafe|\*|http:/,
           "$path has a policy without exceptions");

    my $again = $ll->get($path, headers => {
        'If-None-Match' => $r->header('ETag') // 'none' });
    is($again->status(), 304, "$path gets 304 while it is unchanged");

    my $small = $ll->get($path, headers => { 'Accept-Encoding' => 'gzip' });
    $total += length $small->body();

    if ($type eq 'html') {
        unlike($r->body(), qr/<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|<style/i,
               "$path has no inline script or style");
        unlike($r->body(), qr{(?:src|href)="(?:https?:)?//}i,
               "$path uses no other host");
    }
}

note("all of it, compressed: $total bytes");

is($ll->get('/')->body(), $ll->get('/index.html')->body(),
   '/ is /index.html');
is($ll->get('/nope')->status(), 404, 'a missing file gets 404');
is($ll->get('/..%2f..%2fMakefile', )->status() =~ /^40[04]$/ ? 1 : 0, 1,
   'a path out of html/ is refused');

$ll->finish();
