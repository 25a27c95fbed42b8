
/*
 * Where Redis is:
 *
 *     unix:PATH
 *     redis://[[user]:password@]host[:port]
 *
 * User and password are percent-decoded, an IPv6 address stands in brackets.
 * The port is 6379 unless told.  A database (/N) is refused, as pub/sub knows
 * none: installations that share a Redis differ by prefix (common/keys.h).
 */


#ifndef URL_H
#define URL_H


#define URL_DEFAULT   "redis://127.0.0.1:6379"

#define URL_PART_MAX  512


typedef struct {
    char      path[108];           /* of a unix socket; empty with TCP */
    char      host[256];
    unsigned  port;
    char      user[URL_PART_MAX];  /* empty for none */
    char      password[URL_PART_MAX];
} url_t;


/*
 * 0, or -1 with *why a constant sentence without subject that never repeats
 * the URL, as that may hold a password
 */
int url_parse(const char *s, url_t *url, const char **why);

/*
 * Replaces what may be a user and a password in a text: all between the first
 * "://" and the last "@" after it
 */
void url_mask(char *text);


#endif /* URL_H */
