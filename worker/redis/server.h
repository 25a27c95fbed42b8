
/*
 * Where Redis is and how to log in: what --redis and its companions say, for
 * the worker and the command line alike.
 */


#ifndef SERVER_H
#define SERVER_H


#include "common/redis_url.h"


typedef enum {
    SERVER_URL = 0,
    SERVER_SETTINGS
} server_setting_e;


typedef struct {
    const char      *settings[SERVER_SETTINGS];  /* as given; or NULL */
    ll_redis_url_t   url;                        /* of settings[SERVER_URL] */
} server_t;


/*
 * Completes and checks the settings: what is NULL is taken from the environment
 * (LEASELOFT_REDIS), or else is the default.  The texts are kept, and must stay
 * as they are.  Returns 0, or -1 with the reason, the end of a sentence about
 * the URL, in server->url.fault.
 */
int server_init(server_t *server);


#endif /* SERVER_H */
