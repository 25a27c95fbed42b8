#!/usr/bin/perl

# Searching a thread: what matches, the order of hits and their bytes, pages,
# and the window that is searched; malformed queries, the order of errors, and
# attacks.

use strict;
use warnings;
use utf8;

use Encode qw(encode_utf8);
use Test::More;
use Time::HiRes qw(time);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Search;

my $ll = LeaseLoft->new(worker_options => '--seal-after 8 --seal-size 4');
ok(wait_search($ll), 'a searcher takes searches');

# the response to a search for words; $more is the rest of the query
sub response {
    my ($property, $user, $words, $more) = @_;

    return $ll->get("/api/properties/$property/search?q=" . escape($words)
                    . ($more // ''), user => $user);
}

sub search { return response(@_)->json() }

# the seqs of the hits
sub hits { return join ' ', hits_of(search(@_)) }


# what matches

$ll->lease('P', landlords => ['u-lena', 'u-omar'], tenants => ['u-tom']);

my @texts = ('The boiler is out again', 'Café, Straße, ﬁne', "two\nlines\there",
             'ＦＵＬＬ width', 'a "quote" and a \\ backslash', 'ПРИВЕТ мир',
             "e\x{301}te\x{301}", 'boiler: fixed', 'İstanbul ΣΊΣΥΦΟΣ');
is($ll->say('P', $_ % 2 ? 'u-tom' : 'u-lena', $texts[$_])->status(), 201,
   "message " . ($_ + 2)) for 0 .. $#texts;

for my $case (['boiler', '9 2'], ['BOILER', '9 2'], ['oil', '9 2'],
              ['out boiler', '2'], ['"is out"', '2'], ['"out is"', ''],
              ['cafe', '3'], ['CAFÉ', '3'], ['strasse', '3'], ['STRAßE', '3'],
              ['fine', '3'], ['lines here', '4'], ['"two lines"', ''],
              ['full', '5'], ['ｗｉｄｔｈ', '5'], ['backslash', '6'],
              ['\\', '6'], ['привет', '7'], ['été', '8'], ['ete', '8'],
              ['istanbul', '10'], ['σίσυφος', '10'], ['ΣΙΣΥΦΟΣ', '10'],
              ['opened', ''], ['u-tom', ''], ['client_id', ''], ['%', ''],
              ['.*', ''], ['zebra', ''])
{
    is(hits('P', 'u-tom', $case->[0]), $case->[1],
       encode_utf8("a search for <$case->[0]>"));
}

is(hits('P', 'u-tom', 'e', "&from=u-lena"), '8 6 4 2', 'of one sender');
is(hits('P', 'u-tom', 'e', "&from=u-nobody"), '', 'of nobody');
is($ll->get('/api/properties/P/search?q=boiler+out', user => 'u-tom')
       ->json()->{hits}[0]{seq}, 2, '"+" is a blank');
is($ll->get('/api/properties/P/search?x=y&q=boiler&q=zebra&&z&limit=1',
            user => 'u-tom')->json()->{hits}[0]{seq}, 9,
   'unknown parameters are ignored, and all but the first of a name');


# times, both inclusive, with any offset

my %at = map { $_->{seq} => $_->{at} }
         @{ $ll->poll('P', 'u-tom', 'after=0')->{entries} };

is(hits('P', 'u-tom', 'e', "&since=$at{9}"), '9', 'since is inclusive');
is(hits('P', 'u-tom', 'e', "&until=$at{3}"), '3 2', 'until is inclusive');
is(hits('P', 'u-tom', 'e', "&since=$at{3}&until=$at{5}"), '4 3', 'both');
is(hits('P', 'u-tom', 'e', "&since=$at{5}&until=$at{3}"), '',
   'since after until');
is(hits('P', 'u-tom', 'e', '&since=2000-01-01T00:00:00%2B02:00'),
   '9 8 6 4 3 2', 'an offset');


# the bytes of a hit are those of the entry

my $r = response('P', 'u-tom', 'quote');
my ($entry) = $r->body() =~ /^\{"hits":\[(.*)\],"next":null\}$/;
my ($whole) = $ll->get('/api/properties/P/messages?before=7&limit=1',
                       user => 'u-tom')->body() =~ /"entries":\[(.*)\]/;
is($entry, $whole, 'a hit has the bytes of the entry');
is($r->header('Content-Type'), 'application/json', 'the type of the response');
is($r->header('Cache-Control'), 'no-store', 'the response is not cached');
is($r->header('X-Content-Type-Options'), 'nosniff', 'and not sniffed');


# pages

is($ll->say('P', 'u-tom', "water $_")->status(), 201, "water $_") for 1 .. 30;

ok(wait_for(sub { ($ll->redis('HGET', 'll:{p:P}:meta', 'sealed') // '')
                  =~ /^32 / }, 10), 'old entries are sealed');

is(scalar @{ search('P', 'u-tom', 'water')->{hits} }, 20, '20 hits by default');

my ($before, @found, $pages) = ('');

do {
    my $page = search('P', 'u-tom', 'water', "&limit=7$before");
    push @found, map { $_->{seq} } @{ $page->{hits} };
    $before = defined $page->{next} ? "&before=$page->{next}" : undef;
} while (defined $before && ++$pages < 20);

is("@found", join(' ', reverse 11 .. 40), 'pages have each hit once, newest'
   . ' first, whether sealed or not');
is(search('P', 'u-tom', 'water', '&limit=200')->{next}, undef,
   'the last page has no next');
is(search('P', 'u-tom', 'boiler', '&limit=2')->{next}, 2,
   'a full page has one, unless it ends with the window');
is(hits('P', 'u-tom', 'boiler', '&before=2'), '', 'nothing before the first');
is(hits('P', 'u-tom', 'boiler', '&before=0'), '', 'nothing before 0');
is(hits('P', 'u-tom', 'water', '&limit=1&before=999999999999999'), '40',
   'a number past the head');


# an erased message is not found, whether sealed or not

for my $seq (9, 35) {
    is(($ll->cli('erase', 'P', $seq, '--reason', 'a test'))[0], 0,
       "entry $seq is erased");
}
is(hits('P', 'u-tom', 'boiler'), '2', 'an erased, sealed message is not found');
is(hits('P', 'u-tom', '"water 25"'), '', 'nor is one in the stream');
is(hits('P', 'u-tom', '"water 24"'), '34', 'its neighbours are');
is(($ll->cli('search', 'P', 'fixed'))[1], '', 'nor by the command line');


# windows: those who came later, have left, are to come, or have nothing

$ll->lease('W', tenants => ['u-tom']);
is($ll->say('W', 'u-tom', "secret one")->status(), 201, 'before Ana');
$ll->lease('W', tenants => ['u-tom', 'u-ana']);
is($ll->say('W', 'u-tom', "secret two")->status(), 201, 'with Ana');
$ll->lease('W', tenants => ['u-tom'], label => 'renamed');
is($ll->say('W', 'u-tom', "secret three")->status(), 201, 'after Ana');
$ll->lease('W', tenants => ['u-tom'], label => 'renamed', ends_at => at(-1));
is($ll->lease('W', lease_id => 'L-2', tenants => ['u-mia'],
              starts_at => at(3600))->status(), 200, 'Mia is to come');

is(hits('W', 'u-lena', 'secret'), '6 4 2', 'a landlord finds all');
is(hits('W', 'u-tom', 'secret'), '6 4 2', 'after the end too');
is(hits('W', 'u-ana', 'secret'), '4', 'one who has left finds their window');
is(search('W', 'u-ana', 'secret', '&limit=1')->{next}, 4,
   'with a next in their window only');
is(search('W', 'u-ana', 'secret', '&before=4')->{next}, undef,
   'and an end at its start');
is(hits('W', 'u-ana', 'secret', '&before=7'), '4', 'from anywhere');
is_deeply(search('W', 'u-mia', 'secret'), { hits => [], next => undef },
          'a party of a pending lease finds nothing');

my @gone = map { $_->comparable() }
    response('W', 'u-karl', 'secret'), response('none', 'u-karl', 'secret'),
    $ll->get('/api/properties/W/messages', user => 'u-karl'),
    $ll->get('/api/properties/W/search?q=', user => 'u-karl'),
    $ll->get('/api/properties/a..b/search?q=x', user => 'u-karl');
is($_, $gone[0], 'a stranger gets the same 404, also for a malformed query')
    for @gone;
like($gone[0], qr/^HTTP\/1.1 404/, 'a 404');


# errors

for my $query ('', 'q', 'q=', 'q=+', 'q=%22', 'q=%22a', 'q=a%22', 'q=%22%22',
              'q=%C2%A0', 'q=%ff', 'q=%C3', 'q=%ED%A0%80', 'q=%F4%90%80%80',
              'q=%', 'q=%1', 'q=%zz', 'q=' . 'a' x 201, 'q=a&limit=0',
              'q=a&limit=201', 'q=a&limit=', 'q=a&limit=1x', 'q=a&limit=-1',
              'q=a&limit=+1', 'q=a&before=', 'q=a&before=x', 'q=a&before=-1',
              'q=a&before=01', 'q=a&before=5.0000abcd',
              'q=a&before=1000000000000000', 'q=a&from=', 'q=a&from=a.b',
              'q=a&from=' . 'u' x 65, 'q=a&since=', 'q=a&since=2026-01-01',
              'q=a&until=x', 'q=a&until=2026-02-30T00:00:00Z',
              'q=a&since=2026-01-01T00:00:00+01:00', 'q=a&from=%00',
              'q=' . join '+', map { "w$_" } 1 .. 10_000 / 20)
{
    is_problem($ll->get("/api/properties/P/search?$query", user => 'u-tom'),
               400, '', 'a 400: ' . substr $query, 0, 40);
}

like($ll->get('/api/properties/P/search?q=%22a', user => 'u-tom')
         ->json()->{detail}, qr/quote/, 'a 400 says why');
is($ll->get('/api/properties/P/search?q=' . 'a' x 200, user => 'u-tom')
       ->status(), 200, '200 code points are accepted');
is(response('P', 'u-tom', 'é' x 200)->status(), 200, 'of any length in bytes');
is(response('P', 'u-tom', 'a ' x 100)->status(), 200, '100 words');
is(response('P', 'u-tom', 'a', "&cursor=x")->status(), 200,
   'cursor is unknown here');
is_problem($ll->get('/api/properties/P/search?q=a'), 401, '', 'no token');
is_problem($ll->get('/api/properties/P/search?q='), 401, '', '401 before 400');
is_problem($ll->post('/api/properties/P/search?q=a', '{}', user => 'u-tom'),
           405, '', 'POST');
is($ll->post('/api/properties/P/search', '{}')->header('Allow'), 'GET',
   'Allow');
is($ll->request('HEAD', '/api/properties/P/search?q=a', user => 'u-tom')
       ->status(), 405, 'HEAD');
is($ll->get('/api/properties/P/search?q=a', user => 'u-tom',
            headers => { 'LeaseLoft-User' => 'u-lena' })->status(), 401,
   'another user');
is($ll->get('/api/properties/P/search?q=boiler', cookie => $ll->token('u-tom'),
            headers => { Origin => 'http://e' })->status(), 200,
   'the cookie is enough to read');
cmp_ok($ll->get('/api/properties/P/search?q=' . 'a+' x 20_000,
                user => 'u-tom')->status(), '>=', 400, '20,000 words');


# attacks: what is slow or harmful elsewhere

$ll->say('P', 'u-tom', $_) for 'a' x 4000, 'ab' x 2000, "a" . "\x{301}" x 3999,
                               "\x{1e9e}" x 4000, "\x{fdfa}" x 4000;

for my $case (['a' x 199 . 'b', ''], ['a' x 200, '41'],
              ['(a+)+$', ''], ["a" . "\x{301}" x 199, undef],
              ["\x{301}" x 200, undef], ["\x{fdfa}" x 200, '45'],
              ["a\0b", ''], ["\0", ''], ["\x{202e}x", ''],
              ["' OR 1=1 --", ''], ["\r\nX: y", ''], ['*', ''], ['{}', ''])
{
    my ($words, $expected) = @$case;
    my $start = time();
    my $answer = response('P', 'u-tom', $words);

    is($answer->status(), 200, encode_utf8('an attack: '
       . substr($words, 0, 20) =~ s/[\0\r\n]/?/gr));
    cmp_ok(time() - $start, '<', 3, 'is answered soon');
    is(join(' ', hits_of($answer->json())), $expected, 'with the right hits')
        if defined $expected;
}

unlike($ll->slurp('error.log'), qr/\[(?:error|crit)\] (?!.*health:)/,
       'nothing is logged');
unlike($ll->slurp('access.log'), qr/boiler|secret/,
       'no words are in the access log');
is($ll->redis('XLEN', 'll:{search}:requests'), 0, 'the lane is empty');

$ll->finish();
