package LeaseLoft::ClusterCases;

# Tests that make one cluster after another, and show that it works:
#
#     cluster(primaries => 9);
#     start();
#     works('nine', values %{ { one_each($cluster->parts()) } });
#     inbox_has('nine', 9);
#     $ll->finish();

use strict;
use warnings;

use Exporter 'import';
use Test::More;

use LeaseLoft;
use LeaseLoft::Cluster;

our @EXPORT = qw($ll $cluster cluster start one_each works inbox_has);

our ($ll, $cluster);

# a cluster; nothing else runs yet
sub cluster {
    my (%options) = @_;

    $ll = LeaseLoft->new(start => 0, directives => { leaseloft_ping => '1s' });
    $cluster = LeaseLoft::Cluster->new($ll, %options);
    $ll->{url} = $cluster->url();
    $ll->nginx_conf();
}

sub start { $ll->start($_) for qw(worker1 nginx) }

# a property of each part: part => property
sub one_each {
    my @parts = @_;

    my %found;

    for (my $n = 0; keys %found < @parts; $n++) {
        my $part = $cluster->has("ll:{p:P$n}:meta");
        $found{$part} //= "P$n" if grep { $_ eq $part } @parts;
    }

    return %found;
}

# a message to each property is stored and streamed, and the inbox counts them
my $said = 0;

sub works {
    my ($name, @properties) = @_;

    for my $property (@properties) {
        is($ll->lease($property)->status(), 200,
           "$name: a lease of $property is declared");
    }

    my %streams = map { $_ => $ll->events($_, 'u-lena') } @properties;

    for my $property (@properties) {
        my $text = 'text ' . ++$said;
        is($ll->say($property, 'u-tom', $text)->status(), 201,
           "$name: a message to $property is stored");
        ok($streams{$property}->wait_entry(sub {
            ($_[0]{text} // '') eq $text
        }, 10), "$name: a stream of $property gets it");
        ok($streams{$property}->find_event(sub {
            $_[0]{event} eq 'ping' && $_[0]{json}{live}
        }, 10), "$name: it is live");
    }
}

sub inbox_has {
    my ($name, $n) = @_;

    my $inbox;

    ok(wait_for(sub {
        $inbox = $ll->get('/api/inbox?limit=200', user => 'u-lena')->json();
        ($inbox->{total_unread} // -1) == $n
            && @{ $inbox->{threads} } == $n
    }, 10), "$name: an inbox has $n threads with a message")
        or diag($inbox->{total_unread} // 'no inbox');
}


1;
