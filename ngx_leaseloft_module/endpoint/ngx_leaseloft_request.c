
/*
 * Checks a request and calls its endpoint.
 *
 * The preaccess handler, which runs before limit_req and limit_conn, checks
 * method, token, origin and property, and access for writes.  A request that it
 * refuses is answered in the content phase, so limits count refused requests,
 * too.  With leaseloft_user all of this is done in the precontent phase: what
 * sets the user (auth_request, auth_basic) runs in the access phase, and before
 * that a variable may have a name that nobody has verified.  The state is in
 * the request's context.
 */


#include "ngx_leaseloft_access.h"
#include "ngx_leaseloft_body.h"
#include "ngx_leaseloft_cors.h"
#include "ngx_leaseloft_ctx.h"
#include "ngx_leaseloft_request.h"
#include "ngx_leaseloft_response.h"
#include "ngx_leaseloft_token.h"
#include "ngx_leaseloft_zone.h"


static ngx_int_t ngx_leaseloft_request_phase(ngx_http_request_t *r,
    ngx_leaseloft_loc_conf_t *conf);
static ngx_int_t ngx_leaseloft_request_check(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx, ngx_leaseloft_loc_conf_t *conf);
static ngx_int_t ngx_leaseloft_request_check_user(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx);
static ngx_uint_t ngx_leaseloft_request_is_expected(ngx_http_request_t *r,
    ngx_str_t *user);
static ngx_int_t ngx_leaseloft_request_check_property(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx, ngx_leaseloft_loc_conf_t *conf);
static ngx_int_t ngx_leaseloft_request_refuse(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx);


ngx_int_t
ngx_leaseloft_request_preaccess(ngx_http_request_t *r)
{
    ngx_leaseloft_loc_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_leaseloft_module);

    return conf->user ? NGX_DECLINED : ngx_leaseloft_request_phase(r, conf);
}


ngx_int_t
ngx_leaseloft_request_precontent(ngx_http_request_t *r)
{
    ngx_leaseloft_loc_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_leaseloft_module);

    return conf->user ? ngx_leaseloft_request_phase(r, conf) : NGX_DECLINED;
}


/* NGX_DECLINED: the next handler; NGX_AGAIN: waits; or a status */
static ngx_int_t
ngx_leaseloft_request_phase(ngx_http_request_t *r,
    ngx_leaseloft_loc_conf_t *conf)
{
    ngx_int_t             rc;
    ngx_leaseloft_ctx_t  *ctx;

    if (r != r->main || conf->endpoints[0] == NULL) {
        return NGX_DECLINED;
    }

    ctx = ngx_leaseloft_ctx_get(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ctx->checked) {
        return NGX_DECLINED;
    }

    rc = ngx_leaseloft_request_check(r, ctx, conf);

    if (rc == NGX_OK && ctx->endpoint->access) {
        rc = ngx_leaseloft_access_ask(ctx);

    } else if (rc == NGX_OK
               && (ctx->endpoint->body || ctx->endpoint->search))
    {
        rc = ngx_leaseloft_access_await(ctx);
    }

    if (rc == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rc == NGX_OK && ctx->fault) {
        rc = NGX_HTTP_BAD_REQUEST;
    }

    ctx->status = rc == NGX_OK ? 0 : rc;
    ctx->checked = 1;

    return NGX_DECLINED;
}


/* NGX_OK, NGX_ERROR, or the status of the refusal */
static ngx_int_t
ngx_leaseloft_request_check(ngx_http_request_t *r, ngx_leaseloft_ctx_t *ctx,
    ngx_leaseloft_loc_conf_t *conf)
{
    ngx_int_t   rc;
    ngx_uint_t  i;

    for (i = 0; i < NGX_LEASELOFT_ENDPOINTS; i++) {
        if (conf->endpoints[i] && (conf->endpoints[i]->method & r->method)) {
            ctx->endpoint = conf->endpoints[i];
        }
    }

    if (ctx->endpoint == NULL) {
        return ngx_leaseloft_cors_preflight(r) ? NGX_HTTP_NO_CONTENT
                                               : NGX_HTTP_NOT_ALLOWED;
    }

    if (ctx->endpoint->user) {
        rc = ngx_leaseloft_request_check_user(r, ctx);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (ctx->endpoint->check) {
        rc = ctx->endpoint->check(r, ctx);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (ctx->endpoint->property) {
        return ngx_leaseloft_request_check_property(r, ctx, conf);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_leaseloft_request_check_user(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx)
{
    ngx_int_t                rc;
    ngx_leaseloft_refusal_e  refusal;

    rc = ngx_leaseloft_token_check(r, &ctx->user, &ctx->exp, &ctx->iat,
                                   &refusal);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc != NGX_OK) {
        ctx->user.len = 0;
        ngx_leaseloft_counters_refused(ctx->process->zone, refusal);
        return NGX_HTTP_UNAUTHORIZED;
    }

    if (!ngx_leaseloft_request_is_expected(r, &ctx->user)) {
        ngx_leaseloft_counters_refused(ctx->process->zone,
                                       NGX_LEASELOFT_REFUSAL_ANOTHER_USER);
        ctx->another = 1;
        return NGX_HTTP_UNAUTHORIZED;
    }

    /*
     * a browser sends the cookie, or what leaseloft_user is made of, with
     * requests of any page, but a token in an Authorization header only for
     * pages that know it
     */
    if (ctx->endpoint->method != NGX_HTTP_GET
        && ngx_leaseloft_token_is_ambient(r)
        && ngx_leaseloft_cors_foreign(r))
    {
        return NGX_HTTP_FORBIDDEN;
    }

    return NGX_OK;
}


/* 1 unless a header LeaseLoft-User names another user */
static ngx_uint_t
ngx_leaseloft_request_is_expected(ngx_http_request_t *r, ngx_str_t *user)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    static ngx_str_t  name = ngx_string("leaseloft-user");

    for (part = &r->headers_in.headers.part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].key.len == name.len
                && ngx_strncmp(h[i].lowcase_key, name.data, name.len) == 0
                && (h[i].value.len != user->len
                    || ngx_memcmp(h[i].value.data, user->data, user->len)
                       != 0))
            {
                return 0;
            }
        }
    }

    return 1;
}


static ngx_int_t
ngx_leaseloft_request_check_property(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx, ngx_leaseloft_loc_conf_t *conf)
{
    ngx_str_t  property;

    if (ngx_http_complex_value(r, conf->property, &property) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!ll_id_valid((char *) property.data, property.len)) {
        return NGX_HTTP_NOT_FOUND;
    }

    ctx->property = property;

    return NGX_OK;
}


ngx_int_t
ngx_leaseloft_request_content(ngx_http_request_t *r)
{
    ngx_int_t             rc;
    ngx_leaseloft_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_leaseloft_module);

    /* subrequests have no endpoints */
    if (ctx == NULL || !ctx->checked) {
        return NGX_HTTP_NOT_FOUND;
    }

    if (ctx->status == NGX_HTTP_NO_CONTENT) {
        return ngx_leaseloft_response_preflight(r);
    }

    if (ctx->status) {
        return ngx_leaseloft_request_refuse(r, ctx);
    }

    if (!ctx->endpoint->body) {
        rc = ngx_http_discard_request_body(r);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return ctx->endpoint->handler(r, ctx);
}


/*
 * nginx resets an HTTP/2 stream that it answers before the body has arrived,
 * and clients such as curl 7.88 may then lose the response.  Therefore a body
 * within the limits is read first.
 */
static ngx_int_t
ngx_leaseloft_request_refuse(ngx_http_request_t *r, ngx_leaseloft_ctx_t *ctx)
{
    if (r->http_version >= NGX_HTTP_VERSION_20
        && (r->headers_in.content_length_n > 0 || r->headers_in.chunked))
    {
        return ngx_leaseloft_body_read(r, NULL);
    }

    return ngx_leaseloft_response_problem(r, ctx->status, NULL);
}


char *
ngx_leaseloft_request_endpoint(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_leaseloft_loc_conf_t *lcf = conf;

    ngx_str_t                         *value;
    ngx_uint_t                         i;
    ngx_http_core_loc_conf_t          *clcf;
    ngx_leaseloft_endpoint_t          *endpoint;
    ngx_leaseloft_main_conf_t         *mcf;
    ngx_http_complex_value_t          *property;
    ngx_http_compile_complex_value_t   ccv;

    value = cf->args->elts;

    for (endpoint = cmd->post; endpoint; endpoint = endpoint->next) {

        for (i = 0; i < NGX_LEASELOFT_ENDPOINTS && lcf->endpoints[i]; i++) {
            if (lcf->endpoints[i]->method & endpoint->method) {
                return "is a duplicate endpoint for this method in this "
                       "location, give it a location of its own";
            }
        }

        if (i == NGX_LEASELOFT_ENDPOINTS) {
            return "exceeds the endpoints of one location, "
                   "give it a location of its own";
        }

        lcf->endpoints[i] = endpoint;
    }

    if (cf->args->nelts == 2) {

        property = ngx_palloc(cf->pool, sizeof(ngx_http_complex_value_t));
        if (property == NULL) {
            return NGX_CONF_ERROR;
        }

        ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

        ccv.cf = cf;
        ccv.value = &value[1];
        ccv.complex_value = property;

        if (ngx_http_compile_complex_value(&ccv) != NGX_OK) {
            return NGX_CONF_ERROR;
        }

        lcf->property = property;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_leaseloft_request_content;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_leaseloft_module);
    mcf->endpoints++;

    return NGX_CONF_OK;
}


ngx_int_t
ngx_leaseloft_request_log(ngx_http_request_t *r)
{
    ngx_leaseloft_ctx_t        *ctx;
    ngx_leaseloft_endpoint_t   *endpoint;
    ngx_leaseloft_loc_conf_t   *conf;
    ngx_leaseloft_main_conf_t  *mcf;

    conf = ngx_http_get_module_loc_conf(r, ngx_leaseloft_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_leaseloft_module);

    if (conf->endpoints[0] == NULL || mcf->process == NULL) {
        return NGX_OK;
    }

    /* a limit may have refused the request before it had a context */

    ctx = ngx_http_get_module_ctx(r, ngx_leaseloft_module);
    endpoint = ctx && ctx->endpoint ? ctx->endpoint : conf->endpoints[0];

    ngx_leaseloft_counters_answered(mcf->process->zone, endpoint->kind,
                                    r->err_status ? r->err_status
                                                  : r->headers_out.status);

    return NGX_OK;
}
