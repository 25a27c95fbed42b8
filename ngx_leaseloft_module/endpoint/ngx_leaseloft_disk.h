
/*
 * The disk of a Redis on this machine: the directive "leaseloft_redis_dir".
 */


#ifndef NGX_LEASELOFT_DISK_H
#define NGX_LEASELOFT_DISK_H


#include "ngx_leaseloft.h"


/* bytes below which Redis cannot write, and below which it soon cannot */
#define NGX_LEASELOFT_DISK_FULL  (1 << 20)
#define NGX_LEASELOFT_DISK_LOW   (64 << 20)


/* The handler of the directive. */
char *ngx_leaseloft_disk_slot(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * Returns the free bytes of the disk of the directory, or the maximum if there
 * is none, none is configured, or Redis is on another machine.
 */
off_t ngx_leaseloft_disk_free(ngx_leaseloft_redis_conf_t *rcf);


#endif /* NGX_LEASELOFT_DISK_H */
