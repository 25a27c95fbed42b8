
/*
 * Origins.  Configured origins are stored as browsers send them, in lower case
 * and without the scheme's default port, so that a comparison of bytes is
 * enough.
 *
 * The site's own origin is "$scheme://$http_host".  If a proxy in front of
 * nginx terminates TLS or changes the host, leaseloft_origin must set it.
 */


#include "ngx_leaseloft_origin.h"


static ngx_int_t ngx_leaseloft_origin_own(ngx_http_request_t *r,
    ngx_str_t *scheme, ngx_str_t *host);
static ngx_int_t ngx_leaseloft_origin_configured(ngx_http_request_t *r,
    ngx_http_complex_value_t *conf, ngx_str_t *scheme, ngx_str_t *host);
static void ngx_leaseloft_origin_scheme(ngx_http_request_t *r,
    ngx_str_t *scheme);
static void ngx_leaseloft_origin_strip_port(ngx_str_t *scheme,
    ngx_str_t *host);
static char *ngx_leaseloft_origin_parse_host(ngx_str_t *host);


ngx_uint_t
ngx_leaseloft_origin_is_own(ngx_http_request_t *r, ngx_str_t *origin)
{
    size_t     len;
    ngx_str_t  scheme, host;

    if (ngx_leaseloft_origin_own(r, &scheme, &host) != NGX_OK) {
        return 0;
    }

    len = scheme.len + sizeof("://") - 1;

    return origin->len == len + host.len
           && ngx_strncasecmp(origin->data, scheme.data, scheme.len) == 0
           && ngx_strncmp(origin->data + scheme.len, "://", 3) == 0
           && ngx_strncasecmp(origin->data + len, host.data, host.len) == 0;
}


ngx_uint_t
ngx_leaseloft_origin_is_https(ngx_http_request_t *r)
{
    ngx_str_t  scheme, host;

    if (ngx_leaseloft_origin_own(r, &scheme, &host) != NGX_OK) {
        ngx_leaseloft_origin_scheme(r, &scheme);
    }

    return scheme.len == sizeof("https") - 1
           && ngx_strncmp(scheme.data, "https", scheme.len) == 0;
}


/* the site's own origin; NGX_OK, or NGX_DECLINED: there is none */
static ngx_int_t
ngx_leaseloft_origin_own(ngx_http_request_t *r, ngx_str_t *scheme,
    ngx_str_t *host)
{
    ngx_leaseloft_loc_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_leaseloft_module);

    if (conf->origin) {
        return ngx_leaseloft_origin_configured(r, conf->origin, scheme, host);
    }

    if (r->headers_in.host == NULL) {
        return NGX_DECLINED;
    }

    ngx_leaseloft_origin_scheme(r, scheme);

    *host = r->headers_in.host->value;
    ngx_leaseloft_origin_strip_port(scheme, host);

    return NGX_OK;
}


/* the scheme of the connection to this nginx */
static void
ngx_leaseloft_origin_scheme(ngx_http_request_t *r, ngx_str_t *scheme)
{
    ngx_str_set(scheme, "http");

#if (NGX_HTTP_SSL)
    if (r->connection->ssl) {
        ngx_str_set(scheme, "https");
    }
#endif
}


static ngx_int_t
ngx_leaseloft_origin_configured(ngx_http_request_t *r,
    ngx_http_complex_value_t *conf, ngx_str_t *scheme, ngx_str_t *host)
{
    char       *fault;
    ngx_str_t   value, origin;

    if (ngx_http_complex_value(r, conf, &value) != NGX_OK) {
        return NGX_DECLINED;
    }

    /* copy it: parsing changes it, and the value belongs to the variable */

    origin.len = value.len;
    origin.data = ngx_pstrdup(r->pool, &value);
    if (origin.data == NULL) {
        return NGX_DECLINED;
    }

    fault = ngx_leaseloft_origin_parse(&origin, scheme, host);

    if (fault) {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "\"leaseloft_origin\" is \"%V\" for this request, "
                      "which is invalid: %s", &value, fault);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static void
ngx_leaseloft_origin_strip_port(ngx_str_t *scheme, ngx_str_t *host)
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


char *
ngx_leaseloft_origin_parse(ngx_str_t *value, ngx_str_t *scheme, ngx_str_t *host)
{
    u_char  *p, *last;
    char    *fault;

    if (value->len == 1 && value->data[0] == '*') {
        return "browsers send no credentials if any origin is allowed; "
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
        return "an origin must be SCHEME://HOST[:PORT], "
               "such as https://app.example.com";
    }

    scheme->data = value->data;
    scheme->len = p - value->data;

    host->data = p + 3;
    host->len = last - host->data;

    fault = ngx_leaseloft_origin_parse_host(host);

    if (fault == NULL) {
        ngx_leaseloft_origin_strip_port(scheme, host);
    }

    return fault;
}


static char *
ngx_leaseloft_origin_parse_host(ngx_str_t *host)
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
            return "invalid IPv6 address";
        }

    } else {
        while (p < last && ((*p >= 'a' && *p <= 'z') || *p == '.' || *p == '-'
                            || (*p >= '0' && *p <= '9')))
        {
            p++;
        }
    }

    if (host->len == 0 || *host->data == ':') {
        return "it has no host";
    }

    if (p == last) {
        return NULL;
    }

    if (*p != ':') {
        return "an origin has neither path nor query nor user nor wildcard; "
               "write an internationalized host name in its xn-- form";
    }

    port = p + 1;
    n = ngx_atoi(port, last - port);

    if (n < 1 || n > 65535) {
        return "its port must be a number from 1 to 65535";
    }

    return NULL;
}


char *
ngx_leaseloft_origin_slot(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_leaseloft_loc_conf_t *lcf = conf;

    char                              *fault;
    ngx_str_t                         *value, copy, scheme, host;
    ngx_http_compile_complex_value_t   ccv;

    if (lcf->origin != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    lcf->origin = ngx_palloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (lcf->origin == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = &value[1];
    ccv.complex_value = lcf->origin;

    if (ngx_http_compile_complex_value(&ccv) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (lcf->origin->lengths) {
        return NGX_CONF_OK;
    }

    copy.len = value[1].len;
    copy.data = ngx_pstrdup(cf->pool, &value[1]);
    if (copy.data == NULL) {
        return NGX_CONF_ERROR;
    }

    fault = ngx_leaseloft_origin_parse(&copy, &scheme, &host);

    if (fault) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid origin \"%V\" in \"%V\": %s",
                           &value[1], &cmd->name, fault);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}
