
/*
 * Origins.  Configured ones are kept as browsers send them: in lower case and
 * without the port that the scheme implies, so that comparing is enough.
 */


#include "ngx_leaseloft_cors.h"
#include "ngx_leaseloft_header.h"


static ngx_uint_t ngx_leaseloft_cors_same(ngx_http_request_t *r,
    ngx_str_t *origin);
static void ngx_leaseloft_cors_strip_port(ngx_str_t *scheme, ngx_str_t *host);
static char *ngx_leaseloft_cors_parse(ngx_str_t *value, ngx_str_t *scheme,
    ngx_str_t *host);
static char *ngx_leaseloft_cors_parse_host(ngx_str_t *host);


static ngx_str_t  ngx_leaseloft_cors_origin = ngx_string("origin");


/* the request's origin if it is an allowed one, else NULL */
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

    origin = ngx_leaseloft_header(r, &ngx_leaseloft_cors_origin);
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

    origin = ngx_leaseloft_header(r, &ngx_leaseloft_cors_origin);

    return origin != NULL
           && !ngx_leaseloft_cors_same(r, origin)
           && ngx_leaseloft_cors_allowed(r) == NULL;
}


/* 1 when origin is that of the host to which the request was sent */
static ngx_uint_t
ngx_leaseloft_cors_same(ngx_http_request_t *r, ngx_str_t *origin)
{
    size_t     len;
    ngx_str_t  scheme, host;

    ngx_str_set(&scheme, "http");

#if (NGX_HTTP_SSL)
    if (r->connection->ssl) {
        ngx_str_set(&scheme, "https");
    }
#endif

    if (r->headers_in.host == NULL) {
        return 0;
    }

    host = r->headers_in.host->value;
    ngx_leaseloft_cors_strip_port(&scheme, &host);

    len = scheme.len + sizeof("://") - 1;

    return origin->len == len + host.len
           && ngx_strncasecmp(origin->data, scheme.data, scheme.len) == 0
           && ngx_strncmp(origin->data + scheme.len, "://", 3) == 0
           && ngx_strncasecmp(origin->data + len, host.data, host.len) == 0;
}


static void
ngx_leaseloft_cors_strip_port(ngx_str_t *scheme, ngx_str_t *host)
{
    ngx_str_t  port;

    if (scheme->len == sizeof("http") - 1) {
        ngx_str_set(&port, ":80");

    } else if (scheme->len == sizeof("https") - 1) {
        ngx_str_set(&port, ":443");

    } else {
        return;
    }

    if (host->len > port.len
        && ngx_strncmp(host->data + host->len - port.len, port.data, port.len)
           == 0)
    {
        host->len -= port.len;
    }
}


ngx_uint_t
ngx_leaseloft_cors_preflight(ngx_http_request_t *r)
{
    static ngx_str_t  method = ngx_string("access-control-request-method");

    return r->method == NGX_HTTP_OPTIONS
           && ngx_leaseloft_header(r, &method) != NULL
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

    if (ngx_leaseloft_add_header(r, "Vary", &vary) != NGX_OK) {
        return NGX_ERROR;
    }

    origin = ngx_leaseloft_cors_allowed(r);
    if (origin == NULL) {
        return NGX_OK;
    }

    if (ngx_leaseloft_add_header(r, "Access-Control-Allow-Origin", origin)
        != NGX_OK
        || ngx_leaseloft_add_header(r, "Access-Control-Allow-Credentials",
                                    &yes)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (r->method == NGX_HTTP_OPTIONS) {
        return NGX_OK;
    }

    return ngx_leaseloft_add_header(r, "Access-Control-Expose-Headers",
                                    &exposed);
}


char *
ngx_leaseloft_request_origin(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
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

        fault = ngx_leaseloft_cors_parse(&value[i], &scheme, &host);

        if (fault) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" cannot be a \"%V\": %s",
                               &value[i], &cmd->name, fault);
            return NGX_CONF_ERROR;
        }

        ngx_leaseloft_cors_strip_port(&scheme, &host);

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


/* NULL, or what is wrong with it and what to write instead */
static char *
ngx_leaseloft_cors_parse(ngx_str_t *value, ngx_str_t *scheme, ngx_str_t *host)
{
    u_char  *p, *last;

    if (value->len == 1 && value->data[0] == '*') {
        return "browsers send no credentials to whoever allows any origin; "
               "name each origin";
    }

    ngx_strlow(value->data, value->data, value->len);

    p = value->data;
    last = p + value->len;

    while (p < last && ((*p >= 'a' && *p <= 'z') || *p == '+' || *p == '-'
                        || *p == '.' || (*p >= '0' && *p <= '9')))
    {
        p++;
    }

    if (p == value->data || last - p < 3 || ngx_strncmp(p, "://", 3) != 0) {
        return "an origin is SCHEME://HOST[:PORT], "
               "such as https://app.example.com";
    }

    scheme->data = value->data;
    scheme->len = p - value->data;

    host->data = p + 3;
    host->len = last - host->data;

    return ngx_leaseloft_cors_parse_host(host);
}


static char *
ngx_leaseloft_cors_parse_host(ngx_str_t *host)
{
    u_char     *p, *last, *port;
    ngx_int_t   n;

    p = host->data;
    last = p + host->len;

    if (p < last && *p == '[') {
        p++;

        while (p < last && ((*p >= 'a' && *p <= 'f') || *p == ':' || *p == '.'
                            || (*p >= '0' && *p <= '9')))
        {
            p++;
        }

        if (p == last || *p++ != ']') {
            return "its address in brackets is none";
        }

    } else {
        while (p < last && ((*p >= 'a' && *p <= 'z') || *p == '.' || *p == '-'
                            || (*p >= '0' && *p <= '9')))
        {
            p++;
        }
    }

    if (host->len == 0 || *host->data == ':') {
        return "it names no host";
    }

    if (p == last) {
        return NULL;
    }

    if (*p != ':') {
        return "an origin has neither path nor query nor user nor wildcard, "
               "and a name beyond ASCII is written in its xn-- form";
    }

    port = p + 1;
    n = ngx_atoi(port, last - port);

    if (n < 1 || n > 65535) {
        return "its port is not a number from 1 to 65535";
    }

    return NULL;
}
