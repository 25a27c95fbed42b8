
/* URLs of Redis */

#include "t/tap.h"
#include "url.h"


static url_t        url;
static const char  *why;


static void
refuses(const char *s, const char *expected)
{
    why = "nothing";

    ok(url_parse(s, &url, &why) == -1, s[0] ? s : "empty");
    is_str(why, expected, "the reason is given");
}


static void
test_good(void)
{
    ok(url_parse("unix:/run/redis.sock", &url, &why) == 0,
       "a URL of a socket is parsed");
    is_str(url.path, "/run/redis.sock", "a URL of a socket has its path");

    ok(url_parse(URL_DEFAULT, &url, &why) == 0, "the default URL is parsed");
    is_str(url.host, "127.0.0.1", "the default host is 127.0.0.1");
    is_num(url.port, 6379, "the default port is 6379");
    ok(!url.path[0] && !url.user[0] && !url.password[0],
       "the default URL has nothing else");

    ok(url_parse("redis://us%65r:p%40ss%2Fw:d@redis.local:7000", &url, &why)
       == 0, "a URL with every part is parsed");
    is_str(url.user, "user", "the user is decoded");
    is_str(url.password, "p@ss/w:d", "the password is decoded");
    is_str(url.host, "redis.local", "the host is kept");
    is_num(url.port, 7000, "the port is kept");

    ok(url_parse("redis://:p/w@h", &url, &why) == 0,
       "a URL with a password alone is parsed");
    is_str(url.user, "", "the user is empty");
    is_str(url.password, "p/w", "a password may have a raw slash");
    is_num(url.port, 6379, "the port defaults to 6379");

    ok(url_parse("redis://[::1]:6380/", &url, &why) == 0,
       "a URL with an IPv6 address is parsed");
    is_str(url.host, "::1", "an IPv6 address is kept without brackets");
    is_num(url.port, 6380, "the port after an IPv6 address is kept");
}


static void
test_bad(void)
{
    char  longest[1024];

    static const char  database[] =
        "names a database, but pub/sub is common to all databases: "
        "use a --prefix for each installation instead";

    refuses("", "is neither \"unix:PATH\" nor "
            "\"redis://[user:password@]host[:port]\"");
    refuses("localhost:6379", "is neither \"unix:PATH\" nor "
            "\"redis://[user:password@]host[:port]\"");
    refuses("rediss://h:6379",
            "asks for TLS, which this program is not built with");
    refuses("unix:", "has no path after \"unix:\"");
    refuses("redis://", "has no host");
    refuses("redis://:6379", "has no host");
    refuses("redis://h:", "has a port that is not 1 to 65535");
    refuses("redis://h:0", "has a port that is not 1 to 65535");
    refuses("redis://h:65536", "has a port that is not 1 to 65535");
    refuses("redis://h:6379x", "has a port that is not 1 to 65535");
    refuses("redis://::1", "has no host");
    refuses("redis://[::1", "has an address without a closing bracket");
    refuses("redis://[::1]6379", "has a port that is not 1 to 65535");
    refuses("redis://h/0", database);
    refuses("redis://h/x", database);
    refuses("redis://h/1/2", database);
    refuses("redis://h/-1", database);
    refuses("redis://user@h", "has a user without a password");
    refuses("redis://user:@h", "has an empty password");
    refuses("redis://u:%4@h",
            "has a user or password that is too long or badly encoded");
    refuses("redis://u:%zz@h",
            "has a user or password that is too long or badly encoded");
    refuses("redis://u:%00@h",
            "has a user or password that is too long or badly encoded");

    memset(longest, 'x', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';

    memcpy(longest, "unix:", 5);
    ok(url_parse(longest, &url, &why) == -1, "too long a path is refused");
    memcpy(longest, "redis://", 8);
    ok(url_parse(longest, &url, &why) == -1, "too long a host is refused");
    longest[9] = ':';
    longest[sizeof(longest) - 3] = '@';
    ok(url_parse(longest, &url, &why) == -1, "too long a password is refused");
}


static void
masks(const char *s, const char *expected)
{
    char  text[128];

    (void) snprintf(text, sizeof(text), "%s", s);
    url_mask(text);
    is_str(text, expected, s);
}


static void
test_mask(void)
{
    masks("", "");
    masks("no \"redis://h:1\"", "no \"redis://h:1\"");
    masks("no \"redis://u:p@h:1\"", "no \"redis://*@h:1\"");
    masks("redis://:p@w/@x@h: gone", "redis://*@h: gone");
    masks("redis://@h", "redis://@h");
    masks("a@b redis://", "a@b redis://");
    masks("redis://a:b@", "redis://*@");
    masks("x rediss://a:b@c x://d:e@f", "x rediss://*@f");
}


int
main(void)
{
    test_good();
    test_bad();
    test_mask();

    return tap_done();
}
