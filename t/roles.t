#!/usr/bin/perl

# Who may do what, as one table: users of every kind against every request, with
# a token in the header or in the cookie.  Then: nothing from outside the window
# of a user is in anything that this user is sent, by a search for words.
#
# Each lease has a word of its own, which is in all its texts, names, labels and
# ids: the lease of amsel has ended, birke is active, cedar is pending, and
# distel is on another property.

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
    is($r->status(), 200, "the lease of $word is declared");

    return $r->json()->{lease}{state};
}

sub talk {
    my ($property, $word) = @_;
    is($ll->say($property, "u-$word-$_", "$word $_ says")->status(), 201,
       "the $_ of $word sends") for qw(tenant landlord);
}

my $handover = at(86400 * 9);

let('P', 'amsel');                                          # 1 opened
talk('P', 'amsel');                                         # 2, 3
$ll->mark('P', 'u-amsel-tenant', 3);
is(let('P', 'amsel', ends_at => at(-1)), 'ended',
   'the lease of amsel has ended');                         # 4 ended
my @now = (starts_at => at(-0.01), ends_at => $handover);
is(let('P', 'birke', @now), 'active',
   'the lease of birke is active');                         # 5 opened
talk('P', 'birke');                                         # 6, 7
is(let('P', 'cedar', starts_at => $handover), 'pending',
   'the lease of cedar is pending');
let('Q', 'distel');
talk('Q', 'distel');


# --- the table, for property P; seqs: the window, 1-0 is an empty one ---

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

# sends a request and keeps the response; streams stay open
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
           "statuses of $who by $carrier");
    }
}

my @entries = $ll->thread('P');
is(scalar @entries, 11, 'four of the sends are stored');


# --- events outside a window do not change what its user gets ---

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
is_deeply(pages(), $before,
          'messages and marks of birke leave the pages of others unchanged');

let('P', 'birke', @now, label => 'Birkenallee');
let('P', 'cedar', starts_at => $handover, label => 'Cedarallee');
$ll->mark('Q', 'u-distel-landlord', 2);


# --- cursors before, in and past the window: which entries each one gives ---

my @cursors = map { my %f = @{ $_->[1] };
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
           join(' ', grep { $_ < $n } $from .. $end),
           "entries of $who before $n")
            if $n;

        # by number alone, and with the tag of the entry
        for my $place ($n, $n && $cursors[$n - 1] ? "$n.$cursors[$n - 1]" : ()) {
            my $r = $ll->get("$path/messages?after=$place&limit=200",
                             cookie => $ll->token("u-$who"));
            my $poll = $r->json();
            $got{$who} .= $r->raw();
            is($poll->{reset} ? 'reset'
               : join(' ', map { $_->{seq} } @{ $poll->{entries} }),
               $wanted, "entries of $who after $place");

            my $s = $ll->events('P', "u-$who",
                $n % 2 ? (query => "after=$place") : (last_id => $place));
            push @{ $streams{$who} }, $s;
            push @asked, [ "entries of $who on a stream after $place", $s,
                           $wanted ];
        }
    }
}

for my $case (@asked) {
    my ($name, $s, $wanted) = @$case;

    # all entries come before the first ping
    ok($s->wait_event('ping'), "$name: a ping comes");
    my ($reset) = grep { $_->{event} eq 'reset' } $s->events();
    is($reset ? 'reset' : join(' ', map { $_->{seq} } $s->entries()), $wanted,
       $name);
}


# --- everything that each user was sent ---

# a further ping comes after everything that has happened so far
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

    # landlords may know the id and start of the next lease
    $got{$who} =~ s/"next":\{"id":"L-cedar"[^{}]*\}//g if $who =~ /landlord/;

    my %found = map { lc $_ => 1 }
                $got{$who} =~ /(amsel|birke|cedar|distel)/gi;
    is(join(',', sort keys %found),
       join(',', sort grep { $_ ne '-' } split /,/, $knows{$who}),
       "$who is sent nothing from outside the window");
}

$_->close() for map { @$_ } values %streams;


# --- a 404 is the same response, whatever the reason ---

for my $p (qw(R S W)) {
    is($ll->lease($p, landlords => ['u-omar'], tenants => ['u-mia'],
                  $p eq 'R' ? (ends_at => '2021-01-01T00:00:00Z')
                  : $p eq 'S' ? (starts_at => '2090-01-01T00:00:00Z') : ())
          ->status(), 200, "the lease of $p is declared");
}

my $watch = $ll->events('W', 'u-mia');
ok($watch->wait_event('hello'), 'a stream to W is open');

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
            is($r->status(), 404,
               "$what on a property that is $behind{$p} gets 404")
                if $r->status() != 404;
            push @{ $raw{$r->comparable()} }, $behind{$p};
        }

        is(scalar keys %raw, 1,
           "$what by $carrier, HTTP/$http: every 404 is the same")
            or diag(join "\n", map { "@{ $raw{$_} }: $_" } sort keys %raw);
    }
}

$watch->close();
$ll->finish();
