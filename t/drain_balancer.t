#!/usr/bin/perl

# An nginx behind HAProxy is taken out of it as docs/upgrade.md says: its
# streams go on until the reload, resume at the other nginx, and nobody gets to
# the drained one.

use strict;
use warnings;

use IO::Socket::UNIX;
use Test::More;

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Files;

plan skip_all => 'haproxy is not installed' unless -x '/usr/sbin/haproxy';

my %common = (directives => { leaseloft_drain => '1s',
                              leaseloft_drain_file => 'drain' },
              server => 'location = /health { leaseloft_health; }');

my $one = LeaseLoft->new(%common);
my $two = LeaseLoft->new(%common, redis_url => $one->{url}, workers => 0,
                         key => $one->{key});
my %nginx = (one => $one, two => $two);
my $front = LeaseLoft::free_port();

$one->lease('P', tenants => ['u-tom']);

# the settings that the page has, with the addresses of these
my ($backend) = slurp('docs/upgrade.md')
                =~ /^```haproxy\n(backend leaseloft\n.*?)^```$/ms;
$backend =~ s/192\.0\.2\.1:8080/127.0.0.1:$one->{ports}{http}/ or die;
$backend =~ s/192\.0\.2\.2:8080/127.0.0.1:$two->{ports}{http}/ or die;
$backend =~ s/inter 2s/inter 100ms/ or die;

$one->write('front.cfg', <<"END");
global
    stats socket $one->{dir}/haproxy.sock
defaults
    mode http
    option http-no-delay
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend web
    bind 127.0.0.1:$front
    default_backend leaseloft
$backend
END
$one->spawn('haproxy', "/usr/sbin/haproxy -q -db -f $one->{dir}/front.cfg");
ok(wait_for(sub { LeaseLoft::connect_to($front) }), 'HAProxy runs');

# what HAProxy thinks of a server
sub state_at {
    my ($name) = @_;
    my $socket = IO::Socket::UNIX->new("$one->{dir}/haproxy.sock") or return '';
    print $socket "show stat\n";
    my ($state) = join('', <$socket>)
                  =~ /^leaseloft,\Q$name\E,(?:[^,]*,){15}([A-Z]+)/m;
    return $state // '';
}

# open streams of each nginx
sub streams {
    return join ' ', map {
        my ($n) = $nginx{$_}->get('/internal/metrics?part=nginx')->body()
                  =~ /^leaseloft_streams\{kind="thread"\} (\d+)/m;
        "$_:$n"
    } qw(one two);
}

sub open_stream {
    my $stream = $one->events('P', 'u-tom', port => $front, @_);
    ok($stream->wait_event('hello'), 'a stream opens through HAProxy');
    return $stream;
}

ok(wait_for(sub { state_at('one') eq 'UP' && state_at('two') eq 'UP' }),
   'both nginx are up');

my @streams = map { open_stream() } 1 .. 4;
is(streams(), 'one:2 two:2', 'each nginx has streams');


# the commands of the steps, with the file and the nginx of this test

my ($touch, $reload, $remove) =
    map { s{/etc/nginx/leaseloft/drain}{$one->{dir}/drain}r }
    map { /^\d\. (?:.*\n?.*?)?`((?:touch|nginx|rm) [^`]+)`/ ? $1 : () }
    split /^(?=\d\. )/m, slurp('docs/upgrade.md') =~ s/.*^## Taking//msr;

sub run {
    my ($command) = @_;
    qx($command 2>&1);
    is($?, 0, $command);
}


# 1 and 2: the file, and what HAProxy makes of it

run($touch);
ok(wait_for(sub { state_at('one') eq 'DOWN' }), 'HAProxy takes one as down');
is(state_at('two'), 'UP', 'and the other one as up');

my $seq = $one->say('P', 'u-lena', 'while drained')->json()->{seq};
ok($_->wait_entry($seq), 'a stream goes on') for @streams;
is(streams(), 'one:2 two:2', 'no stream has left');

push @streams, map { open_stream() } 1 .. 2;
is(streams(), 'one:2 two:4', 'new streams are opened at the other one');


# 3: the reload

run($reload =~ s/^nginx/$one->_nginx_command()/er);

my @left;
ok(wait_for(sub {
    @left = grep { grep { $_->{event} eq 'bye' } $_->events() } @streams;
    return @left == 2;
}, 5), 'two streams are sent bye');
ok(wait_for(sub { streams() eq 'one:0 two:4' }, 5), 'the drained one has none');

my @resumed = map { open_stream(last_id => $_->last_id()) } @left;
is(streams(), 'one:0 two:6', 'they resume at the other one');
$seq = $one->say('P', 'u-lena', 'after')->json()->{seq};
ok($_->wait_entry($seq), 'and get what is new') for @resumed;


# 4: back again

run($remove);
ok(wait_for(sub { state_at('one') eq 'UP' }), 'without the file it is up again');

$one->stop('haproxy', 'KILL');
$two->finish(more => 1);
$one->finish();
