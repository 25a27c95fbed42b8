
/*
 * Directives and configuration, which belongs to the cycle's pool.
 *
 * Each endpoint has a directive; the endpoints of one location must differ in
 * their methods.  Redis, the zone and the drain time are set in the http block,
 * since all locations of a process share its connections to Redis.
 */


#include "ngx_leaseloft_cors.h"
#include "ngx_leaseloft_disk.h"
#include "ngx_leaseloft_filter.h"
#include "ngx_leaseloft_loc_conf.h"
#include "ngx_leaseloft_origin.h"
#include "ngx_leaseloft_password.h"
#include "ngx_leaseloft_process.h"
#include "ngx_leaseloft_request.h"
#include "ngx_leaseloft_signer.h"
#include "ngx_leaseloft_stream_bye.h"
#include "ngx_leaseloft_switch.h"
#include "ngx_leaseloft_tls.h"
#include "ngx_leaseloft_token.h"
#include "ngx_leaseloft_token_table.h"
#include "ngx_leaseloft_url.h"
#include "ngx_leaseloft_zone.h"


static void *ngx_leaseloft_create_main_conf(ngx_conf_t *cf);
static char *ngx_leaseloft_init_main_conf(ngx_conf_t *cf, void *conf);
static ngx_int_t ngx_leaseloft_preconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_leaseloft_postconfiguration(ngx_conf_t *cf);


static ngx_command_t  ngx_leaseloft_commands[] = {

    { ngx_string("leaseloft_redis"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_leaseloft_url_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_leaseloft_main_conf_t, redis),
      NULL },

    { ngx_string("leaseloft_redis_password_file"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_leaseloft_password_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_leaseloft_main_conf_t, redis.file_password),
      NULL },

    { ngx_string("leaseloft_redis_dir"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_leaseloft_disk_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_leaseloft_main_conf_t, redis.dir),
      NULL },

    { ngx_string("leaseloft_redis_ssl_trusted_certificate"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_leaseloft_main_conf_t, redis.ssl_trusted),
      NULL },

    { ngx_string("leaseloft_redis_ssl_certificate"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_leaseloft_main_conf_t, redis.ssl_certificate),
      NULL },

    { ngx_string("leaseloft_redis_ssl_certificate_key"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_leaseloft_main_conf_t, redis.ssl_key),
      NULL },

    { ngx_string("leaseloft_redis_ssl_name"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_leaseloft_main_conf_t, redis.ssl_name),
      NULL },

    { ngx_string("leaseloft_prefix"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_leaseloft_main_conf_t, prefix),
      NULL },

    { ngx_string("leaseloft_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_leaseloft_main_conf_t, zone_size),
      NULL },

    { ngx_string("leaseloft_queues"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_leaseloft_main_conf_t, queues),
      NULL },

    { ngx_string("leaseloft_drain"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_leaseloft_main_conf_t, drain),
      NULL },

    { ngx_string("leaseloft_drain_file"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_leaseloft_switch_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_leaseloft_loc_conf_t, drain_file),
      NULL },

    { ngx_string("leaseloft_max_lingering"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_leaseloft_main_conf_t, max_lingering),
      NULL },

    { ngx_string("leaseloft_key"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_leaseloft_token_key,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_leaseloft_loc_conf_t, keys),
      NULL },

    { ngx_string("leaseloft_user"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_set_complex_value_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_leaseloft_loc_conf_t, user),
      NULL },

    { ngx_string("leaseloft_issuer"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_leaseloft_loc_conf_t, issuer),
      NULL },

    { ngx_string("leaseloft_audience"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_leaseloft_loc_conf_t, audience),
      NULL },

    { ngx_string("leaseloft_leeway"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_sec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_leaseloft_loc_conf_t, leeway),
      NULL },

    { ngx_string("leaseloft_cookie"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_leaseloft_loc_conf_t, cookie),
      NULL },

    { ngx_string("leaseloft_origin"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_leaseloft_origin_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_leaseloft_loc_conf_t, origin),
      NULL },

    { ngx_string("leaseloft_allow_origin"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_leaseloft_cors_allow_origin,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_leaseloft_loc_conf_t, origins),
      NULL },

    { ngx_string("leaseloft_record_key"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE12,
      ngx_leaseloft_signer_key,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_leaseloft_loc_conf_t, signer),
      NULL },

    { ngx_string("leaseloft_ping"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_leaseloft_loc_conf_t, ping),
      NULL },

    { ngx_string("leaseloft_wait"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_leaseloft_loc_conf_t, wait),
      NULL },

    { ngx_string("leaseloft_body_timeout"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_leaseloft_loc_conf_t, body_timeout),
      NULL },

    { ngx_string("leaseloft_linger"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_leaseloft_loc_conf_t, linger),
      NULL },

    { ngx_string("leaseloft_slow_timeout"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_leaseloft_loc_conf_t, slow_timeout),
      NULL },

    { ngx_string("leaseloft_slow_size"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_leaseloft_loc_conf_t, slow_size),
      NULL },

    { ngx_string("leaseloft_max_streams"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_leaseloft_loc_conf_t, max_streams),
      NULL },

    { ngx_string("leaseloft_events"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_leaseloft_request_endpoint,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      &ngx_leaseloft_events_endpoint },

    { ngx_string("leaseloft_messages"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_leaseloft_request_endpoint,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      &ngx_leaseloft_messages_endpoint },

    { ngx_string("leaseloft_send"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_leaseloft_request_endpoint,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      &ngx_leaseloft_send_endpoint },

    { ngx_string("leaseloft_read"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_leaseloft_request_endpoint,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      &ngx_leaseloft_read_endpoint },

    { ngx_string("leaseloft_inbox"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_leaseloft_request_endpoint,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      &ngx_leaseloft_inbox_endpoint },

    { ngx_string("leaseloft_inbox_events"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_leaseloft_request_endpoint,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      &ngx_leaseloft_inbox_events_endpoint },

    { ngx_string("leaseloft_search"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_leaseloft_request_endpoint,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      &ngx_leaseloft_search_endpoint },

    { ngx_string("leaseloft_search_threads"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_leaseloft_request_endpoint,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      &ngx_leaseloft_search_threads_endpoint },

    { ngx_string("leaseloft_session"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_leaseloft_request_endpoint,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      &ngx_leaseloft_session_endpoint },

    { ngx_string("leaseloft_record"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_leaseloft_request_endpoint,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      &ngx_leaseloft_record_endpoint },

    { ngx_string("leaseloft_record_public_key"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_leaseloft_request_endpoint,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      &ngx_leaseloft_record_key_endpoint },

    { ngx_string("leaseloft_lease"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_leaseloft_request_endpoint,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      &ngx_leaseloft_lease_endpoint },

    { ngx_string("leaseloft_metrics"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_leaseloft_request_endpoint,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      &ngx_leaseloft_metrics_endpoint },

    { ngx_string("leaseloft_health"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_leaseloft_request_endpoint,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      &ngx_leaseloft_health_endpoint },

      ngx_null_command
};


static ngx_http_module_t  ngx_leaseloft_module_ctx = {
    ngx_leaseloft_preconfiguration,    /* preconfiguration */
    ngx_leaseloft_postconfiguration,   /* postconfiguration */

    ngx_leaseloft_create_main_conf,    /* create main configuration */
    ngx_leaseloft_init_main_conf,      /* init main configuration */

    NULL,                              /* create server configuration */
    NULL,                              /* merge server configuration */

    ngx_leaseloft_loc_conf_create,     /* create location configuration */
    ngx_leaseloft_loc_conf_merge       /* merge location configuration */
};


ngx_module_t  ngx_leaseloft_module = {
    NGX_MODULE_V1,
    &ngx_leaseloft_module_ctx,         /* module context */
    ngx_leaseloft_commands,            /* module directives */
    NGX_HTTP_MODULE,                   /* module type */
    NULL,                              /* init master */
    ngx_leaseloft_process_check,       /* init module */
    ngx_leaseloft_process_init,        /* init process */
    NULL,                              /* init thread */
    NULL,                              /* exit thread */
    ngx_leaseloft_process_exit,        /* exit process */
    NULL,                              /* exit master */
    NGX_MODULE_V1_PADDING
};


static void *
ngx_leaseloft_create_main_conf(ngx_conf_t *cf)
{
    ngx_leaseloft_main_conf_t  *mcf;

    mcf = ngx_pcalloc(cf->pool, sizeof(ngx_leaseloft_main_conf_t));
    if (mcf == NULL) {
        return NULL;
    }

    mcf->zone_size = NGX_CONF_UNSET_SIZE;
    mcf->queues = NGX_CONF_UNSET_UINT;
    mcf->drain = NGX_CONF_UNSET_MSEC;
    mcf->max_lingering = NGX_CONF_UNSET_UINT;

    return mcf;
}


static char *
ngx_leaseloft_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_leaseloft_main_conf_t *mcf = conf;

    ngx_conf_init_size_value(mcf->zone_size, 16 * 1024 * 1024);
    ngx_conf_init_uint_value(mcf->queues, 1);
    ngx_conf_init_msec_value(mcf->drain, 30000);
    ngx_conf_init_uint_value(mcf->max_lingering, 65536);

    if (mcf->zone_size < 8 * ngx_pagesize) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"leaseloft_zone\" of %uz bytes is too small, "
                           "it must be at least %uz",
                           mcf->zone_size, (size_t) (8 * ngx_pagesize));
        return NGX_CONF_ERROR;
    }

    if (mcf->prefix.data == NULL) {
        ngx_str_set(&mcf->prefix, LL_PREFIX);
    }

    if (!ll_keys_prefix_valid((char *) mcf->prefix.data, mcf->prefix.len)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"leaseloft_prefix\" must be 1 to %d of "
                           "a-z 0-9 _ -, and the same as --prefix of workers",
                           LL_PREFIX_MAX);
        return NGX_CONF_ERROR;
    }

    if (mcf->queues < 1 || mcf->queues > LL_QUEUES_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"leaseloft_queues\" must be 1 to 64, "
                           "and the same as --queues of workers");
        return NGX_CONF_ERROR;
    }

    if (mcf->max_lingering < 1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"leaseloft_max_lingering\" must be at least 1");
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_leaseloft_preconfiguration(ngx_conf_t *cf)
{
    if (ngx_leaseloft_token_add_variables(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_leaseloft_stream_bye_add_variable(cf);
}


static ngx_int_t
ngx_leaseloft_postconfiguration(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *handler;
    ngx_http_core_loc_conf_t   *clcf;
    ngx_http_core_main_conf_t  *cmcf;
    ngx_leaseloft_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_leaseloft_module);

    if (mcf->endpoints == 0) {
        return NGX_OK;
    }

    if (mcf->redis.url.data == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "endpoints of leaseloft require "
                           "\"leaseloft_redis\", "
                           "add it to the http block");
        return NGX_ERROR;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    /* the http block's own configuration is never merged */

    mcf->resolver = clcf->resolver;
    mcf->resolver_timeout = clcf->resolver_timeout == NGX_CONF_UNSET_MSEC
                            ? 30000 : clcf->resolver_timeout;

    if (ngx_leaseloft_url_complete(cf, &mcf->redis) != NGX_OK
        || ngx_leaseloft_url_resolve(cf, mcf) != NGX_OK
        || ngx_leaseloft_tls_configure(cf, &mcf->redis) != NGX_OK
        || ngx_leaseloft_zone_add(cf, mcf) != NGX_OK
        || ngx_leaseloft_token_table_add(cf, mcf) != NGX_OK
        || ngx_leaseloft_filter_init(cf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    handler = ngx_array_push(&cmcf->phases[NGX_HTTP_PREACCESS_PHASE].handlers);
    if (handler == NULL) {
        return NGX_ERROR;
    }

    *handler = ngx_leaseloft_request_preaccess;

    handler = ngx_array_push(&cmcf->phases[NGX_HTTP_PRECONTENT_PHASE].handlers);
    if (handler == NULL) {
        return NGX_ERROR;
    }

    *handler = ngx_leaseloft_request_precontent;

    handler = ngx_array_push(&cmcf->phases[NGX_HTTP_LOG_PHASE].handlers);
    if (handler == NULL) {
        return NGX_ERROR;
    }

    *handler = ngx_leaseloft_request_log;

    return NGX_OK;
}
