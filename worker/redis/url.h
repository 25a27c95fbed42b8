
/*
 * The URL of Redis:
 *
 *     unix:PATH
 *     redis://[[user]:password@]host[:port]
 *
 * User and password are percent-encoded, an IPv6 address is in brackets, and
 * the default port is 6379.  A database (/N) is refused, as pub/sub is common
 * to all of them: installations that share a Redis differ by prefix
 * (common/keys.h).
 */


#ifndef URL_H
#define URL_H


#define URL_DEFAULT   "redis://127.0.0.1:6379"

#define URL_PART_MAX  512


typedef struct {
    char      path[108];           /* of a unix socket; empty for TCP */
    char      host[256];
    unsigned  port;
    char      user[URL_PART_MAX];  /* empty for none */
    char      password[URL_PART_MAX];
} url_t;


/*
 * Parses a URL.  Returns 0, or -1 with *why set to a constant sentence without
 * subject, which never contains the URL or its password.
 */
int url_parse(const char *s, url_t *url, const char **why);

/*
 * Masks what may be a user and a password in a text: everything between the
 * first "://" and the last "@" after it.
 */
void url_mask(char *text);


#endif /* URL_H */
