
/*
 * The value of leaseloft_redis.  An accepted one names a socket or a host, and
 * an error message never has the password.
 */


#include "fuzz/nginx.h"

#include "ngx_leaseloft_url.h"


static void
fuzz_check_url(ngx_leaseloft_redis_conf_t *redis)
{
    ngx_uint_t               i;
    ngx_leaseloft_server_t  *server;

    CHECK(redis->nservers >= 1);

    for (i = 0; i < redis->nservers; i++) {
        server = &redis->servers[i];

        if (server->host[0]) {
            CHECK(server->port >= 1);

        } else {
            CHECK(server->sockaddr.sockaddr.sa_family == AF_UNIX);
            CHECK(redis->nservers == 1 && redis->password.len == 0);
        }
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char                       *rv;
    ngx_str_t                   value;
    ngx_conf_t                  cf;
    ngx_pool_t                 *pool;
    ngx_leaseloft_main_conf_t   mcf;

    static ngx_command_t  command = {
        .name = ngx_string("leaseloft_redis"),
        .offset = offsetof(ngx_leaseloft_main_conf_t, redis)
    };

    pool = fuzz_pool();
    ngx_memzero(&mcf, sizeof(ngx_leaseloft_main_conf_t));

    value.data = (u_char *) data;
    value.len = size;
    fuzz_conf(&cf, pool, &command.name, &value, 1);

    rv = ngx_leaseloft_url_slot(&cf, &command, &mcf);

    if (rv == NGX_CONF_OK) {
        fuzz_check_url(&mcf.redis);
        CHECK(ngx_leaseloft_url_slot(&cf, &command, &mcf) != NGX_CONF_OK);
    }

    ngx_destroy_pool(pool);

    return 0;
}
