
/*
 * The context of a request has the reason, as the stream is gone when nginx
 * writes its access log.
 */


#include "ngx_leaseloft_stream_bye.h"


static ngx_int_t ngx_leaseloft_stream_bye_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


/* one for each ngx_leaseloft_bye_e */
static const struct {
    ngx_str_t                   reason;
    ngx_str_t                   data;
} ngx_leaseloft_stream_byes[] = {
    { ngx_string("expired"), ngx_string("{\"reason\":\"expired\"}") },
    { ngx_string("removed"), ngx_string("{\"reason\":\"removed\"}") },
    { ngx_string("drain"), ngx_string("{\"reason\":\"drain\"}") },
    { ngx_string("slow"), ngx_string("{\"reason\":\"slow\"}") },
    { ngx_string("overload"), ngx_string("{\"reason\":\"overload\"}") }
};


ngx_str_t *
ngx_leaseloft_stream_bye(ngx_leaseloft_stream_t *stream,
    ngx_leaseloft_bye_e reason)
{
    stream->ctx->bye = reason + 1;

    return (ngx_str_t *) &ngx_leaseloft_stream_byes[reason].data;
}


ngx_int_t
ngx_leaseloft_stream_bye_add_variable(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var;

    static ngx_str_t  name = ngx_string("leaseloft_bye");

    var = ngx_http_add_variable(cf, &name, NGX_HTTP_VAR_NOCACHEABLE);
    if (var == NULL) {
        return NGX_ERROR;
    }

    var->get_handler = ngx_leaseloft_stream_bye_variable;

    return NGX_OK;
}


static ngx_int_t
ngx_leaseloft_stream_bye_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    const ngx_str_t      *reason;
    ngx_leaseloft_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_leaseloft_module);

    if (ctx == NULL || ctx->bye == 0) {
        *v = ngx_http_variable_null_value;
        v->not_found = 1;
        return NGX_OK;
    }

    reason = &ngx_leaseloft_stream_byes[ctx->bye - 1].reason;

    v->len = reason->len;
    v->data = reason->data;
    v->valid = 1;
    v->no_cacheable = 1;
    v->not_found = 0;

    return NGX_OK;
}
