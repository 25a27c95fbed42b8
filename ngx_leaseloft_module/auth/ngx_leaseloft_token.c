
/*
 * The token of a request, and $leaseloft_user.  Nothing is kept here; verified
 * tokens are cached by ngx_leaseloft_token_cache.c.
 */


#include "ngx_leaseloft_key_file.h"
#include "ngx_leaseloft_revoked.h"
#include "ngx_leaseloft_token.h"


/*
 * How many session cookies are tried: an old one, or one with a narrower path,
 * does not hide the others.
 */
#define NGX_LEASELOFT_TOKEN_COOKIES  8


/* iterates over the cookies of one name */
typedef struct {
    ngx_str_t                  *name;
    ngx_list_part_t            *part;      /* of the request's headers */
    ngx_uint_t                  i;         /* the next header in part */
    u_char                     *p;         /* the rest of a header */
    u_char                     *last;
} ngx_leaseloft_cookies_t;


static u_char *ngx_leaseloft_token_header(ngx_http_request_t *r);
static void ngx_leaseloft_token_cookies(ngx_http_request_t *r,
    ngx_leaseloft_cookies_t *cookies);
static ngx_int_t ngx_leaseloft_token_next(ngx_leaseloft_cookies_t *cookies,
    ngx_str_t *value);
static ngx_int_t ngx_leaseloft_token_line(ngx_leaseloft_cookies_t *cookies);
static void ngx_leaseloft_token_trim(ngx_str_t *value);
static ngx_int_t ngx_leaseloft_token_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


static ngx_str_t  ngx_leaseloft_token_name = ngx_string("leaseloft_user");


/*
 * The value of leaseloft_user, copied, as it may point into a header that a
 * stream frees; returns as ngx_leaseloft_token_check().
 */
static ngx_int_t
ngx_leaseloft_token_value(ngx_http_request_t *r,
    ngx_http_complex_value_t *cv, ngx_str_t *user,
    ngx_leaseloft_refusal_e *refusal)
{
    ngx_str_t                   value;
    ngx_leaseloft_main_conf_t  *mcf;

    if (ngx_http_complex_value(r, cv, &value) != NGX_OK) {
        return NGX_ERROR;
    }

    if (value.len == 0) {
        *refusal = NGX_LEASELOFT_REFUSAL_MISSING;
        return NGX_DECLINED;
    }

    if (!ll_id_valid((char *) value.data, value.len)) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "the value of \"leaseloft_user\" is not a valid user "
                      "id");
        *refusal = NGX_LEASELOFT_REFUSAL_MALFORMED;
        return NGX_DECLINED;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_leaseloft_module);

    if (mcf->process
        && ngx_leaseloft_revoked_check(mcf->process->revoked, value.data,
                                       value.len, 0))
    {
        *refusal = NGX_LEASELOFT_REFUSAL_REVOKED;
        return NGX_DECLINED;
    }

    user->len = value.len;
    user->data = ngx_pstrdup(r->pool, &value);

    return user->data ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_leaseloft_token_check(ngx_http_request_t *r, ngx_str_t *user,
    time_t *exp, time_t *iat, ngx_leaseloft_refusal_e *refusal)
{
    ngx_int_t                  rc;
    ngx_str_t                  token;
    ngx_leaseloft_claims_t     claims;
    ngx_leaseloft_loc_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_leaseloft_module);

    if (conf->user) {
        *exp = NGX_LEASELOFT_JWT_TIME_MAX;
        *iat = 0;
        return ngx_leaseloft_token_value(r, conf->user, user, refusal);
    }

    rc = ngx_leaseloft_token_read(r, &token, &claims);

    if (rc != NGX_OK) {
        *refusal = claims.refusal;
        return rc;
    }

    user->len = claims.user_len;
    user->data = ngx_pnalloc(r->pool, user->len);
    if (user->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(user->data, claims.user, user->len);
    *exp = claims.exp;
    *iat = claims.iat;

    return NGX_OK;
}


ngx_int_t
ngx_leaseloft_token_read(ngx_http_request_t *r, ngx_str_t *token,
    ngx_leaseloft_claims_t *claims)
{
    u_char                    *p;
    ngx_int_t                  rc;
    ngx_str_t                 *value;
    ngx_uint_t                 n;
    ngx_leaseloft_cookies_t    cookies;

    claims->refusal = NGX_LEASELOFT_REFUSAL_MISSING;

    p = ngx_leaseloft_token_header(r);

    if (p) {
        value = &r->headers_in.authorization->value;
        token->data = p;
        token->len = value->data + value->len - p;

        return ngx_leaseloft_token_verify(r, token, claims);
    }

    ngx_leaseloft_token_cookies(r, &cookies);

    for (n = 0; n < NGX_LEASELOFT_TOKEN_COOKIES; n++) {

        if (ngx_leaseloft_token_next(&cookies, token) != NGX_OK) {
            break;
        }

        rc = ngx_leaseloft_token_verify(r, token, claims);

        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

    return NGX_DECLINED;
}


ngx_int_t
ngx_leaseloft_token_verify(ngx_http_request_t *r, ngx_str_t *token,
    ngx_leaseloft_claims_t *claims)
{
    ngx_int_t                   rc;
    ngx_leaseloft_loc_conf_t   *conf;
    ngx_leaseloft_main_conf_t  *mcf;

    conf = ngx_http_get_module_loc_conf(r, ngx_leaseloft_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_leaseloft_module);

    /* processes without endpoints have no token cache */
    if (mcf->process == NULL || conf->keys == NULL || conf->user) {
        claims->refusal = NGX_LEASELOFT_REFUSAL_KEY;
        return NGX_DECLINED;
    }

    rc = ngx_leaseloft_token_cache_check(mcf->process->tokens, conf, token,
                                         claims, r->connection->log);

    if (rc == NGX_OK
        && ngx_leaseloft_revoked_check(mcf->process->revoked, claims->user,
                                       claims->user_len, claims->iat))
    {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "token refused: the tokens of its user are revoked");
        claims->refusal = NGX_LEASELOFT_REFUSAL_REVOKED;
        return NGX_DECLINED;
    }

    return rc;
}


/* the start of the token in a Bearer header, or NULL */
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
ngx_leaseloft_token_is_ambient(ngx_http_request_t *r)
{
    ngx_leaseloft_loc_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_leaseloft_module);

    return conf->user || ngx_leaseloft_token_header(r) == NULL;
}


ngx_uint_t
ngx_leaseloft_token_cookie(ngx_http_request_t *r)
{
    ngx_str_t                token;
    ngx_leaseloft_cookies_t  cookies;

    ngx_leaseloft_token_cookies(r, &cookies);

    return ngx_leaseloft_token_next(&cookies, &token) == NGX_OK;
}


static void
ngx_leaseloft_token_cookies(ngx_http_request_t *r,
    ngx_leaseloft_cookies_t *cookies)
{
    ngx_leaseloft_loc_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_leaseloft_module);

    cookies->name = &conf->cookie;
    cookies->part = &r->headers_in.headers.part;
    cookies->i = 0;
    cookies->p = NULL;
    cookies->last = NULL;
}


/*
 * The next cookie of this name (RFC 6265, 4.2.1), its value without quotes;
 * NGX_DECLINED after the last one.
 */
static ngx_int_t
ngx_leaseloft_token_next(ngx_leaseloft_cookies_t *cookies, ngx_str_t *value)
{
    u_char  *p, *end;
    size_t   len;

    do {

        while (cookies->p < cookies->last) {

            p = cookies->p;

            while (p < cookies->last && (*p == ' ' || *p == '\t')) {
                p++;
            }

            end = ngx_strlchr(p, cookies->last, ';');
            if (end == NULL) {
                end = cookies->last;
            }

            cookies->p = end < cookies->last ? end + 1 : end;
            len = cookies->name->len;

            if ((size_t) (end - p) > len && p[len] == '='
                && ngx_strncmp(p, cookies->name->data, len) == 0)
            {
                value->data = p + len + 1;
                value->len = end - value->data;
                ngx_leaseloft_token_trim(value);

                return NGX_OK;
            }
        }

    } while (ngx_leaseloft_token_line(cookies) == NGX_OK);

    return NGX_DECLINED;
}


/* advances to the next Cookie header; NGX_DECLINED after the last one */
static ngx_int_t
ngx_leaseloft_token_line(ngx_leaseloft_cookies_t *cookies)
{
    ngx_table_elt_t  *h;

    for ( /* void */ ; cookies->part; cookies->part = cookies->part->next) {

        while (cookies->i < cookies->part->nelts) {

            h = (ngx_table_elt_t *) cookies->part->elts + cookies->i++;

            if (h->key.len == sizeof("cookie") - 1
                && ngx_strncmp(h->lowcase_key, "cookie", h->key.len) == 0)
            {
                cookies->p = h->value.data;
                cookies->last = h->value.data + h->value.len;

                return NGX_OK;
            }
        }

        cookies->i = 0;
    }

    return NGX_DECLINED;
}


static void
ngx_leaseloft_token_trim(ngx_str_t *value)
{
    u_char  *last;

    while (value->len) {
        last = value->data + value->len - 1;

        if (*last != ' ' && *last != '\t') {
            break;
        }

        value->len--;
    }

    if (value->len >= 2 && value->data[0] == '"'
        && value->data[value->len - 1] == '"')
    {
        value->data++;
        value->len -= 2;
    }
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
    time_t                   exp, iat;
    ngx_int_t                rc;
    ngx_str_t                user;
    ngx_leaseloft_ctx_t     *ctx;
    ngx_leaseloft_refusal_e  refusal;

    ctx = ngx_http_get_module_ctx(r, ngx_leaseloft_module);

    if (ctx && ctx->endpoint && ctx->endpoint->user) {
        user = ctx->user;
        rc = user.len ? NGX_OK : NGX_DECLINED;

    } else {
        rc = ngx_leaseloft_token_check(r, &user, &exp, &iat, &refusal);
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

    value = cf->args->elts;

    if (lcf->keys == NGX_CONF_UNSET_PTR) {

        lcf->keys = ngx_pcalloc(cf->pool, sizeof(ngx_leaseloft_keys_t));

        if (lcf->keys == NULL
            || ngx_array_init(&lcf->keys->list, cf->pool, 1,
                              sizeof(ngx_leaseloft_key_t))
               != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    if (ngx_leaseloft_key_file_read(cf, &cmd->name, &value[1], lcf->keys)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}
