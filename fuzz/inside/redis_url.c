
/*
 * The value of leaseloft_redis.  An accepted one names a socket or a host, and
 * an error message never has the password.
 */


#include "fuzz/nginx.h"

#include "ngx_leaseloft_url.h"


static void
fuzz_check_url(ngx_leaseloft_redis_conf_t *redis)
{
    CHECK(redis->set);
    CHECK(redis->user.len == 0 || redis->password.len);

    if (redis->url.family == AF_UNIX) {
        CHECK(redis->url.naddrs == 1 && redis->url.addrs != NULL);
        CHECK(redis->password.len == 0);

    } else {
        CHECK(redis->url.host.len);
        CHECK(redis->url.port >= 1);
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
