#!/usr/bin/perl

# Slow bodies: one byte a second is accepted; a pause longer than nginx's
# client_body_timeout is not, nor is a body that takes longer than
# leaseloft_body_timeout as a whole.  Other requests do not wait meanwhile.

use strict;
use warnings;

use IO::Select;
use JSON::PP;
use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::H2;

my ($pause, $whole) = (1.5, 5);

my $ll = LeaseLoft->new(
    main => 'worker_processes 1;', http => 'client_body_timeout 1500ms;',
    directives => { client_body_timeout => '1500ms',
                    leaseloft_body_timeout => "${whole}s" });
my $token = $ll->token('u-tom');
my $json = JSON::PP->new->canonical->utf8;

my %lease = (
    lease_id => 'L-1', label => 'Another', time_zone => 'Europe/Berlin',
    landlords => [{ user => 'u-lena', name => 'Lena' }],
    tenants => [{ user => 'u-tom', name => 'Tom' }],
    starts_at => '2020-01-01T00:00:00Z', ends_at => undef,
);

$ll->lease($_) for 'P', 'Q';

my $send = '/api/properties/P/messages';

sub message { return $json->encode({ client_id => $_[0], text => $_[0] }) }

sub queued {
    my %info = @{ $ll->redis('XINFO', 'STREAM', 'll:{q:0}:requests') };
    return $info{'entries-added'};
}


# begins a request: { write => sends more of its body, raw => what was answered,
# status => its status, 0 while there is none }
sub begin {
    my ($method, $path, $start, @headers) = @_;

    my $port = $ll->{ports}{ $path =~ /internal/ ? 'internal' : 'http' };
    my $socket = LeaseLoft::connect_to($port) or die 'connect';
    my $in = '';

    syswrite $socket, join "\r\n", "$method $path HTTP/1.1", 'Host: localhost',
             "Authorization: Bearer $token", 'Content-Type: application/json',
             @headers, '', $start;

    return {
        write => sub { syswrite $socket, $_[0] },
        raw => sub { $in },
        status => sub {
            sysread $socket, $in, 4096, length $in
                if IO::Select->new($socket)->can_read(0);
            return $in =~ m{^HTTP/1\.1 (\d+) .*\r\n\r\n}s ? $1 : 0;
        },
    };
}

# the same over an HTTP/2 connection of its own
sub begin_h2 {
    my ($method, $path, $start) = @_;

    my $h2 = LeaseLoft::H2->new($ll->{ports}{h2c}) or die 'connect';
    my $n = $h2->request($method, $path, $token,
                         ['content-type', 'application/json'], $start, undef);

    return {
        write => sub { $h2->write($n, @_) },
        status => sub { 1 while $h2->read(0); $h2->status($n) },
    };
}

sub chunk { return sprintf "%x\r\n%s\r\n", length $_[0], $_[0] }


# bodies that end in time: all but the last four bytes come at once

my %in_time;
my @requests = (
    ['a send', 'POST', $send, message('send'), 201],
    ['a mark', 'POST', '/api/properties/P/read', '{"upto":1}', 204],
    ['a lease', 'PUT', '/internal/properties/P/lease', $json->encode(\%lease),
     200],
);

# no timer of nginx was started before
my $begin = time();

for my $request (@requests) {
    my ($name, $method, $path, $body, $status) = @$request;
    my ($start, @rest) = unpack "a@{[ length($body) - 4 ]}(a)*", $body;

    $in_time{$name} = {
        %{ begin($method, $path, $start, 'Content-Length: ' . length $body) },
        rest => \@rest, wanted => $status };
}

my ($start, @rest) = unpack "a@{[ length(message('chunks')) - 4 ]}(a)*",
                     message('chunks');
$in_time{'a send, in chunks'} = {
    %{ begin('POST', $send, chunk($start), 'Transfer-Encoding: chunked') },
    rest => [ map { chunk($_) } @rest ], wanted => 201 };
$in_time{'a send, in chunks'}{rest}[-1] .= "0\r\n\r\n";

($start, @rest) = unpack "a@{[ length(message('h2')) - 4 ]}(a)*",
                  message('h2');
$in_time{'a send, HTTP/2'} = { %{ begin_h2('POST', $send, $start) },
                               rest => \@rest, wanted => 201 };

# bodies that do not end

my %endless = (
    (map { my ($name, $method, $path) = @$_;
           "$name, no end" => begin($method, $path, '{',
                                    'Content-Length: 60000') }
     @requests),
    'no end, in chunks' => begin('POST', $send, chunk('{'),
                                 'Transfer-Encoding: chunked'),
    'no end, HTTP/2' => begin_h2('POST', $send, '{'),
    'no end, refused' => begin_h2('POST', $send =~ s/P/N/r, '{'),
);

# bodies that stop

my %stopped = (
    'half a body' => begin('POST', $send, '{"cli', 'Content-Length: 100'),
    'half a chunk' => begin('POST', $send, "5\r\nab",
                            'Transfer-Encoding: chunked'),
);


my $queued = queued();
my (%ended, %others);
my $longest = 0;

for (my $tick = 1; $tick <= $whole + 2; ) {

    for my $set (\%in_time, \%endless, \%stopped) {
        for my $name (grep { !$ended{$_} } keys %$set) {
            $set->{$name}{status}->() or next;
            $ended{$name} = time() - $begin;
        }
    }

    if (time() < $begin + $tick) {
        sleep 0.02;
        next;
    }

    for my $one (grep { @{ $_->{rest} } } values %in_time) {
        my $byte = shift @{ $one->{rest} };
        $one->{write}->($byte, !@{ $one->{rest} });
    }

    $endless{$_}{write}->(/chunks/ ? chunk(' ') : ' ')
        for grep { !$ended{$_} } keys %endless;

    my $asked = time();
    $others{ $ll->say('Q', 'u-lena', "at $tick")->status() }++;
    my $took = time() - $asked;
    $longest = $took if $took > $longest;
    $tick++;
}

for my $name (sort keys %in_time) {
    is($in_time{$name}{status}->(), $in_time{$name}{wanted},
       "$name: one byte a second is accepted");
    cmp_ok($ended{$name} // 0, '>=', 2 * $pause,
           "$name: the body takes longer than client_body_timeout");
}

for my $name (sort keys %endless) {
    is($endless{$name}{status}->(), $name =~ /refused/ ? 404 : 408,
       "$name: the request is refused");
    cmp_ok($ended{$name} // 0, '>=', $whole,
           "$name: not before leaseloft_body_timeout");
    cmp_ok($ended{$name} // 0, '<', $whole + $pause,
           "$name: with the first byte after leaseloft_body_timeout");
}

for my $name (sort keys %stopped) {
    my $r = LeaseLoft::Response->parse($stopped{$name}{raw}->());
    is_problem($r, 408, '', "$name: the request gets 408");
    is($r->header('Connection'), 'close', "$name: the connection is closed");
    cmp_ok($ended{$name} // 0, '>=', $pause,
           "$name: not before client_body_timeout");
    cmp_ok($ended{$name} // 0, '<', $whole,
           "$name: before leaseloft_body_timeout");
}

is_deeply(\%others, { 201 => $whole + 2 },
          'other sends are served meanwhile');
cmp_ok($longest, '<', 1, sprintf 'the slowest of them takes %.3f s', $longest);
is(queued(), $queued + keys(%in_time) + $whole + 2,
   'incomplete bodies are not queued');
is(join(' ', sort map { $_->{text} // $_->{event} }
             @{ $ll->poll('P', 'u-tom')->{entries} }),
   'chunks h2 opened send', 'the thread has the complete messages only');

$ll->finish();
