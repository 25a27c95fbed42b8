
/*
 * The file with the password of Redis.
 */


#ifndef NGX_LEASELOFT_PASSWORD_H
#define NGX_LEASELOFT_PASSWORD_H


#include "ngx_leaseloft.h"


/*
 * The directive leaseloft_redis_password_file: reads the file, while nginx
 * reads the configuration, into the ngx_str_t at cmd->offset.
 */
char *ngx_leaseloft_password_slot(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* NGX_LEASELOFT_PASSWORD_H */
