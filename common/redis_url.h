
/*
 * The URL that says where Redis is, the same for nginx, the worker and the
 * command line:
 *
 *     unix:PATH
 *     redis://[[user]:password@]host[:port]
 *     redis+sentinel://[[user]:password@]host[:port],.../NAME
 *     redis+cluster://[[user]:password@]host[:port],...
 *
 * with "rediss" in place of "redis" for TLS.  User and password are
 * percent-encoded (RFC 3986, section 2.1) and are those of Redis; the host
 * begins after the last "@".  An IPv6 address is in brackets.  The default port
 * is 6379, and 26379 for sentinels.  NAME is what sentinels call the primary.
 * A database (/N) is refused, as pub/sub is common to all of them:
 * installations that share a Redis differ by prefix (keys.h).
 *
 * Nothing is allocated: results point into the input.
 */


#ifndef LL_REDIS_URL_H
#define LL_REDIS_URL_H


#include <stddef.h>

#include "frame.h"


#define LL_REDIS_URL_DEFAULT  "redis://127.0.0.1:6379"

/* maximum number of addresses, and sizes in bytes of decoded parts */
#define LL_REDIS_URL_ADDRS    16
#define LL_REDIS_URL_PATH     107     /* of a unix socket */
#define LL_REDIS_URL_HOST     255
#define LL_REDIS_URL_PART     511     /* user or password */
#define LL_REDIS_URL_NAME     128


typedef enum {
    LL_REDIS_URL_UNIX = 0,
    LL_REDIS_URL_SINGLE,
    LL_REDIS_URL_SENTINEL,
    LL_REDIS_URL_CLUSTER
} ll_redis_url_kind_e;


typedef struct {
    ll_str_t  host;                /* without brackets */
    ll_str_t  text;                /* "host", "host:port", "[host]:port" */
    unsigned  port;                /* 1 to 65535 */
} ll_redis_url_addr_t;


typedef struct {
    ll_redis_url_kind_e  kind;
    int                  tls;
    ll_str_t             path;     /* of a unix socket */
    ll_str_t             user;     /* encoded; may be empty */
    ll_str_t             password; /* encoded; may be empty */
    ll_redis_url_addr_t  addrs[LL_REDIS_URL_ADDRS];
    unsigned             naddrs;   /* 0 for a unix socket */
    ll_str_t             name;     /* of the primary, for sentinels */
    char                 fault[192];
} ll_redis_url_t;


/*
 * Parses len bytes, which url refers to from then on.  Returns 0, or -1 with
 * url->fault set to the end of a sentence about the URL ("has no host"), which
 * contains nothing of the URL but the number of an address.
 *
 * A user may lack a password, which is then to come from a file: see
 * ll_redis_url_check().
 */
int ll_redis_url_parse(ll_redis_url_t *url, const char *s, size_t len);

/*
 * Checks a parsed URL against what is known besides it: from_file is 1 if the
 * password comes from a file.  Returns 0, or -1 with url->fault set.
 */
int ll_redis_url_check(ll_redis_url_t *url, int from_file);

/*
 * Decodes the user or the password of a parsed URL into dst, of at least
 * LL_REDIS_URL_PART + 1 bytes, and adds a terminator.  Returns the length.
 */
size_t ll_redis_url_decode(char *dst, const ll_str_t *part);

/*
 * Masks what may be a user and a password in a text: everything between the
 * first "://" and the last "@" after it.
 */
void ll_redis_url_mask(char *text);


#endif /* LL_REDIS_URL_H */
