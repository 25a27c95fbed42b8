#!/usr/bin/perl

# What a log takes from a stream that was folded up, where it had pointed into
# what is given back: a regex that had room for captures and matched nothing,
# a content type that nginx put among the headers.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new(
    http => <<'END',
map $http_x_agent $agent { default none; ~(zzz) $1; }
map $request_uri $masked { ~^([^?]*) $1; }
log_format fold '$masked|$agent|$sent_http_content_type|$status';
END
    server => <<'END',
access_log fold.log fold;
charset utf-8;
charset_types *;
add_header X-Agent $agent;
END
);

$ll->lease('P');

my %paths = ('/api/inbox/events' => 'u-tom',
             '/api/properties/P/events' => 'u-lena');

for my $path (sort keys %paths) {
    my $stream = $ll->stream("$path?secret=1", user => $paths{$path},
                             headers => { 'X-Agent' => 'y' x 300 });
    ok($stream->wait_event('hello'), "$path: hello");
    is($ll->say('P', 'u-tom', "for $path")->status(), 201, 'a message');
    ok($stream->wait_event(sub { $_[0]{event} ne 'ping' }),
       'is seen');
    $stream->close();
    ok(wait_for(sub { $ll->slurp('fold.log') =~ /^\Q$path\E\|/m }), 'logged');

    my ($line) = $ll->slurp('fold.log') =~ /^(\Q$path\E\|.*)$/m;
    like($line, qr/^\Q$path\E\|none\|text\/event-stream(?:; charset=utf-8)?\|200$/,
         'as it was');
}

$ll->finish();
