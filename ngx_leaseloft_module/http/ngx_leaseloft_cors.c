
/*
 * CORS: which other origins may use the API, and the headers for them.
 */


#include "ngx_leaseloft_cors.h"
#include "ngx_leaseloft_header.h"
#include "ngx_leaseloft_origin.h"


static ngx_str_t  ngx_leaseloft_cors_origin = ngx_string("origin");


/* the request's origin if it is allowed, otherwise NULL */
static ngx_str_t *
ngx_leaseloft_cors_allowed(ngx_http_request_t *r)
{
    ngx_str_t                 *origin, *allowed;
    ngx_uint_t                 i;
    ngx_leaseloft_loc_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_leaseloft_module);

    if (conf->origins == NULL) {
        return NULL;
    }

    origin = ngx_leaseloft_header_find(r, &ngx_leaseloft_cors_origin);
    if (origin == NULL) {
        return NULL;
    }

    allowed = conf->origins->elts;

    for (i = 0; i < conf->origins->nelts; i++) {
        if (allowed[i].len == origin->len
            && ngx_strncasecmp(allowed[i].data, origin->data, origin->len)
               == 0)
        {
            return origin;
        }
    }

    return NULL;
}


ngx_uint_t
ngx_leaseloft_cors_foreign(ngx_http_request_t *r)
{
    ngx_str_t  *origin;

    origin = ngx_leaseloft_header_find(r, &ngx_leaseloft_cors_origin);

    return origin != NULL
           && !ngx_leaseloft_origin_is_own(r, origin)
           && ngx_leaseloft_cors_allowed(r) == NULL;
}


ngx_uint_t
ngx_leaseloft_cors_preflight(ngx_http_request_t *r)
{
    static ngx_str_t  method = ngx_string("access-control-request-method");

    return r->method == NGX_HTTP_OPTIONS
           && ngx_leaseloft_header_find(r, &method) != NULL
           && ngx_leaseloft_cors_allowed(r) != NULL;
}


ngx_int_t
ngx_leaseloft_cors_headers(ngx_http_request_t *r)
{
    ngx_str_t                 *origin;
    ngx_leaseloft_loc_conf_t  *conf;

    static ngx_str_t  vary = ngx_string("Origin");
    static ngx_str_t  yes = ngx_string("true");
    static ngx_str_t  exposed = ngx_string("ETag, Location, Retry-After, "
                                           "LeaseLoft-Time-Zone");

    conf = ngx_http_get_module_loc_conf(r, ngx_leaseloft_module);

    if (conf->origins == NULL) {
        return NGX_OK;
    }

    if (ngx_leaseloft_header_add(r, "Vary", &vary) != NGX_OK) {
        return NGX_ERROR;
    }

    origin = ngx_leaseloft_cors_allowed(r);
    if (origin == NULL) {
        return NGX_OK;
    }

    if (ngx_leaseloft_header_add(r, "Access-Control-Allow-Origin", origin)
        != NGX_OK
        || ngx_leaseloft_header_add(r, "Access-Control-Allow-Credentials",
                                    &yes)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (r->method == NGX_HTTP_OPTIONS) {
        return NGX_OK;
    }

    return ngx_leaseloft_header_add(r, "Access-Control-Expose-Headers",
                                    &exposed);
}


char *
ngx_leaseloft_cors_allow_origin(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_leaseloft_loc_conf_t  *lcf = conf;

    u_char                    *p;
    char                      *fault;
    ngx_str_t                 *value, *origin, scheme, host;
    ngx_uint_t                 i;

    value = cf->args->elts;

    if (lcf->origins == NULL || lcf->origins == NGX_CONF_UNSET_PTR) {
        lcf->origins = ngx_array_create(cf->pool, 4, sizeof(ngx_str_t));
        if (lcf->origins == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    for (i = 1; i < cf->args->nelts; i++) {

        fault = ngx_leaseloft_origin_parse(&value[i], &scheme, &host);

        if (fault) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" cannot be a \"%V\": %s",
                               &value[i], &cmd->name, fault);
            return NGX_CONF_ERROR;
        }

        origin = ngx_array_push(lcf->origins);
        if (origin == NULL) {
            return NGX_CONF_ERROR;
        }

        p = ngx_pnalloc(cf->pool, scheme.len + 3 + host.len);
        if (p == NULL) {
            return NGX_CONF_ERROR;
        }

        origin->data = p;
        origin->len = ngx_sprintf(p, "%V://%V", &scheme, &host) - p;
    }

    return NGX_CONF_OK;
}
