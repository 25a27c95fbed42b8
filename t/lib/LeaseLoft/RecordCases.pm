package LeaseLoft::RecordCases;

# Records, valid and forged ones, for all verifiers: t/verify.t, and those in
# the browser.

use strict;
use warnings;

use Digest::SHA qw(sha256 sha256_hex);
use Exporter qw(import);
use JSON::PP;
use Storable qw(dclone);

use LeaseLoft::Record;

our @EXPORT = qw(record_cases record_cases_write changed $good $key);

our $key = record_key('messages.example.com');
my $foreign = record_key('messages.example.com');

# entries 1 to 12 of property P: two leases, an erased entry
my @all = (lease_of(1, 'opened'), entry_of(2, 'The heating is out'),
           entry_of(3, "Two\nlines, \"quotes\", \\ and \x{fc}"),
           entry_of(4, 'secret'), entry_of(5, "I will look \x{1f527}"),
           lease_of(6, 'ended'), lease_of(7, 'opened'),
           entry_of(8, 'Hello', user => 'u-kim'),
           lease_of(9, 'joined', 'u-ana'), entry_of(10, 'Hi'),
           entry_of(11, '<b>bold</b>'), entry_of(12, 'The last word'));

sub whole {
    my ($property) = @_;

    my @lines = map { { seq => $_, entry => $all[$_ - 1],
                        salt => substr sha256_hex("$property $_"), 0, 32 } }
                1 .. @all;

    my $digest = sha256_hex(pack('H*', $lines[3]{salt}) . $lines[3]{entry});
    $lines[3] = { seq => 4, digest => $digest,
                  erased_at => '2026-11-23T08:00:00.000Z' };

    my $hash = rechain(sha256($property), @lines);

    return {
        head => { record => 'leaseloft/1', property => $property,
                  label => '12 Elm St', time_zone => 'America/New_York',
                  reader => { user => 'u-lena', role => 'landlord',
                              name => 'Lena' },
                  window => { first => 1, last => scalar @all },
                  base => sha256_hex($property),
                  made_at => '2026-11-24T08:00:00.000Z' },
        lines => \@lines,
        reads => [ map { { read => { user => "u-$_", upto => 5,
                                     at => '2026-11-22T12:00:01.000Z' } } }
                   qw(lena tom) ],
        last => { entries => scalar @all,
                  checkpoint => record_note($key, $property, 12, $hash) }
    };
}

our $good = whole('P');
my $note5 = record_note($key, 'P', 5, pack 'H*', $good->{lines}[4]{hash});

# the record of a tenant from entry n on
sub tenant {
    my ($user, $n) = @_;

    my $record = dclone($good);

    $record->{head}{reader} = { user => $user, role => 'tenant', name => 'K' };
    $record->{head}{base} = $record->{lines}[$n - 2]{hash};
    $record->{head}{window}{first} = $n;
    splice @{ $record->{lines} }, 0, $n - 1;
    $_->{read}{upto} = 9 for @{ $record->{reads} };
    $record->{last}{entries} = 13 - $n;

    return $record;
}

# a copy of a record, changed
sub changed {
    my ($change, $record) = @_;

    local $_ = dclone($record // $good);
    $change->();
    return $_;
}

my @cases;

# adds a case: its name, a record or bytes, and what the error of "leaseloft
# verify" matches, unless it is valid; the key is $key unless given
sub add {
    my ($name, $record, $like, %o) = @_;

    push @cases, { name => $name, like => $like,
                   text => ref $record ? record_text($record) : $record,
                   key => exists $o{key} ? $o{key} : $key->{key},
                   note => $o{note} };
}


# valid records

add('a whole record', $good);
add('without a key', $good, undef, key => undef);
add('an older checkpoint that fits', $good, undef, note => $note5);
add('the same without a key', $good, undef, note => $note5, key => undef);
add('a tenant from the start of a lease', tenant('u-kim', 7));
add('a tenant who joined', tenant('u-ana', 9));
add('an older checkpoint of the base', tenant('u-kim', 7), undef,
        note => record_note($key, 'P', 6,
                            pack 'H*', $good->{lines}[5]{hash}));
add('an empty record',
    changed(sub { $_->{lines} = []; $_->{head}{window}{last} = 0;
                  $_->{reads} = [];
                  $_->{last} = { entries => 0, checkpoint =>
                                 record_note($key, 'P', 0, sha256('P')) } }));
add('a record without a checkpoint',
    changed(sub { $_->{last}{checkpoint} = undef }), undef, key => undef);
add('two signatures, one by an unknown key',
    changed(sub { $_->{last}{checkpoint} =~ s/\n\n/\n\n\xe2\x80\x94 other.example AAAAAAAA\n/ }));


# the example of the documentation
{
    my $page = do { local (@ARGV, $/) = 'docs/record.md'; <> };
    my ($public) = $page =~ /^ {4}(\S+\+[0-9a-f]{8}\+\S+)$/m;
    my ($example) = $page =~ /^```\n(.*?)^```/ms;

    add('the example of docs/record.md', $example, undef,
            key => $public);
}


# forged records

add('one byte of a text changed',
    changed(sub { $_->{lines}[1]{entry} =~ s/heating/heatinh/ }),
    qr/entry 2 \(line 3\): its hash is another/);
add('one byte of a salt changed',
    changed(sub { $_->{lines}[1]{salt} =~ tr/0-9a-f/1-9a-f0/ }), qr/entry 2 /);
add('one byte of a hash changed',
    changed(sub { $_->{lines}[1]{hash} =~ tr/0-9a-f/1-9a-f0/ }), qr/entry 2 /);
add('a name changed',
    changed(sub { $_->{lines}[7]{entry} =~ s/u-kim/u-kin/ }), qr/entry 8 /);
add('a time changed',
    changed(sub { $_->{lines}[7]{entry} =~ s/12:00/11:00/ }), qr/entry 8 /);
add('an entry dropped', changed(sub { splice @{ $_->{lines} }, 4, 1 }),
    qr/entry 5 \(line 6\): is missing: entry 6 is in its place/);
add('an entry dropped, and the others renumbered',
    changed(sub { splice @{ $_->{lines} }, 4, 1;
                  $_->{seq}-- for @{ $_->{lines} }[4 .. 10] }),
    qr/entry 5 /);
add('an entry doubled',
    changed(sub { splice @{ $_->{lines} }, 4, 0, $_->{lines}[4] }),
    qr/entry 6 .*entry 5 is in its place/);
add('two entries swapped',
    changed(sub { @{ $_->{lines} }[4, 5] = @{ $_->{lines} }[5, 4] }),
    qr/entry 5 .*entry 6 is in its place/);
add('a text changed with its hash recomputed',
    changed(sub { $_->{lines}[1]{entry} =~ s/out/fine/;
                  rechain(sha256('P'), @{ $_->{lines} }[0, 1]) }),
    qr/entry 3 .*it or the entry before was changed/);
add('all hashes recomputed',
    changed(sub { $_->{lines}[1]{entry} =~ s/out/fine/;
                  rechain(sha256('P'), @{ $_->{lines} }) }),
    qr/entry 12 .*not the entry that the checkpoint signs/);
add('the last entry dropped',
    changed(sub { pop @{ $_->{lines} }; $_->{head}{window}{last} = 11;
                  $_->{last}{entries} = 11 }),
    qr/entry 11 .*not the entry that the checkpoint signs/);
add('an entry added',
    changed(sub { push @{ $_->{lines} }, { seq => 13, salt => '0' x 32,
                                           entry => entry_of(13, 'No') };
                  rechain(pack('H*', $_->{lines}[11]{hash}), $_->{lines}[12]);
                  $_->{head}{window}{last} = 13; $_->{last}{entries} = 13 }),
    qr/entry 13 /);
add("a landlord's window that starts later",
    changed(sub { $_->{head}{reader} = $good->{head}{reader} }, tenant('u-kim', 7)),
    qr/entry 6 .*is missing/);
add("a tenant's window that starts later", tenant('u-kim', 8),
    qr/entry 8 .*does not let the reader in/);
add("a window that starts where another joined", tenant('u-kim', 9),
    qr/entry 9 .*does not let the reader in/);
add('a window that starts later, with the old base',
    changed(sub { $_->{head}{base} = $good->{head}{base} }, tenant('u-kim', 7)),
    qr/entry 7 /);
add('a window that starts with an erased entry', tenant('u-kim', 4),
    qr/entry 4 .*is erased/);
add('the first entries dropped',
    changed(sub { shift @{ $_->{lines} } }), qr/entry 1 .*is missing/);
add("another property's entries",
    changed(sub { $_->{lines} = whole('Q')->{lines} }), qr/entry 1 /);
add("another property's record under this name",
    changed(sub { $_->{head}{property} = 'P' }, whole('Q')),
    qr/base is not the hash/);
add('a checkpoint of another property',
    changed(sub { $_->{last}{checkpoint} = record_note($key, 'Q', 12,
                      pack 'H*', $_->{lines}[11]{hash}) }),
    qr/checkpoint is of another property/);
add('a checkpoint by another key of the same name',
    changed(sub { $_->{last}{checkpoint} = record_note($foreign, 'P', 12,
                      pack 'H*', $_->{lines}[11]{hash}) }),
    qr/not signed with the given key/);
add('a checkpoint of another origin',
    changed(sub { $_->{last}{checkpoint} = record_note($key, 'P', 12,
                      (pack 'H*', $_->{lines}[11]{hash}),
                      origin => 'evil.example') }),
    qr/not signed with the given key/);
add('a checkpoint whose time was changed',
    changed(sub { $_->{last}{checkpoint} =~ s/12:00:00/12:00:01/ }),
    qr/not signed with the given key/);
add('a checkpoint whose signature was changed',
    changed(sub { $_->{last}{checkpoint} =~ s/(.)(....==?\n)\z/($1 eq 'A' ? 'B' : 'A') . $2/e }),
    qr/not signed with the given key/);
add('a record without a checkpoint, with a key',
    changed(sub { $_->{last}{checkpoint} = undef }), qr/has no checkpoint/);
add('a text in place of a checkpoint',
    changed(sub { $_->{last}{checkpoint} = "trust me\n" }),
    qr/checkpoint is malformed/);
add('an older checkpoint of another history', $good,
    qr/entry 5 .*another than the given checkpoint/,
        note => record_note($key, 'P', 5, sha256('other')));
add('an older checkpoint of another property', $good,
    qr/given checkpoint is of another property/,
        note => record_note($key, 'Q', 5,
                            pack 'H*', $good->{lines}[4]{hash}));
add('an older checkpoint of a later entry', $good,
    qr/of entry 13, which the record does not have/,
        note => record_note($key, 'P', 13, sha256('x')));
add('an older checkpoint from before the window', tenant('u-kim', 7),
    qr/of entry 5, which the record does not have/, note => $note5);
add('an older checkpoint by another key', $good,
    qr/given checkpoint is not signed/,
        note => record_note($foreign, 'P', 5,
                            pack 'H*', $good->{lines}[4]{hash}));
add('an erased entry with an invented digest',
    changed(sub { $_->{lines}[3]{digest} = sha256_hex('x') }), qr/entry 4 /);
add('an entry passed off as erased',
    changed(sub { $_->{lines}[1] = { seq => 2, digest => sha256_hex('x'),
                      hash => $_->{lines}[1]{hash},
                      erased_at => '2026-11-23T08:00:00.000Z' } }),
    qr/entry 2 /);
add('an entry that the service lost',
    changed(sub { $_->{lines}[1] = { seq => 2, lost => JSON::PP::true } }),
    qr/entry 2 .*the service has lost it/);
add('an entry that is not JSON',
    changed(sub { $_->{lines}[4]{entry} = 'nonsense';
                  rechain(sha256('P'), @{ $_->{lines} }) }),
    qr/entry 5 .*is not JSON/);
add('read marks out of order',
    changed(sub { $_->{reads}[1]{read}{at} = '2026-11-21T00:00:00.000Z' }),
    qr/read marks are not in order/);
add('a read mark past the end',
    changed(sub { $_->{reads}[1]{read}{upto} = 13 }), qr/outside the record/);
add('another number of entries',
    changed(sub { $_->{last}{entries} = 11 }), qr/counts 11 entries, not 12/);


# malformed files

my $text = record_text($good);
my @lines = map { "$_\n" } split /\n/, $text;

add('a file cut off after an entry', join('', @lines[0 .. 6]),
    qr/entry 7 .*cut off/);
add('a file cut off within an entry',
        substr($text, 0, length(join '', @lines[0 .. 6]) + 20),
    qr/entry 7 .*cut off/);
add('a file cut off before its last line', join('', @lines[0 .. 14]),
    qr/last line is missing/);
add('a file cut off by one byte', substr($text, 0, -1), qr/cut off/);
add('an empty file', '', qr/empty/);
add('a file that goes on', "$text$lines[1]", qr/goes on/);
add('a file that goes on without a line feed', "${text}x", qr/goes on/);
add('two records in one file', "$text$text", qr/goes on/);
add('a member given twice',
        $text =~ s/("seq":5)\}/$1,"seq":5}/r, qr/entry 5 .*malformed/);
add('a member given twice within an entry',
    changed(sub { $_->{lines}[4]{entry} =~ s/"text":/"text":"x","text":/;
                  rechain(sha256('P'), @{ $_->{lines} }) }), qr/entry 5 /);
add('a member that is unknown',
        $text =~ s/("seq":5)\}/$1,"note":1}/r, qr/entry 5 .*malformed/);
add('invalid UTF-8', $text =~ s/heating/heat\xffing/r,
    qr/entry 2 .*not UTF-8/);
add('half a surrogate pair', $text =~ s/heating/\\ud800/r, qr/entry 2 /);
add('an escaped NUL', $text =~ s/heating/heat\\u0000ing/r, qr/entry 2 /);
add('a NUL', $text =~ s/heating/heat\0ing/r,
    qr/entry 2 .*control character/);
add('line ends of CR LF', $text =~ s/\n/\r\n/gr,
    qr/control character/);
add('a byte order mark', "\xef\xbb\xbf$text", qr/is not JSON/);
add('deep JSON',
        join('', $lines[0], '[' x 100000, ']' x 100000, "\n"), qr/entry 1 /);
add('deep JSON within an entry',
    changed(sub { $_->{lines}[4]{entry} = '{"seq":5,"a":' . '[' x 2000
                                          . ']' x 2000 . '}';
                  rechain(sha256('P'), @{ $_->{lines} }) }), qr/entry 5 /);
add('a number of a million digits',
        $text =~ s/"seq":5\}/'"seq":' . '5' x 200000 . '}'/er, qr/entry 5 /);
add('another version', $text =~ s{leaseloft/1}{leaseloft/2}r,
    qr/not of version/);
add('a line of plain text', "hello\n", qr/line 1: .*is not JSON/);
add('null', "null\n", qr/not that of a record/);


# all of them: { name, text, like, key, note }
sub record_cases { return @cases }


# writes each as a file N in a directory, and cases.json: [{name, key, note}, …]
sub record_cases_write {
    my ($dir) = @_;

    my @list;

    for my $case (@cases) {
        my $note = $case->{note};
        utf8::decode($note) if defined $note;

        open my $f, '>:raw', "$dir/" . @list or die "$dir: $!";
        print $f $case->{text};
        close $f;

        push @list, { name => $case->{name}, key => $case->{key},
                      note => $note };
    }

    open my $f, '>:raw', "$dir/cases.json" or die "$dir: $!";
    print $f JSON::PP->new->utf8->encode(\@list);
    close $f;
}


1;
