
/*
 * The module's context of a request: created on first use, and freed with the
 * request's pool.
 */


#include "ngx_leaseloft_ctx.h"


ngx_leaseloft_ctx_t *
ngx_leaseloft_ctx_get(ngx_http_request_t *r)
{
    ngx_leaseloft_ctx_t        *ctx;
    ngx_leaseloft_main_conf_t  *mcf;

    ctx = ngx_http_get_module_ctx(r, ngx_leaseloft_module);

    if (ctx) {
        return ctx;
    }

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_leaseloft_ctx_t));
    if (ctx == NULL) {
        return NULL;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_leaseloft_module);

    ctx->request = r;
    ctx->process = mcf->process;

    ngx_http_set_ctx(r, ctx, ngx_leaseloft_module);

    return ctx;
}
