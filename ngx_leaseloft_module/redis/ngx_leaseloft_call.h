
/*
 * Calls of functions in Redis (docs/data.md).
 */


#ifndef NGX_LEASELOFT_CALL_H
#define NGX_LEASELOFT_CALL_H


#include "ngx_leaseloft_cluster.h"


/*
 * Sends FCALL_RO of a function with the keys of a property or a user, followed
 * by argv.  Returns as ngx_leaseloft_cluster_command().
 */
ngx_leaseloft_command_t *ngx_leaseloft_call_property(
    ngx_leaseloft_cluster_t *cluster, char *function, ngx_str_t *property,
    ngx_uint_t argc, ngx_str_t *argv, ngx_leaseloft_reply_pt handler,
    void *data);
ngx_leaseloft_command_t *ngx_leaseloft_call_user(
    ngx_leaseloft_cluster_t *cluster, char *function, ngx_str_t *user,
    ngx_uint_t argc, ngx_str_t *argv, ngx_leaseloft_reply_pt handler,
    void *data);


#endif /* NGX_LEASELOFT_CALL_H */
