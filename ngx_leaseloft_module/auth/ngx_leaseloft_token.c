
/*
 * The token of a request, and $leaseloft_user.
 */


#include "ngx_leaseloft_token.h"


static ngx_int_t ngx_leaseloft_token_find(ngx_http_request_t *r,
    ngx_str_t *token);
static ngx_int_t ngx_leaseloft_token_cookie(ngx_http_request_t *r,
    ngx_str_t *name, ngx_str_t *value);
static ngx_int_t ngx_leaseloft_token_pair(ngx_str_t *cookies, ngx_str_t *name,
    ngx_str_t *value);
static ngx_int_t ngx_leaseloft_token_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


static ngx_str_t  ngx_leaseloft_token_name = ngx_string("leaseloft_user");


ngx_int_t
ngx_leaseloft_token_check(ngx_http_request_t *r, ngx_str_t *user,
    time_t *exp)
{
    ngx_int_t                   rc;
    ngx_str_t                   token;
    ngx_leaseloft_claims_t      claims;
    ngx_leaseloft_loc_conf_t   *conf;
    ngx_leaseloft_main_conf_t  *mcf;

    conf = ngx_http_get_module_loc_conf(r, ngx_leaseloft_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_leaseloft_module);

    /* a process without endpoints checks no tokens */
    if (mcf->process == NULL || conf->key == NULL
        || ngx_leaseloft_token_find(r, &token) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    rc = ngx_leaseloft_tokens_check(mcf->process->tokens, conf, &token,
                                    &claims, r->connection->log);
    if (rc != NGX_OK) {
        return rc;
    }

    user->len = claims.user_len;
    user->data = ngx_pnalloc(r->pool, user->len);
    if (user->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(user->data, claims.user, user->len);
    *exp = claims.exp;

    return NGX_OK;
}


/* where a Bearer header's token begins, or NULL */
static u_char *
ngx_leaseloft_token_header(ngx_http_request_t *r)
{
    u_char     *p, *last;
    ngx_str_t  *value;

    static ngx_str_t  scheme = ngx_string("Bearer");

    if (r->headers_in.authorization == NULL) {
        return NULL;
    }

    value = &r->headers_in.authorization->value;

    if (value->len < scheme.len
        || ngx_strncasecmp(value->data, scheme.data, scheme.len) != 0)
    {
        return NULL;
    }

    p = value->data + scheme.len;
    last = value->data + value->len;

    if (p < last && *p != ' ') {
        return NULL;
    }

    while (p < last && *p == ' ') {
        p++;
    }

    return p;
}


ngx_uint_t
ngx_leaseloft_token_bearer(ngx_http_request_t *r)
{
    return ngx_leaseloft_token_header(r) != NULL;
}


/* NGX_OK, or NGX_DECLINED when there is none */
static ngx_int_t
ngx_leaseloft_token_find(ngx_http_request_t *r, ngx_str_t *token)
{
    u_char                    *p;
    ngx_str_t                 *value;
    ngx_leaseloft_loc_conf_t  *conf;

    p = ngx_leaseloft_token_header(r);

    if (p) {
        value = &r->headers_in.authorization->value;
        token->data = p;
        token->len = value->data + value->len - p;
        return NGX_OK;
    }

    conf = ngx_http_get_module_loc_conf(r, ngx_leaseloft_module);

    return ngx_leaseloft_token_cookie(r, &conf->cookie, token);
}


/* the first cookie of this name (RFC 6265, 4.2.1), or NGX_DECLINED */
static ngx_int_t
ngx_leaseloft_token_cookie(ngx_http_request_t *r, ngx_str_t *name,
    ngx_str_t *value)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &r->headers_in.headers.part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].key.len == sizeof("cookie") - 1
                && ngx_strncmp(h[i].lowcase_key, "cookie", 6) == 0
                && ngx_leaseloft_token_pair(&h[i].value, name, value)
                   == NGX_OK)
            {
                return NGX_OK;
            }
        }
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_leaseloft_token_pair(ngx_str_t *cookies, ngx_str_t *name,
    ngx_str_t *value)
{
    u_char  *p, *last, *end;

    p = cookies->data;
    last = p + cookies->len;

    for ( /* void */ ; p < last; p = end + 1) {

        while (p < last && *p == ' ') {
            p++;
        }

        end = ngx_strlchr(p, last, ';');
        if (end == NULL) {
            end = last;
        }

        if ((size_t) (end - p) > name->len && p[name->len] == '='
            && ngx_strncmp(p, name->data, name->len) == 0)
        {
            value->data = p + name->len + 1;
            value->len = end - value->data;
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


ngx_int_t
ngx_leaseloft_token_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var;

    /* locations may have different keys */
    var = ngx_http_add_variable(cf, &ngx_leaseloft_token_name,
                                NGX_HTTP_VAR_NOCACHEABLE);
    if (var == NULL) {
        return NGX_ERROR;
    }

    var->get_handler = ngx_leaseloft_token_variable;

    return NGX_OK;
}


static ngx_int_t
ngx_leaseloft_token_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    time_t                exp;
    ngx_int_t             rc;
    ngx_str_t             user;
    ngx_leaseloft_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_leaseloft_module);

    if (ctx && ctx->endpoint && ctx->endpoint->user) {
        user = ctx->user;
        rc = user.len ? NGX_OK : NGX_DECLINED;

    } else {
        rc = ngx_leaseloft_token_check(r, &user, &exp);
    }

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc != NGX_OK) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->len = user.len;
    v->data = user.data;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


char *
ngx_leaseloft_token_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_leaseloft_loc_conf_t  *lcf = conf;

    ngx_str_t  *value;

    if (lcf->key != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    lcf->key = ngx_leaseloft_key_read(cf, &cmd->name, &value[1]);

    if (lcf->key == NULL) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}
