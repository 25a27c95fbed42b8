#!/usr/bin/perl

# Who may do what, as one table: people of every kind against every request, by
# header and by cookie.  Then, as strings to be searched for: nothing of what
# lies outside one's window is in anything that one is ever sent.
#
# Each lease, and the other property, has a word of its own, which is in all
# texts, names, labels and ids of it: amsel was let before, birke is now, cedar
# comes next, and distel is another property.

use strict;
use warnings;

use List::Util qw(max);
use Test::More;

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new(directives => { leaseloft_ping => '1s',
                                        leaseloft_max_streams => 100 });

sub let {
    my ($property, $word, %o) = @_;

    my $r = $ll->lease($property, lease_id => "L-$word",
        label => ucfirst "${word}weg", %o, map {
            my $side = $_;
            $side . 's' => [{ user => "u-$word-$side",
                              name => ucfirst "$word $side" }]
        } qw(landlord tenant));
    is($r->status(), 200, "$word is declared");

    return $r->json()->{lease}{state};
}

sub talk {
    my ($property, $word) = @_;
    is($ll->say($property, "u-$word-$_", "$word $_ says")->status(), 201,
       "$word: $_ speaks") for qw(tenant landlord);
}

my $handover = at(86400 * 9);

let('P', 'amsel');                                          # 1 opened
talk('P', 'amsel');                                         # 2, 3
$ll->mark('P', 'u-amsel-tenant', 3);
is(let('P', 'amsel', ends_at => at(-1)), 'ended', 'let before');      # 4 ended
my @now = (starts_at => at(-0.01), ends_at => $handover);
is(let('P', 'birke', @now), 'active', 'let now');           # 5 opened
talk('P', 'birke');                                         # 6, 7
is(let('P', 'cedar', starts_at => $handover), 'pending', 'comes next');
let('Q', 'distel');
talk('Q', 'distel');


# --- the table: of property P; seqs are what one sees, 1-0 is nothing yet ---

my $table = <<'END';
who           stream after before newest send read inbox live | seqs knows
nobody           401   401    401    401  401  401   401  401 | -    -
distel-tenant    404   404    404    404  404  404   200  200 | -    distel
distel-landlord  404   404    404    404  404  404   200  200 | -    distel
amsel-tenant     200   200    200    200  409  204   200  200 | 1-4  amsel
amsel-landlord   200   200    200    200  409  204   200  200 | 1-4  amsel
cedar-tenant     200   200    200    200  409  422   200  200 | 1-0  cedar
cedar-landlord   200   200    200    200  409  422   200  200 | 1-0  cedar
birke-tenant     200   200    200    200  201  204   200  200 | 5-   birke
birke-landlord   200   200    200    200  201  204   200  200 | 1-   birke,amsel
END

my %requests = (
    stream => [GET => '/api/properties/P/events?after=0'],
    after => [GET => '/api/properties/P/messages?after=0&limit=200'],
    before => [GET => '/api/properties/P/messages?before=999&limit=200'],
    newest => [GET => '/api/properties/P/messages?limit=200'],
    send => [POST => '/api/properties/P/messages'],
    read => [POST => '/api/properties/P/read', { upto => 1 }],
    inbox => [GET => '/api/inbox'],
    live => [GET => '/api/inbox/events'],
);

my ($head, @rows) = map { [ split /[\s|]+/ ] } split /\n/, $table;
my (undef, @whats) = @$head[0 .. 8];
my (@people, %status, %window, %knows, %got, %streams);

for my $row (@rows) {
    push @people, my $who = shift @$row;
    @{ $status{$who} }{@whats} = @$row;
    $window{$who} = [ $row->[8] =~ /^(\d+)-(\d*)$/ ];
    $knows{$who} = $row->[9];
}

my $sent = 0;

# asks, and keeps what came; streams stay open
sub status_of {
    my ($who, $what, $carrier) = @_;

    my ($method, $path, $body) = @{ $requests{$what} };
    my @as = $who eq 'nobody' ? () : ($carrier => $ll->token("u-$who"));

    if ($what eq 'stream' || $what eq 'live') {
        my $s = $ll->stream($path, @as);
        push @{ $streams{$who} }, $s;
        return $s->status();
    }

    $body = { client_id => 'roles-' . ++$sent, text => "$who writes" }
        if $what eq 'send';

    my $r = $method eq 'GET' ? $ll->get($path, @as)
                             : $ll->post($path, $body, @as);
    $got{$who} .= $r->raw();

    return $r->status();
}

for my $who (@people) {
    for my $carrier (qw(token cookie)) {
        is(join(' ', map { "$_ " . status_of($who, $_, $carrier) } @whats),
           join(' ', map { "$_ $status{$who}{$_}" } @whats),
           "$who, by $carrier");
    }
}

my @entries = @{ $ll->redis('XRANGE', 'll:{p:P}:thread', '-', '+') };
is(scalar @entries, 11, 'four of the sends are there');


# --- what goes on outside: nothing of it changes what others see ---

my @others = grep { /^(amsel|cedar)/ } @people;

sub pages {
    return { map {
        my $who = $_;
        $who => [ map { $ll->get($_, user => "u-$who")->comparable() }
                  map { $requests{$_}[1] } qw(after newest inbox) ]
    } @others };
}

my $before = pages();
talk('P', 'birke');
$ll->mark('P', "u-birke-$_", 13) for qw(tenant landlord);
is_deeply(pages(), $before, 'talk and marks are seen by nobody else');

let('P', 'birke', @now, label => 'Birkenallee');
let('P', 'cedar', starts_at => $handover, label => 'Cedarallee');
$ll->mark('Q', 'u-distel-landlord', 2);


# --- places beyond the window: what is asked for from each ---

my @places = map { my %f = @{ $_->[1] };
                   substr(unpack('H*', $f{h}), 0, 8) } @entries;
my $last = $ll->poll('P', 'u-birke-landlord')->{head} =~ s/\..*//r;
my (@asked, %seen);

for my $who (grep { @{ $window{$_} } } @people) {
    my ($from, $to) = @{ $window{$who} };
    my $end = length $to ? $to : $last;

    for my $n (0 .. $last + 1) {
        my @wanted = max($from, $n + 1) .. $end;
        my $wanted = $n > $end ? 'reset' : "@wanted";
        my $path = '/api/properties/P';

        is(join(' ', map { $_->{seq} } @{ $ll->poll('P', "u-$who",
                     "before=$n&limit=200")->{entries} }),
           join(' ', grep { $_ < $n } $from .. $end), "$who: before $n")
            if $n;

        # by number alone, and with the tag that the entry there has
        for my $place ($n, $n && $places[$n - 1] ? "$n.$places[$n - 1]" : ()) {
            my $r = $ll->get("$path/messages?after=$place&limit=200",
                             cookie => $ll->token("u-$who"));
            my $poll = $r->json();
            $got{$who} .= $r->raw();
            is($poll->{reset} ? 'reset'
               : join(' ', map { $_->{seq} } @{ $poll->{entries} }),
               $wanted, "$who: after $place");

            my $s = $ll->events('P', "u-$who",
                $n % 2 ? (query => "after=$place") : (last_id => $place));
            push @{ $streams{$who} }, $s;
            push @asked, [ "$who: a stream after $place", $s, $wanted ];
        }
    }
}

for my $case (@asked) {
    my ($name, $s, $wanted) = @$case;

    # all that there is has come before the first ping
    ok($s->wait_event('ping'), $name);
    my ($reset) = grep { $_->{event} eq 'reset' } $s->events();
    is($reset ? 'reset' : join(' ', map { $_->{seq} } $s->entries()), $wanted,
       $name);
}


# --- all that was ever sent to each ---

# one more ping comes after all that has happened so far
my @open = map { [ $_, scalar(() = $_->events()) ] }
           grep { $_->status() == 200 } map { @$_ } values %streams;

for my $case (@open) {
    my ($s, $n) = @$case;
    wait_for(sub { my @e = $s->events();
                   grep { $_->{event} eq 'ping' } @e[$n .. $#e] })
        or fail('no ping');
}

for my $who (@people) {
    $got{$who} .= $_->raw() for @{ $streams{$who} };

    # when the next lease begins, and its id, are for landlords to know
    $got{$who} =~ s/"next":\{"id":"L-cedar"[^{}]*\}//g if $who =~ /landlord/;

    my %found = map { lc $_ => 1 }
                $got{$who} =~ /(amsel|birke|cedar|distel)/gi;
    is(join(',', sort keys %found),
       join(',', sort grep { $_ ne '-' } split /,/, $knows{$who}),
       "$who is sent nothing of anybody else's");
}

$_->close() for map { @$_ } values %streams;


# --- a 404 is one answer, whatever is behind it ---

for my $p (qw(R S W)) {
    is($ll->lease($p, landlords => ['u-omar'], tenants => ['u-mia'],
                  $p eq 'R' ? (ends_at => '2021-01-01T00:00:00Z')
                  : $p eq 'S' ? (starts_at => '2090-01-01T00:00:00Z') : ())
          ->status(), 200, "$p");
}

my $watch = $ll->events('W', 'u-mia');
ok($watch->wait_event('hello'), 'W is watched');

my %behind = (none => 'absent', Q => 'foreign', R => 'ended', S => 'pending',
              W => 'watched');

for my $what (qw(stream after before newest send read)) {
    my ($method, $path, $body) = @{ $requests{$what} };
    $body //= { client_id => 'x', text => 'x' };

    for my $how ([token => 1], [cookie => 1], [token => 2], [cookie => 2]) {
        my ($carrier, $http) = @$how;
        my %raw;

        for my $p (sort keys %behind) {
            my @o = ($path =~ s/P/$p/r, $method eq 'GET' ? () : $body,
                     $carrier => $ll->token('u-birke-tenant'),
                     $http == 2 ? (http => 2) : ());
            my $r = $method eq 'GET' ? $ll->get(@o) : $ll->post(@o);
            is($r->status(), 404, "$what: $behind{$p}") if $r->status() != 404;
            push @{ $raw{$r->comparable()} }, $behind{$p};
        }

        is(scalar keys %raw, 1, "$what by $carrier, HTTP/$http: one 404")
            or diag(join "\n", map { "@{ $raw{$_} }: $_" } sort keys %raw);
    }
}

$watch->close();
$ll->finish();
