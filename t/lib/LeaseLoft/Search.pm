package LeaseLoft::Search;

# Searches, and the processes that answer them.

use strict;
use warnings;

use Encode qw(encode_utf8);
use Exporter qw(import);

use LeaseLoft;

our @EXPORT = qw(escape wait_search searchers hits_of all_hits);


# words as a query has them
sub escape {
    return encode_utf8($_[0]) =~ s/([^\w.-])/sprintf '%%%02X', ord $1/gear;
}


# waits until a searcher takes searches
sub wait_search {
    my ($ll) = @_;

    my $lane = ($ll->{prefix} // 'll') . ':{search}:requests';

    return wait_for(sub { $ll->redis('EXISTS', $lane) });
}


# the pids of the searchers of a worker
sub searchers {
    my ($ll, $part) = @_;

    my $pid = $ll->pid($part // 'worker1') or return ();

    return grep { $_ } split /\s+/,
           qx(cat /proc/$pid/task/$pid/children 2>/dev/null);
}


# the hits of a page, as "PROPERTY:SEQ" over all threads, else as seqs
sub hits_of {
    my ($page) = @_;

    return map { exists $_->{entry} ? "$_->{property}:$_->{entry}{seq}"
                                    : $_->{seq} } @{ $page->{hits} };
}


# the hits of all pages over all threads, and their number; $each is called
# between two pages
sub all_hits {
    my ($ll, $user, $query, $each) = @_;

    my ($cursor, $pages, @hits) = ('', 0);

    for (;;) {
        my $r = $ll->get("/api/search?$query$cursor", user => $user);
        return ($pages, 'status ' . $r->status()) if $r->status() != 200;

        my $page = $r->json();

        push @hits, hits_of($page);
        $pages++;

        return ($pages, @hits) if !defined $page->{next} || $pages == 1000;

        $cursor = "&cursor=$page->{next}";
        $each->($page) if $each;
    }
}


1;
