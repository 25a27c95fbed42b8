
/*
 * Where Redis is:
 *
 *     unix:PATH
 *     redis://[[user]:password@]host[:port][/db]
 *
 * User and password are percent-decoded, an IPv6 address stands in brackets.
 * The port is 6379 and the database 0 unless told.
 */


#ifndef URL_H
#define URL_H


#define URL_DEFAULT   "redis://127.0.0.1:6379"

#define URL_PART_MAX  512


typedef struct {
    char      path[108];           /* of a unix socket; empty with TCP */
    char      host[256];
    unsigned  port;
    unsigned  db;
    char      user[URL_PART_MAX];  /* empty for none */
    char      password[URL_PART_MAX];
} url_t;


/*
 * 0, or -1 with *why a constant sentence without subject that never repeats
 * the URL, as that may hold a password
 */
int url_parse(const char *s, url_t *url, const char **why);


#endif /* URL_H */
