
/*
 * Parses the address in leaseloft_redis, and resolves its host name, while
 * nginx reads the configuration.
 */


#include "ngx_leaseloft_url.h"

#include "common/redis_url.h"


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


/* text is HOST[:PORT] or unix:PATH, and port the default */
static ngx_int_t
ngx_leaseloft_url_server(ngx_conf_t *cf, ngx_leaseloft_server_t *server,
    ngx_str_t *text, in_port_t port)
{
    ngx_url_t  url;

    ngx_memzero(&url, sizeof(ngx_url_t));
    url.url = *text;
    url.default_port = port;
    url.no_resolve = 1;

    if (ngx_parse_url(cf->pool, &url) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"leaseloft_redis\" has an invalid address: %s, "
                           "write unix:PATH or redis://HOST:PORT",
                           url.err ? url.err : "malformed");
        return NGX_ERROR;
    }

    if (url.naddrs) {
        server->socklen = url.addrs[0].socklen;
        ngx_memcpy(&server->sockaddr, url.addrs[0].sockaddr, server->socklen);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_leaseloft_url_servers(ngx_conf_t *cf, ngx_leaseloft_redis_conf_t *rcf,
    ll_redis_url_t *url, ngx_str_t *value)
{
    unsigned                 i;
    ngx_str_t                text;
    ll_redis_url_addr_t     *addr;
    ngx_leaseloft_server_t  *server;

    rcf->nservers = ngx_max(url->naddrs, 1);
    rcf->servers = ngx_pcalloc(cf->pool, rcf->nservers
                                         * sizeof(ngx_leaseloft_server_t));
    if (rcf->servers == NULL) {
        return NGX_ERROR;
    }

    if (url->kind == LL_REDIS_URL_UNIX) {
        return ngx_leaseloft_url_server(cf, rcf->servers, value, 0);
    }

    for (i = 0; i < url->naddrs; i++) {
        addr = &url->addrs[i];
        server = &rcf->servers[i];

        ngx_memcpy(server->host, addr->host.data, addr->host.len);
        server->port = addr->port;

        text.data = (u_char *) addr->text.data;
        text.len = addr->text.len;

        if (ngx_leaseloft_url_server(cf, server, &text, addr->port) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


char *
ngx_leaseloft_url_slot(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                   *value;
    ll_redis_url_t               url;
    ngx_leaseloft_redis_conf_t  *rcf;

    rcf = (ngx_leaseloft_redis_conf_t *) ((char *) conf + cmd->offset);

    if (rcf->url.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ll_redis_url_parse(&url, (char *) value[1].data, value[1].len) == -1) {
        return ngx_leaseloft_url_refuse(cf, url.fault);
    }

    if (ngx_leaseloft_url_part(cf, &rcf->user, &url.user) != NGX_OK
        || ngx_leaseloft_url_part(cf, &rcf->password, &url.password) != NGX_OK
        || ngx_leaseloft_url_servers(cf, rcf, &url, &value[1]) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    rcf->primary.data = (u_char *) url.name.data;
    rcf->primary.len = url.name.len;
    rcf->url = value[1];
    rcf->tls = url.tls;
    rcf->cluster = url.kind == LL_REDIS_URL_CLUSTER;

    return NGX_CONF_OK;
}


ngx_int_t
ngx_leaseloft_url_complete(ngx_conf_t *cf, ngx_leaseloft_redis_conf_t *rcf)
{
    ll_redis_url_t  url;

    (void) ll_redis_url_parse(&url, (char *) rcf->url.data, rcf->url.len);

    if (ll_redis_url_check(&url, rcf->file_password.len != 0) == -1) {
        (void) ngx_leaseloft_url_refuse(cf, url.fault);
        return NGX_ERROR;
    }

    if (rcf->file_password.len) {
        rcf->password = rcf->file_password;
    }

    return NGX_OK;
}


ngx_int_t
ngx_leaseloft_url_resolve(ngx_conf_t *cf, ngx_leaseloft_main_conf_t *mcf)
{
    ngx_url_t                url;
    ngx_uint_t               i;
    ngx_leaseloft_server_t  *server;

    if (mcf->resolver && mcf->resolver->connections.nelts != 0) {
        return NGX_OK;
    }

    for (i = 0; i < mcf->redis.nservers; i++) {
        server = &mcf->redis.servers[i];

        if (server->socklen) {
            continue;
        }

        ngx_memzero(&url, sizeof(ngx_url_t));
        url.host.data = (u_char *) server->host;
        url.host.len = ngx_strlen(server->host);
        url.port = server->port;

        if (ngx_inet_resolve_host(cf->pool, &url) != NGX_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"leaseloft_redis\" names the host \"%V\", "
                               "which cannot be resolved: %s, correct it or "
                               "add \"resolver\" to the http block",
                               &url.host, url.err ? url.err : "unknown");
            return NGX_ERROR;
        }

        server->socklen = url.addrs[0].socklen;
        ngx_memcpy(&server->sockaddr, url.addrs[0].sockaddr, server->socklen);
    }

    return NGX_OK;
}
