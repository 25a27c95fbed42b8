
/*
 * Parses the address in leaseloft_redis, and resolves its host name, while
 * nginx reads the configuration.
 */


#include "ngx_leaseloft_url.h"


#define NGX_LEASELOFT_URL_PORT  6379


/*
 * 1 when each "%" is followed by two hex digits, other than "00": nginx's
 * decoder drops malformed sequences silently
 */
static ngx_uint_t
ngx_leaseloft_url_encoded(ngx_str_t *part)
{
    u_char  *p, *last;

    last = part->data + part->len;

    for (p = part->data; p < last; p++) {
        if (*p == '%' && (last - p < 3 || ngx_hextoi(p + 1, 2) < 1)) {
            return 0;
        }
    }

    return 1;
}


/* the part before the last "@", percent-encoded (RFC 3986, 3.2.1) */
static char *
ngx_leaseloft_url_userinfo(ngx_conf_t *cf, ngx_leaseloft_redis_conf_t *rcf,
    ngx_str_t *userinfo)
{
    size_t      i;
    u_char     *colon, *src, *dst;
    ngx_str_t  *part[2];

    colon = ngx_strlchr(userinfo->data, userinfo->data + userinfo->len, ':');
    if (colon == NULL) {
        return "has a user without a password, "
               "write redis://USER:PASSWORD@HOST:PORT";
    }

    rcf->user.data = userinfo->data;
    rcf->user.len = colon - userinfo->data;
    rcf->password.data = colon + 1;
    rcf->password.len = userinfo->data + userinfo->len - rcf->password.data;

    if (rcf->password.len == 0) {
        return "has an empty password, "
               "write redis://USER:PASSWORD@HOST:PORT";
    }

    part[0] = &rcf->user;
    part[1] = &rcf->password;

    for (i = 0; i < 2; i++) {

        if (!ngx_leaseloft_url_encoded(part[i])) {
            return "has an invalid percent-encoding in the user or "
                   "password, write % as %25";
        }

        src = part[i]->data;
        dst = ngx_pnalloc(cf->pool, part[i]->len + 1);
        if (dst == NULL) {
            return NGX_CONF_ERROR;
        }

        part[i]->data = dst;
        ngx_unescape_uri(&dst, &src, part[i]->len, 0);
        part[i]->len = dst - part[i]->data;
    }

    return NGX_CONF_OK;
}


/* redis://[USERINFO@]HOST[:PORT]; rest is the part after "redis://" */
static char *
ngx_leaseloft_url_tcp(ngx_conf_t *cf, ngx_leaseloft_redis_conf_t *rcf,
    ngx_str_t rest)
{
    char       *rv;
    u_char     *p, *end;
    ngx_str_t   userinfo;

    end = rest.data + rest.len;

    for (p = end; p > rest.data; p--) {
        if (p[-1] != '@') {
            continue;
        }

        userinfo.data = rest.data;
        userinfo.len = p - 1 - rest.data;

        rv = ngx_leaseloft_url_userinfo(cf, rcf, &userinfo);
        if (rv != NGX_CONF_OK) {
            return rv;
        }

        rest.data = p;
        rest.len = end - p;
        break;
    }

    p = ngx_strlchr(rest.data, end, '/');

    if (p) {
        if (p + 1 < end) {
            return "names a database, which pub/sub ignores: "
                   "give each of several installations on one Redis "
                   "a \"leaseloft_prefix\" of its own instead";
        }

        rest.len = p - rest.data;
    }

    if (rest.len == 0) {
        return "has no host, write redis://HOST:PORT";
    }

    /* nginx would parse a host of this name, in any case, as a path */

    if (rest.len >= 5
        && ngx_strncasecmp(rest.data, (u_char *) "unix:", 5) == 0)
    {
        return "has no host, write redis://HOST:PORT or unix:PATH";
    }

    rcf->url.url = rest;
    rcf->url.default_port = NGX_LEASELOFT_URL_PORT;
    rcf->url.no_resolve = 1;

    return NGX_CONF_OK;
}


char *
ngx_leaseloft_url_slot(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char                        *rv;
    ngx_str_t                   *value, rest;
    ngx_leaseloft_redis_conf_t  *rcf;

    rcf = (ngx_leaseloft_redis_conf_t *) ((char *) conf + cmd->offset);

    if (rcf->set) {
        return "is duplicate";
    }

    value = cf->args->elts;
    rest = value[1];

    if (ngx_strncmp(rest.data, "unix:", 5) == 0) {
        rcf->url.url = rest;

    } else if (ngx_strncmp(rest.data, "redis://", 8) == 0) {
        rest.data += 8;
        rest.len -= 8;

        rv = ngx_leaseloft_url_tcp(cf, rcf, rest);
        if (rv != NGX_CONF_OK) {
            return rv;
        }

    } else if (ngx_strncmp(rest.data, "rediss://", 9) == 0) {
        return "cannot use TLS to Redis, "
               "put a TLS tunnel beside nginx and name its socket";

    } else {
        return "is neither unix:PATH nor "
               "redis://[USER:PASSWORD@]HOST[:PORT]";
    }

    if (ngx_parse_url(cf->pool, &rcf->url) != NGX_OK) {

        /* the URL may contain a password: log nginx's error only */

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"leaseloft_redis\" has an invalid address: %s, "
                           "write unix:PATH or redis://HOST:PORT",
                           rcf->url.err ? rcf->url.err : "malformed");
        return NGX_CONF_ERROR;
    }

    rcf->set = 1;

    return NGX_CONF_OK;
}


ngx_int_t
ngx_leaseloft_url_resolve(ngx_conf_t *cf, ngx_leaseloft_main_conf_t *mcf)
{
    ngx_url_t  *url;

    url = &mcf->redis.url;

    if (url->naddrs
        || (mcf->resolver && mcf->resolver->connections.nelts != 0))
    {
        return NGX_OK;
    }

    if (ngx_inet_resolve_host(cf->pool, url) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"leaseloft_redis\" names the host \"%V\", which "
                           "cannot be resolved: %s, correct it or add "
                           "\"resolver\" to the http block",
                           &url->host, url->err ? url->err : "unknown");
        return NGX_ERROR;
    }

    return NGX_OK;
}
