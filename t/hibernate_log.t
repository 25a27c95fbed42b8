#!/usr/bin/perl

# The log of a stream that has hibernated, where its values pointed into memory
# that hibernation frees: a regex with room for captures that matched nothing,
# and a content type that nginx made from the headers.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new(
    http => <<'END',
map $http_x_agent $agent { default none; ~(zzz) $1; }
map $request_uri $masked { ~^([^?]*) $1; }
log_format some '$masked|$agent|$sent_http_content_type|$status';
END
    server => <<'END',
access_log streams.log some;
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
    ok($stream->wait_event('hello'), "$path: the stream begins");
    is($ll->say('P', 'u-tom', "for $path")->status(), 201,
       "$path: a message is sent");
    ok($stream->wait_event(sub { $_[0]{event} ne 'ping' }),
       "$path: the stream gets it");
    $stream->close();
    ok(wait_for(sub { $ll->slurp('streams.log') =~ /^\Q$path\E\|/m }),
       "$path: the request is logged");

    my ($line) = $ll->slurp('streams.log') =~ /^(\Q$path\E\|.*)$/m;
    like($line, qr/^\Q$path\E\|none\|text\/event-stream(?:; charset=utf-8)?\|200$/,
         "$path: the log has the values from before");
}

$ll->finish();
