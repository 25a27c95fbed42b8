#!/usr/bin/perl

# Tokens: which ones are accepted, from where, with which keys, and which claims
# are checked.

use strict;
use warnings;

use JSON::PP;
use MIME::Base64 qw(encode_base64url);
use Test::More;

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::H2;
use LeaseLoft::Token qw(token token_raw);

my $dir_keys = File::Temp::tempdir(CLEANUP => 1);

sub run { system("$_[0] 2>/dev/null") == 0 or die "$_[0]\n" }

run("openssl genrsa -out $dir_keys/rsa.key 2048");
run("openssl rsa -in $dir_keys/rsa.key -pubout -out $dir_keys/rsa.pem");
run("openssl ecparam -name prime256v1 -genkey -noout -out $dir_keys/ec.key");
run("openssl ec -in $dir_keys/ec.key -pubout -out $dir_keys/ec.pem");

my @kinds = map {
    my ($name, $conf) = @$_;
    "location = /$name { $conf default_type text/plain; "
    . "return 200 \"\$leaseloft_user\"; }"
} ['hs', ''], ['rs', "leaseloft_key $dir_keys/rsa.pem;"],
  ['es', "leaseloft_key $dir_keys/ec.pem;"],
  ['iss', 'leaseloft_issuer https://login.example;'],
  ['aud', 'leaseloft_audience leaseloft;'],
  ['leeway', 'leaseloft_leeway 60s;'],
  ['cookie', 'leaseloft_cookie other;'];

my $ll = LeaseLoft->new(server => join("\n", @kinds));
my $key = $ll->{key};
my $now = time();

$ll->lease('P', tenants => ['u-tom']);

# the user that the module finds for a token in the header and in the cookie;
# with the shipped key also checks that the API agrees
sub user {
    my ($token, $path) = @_;

    my @by = map { [ $_ => $token ] } qw(token cookie);
    my @users = map { $ll->get($path // '/hs', @$_)->body() } @by;

    return "header '$users[0]', cookie '$users[1]'" if $users[0] ne $users[1];

    if (!defined $path) {
        my @got = map { $ll->get('/api/inbox', @$_)->status() } @by;
        my $wanted = $users[0] eq '' ? 401 : 200;
        return "inbox: @got" if grep { $_ != $wanted } @got;
    }

    return $users[0];
}

sub claims { return { sub => 'u-tom', exp => $now + 600, @_ } }


is(user(token($key, claims())), 'u-tom', 'a valid token is accepted');
is($ll->get('/hs')->body(), '', 'a request without a token has no user');

# claims that are needed, and claims that are checked where present
for my $case (
    [{ exp => $now + 600 }, 'no sub'], [{ sub => 'u-tom' }, 'no exp'],
    [claims(exp => $now - 1), 'expired'], [claims(exp => $now), 'expires now'],
    [claims(exp => 0), 'exp 0'], [claims(exp => -1), 'exp -1'],
    [claims(exp => 'soon'), 'exp is no number'],
    [claims(exp => undef), 'exp null'], [claims(exp => []), 'exp a list'],
    [claims(nbf => $now + 100), 'not yet'],
    [claims(nbf => 'x'), 'nbf is no number'],
    [claims(sub => ''), 'empty sub'], [claims(sub => 'u tom'), 'a blank'],
    [claims(sub => 'x' x 65), '65 characters'],
    [claims(sub => 'u-töm'), 'not ASCII'], [claims(sub => 7), 'a number'],
    [claims(sub => ['u-tom']), 'a list'], [claims(sub => "u-tom\0"), 'NUL'],
    [claims(sub => { id => 'u-tom' }), 'an object'],
    [claims(sub => JSON::PP::true), 'true'], [claims(sub => undef), 'null'],
    [claims(sub => 'u/tom'), 'a slash'], [claims(sub => '../u-tom'), 'dots'],
    [claims(sub => "u-t\x{f6}m"), 'UTF-8'], [claims(sub => '*'), 'a star'],
    [claims(sub => "u-tom\r\nX: y"), 'a header'],
    [claims(sub => "u-tom\n"), 'line feed'])
{
    is(user(token($key, $case->[0])), '',
       "invalid claims are refused: $case->[1]");
}

is(user(token($key, claims(nbf => $now - 1))), 'u-tom',
   'a past nbf is accepted');
is(user(token($key, claims(iss => 'x', aud => 'y', role => 'landlord'))),
   'u-tom', 'claims that are not configured are ignored');
is(user(token($key, claims(sub => 'A-z_0' . 'x' x 59))), 'A-z_0' . 'x' x 59,
   'a sub of 64 characters is accepted');

# algorithms, keys, forms
my $good = token($key, claims());
my ($h, $c, $s) = split /\./, $good;
my $payload = encode_json(claims());

for my $case (
    [token('other', claims()), 'wrong key'], [token('', claims()), 'no key'],
    [token($key, claims(), { alg => 'none' }), 'alg none'],
    [encode_base64url('{"alg":"none"}') . ".$c.", 'alg none, unsigned'],
    [encode_base64url('{"alg":"NONE"}') . ".$c.$s", 'alg NONE'],
    [token($key, claims(), { alg => 'HS512' }), 'another alg'],
    [token($key, claims(), { alg => 'RS256' }), 'a public key\'s alg'],
    [token($key, claims(), { typ => 'JWT' }), 'no alg'],
    [token($key, claims(), { alg => 'HS256', crit => ['exp'] }), 'crit'],
    [token_raw($key, '{"alg":"HS256"', $payload), 'header is no JSON'],
    [token_raw($key, '{"alg":"HS256"}', '{"sub"'), 'claims are no JSON'],
    [token_raw($key, '{"alg":"HS256"}', '[]'), 'claims are a list'],
    [token_raw($key, '{"alg":"HS256"}',
               '{"sub":"u-tom","sub":"u-ana","exp":99999999999}'),
     'a claim given twice'],
    ["$h.$c", 'no signature'], ["$h.$c.", 'empty signature'],
    ["$good.x", 'four parts'], [".$good", 'an empty part'],
    ["$h.$c." . substr($s, 0, -2), 'a short signature'],
    ["$h." . encode_base64url(encode_json(claims(sub => 'u-ana'))) . ".$s",
     'changed claims'],
    ['x' x 5000, 'rubbish'], ['..', 'dots'], ["\xff.\xfe.\xfd", 'bytes'])
{
    is(user($case->[0]), '', "a bad token is refused: $case->[1]");
}

# a token of 100 kB, over HTTP/1.1 and HTTP/2: with the shipped buffers nginx
# refuses the request or closes the connection; with larger ones the module
# refuses the token
sub large {
    my $token = token($key, claims(x => 'x' x 75_000));

    my @got = map { $ll->get('/api/inbox', $_ => $token)->status() }
                  qw(token cookie);

    for my $ask ([ $token ], [ undef, cookie => "leaseloft_session=$token" ]) {
        my $h2 = LeaseLoft::H2->new($ll->{ports}{h2c});
        my $n = $h2->get('/api/inbox', @$ask);
        wait_for(sub { $h2->read(0.1); $h2->ended($n) || $h2->gone() });
        push @got, $h2->gone() ? 'gone' : $h2->status($n);
    }

    return "@got";
}

is(large(), '400 400 gone gone', 'nginx refuses a token of 100 kB');
$ll->nginx_conf(server => "large_client_header_buffers 4 128k;\n"
                          . join("\n", @kinds));
my ($old) = $ll->nginx_children();
$ll->signal('nginx', 'HUP');
ok(wait_for(sub { !kill 0, $old }), 'nginx is reloaded with larger buffers');
is(large(), '401 401 401 401', 'the module refuses a token of 100 kB');

# a public key is not taken for a secret
my $pem = do { local (@ARGV, $/) = "$dir_keys/rsa.pem"; <> };
is(user(token($pem, claims()), '/rs'), '',
   'HS256 signed with the public key is refused');
is(user(token($pem =~ s/\n$//r, claims()), '/rs'), '',
   'HS256 signed with the trimmed public key is refused');
is(user($good, '/rs'), '', 'HS256 is refused where RS256 is configured');

sub signed {
    my ($alg, $keyfile) = @_;

    my $text = encode_base64url("{\"alg\":\"$alg\"}") . '.'
               . encode_base64url($payload);
    open my $f, '>', "$dir_keys/text" or die;
    print $f $text;
    close $f;

    my $sig = `openssl dgst -sha256 -sign $keyfile $dir_keys/text`;

    # from DER to the two plain numbers
    if ($alg eq 'ES256') {
        my ($r, $s) = $sig =~ /^\x30.\x02(.)/s ? do {
            my $n = ord $1;
            (substr($sig, 4, $n), substr($sig, 6 + $n))
        } : ();
        $sig = join '', map { s/^\x00+//r } $r, $s;
        $sig = join '', map { ("\0" x (32 - length)) . $_ }
               map { s/^\x00+//r } $r, $s;
    }

    return "$text." . encode_base64url($sig);
}

is(user(signed('RS256', "$dir_keys/rsa.key"), '/rs'), 'u-tom',
   'RS256 is accepted with its public key');
is(user(signed('ES256', "$dir_keys/ec.key"), '/es'), 'u-tom',
   'ES256 is accepted with its public key');
is(user(signed('RS256', "$dir_keys/rsa.key")), '',
   'RS256 is refused where a secret is configured');

# leaseloft_issuer, leaseloft_audience, leaseloft_leeway
is(user($good, '/iss'), '', 'a token without iss is refused');
is(user(token($key, claims(iss => 'x')), '/iss'), '',
   'a token with another iss is refused');
is(user(token($key, claims(iss => 'https://login.example')), '/iss'), 'u-tom',
   'a token with the configured iss is accepted');
is(user($good, '/aud'), '', 'a token without aud is refused');
is(user(token($key, claims(aud => 'x')), '/aud'), '',
   'a token with another aud is refused');
is(user(token($key, claims(aud => 'leaseloft')), '/aud'), 'u-tom',
   'a token with the configured aud is accepted');
is(user(token($key, claims(aud => ['x', 'leaseloft'])), '/aud'), 'u-tom',
   'a token with the aud among several is accepted');
is(user(token($key, claims(aud => ['x', 'y'])), '/aud'), '',
   'a token without the aud among several is refused');
is(user(token($key, claims(exp => $now - 30)), '/leeway'), 'u-tom',
   'exp within the leeway is accepted');
is(user(token($key, claims(exp => $now - 90)), '/leeway'), '',
   'exp beyond the leeway is refused');
is(user(token($key, claims(nbf => $now + 30)), '/leeway'), 'u-tom',
   'nbf within the leeway is accepted');

# where the token comes from
my $other = token($key, claims(sub => 'u-ana'));

sub with { return $ll->get('/hs', headers => { @_ })->body() }

is(with(Authorization => "bearer $good"), 'u-tom',
   'the scheme bearer is accepted');
is(with(Authorization => "BEARER $good"), 'u-tom',
   'the scheme BEARER is accepted');
is(with(Authorization => "Bearer   $good"), 'u-tom',
   'several blanks after the scheme are accepted');
is(with(Authorization => "Bearer$good"), '',
   'a scheme without a blank is refused');
is(with(Authorization => 'Bearer '), '', 'a scheme without a token is refused');
is(with(Cookie => "leaseloft_session=$good"), 'u-tom',
   'the cookie is accepted');
is(with(Cookie => "a=b; leaseloft_session=$good; c=d"), 'u-tom',
   'the cookie among others is accepted');
is(with(Cookie => "xleaseloft_session=$good"), '',
   'a cookie of a similar name is ignored');
is(with(Cookie => "leaseloft_session=$other",
        Authorization => "Bearer $good"), 'u-tom',
   'the header is used where a cookie is sent too');
is(with(Cookie => "leaseloft_session=$other",
        Authorization => 'Bearer x'), '',
   'a bad header token is used where a cookie is sent too');
is(with(Cookie => "leaseloft_session=$other",
        Authorization => 'Basic dTpw'), 'u-ana',
   'a header of another scheme is ignored');
is($ll->get('/cookie', headers => { Cookie => "other=$good" })->body(),
   'u-tom', 'the cookie of leaseloft_cookie is accepted');
is($ll->get('/cookie', cookie => $good)->body(), '',
   'the cookie of the default name is ignored');

# a cached token expires too
my $short = token($key, claims(exp => time() + 2));
is(user($short), 'u-tom', 'a token about to expire is accepted');
sleep 3;
is(user($short), '', 'a cached token is refused after exp');

# no token is logged
my $logs = join '', map { $ll->slurp($_) } 'error.log', 'access.log';
unlike($logs, qr/\Q$s\E|\Q$c\E/, 'no log has the token');

$ll->finish();
