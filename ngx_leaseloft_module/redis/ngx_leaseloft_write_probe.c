
/* Write probes; nothing is allocated. */


#include "ngx_leaseloft_write_probe.h"


void
ngx_leaseloft_write_probe_command(ngx_str_t *argv, ngx_str_t *channel)
{
    ngx_str_set(&argv[0], "XADD");
    argv[1] = *channel;
    ngx_str_set(&argv[2], "NOMKSTREAM");
    ngx_str_set(&argv[3], "*");
    ngx_str_set(&argv[4], "probe");
    ngx_str_set(&argv[5], "");
}


ngx_uint_t
ngx_leaseloft_write_probe_demoted(redisReply *reply)
{
    return reply->type == REDIS_REPLY_ERROR
           && ngx_strncmp(reply->str, "READONLY ", sizeof("READONLY ") - 1)
              == 0;
}
