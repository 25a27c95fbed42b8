
/*
 * Parses the address in leaseloft_redis, and resolves its host name, while
 * nginx reads the configuration.
 */


#include "common/redis_url.h"
#include "ngx_leaseloft_url.h"


/* copies a user or a password, decoded */
static ngx_int_t
ngx_leaseloft_url_part(ngx_conf_t *cf, ngx_str_t *dst, ll_str_t *part)
{
    char  text[LL_REDIS_URL_PART + 1];

    dst->len = ll_redis_url_decode(text, part);
    dst->data = ngx_pnalloc(cf->pool, dst->len + 1);

    if (dst->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(dst->data, text, dst->len + 1);
    ngx_memzero(text, sizeof(text));

    return NGX_OK;
}


/* logs the end of a sentence about the URL, which may contain a password */
static char *
ngx_leaseloft_url_refuse(ngx_conf_t *cf, const char *fault)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"leaseloft_redis\" %s", fault);

    return NGX_CONF_ERROR;
}


char *
ngx_leaseloft_url_slot(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                   *value;
    ll_redis_url_t               url;
    ngx_leaseloft_redis_conf_t  *rcf;

    rcf = (ngx_leaseloft_redis_conf_t *) ((char *) conf + cmd->offset);

    if (rcf->set) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ll_redis_url_parse(&url, (char *) value[1].data, value[1].len) == -1
        || ll_redis_url_check(&url, 0) == -1)
    {
        return ngx_leaseloft_url_refuse(cf, url.fault);
    }

    if (url.tls) {
        return "cannot use TLS to Redis, "
               "put a TLS tunnel beside nginx and name its socket";
    }

    if (url.kind == LL_REDIS_URL_SENTINEL) {
        return "cannot ask sentinels yet";
    }

    if (ngx_leaseloft_url_part(cf, &rcf->user, &url.user) != NGX_OK
        || ngx_leaseloft_url_part(cf, &rcf->password, &url.password) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (url.kind == LL_REDIS_URL_UNIX) {
        rcf->url.url = value[1];

    } else {
        rcf->url.url.data = (u_char *) url.addrs[0].text.data;
        rcf->url.url.len = url.addrs[0].text.len;
        rcf->url.default_port = url.addrs[0].port;
        rcf->url.no_resolve = 1;
    }

    if (ngx_parse_url(cf->pool, &rcf->url) != NGX_OK) {
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
