
/*
 * Calls of functions in Redis: FCALL_RO FUNCTION NKEYS KEYS ARGS.  These
 * functions are read-only and take the keys of one property or one user.
 */


#include "ngx_leaseloft_call.h"


#define NGX_LEASELOFT_CALL_ARGS  24


/* FCALL_RO FUNCTION NKEYS KEYS ARGS; names is the storage of the keys */
static ngx_leaseloft_command_t *
ngx_leaseloft_call(ngx_leaseloft_cluster_t *cluster, char *function,
    ngx_uint_t nkeys, ngx_str_t *keys, ngx_uint_t argc, ngx_str_t *argv,
    ngx_leaseloft_reply_pt handler, void *data)
{
    u_char      number[NGX_INT_T_LEN];
    ngx_str_t   args[NGX_LEASELOFT_CALL_ARGS];
    ngx_uint_t  n;

    if (3 + nkeys + argc > NGX_LEASELOFT_CALL_ARGS) {
        return NULL;
    }

    ngx_str_set(&args[0], "FCALL_RO");
    args[1].data = (u_char *) function;
    args[1].len = ngx_strlen(function);
    args[2].data = number;
    args[2].len = ngx_sprintf(number, "%ui", nkeys) - number;
    n = 3;

    ngx_memcpy(&args[n], keys, nkeys * sizeof(ngx_str_t));
    n += nkeys;

    ngx_memcpy(&args[n], argv, argc * sizeof(ngx_str_t));
    n += argc;

    return ngx_leaseloft_cluster_command(cluster, keys, n, args, handler, data);
}


ngx_leaseloft_command_t *
ngx_leaseloft_call_property(ngx_leaseloft_cluster_t *cluster, char *function,
    ngx_str_t *property, ngx_uint_t argc, ngx_str_t *argv,
    ngx_leaseloft_reply_pt handler, void *data)
{
    char        names[LL_PROPERTY_KEYS][LL_KEY_MAX];
    ngx_str_t   keys[LL_PROPERTY_KEYS];
    ngx_uint_t  i;

    for (i = 0; i < LL_PROPERTY_KEYS; i++) {
        keys[i].data = (u_char *) names[i];
        keys[i].len = ll_keys_property(names[i], i, (char *) property->data,
                                       property->len);
    }

    return ngx_leaseloft_call(cluster, function, LL_PROPERTY_KEYS, keys,
                              argc, argv, handler, data);
}


ngx_leaseloft_command_t *
ngx_leaseloft_call_user(ngx_leaseloft_cluster_t *cluster, char *function,
    ngx_str_t *user, ngx_uint_t argc, ngx_str_t *argv,
    ngx_leaseloft_reply_pt handler, void *data)
{
    char        names[LL_USER_KEYS][LL_KEY_MAX];
    ngx_str_t   keys[LL_USER_KEYS];
    ngx_uint_t  i;

    for (i = 0; i < LL_USER_KEYS; i++) {
        keys[i].data = (u_char *) names[i];
        keys[i].len = ll_keys_user(names[i], i, (char *) user->data,
                                   user->len);
    }

    return ngx_leaseloft_call(cluster, function, LL_USER_KEYS, keys, argc,
                              argv, handler, data);
}
