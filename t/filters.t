#!/usr/bin/perl

# Streams with the filters of nginx and of Debian's modules, each on for all
# types: filters never encode or change a stream or its headers, except that
# headers which the operator adds are sent.  Polls go through the filters.

use strict;
use warnings;

use IO::Uncompress::Gunzip qw(gunzip);
use Test::More;

use lib 't/lib';
use LeaseLoft;

my $nginx = ($ENV{NGINX_BIN} || 'nginx') =~ s{.*/conf/nginx_san\.sh$}{nginx}r;
my $built = qx(PATH=\$PATH:/usr/sbin $nginx -V 2>&1);

plan skip_all => 'for Debian\'s nginx and its modules'
    if $built !~ /--with-http_sub_module/;

my $modules = '/usr/lib/nginx/modules';

# the configuration of each filter, in a stream's location
my %filters = (
    gzip => 'gzip on; gzip_types *; gzip_min_length 0; gzip_proxied any;
             gzip_vary on;',
    gunzip => 'gunzip on; add_header Content-Encoding gzip;',
    sub => 'sub_filter data DATA; sub_filter_once off; sub_filter_types *;',
    addition => 'add_before_body /added; add_after_body /added;
                 addition_types *;',
    charset => 'charset koi8-r; source_charset utf-8; override_charset on;
                charset_types *;',
    ssi => 'ssi on; ssi_types *;',
    slice => 'slice 1k; proxy_set_header Range $slice_range;',
    range => 'max_ranges 3; add_header Accept-Ranges bytes;',
    type => 'add_header Content-Type text/plain;
             add_header Content-Length 7;
             add_header Transfer-Encoding gzip;',
    trailer => 'add_trailer X-Trailer late;',
    expires => 'expires 1h; etag on;',
    userid => 'userid on;',
    brotli => 'brotli on; brotli_types *; brotli_min_length 0;',
    subs => 'subs_filter data DATA; subs_filter_types *;',
    image => 'image_filter resize 10 10;',
    xslt => "xslt_stylesheet DIR/sheet.xslt; xslt_types *;",
    headers_more => 'more_set_headers "Content-Encoding: br"
                         "Content-Length: 7" "Content-Type: text/plain";
                     more_set_headers -s 200 "X-More: wanted";',
    echo => 'echo_before_body before; echo_after_body after;',
    lua => 'header_filter_by_lua_block {
                ngx.header["Content-Encoding"] = "br"
                ngx.header["Content-Type"] = "text/plain"
                ngx.header["Content-Length"] = 7
                ngx.status = 206
            }
            body_filter_by_lua_block { ngx.arg[1] = "changed" }',
    modsecurity => 'modsecurity on; modsecurity_rules "SecRuleEngine On
                        SecResponseBodyAccess On
                        SecResponseBodyMimeType text/event-stream";',
    js => 'js_header_filter filter.header; js_body_filter filter.body;',
);

my %loads = (
    brotli => 'http_brotli_filter', subs => 'http_subs_filter',
    image => 'http_image_filter', xslt => 'http_xslt_filter',
    headers_more => 'http_headers_more_filter', echo => 'http_echo',
    lua => 'http_lua', modsecurity => 'http_modsecurity', js => 'http_js',
);

my @load = map { "load_module $modules/ngx_${_}_module.so;" }
               @loads{qw(brotli subs image xslt headers_more echo lua
                            modsecurity js)};

my $ll = LeaseLoft->new(start => 0);
my $dir = $ll->dir();

$ll->write('sheet.xslt', <<'END');
<xsl:stylesheet version="1.0"
    xmlns:xsl="http://www.w3.org/1999/XSL/Transform"/>
END

$ll->write('filter.js', <<'END');
function header(r) { r.headersOut['Content-Encoding'] = 'br'; }
function body(r, data, flags) { r.sendBuffer('changed', flags); }
export default { header, body };
END

# "all" has all filters together, without those that exclude others
my %locations = (%filters,
    none => '', all => join ' ', map { $filters{$_} }
        grep { !/^(?:charset|xslt|image)$/ } sort keys %filters);

my $locations = join '', map { <<"END" =~ s/DIR/$dir/gr } sort keys %locations;
    location ~ "^/$_/(?<leaseloft_$_>[^/]*)/events\\z" {
        leaseloft_events \$leaseloft_$_;
        $locations{$_}
        add_header X-Wanted yes always;
        add_header Strict-Transport-Security max-age=31536000 always;
    }
    location ~ "^/$_-bye/(?<leaseloft_$_>[^/]*)/events\\z" {
        leaseloft_events \$leaseloft_$_;
        limit_req zone=bye;
        $locations{$_}
        add_header X-Wanted yes always;
    }
END

$ll->nginx_conf(
    main => "load_module $modules/ndk_http_module.so;\n" . join("\n", @load),
    http => "js_path $dir; js_import filter from filter.js;
             charset_map koi8-r utf-8 { C0 D18E; }
             limit_req_zone bye zone=bye:1m rate=1r/m;",
    server => "$locations
        location = /added { return 200 added; }
        location ~ \"^/coded/(?<leaseloft_coded>[^/]*)/messages\\z\" {
            leaseloft_messages \$leaseloft_coded;
            $filters{gzip} $filters{brotli}
        }");

my ($status, $said) = $ll->nginx_test();
is($status, 0, 'the configuration with all filters is valid')
    or BAIL_OUT($said);

$ll->start($_) for qw(redis worker1 nginx);
$ll->wait_healthy();
$ll->lease('P');
$ll->say('P', 'u-tom', "text $_") for 1 .. 3;

my %accept = ('Accept-Encoding' => 'gzip, br', Range => 'bytes=0-9',
              'If-None-Match' => '*');


# the headers of a stream, without those that differ each time or that the
# configuration adds
sub header_of {
    my ($s) = @_;

    return join "\n", sort grep {
        !/^(?:date|server|expires|set-cookie|x-(?:wanted|more)):/i
        && !/^cache-control: max-age/i && !/^strict-transport/i
    } map { s/\r//r } split /\n/, $s->response()->{head};
}


my ($plain, $last) = (undef, 4);

for my $how ([], [http => 2]) {
    my $over = @$how ? 'HTTP/2' : 'HTTP/1.1';

    $plain = undef;

    for my $name ('none', grep { $_ ne 'none' } sort keys %locations) {
        my $s = $ll->stream("/$name/P/events?after=1", user => 'u-lena',
                            headers => { %accept }, @$how);
        my $hello = $s->wait_event('hello', 3);

        ok($hello && $hello->{json}{property} eq 'P',
           "$name, $over: hello is unchanged");
        $s->wait_entry($last, 3);
        is(join(' ', map { $_->{seq} } $s->entries()), join(' ', 2 .. $last),
           "$name, $over: the stream has all entries");

        $plain //= header_of($s);
        is(header_of($s), $plain, "$name, $over: headers are unchanged");
        is($s->header('Content-Type'), 'text/event-stream',
           "$name, $over: the type is text/event-stream");
        is($s->header('X-Wanted'), 'yes',
           "$name, $over: add_header adds a header");
        is($s->header('Strict-Transport-Security'), 'max-age=31536000',
           "$name, $over: add_header adds HSTS");
        is($s->header('X-More'), 'wanted',
           "$name, $over: more_set_headers adds a header")
            if $name eq 'headers_more';

        my $sent = $ll->say('P', 'u-tom', "data to $name");
        my $event = $s->wait_event('', 3);
        is($event && $event->{data}, $sent->body(),
           "$name, $over: a new entry comes unchanged");
        $s->close();
        $last++;
    }
}


# the same for a stream that a limit refuses

$ll->get('/none-bye/P/events', user => 'u-lena', timeout => 0.3);

for my $name (sort keys %locations) {
    my $r = $ll->get("/$name-bye/P/events", user => 'u-lena',
                     headers => { %accept });

    is($r->status(), 200, "$name: a refused stream gets 200");
    is($r->header('Content-Type'), 'text/event-stream',
       "$name: the type of a refused stream is text/event-stream");
    is($r->header('Content-Encoding'), undef,
       "$name: a refused stream is not encoded");
    is($r->header('X-Wanted'), 'yes',
       "$name: a refused stream has the added header");
    like($r->body(), qr/^retry: \d{5}\nevent: bye\ndata: \S+overload\S+\n\n$/,
         "$name: a refused stream gets retry and bye");
}


# polls go through the filters; the weak ETag of an encoded one gets a 304

for my $coding (qw(gzip br)) {
    my @poll = ('/coded/P/messages', user => 'u-lena');
    my $r = $ll->get(@poll, headers => { 'Accept-Encoding' => $coding });
    my $etag = $r->header('ETag');

    is($r->header('Content-Encoding'), $coding, "$coding: a poll is encoded");
    like($etag, qr{^W/"}, "$coding: the ETag of an encoded poll is weak");

    if ($coding eq 'gzip') {
        gunzip(\$r->body(), \my $text);
        is($text, $ll->get(@poll)->body(),
           "$coding: a decoded poll is unchanged");
    }

    $r = $ll->get(@poll, headers => { 'Accept-Encoding' => $coding,
                                      'If-None-Match' => $etag });
    is($r->status(), 304, "$coding: the weak ETag gets a 304");
}

$ll->finish();
