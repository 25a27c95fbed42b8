
/*
 * Where Redis is and how to log in: what --redis and its companions say, for
 * the worker and the command line alike.
 */


#ifndef SERVER_H
#define SERVER_H


#include <stddef.h>

#include "common/redis_url.h"


/* the settings, in the order of SERVER_HELP */

typedef enum {
    SERVER_URL = 0,
    SERVER_PASSWORD_FILE,
    SERVER_CA,
    SERVER_CERT,
    SERVER_KEY,
    SERVER_NAME,
    SERVER_SETTINGS
} server_setting_e;


typedef struct {
    const char      *settings[SERVER_SETTINGS];  /* NULL if unset */
    ll_redis_url_t   url;                        /* of settings[SERVER_URL] */
    char             fault[256];
} server_t;


/* user and password; empty for none */

typedef struct {
    char  user[LL_REDIS_URL_PART + 1];
    char  password[LL_REDIS_URL_PART + 1];
} server_login_t;


/* Returns the name of a setting's option, without the "--". */
const char *server_option(server_setting_e setting);

/*
 * Completes and checks the settings: what is NULL is taken from the environment
 * (LEASELOFT_REDIS, LEASELOFT_REDIS_PASSWORD_FILE ...), if it applies to the
 * URL, or else is the default.  The texts are kept, and must stay as they are.
 * No file is read.  Returns 0, or -1 with the reason, a sentence without any
 * password, in server->fault.
 */
int server_init(server_t *server);

/*
 * Sets the settings of the single server at host and port, with all else as in
 * those of a cluster.  The host must stay as it is.
 */
void server_at(server_t *server, const server_t *cluster, const char *host,
    unsigned port);

/*
 * Decodes user and password, and reads the password's file, without a final
 * newline.  Returns 0, or -1 with a sentence in why, of size bytes.  The caller
 * calls server_forget() when done.
 */
int server_login(const server_t *server, server_login_t *login, char *why,
    size_t size);

/* Overwrites user and password in memory. */
void server_forget(server_login_t *login);


#endif /* SERVER_H */
