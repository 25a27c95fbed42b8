#!/usr/bin/perl

# Many read marks at once: what is queued, how each one is answered, and the
# limit on them.

use strict;
use warnings;

use IO::Select;
use Test::More;
use Time::HiRes qw(time);

use lib 't/lib';
use LeaseLoft;

my $queue = 'll:{q:0}:requests';
my $ll = LeaseLoft->new();

$ll->lease('P', tenants => ['u-tom', 'u-ana']);
$ll->say('P', 'u-lena', "text $_") for 2 .. 41;

# sends marks at once, each by a connection of its own: [body, %options], and
# runs what is code when it comes to it; their answers, in the order of the
# marks
sub at_once {
    my (@marks) = @_;

    my @then = grep { ref $_ eq 'CODE' } @marks;
    @marks = grep { ref $_ ne 'CODE' } @marks;

    my $select = IO::Select->new();
    my (@in, %number);

    for my $i (0 .. $#marks) {
        my ($body, %o) = @{ $marks[$i] };
        my $socket = LeaseLoft::connect_to($ll->{ports}{http}) or die;
        my $bytes = 'POST /api/properties/' . ($o{property} // 'P')
            . "/read HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            . 'Authorization: Bearer ' . $ll->token($o{user} // 'u-tom')
            . "\r\nContent-Type: application/json\r\nContent-Length: "
            . length($body) . "\r\n\r\n$body";

        while (length $bytes) {
            my $n = $socket->syswrite($bytes) or last;
            substr $bytes, 0, $n, '';
        }

        $number{$socket} = $i;
        $in[$i] = '';
        $select->add($socket);
    }

    $_->() for @then;

    my $end = time() + 20;

    while ($select->count() && time() < $end) {
        for my $socket ($select->can_read(1)) {
            my $i = $number{$socket};
            sysread $socket, $in[$i], 65536, length $in[$i]
                or $select->remove($socket);
        }
    }

    return map { LeaseLoft::Response->parse($_) } @in;
}

sub mark { return "{\"upto\":$_[0]}" }

sub statuses {
    my %n;
    $n{ $_->status() }++ for @_;
    return join ' ', map { "$_:$n{$_}" } sort keys %n;
}

sub queued { return $ll->redis('XLEN', $queue) }
sub memory {
    my ($bytes) = $ll->redis('INFO', 'memory') =~ /^used_memory:(\d+)/m;
    return $bytes;
}
sub read_by {
    my ($user) = @_;
    return $ll->poll('P', $user)->{you}{read};
}


# marks are combined in the queue, and only valid ones are queued

$ll->signal('worker1', 'STOP');

my $space = ' ' x (65536 - length mark(1));
my $before = memory();
my $entries = queued();

is(statuses(at_once(map { [mark(1) . $space] } 1 .. 144)), '202:144',
   '144 marks padded to 64 KiB are accepted while the worker is stopped');

my $grown = memory() - $before;
cmp_ok($grown, '<', 100_000, 'they take less than 100 kB in Redis');
diag(sprintf 'Redis has grown by %d bytes, %d entries', $grown,
     queued() - $entries);

$entries = queued();

for my $bad ('', '{}', 'x' x 65536, '{"upto":"1"}', '{"upto":1,"x":2}',
             '{"upto":-1}', '{"upto":1,"upto":2}', '[1]', '{"upto":1e300}',
             '{"upto":1000000000000000}', '{"upto":0.5}', "{\"upto\":1}\0",
             '{"upto":' . '1' x 60000 . '}', '{"upto":1' . '0' x 16 . '}')
{
    is_problem($ll->post('/api/properties/P/read', $bad, user => 'u-tom'),
               422, 'invalid-body',
               'invalid mark is refused: ' . substr $bad, 0, 24);
}

is(queued(), $entries, 'invalid marks are not queued');

for my $good ('{"upto":1.0}', '{"upto":1e0}', '{ "upto" : 1 }', '{"upto":0}',
              '{"upto":-0}', '{"\u0075pto":1}', '{"upto":999999999999999}')
{
    is($ll->post('/api/properties/P/read', $good, user => 'u-tom')->status(),
       202, "valid mark is accepted: $good");
}

$ll->signal('worker1', 'CONT');
ok(wait_for(sub { read_by('u-tom') == 1 }), 'the accepted marks take effect');


# each mark gets its own answer, however many share one queue entry

sub past {
    my ($r) = @_;
    return fields($r) eq 'upto'
           && $r->json()->{errors}[0]{detail} eq 'is past the head, which is 41';
}

# in a fixed, mixed order
my @upto = map { $_ * 17 % 47 + 2 } 1 .. 46;

for my $round (1 .. 3) {
    my @marks = map { my $n = $_; map { [mark($n), user => $_] }
                                      qw(u-tom u-ana u-lena) } @upto;

    # the worker takes them one by one; all at once; some at once
    my @how = ([], [sub { $ll->signal('worker1', 'CONT') }],
               [sub { select undef, undef, undef, 0.6;
                      $ll->signal('worker1', 'CONT') }]);

    $ll->signal('worker1', 'STOP') if $round > 1;

    my @responses = at_once(@marks, @{ $how[$round - 1] });
    my @wrong = grep {
        my ($n) = $marks[$_][0] =~ /(\d+)/;
        $n <= 41 ? $responses[$_]->status() != 204
                 : $responses[$_]->status() != 422 || !past($responses[$_])
    } 0 .. $#marks;

    is(join(' ', map { "$marks[$_][0]: " . $responses[$_]->status() } @wrong),
       '', "round $round: marks up to the head get 204, later ones 422");
    is(join(' ', map { read_by($_) } qw(u-tom u-ana u-lena)), '41 41 41',
       "round $round: the largest valid mark is stored");
}


# marks that were answered 202 take effect, though another is past the head

$ll->say('P', 'u-lena', "text $_") for 42 .. 60;
$ll->signal('worker1', 'STOP');
$entries = queued();

is(statuses(at_once(map { [mark($_)] } 44, 999, 47, 45, 61, 46)), '202:6',
   'valid and too large marks are accepted while the worker is stopped');
cmp_ok(queued() - $entries, '<=', 3,
       'six marks take at most three queue entries');

$ll->signal('worker1', 'CONT');
ok(wait_for(sub { read_by('u-tom') == 47 }),
   'the largest valid mark is stored');
is($ll->poll('P', 'u-tom')->{you}{unread}, 13,
   'unread is counted from the mark');
is(read_by('u-ana'), 41, 'the marks of other users are unchanged');

my $stream = $ll->events('P', 'u-tom');
$stream->wait_event('hello');
$ll->signal('worker1', 'STOP');
at_once([mark(50)], [mark(999)], [mark(52)],
        sub { $ll->signal('worker1', 'CONT') });
ok(wait_for(sub { read_by('u-tom') == 52 }),
   'the largest valid mark is stored, with a stream open');
my $event = $stream->wait_event('read');
$event = $stream->wait_event('read') while $event
    && $event->{json}{upto} != 52;
is($event->{json}{user}, 'u-tom', 'streams get the read event');
$stream->close();


# more than 64 at once, over HTTP/2, and from clients that disconnect

is(statuses(at_once(map { [mark($_ % 60 + 1)] } 1 .. 200)), '204:200',
   '200 marks of one user at once get 204');

$ll->write('mark', mark(58));
my $said = qx(nghttp -v -m 40 -d @{[ $ll->dir() ]}/mark \\
    -H "Authorization: Bearer @{[ $ll->token('u-ana') ]}" \\
    -H "Content-Type: application/json" \\
    http://127.0.0.1:$ll->{ports}{h2c}/api/properties/P/read);
is(scalar(() = $said =~ /:status:.* 204/g), 40,
   '40 marks on one HTTP/2 connection get 204');

$ll->signal('worker1', 'STOP');

for my $n (1 .. 3) {
    my @sockets = map { LeaseLoft::connect_to($ll->{ports}{http}) } 1 .. 20;
    my $bytes = "POST /api/properties/P/read HTTP/1.1\r\nHost: localhost\r\n"
        . 'Authorization: Bearer ' . $ll->token('u-tom')
        . "\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n"
        . mark(59);

    syswrite $_, $bytes for @sockets;
    select undef, undef, undef, 0.1 * $n;
    close $_ for @sockets;
}

$ll->signal('worker1', 'CONT');
is($ll->mark('P', 'u-tom', 60)->status(), 204,
   'marks are answered after clients have disconnected');


# the user loses access while marks are queued

$ll->signal('worker1', 'STOP');

is(statuses(at_once((map { [mark($_), user => 'u-ana'] } 1 .. 5, 99), sub {
       select undef, undef, undef, 0.6;
       $ll->redis('HDEL', 'll:{p:P}:meta', 'm:u-ana');
       $ll->signal('worker1', 'CONT') })), '404:6',
       'queued marks of a user who lost access get 404');


# without Redis

$ll->stop('redis');
my %got = map { $_->status() => 1 } at_once(map { [mark($_), user => 'u-lena'] }
                                            1 .. 30);
is(join(' ', sort keys %got), '503', 'marks get 503 without Redis');

$ll->start('redis');
ok($ll->wait_healthy(), 'healthy once Redis is back');
is($ll->mark('P', 'u-lena', 60)->status(), 204, 'marks are accepted again');

$ll->finish(more => 1);


# the limit

$ll = LeaseLoft->new(limits => 1, directives => {
    'limit_req_zone $leaseloft_sender zone=leaseloft_marks:10m' =>
    'rate=1r/m' });
$ll->lease('P', tenants => ['u-tom', 'u-ana']);

is(statuses(at_once(map { [mark(1)] } 1 .. 120)), '204:101 429:19',
   'a burst of 100 marks passes, and one more by the rate');

my $r = $ll->mark('P', 'u-tom', 1);
is_problem($r, 429, '', 'a mark over the limit gets 429');
like($r->header('Retry-After') // '', qr/^[1-9]\d*$/,
     'the 429 has Retry-After');

is($ll->mark('P', 'u-ana', 1)->status(), 204,
   'the marks of another user are not limited');
is($ll->say('P', 'u-tom', 'x')->status(), 201,
   'the limit on marks does not apply to sends');
is($ll->get('/api/properties/P/messages', user => 'u-tom')->status(), 200,
   'the limit on marks does not apply to polls');
is(statuses(at_once(map { ['{}', user => 'u-ana'] } 1 .. 110)),
   '422:100 429:10', 'invalid marks count against the limit');
is($ll->mark('nope', 'u-tom', 1)->status(), 404,
   'a mark on an unknown property gets 404, whatever the limit');

$ll->finish();
