
/* URLs of Redis */

#include "common/redis_url.h"
#include "t/tap.h"


#define SCHEMES  "is neither unix:PATH nor " \
    "redis://HOST:PORT, nor begins with rediss://, redis+sentinel:// or " \
    "rediss+sentinel://"

#define DATABASE  "names a database, but pub/sub is common to all " \
    "databases: give each installation a prefix (--prefix, " \
    "leaseloft_prefix) instead"

#define ESCAPE  "has an invalid percent-encoding in the user or password: " \
    "write % as %25"


static ll_redis_url_t  url;


static int
parse(const char *s)
{
    return ll_redis_url_parse(&url, s, strlen(s));
}


static void
refuses(const char *s, const char *expected)
{
    ok(parse(s) == -1, s[0] ? s : "empty");
    is_str(url.fault, expected, "the reason is given");
}


static void
is_part(const ll_str_t *part, const char *expected, const char *label)
{
    char  text[512];

    (void) snprintf(text, sizeof(text), "%.*s", (int) part->len,
                    part->len ? part->data : "");
    is_str(text, expected, label);
}


static void
is_decoded(const ll_str_t *part, const char *expected, const char *label)
{
    char    text[LL_REDIS_URL_PART + 1];
    size_t  len;

    len = ll_redis_url_decode(text, part);
    is_str(text, expected, label);
    is_num(len, strlen(expected), "the length is returned");
}


static void
test_single(void)
{
    ok(parse("unix:/run/redis.sock") == 0, "a URL of a socket is parsed");
    is_part(&url.path, "/run/redis.sock", "a URL of a socket has its path");
    is_num(url.naddrs, 0, "a URL of a socket has no address");

    ok(parse(LL_REDIS_URL_DEFAULT) == 0, "the default URL is parsed");
    is_num(url.kind, LL_REDIS_URL_SINGLE, "the default is a single server");
    is_num(url.naddrs, 1, "the default has one address");
    is_part(&url.addrs[0].host, "127.0.0.1", "the default host is 127.0.0.1");
    is_num(url.addrs[0].port, 6379, "the default port is 6379");
    ok(!url.tls && !url.path.len && !url.user.len && !url.password.len
       && !url.name.len, "the default URL has nothing else");

    ok(parse("redis://us%65r:p%40ss%2Fw:d@redis.local:7000") == 0,
       "a URL with every part is parsed");
    is_decoded(&url.user, "user", "the user is decoded");
    is_decoded(&url.password, "p@ss/w:d", "the password is decoded");
    is_part(&url.addrs[0].host, "redis.local", "the host is kept");
    is_part(&url.addrs[0].text, "redis.local:7000", "the address is kept");
    is_num(url.addrs[0].port, 7000, "the port is kept");

    ok(parse("redis://:p/w,@h") == 0,
       "a URL with a password alone is parsed");
    is_decoded(&url.user, "", "the user is empty");
    is_decoded(&url.password, "p/w,", "a password may have \"/\" and \",\"");
    is_num(url.addrs[0].port, 6379, "the port defaults to 6379");

    ok(parse("rediss://[::1]:6380/") == 0,
       "a URL with an IPv6 address is parsed");
    ok(url.tls, "rediss is for TLS");
    is_part(&url.addrs[0].host, "::1",
            "an IPv6 address is kept without brackets");
    is_num(url.addrs[0].port, 6380, "the port after an IPv6 address is kept");
}


static void
test_several(void)
{
    ok(parse("redis+sentinel://u:p@a,b.c:1,[fe80::1]/my-primary.1") == 0,
       "a URL of sentinels is parsed");
    is_num(url.kind, LL_REDIS_URL_SENTINEL, "the kind is Sentinel");
    ok(!url.tls, "redis+sentinel is without TLS");
    is_num(url.naddrs, 3, "all addresses are parsed");
    is_part(&url.addrs[0].host, "a", "the first address has its host");
    is_num(url.addrs[0].port, 26379, "the port of sentinels is 26379");
    is_part(&url.addrs[1].text, "b.c:1", "the second address is kept");
    is_num(url.addrs[1].port, 1, "the second address has its port");
    is_part(&url.addrs[2].host, "fe80::1", "the third address has its host");
    is_part(&url.name, "my-primary.1", "the name of the primary is kept");
    is_decoded(&url.password, "p", "the password is that of all");

    ok(parse("rediss+sentinel://a/0") == 0, "one sentinel is enough");
    ok(url.tls, "rediss+sentinel is for TLS");

    ok(parse("rediss+cluster://a:7000,b,c/") == 0,
       "a URL of a cluster is parsed");
    is_num(url.kind, LL_REDIS_URL_CLUSTER, "the kind is Cluster");
    ok(url.tls, "rediss+cluster is for TLS");
    is_num(url.naddrs, 3, "all nodes are parsed");
    is_num(url.addrs[1].port, 6379, "the port of a node is 6379");

    ok(parse("redis+sentinel://1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16/x") == 0,
       "16 addresses are parsed");
    refuses("redis+sentinel://1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17/x",
            "has more than 16 addresses");

    refuses("redis+sentinel://a,,b/x", "has no host (in address 2)");
    refuses("redis+sentinel://a,b,/x", "has no host (in address 3)");
    refuses("redis+cluster://a,b:x",
            "has a port that is not 1 to 65535 (in address 2)");
    refuses("redis+sentinel://a b/x", "has an invalid character in a host");
    refuses("redis://a,b", "has several addresses: only redis+sentinel:// and "
            "redis+cluster:// may");
    refuses("redis+cluster://a,b/0", DATABASE);
    refuses("redis+sentinel://u:secret@a,u:secret@b/x",
            "has a \",\" before the last \"@\": write user and password once, "
            "before the first address, and a \",\" in them as %2C");
}


static void
test_name(void)
{
    static const char  missing[] = "has no name of the primary: write "
        "redis+sentinel://HOST,HOST,HOST/NAME";
    static const char  invalid[] = "has a name of the primary that is not 1 "
        "to 128 of A-Z a-z 0-9 . _ -";

    refuses("redis+sentinel://a", missing);
    refuses("redis+sentinel://a,b/", missing);
    refuses("redis+sentinel://a/x y", invalid);
    refuses("redis+sentinel://a/x?y", invalid);
    refuses("redis+sentinel://a/x/0", "names a database after the name of the "
            "primary, but pub/sub is common to all databases");
}


static void
test_bad(void)
{
    refuses("", SCHEMES);
    refuses("localhost:6379", SCHEMES);
    refuses("REDIS://h", SCHEMES);
    refuses("redis:/h", SCHEMES);
    refuses("redis+tls://h", SCHEMES);
    refuses("unix:", "has no path after \"unix:\"");
    refuses("redis://", "has no host");
    refuses("redis://:6379", "has no host");
    refuses("redis://h:", "has a port that is not 1 to 65535");
    refuses("redis://h:0", "has a port that is not 1 to 65535");
    refuses("redis://h:65536", "has a port that is not 1 to 65535");
    refuses("redis://h:6379x", "has a port that is not 1 to 65535");
    refuses("redis://::1", "has no host");
    refuses("redis://fe80::1", "has an IPv6 address without brackets");
    refuses("redis://[::1", "has an address without a closing bracket");
    refuses("redis://[::1]6379", "has a port that is not 1 to 65535");
    refuses("redis://[h]", "has an invalid IPv6 address");
    refuses("redis://[]:1", "has no host");
    refuses("redis://h\n", "has an invalid character in a host");
    refuses("redis://UniX:/run/redis.sock",
            "names a host \"unix\": write unix:PATH for a socket");
    refuses("redis://h/0", DATABASE);
    refuses("redis://h/x", DATABASE);
    refuses("redis://h/1/2", DATABASE);
    refuses("redis://h/-1", DATABASE);
    refuses("redis://@h",
            "has neither user nor password before the \"@\"");
    refuses("redis://user:@h", "has an empty password");
    refuses("redis://u:%4@h", ESCAPE);
    refuses("redis://u:%zz@h", ESCAPE);
    refuses("redis://u:%00@h", ESCAPE);
    refuses("redis://%:p@h", ESCAPE);

    ok(ll_redis_url_parse(&url, "redis://u:a\0b@h", 15) == -1,
       "a null byte in a password is refused");
    ok(ll_redis_url_parse(&url, "unix:a\0b", 8) == -1,
       "a null byte in a path is refused");
}


/* a text of n bytes between two others */
static const char *
between(const char *before, size_t n, const char *after)
{
    size_t       len;
    static char  text[1024];

    len = strlen(before);
    memcpy(text, before, len);
    memset(text + len, 'x', n);
    strcpy(text + len + n, after);

    return text;
}


static void
test_long(void)
{
    ok(parse(between("unix:", 107, "")) == 0, "a path of 107 bytes is parsed");
    ok(parse(between("unix:", 108, "")) == -1, "a longer path is refused");
    ok(parse(between("redis://", 255, "")) == 0,
       "a host of 255 bytes is parsed");
    ok(parse(between("redis://", 256, "")) == -1, "a longer host is refused");
    ok(parse(between("redis://:", 510, "%20@h")) == 0,
       "a password of 511 bytes is parsed");
    ok(parse(between("redis://:", 511, "%20@h")) == -1,
       "a longer password is refused");
    is_str(url.fault, "has a user or password of more than 511 bytes",
           "the reason is given");
    ok(parse(between("redis://", 512, ":p@h")) == -1,
       "a longer user is refused");
    ok(parse(between("redis+sentinel://h/", 128, "")) == 0,
       "a name of 128 bytes is parsed");
    ok(parse(between("redis+sentinel://h/", 129, "")) == -1,
       "a longer name is refused");
}


static void
checks(const char *s, int from_file, const char *expected)
{
    ok(parse(s) == 0, s);
    ok(ll_redis_url_check(&url, from_file) == (expected[0] ? -1 : 0),
       "the check has the right result");
    is_str(url.fault, expected, "the reason is given");
}


static void
test_check(void)
{
    checks("redis://u:p@h", 0, "");
    checks("redis://h", 1, "");
    checks("redis://u@h", 1, "");
    checks("unix:/x", 1, "");
    checks("redis://u@h", 0, "has a user without a password: write "
           "user:password@, or give a file with the password");
    checks("redis://:p@h", 1,
           "has a password, and a file with a password is given too");
    checks("redis+cluster://h", 0, "");
    checks("redis+sentinel://h/x", 0, "");
}


static void
masks(const char *s, const char *expected)
{
    char  text[128];

    (void) snprintf(text, sizeof(text), "%s", s);
    ll_redis_url_mask(text);
    is_str(text, expected, s);
}


static void
test_mask(void)
{
    masks("", "");
    masks("no \"redis://h:1\"", "no \"redis://h:1\"");
    masks("no \"redis://u:p@h:1\"", "no \"redis://*@h:1\"");
    masks("redis://:p@w/@x@h: gone", "redis://*@h: gone");
    masks("redis+sentinel://u:p@a,b/x", "redis+sentinel://*@a,b/x");
    masks("redis://@h", "redis://@h");
    masks("a@b redis://", "a@b redis://");
    masks("redis://a:b@", "redis://*@");
    masks("x rediss://a:b@c x://d:e@f", "x rediss://*@f");
}


int
main(void)
{
    test_single();
    test_several();
    test_name();
    test_bad();
    test_long();
    test_check();
    test_mask();

    return tap_done();
}
