
/* Settings of Redis, completed from the environment. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"


static const char  *server_env[SERVER_SETTINGS] = {
    "LEASELOFT_REDIS"
};


int
server_init(server_t *server)
{
    int          i;
    const char  *value;

    for (i = 0; i < SERVER_SETTINGS; i++) {
        if (server->settings[i] == NULL) {
            value = getenv(server_env[i]);
            server->settings[i] = value && value[0] ? value : NULL;
        }
    }

    if (server->settings[SERVER_URL] == NULL) {
        server->settings[SERVER_URL] = LL_REDIS_URL_DEFAULT;
    }

    value = server->settings[SERVER_URL];

    if (ll_redis_url_parse(&server->url, value, strlen(value)) == -1
        || ll_redis_url_check(&server->url, 0) == -1)
    {
        return -1;
    }

    if (server->url.tls || server->url.kind == LL_REDIS_URL_SENTINEL) {
        (void) snprintf(server->url.fault, sizeof(server->url.fault),
                        "asks for TLS or Sentinel, which are not supported "
                        "yet");
        return -1;
    }

    return 0;
}
