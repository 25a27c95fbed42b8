
/*
 * The session of a browser: a token in an HttpOnly cookie.  A page posts its
 * token once, and afterwards reads here which user is signed in.  No state is
 * kept.
 *
 * A page of another origin must not sign a browser in as another user:
 * therefore POST accepts only JSON, which a form cannot send, and refuses a
 * foreign Origin.
 */


#include "ngx_leaseloft_body.h"
#include "ngx_leaseloft_cors.h"
#include "ngx_leaseloft_header.h"
#include "ngx_leaseloft_member.h"
#include "ngx_leaseloft_origin.h"
#include "ngx_leaseloft_response.h"
#include "ngx_leaseloft_token.h"
#include "ngx_leaseloft_zone.h"


/* bytes of name and value that browsers accept (RFC 6265, 6.1) */
#define NGX_LEASELOFT_SESSION_COOKIE_MAX  4096


static ngx_int_t ngx_leaseloft_session_get(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx);
static ngx_int_t ngx_leaseloft_session_claims(ngx_http_request_t *r,
    ngx_str_t *name, ngx_str_t *expires_at);
static ngx_int_t ngx_leaseloft_session_check_post(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx);
static ngx_int_t ngx_leaseloft_session_post(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx);
static ngx_int_t ngx_leaseloft_session_body(ngx_http_request_t *r,
    ngx_str_t *body);
static ngx_int_t ngx_leaseloft_session_check_delete(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx);
static ngx_int_t ngx_leaseloft_session_delete(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx);
static ngx_int_t ngx_leaseloft_session_cookie(ngx_http_request_t *r,
    ngx_str_t *value, time_t expires);
static ngx_uint_t ngx_leaseloft_session_is_secure(ngx_http_request_t *r,
    ngx_str_t *name);


static ngx_leaseloft_endpoint_t  ngx_leaseloft_session_delete_endpoint = {
    .kind = NGX_LEASELOFT_ENDPOINT_SESSION,
    .method = NGX_HTTP_DELETE,
    .methods = ngx_string("DELETE"),
    .check = ngx_leaseloft_session_check_delete,
    .handler = ngx_leaseloft_session_delete
};


static ngx_leaseloft_endpoint_t  ngx_leaseloft_session_post_endpoint = {
    .kind = NGX_LEASELOFT_ENDPOINT_SESSION,
    .method = NGX_HTTP_POST,
    .methods = ngx_string("POST"),
    .body = 1,
    .check = ngx_leaseloft_session_check_post,
    .handler = ngx_leaseloft_session_post,
    .next = &ngx_leaseloft_session_delete_endpoint
};


ngx_leaseloft_endpoint_t  ngx_leaseloft_session_endpoint = {
    .kind = NGX_LEASELOFT_ENDPOINT_SESSION,
    .method = NGX_HTTP_GET,
    .methods = ngx_string("GET"),
    .user = 1,
    .handler = ngx_leaseloft_session_get,
    .next = &ngx_leaseloft_session_post_endpoint
};


/* {"user":…,"name":…,"expires_at":…} */
static ngx_int_t
ngx_leaseloft_session_get(ngx_http_request_t *r, ngx_leaseloft_ctx_t *ctx)
{
    u_char                    *p;
    u_char                     expiry[sizeof("\"9999-12-31T23:59:59.000Z\"")];
    ngx_int_t                  rc;
    ngx_str_t                  name, body, expires_at;
    ngx_leaseloft_loc_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_leaseloft_module);

    ngx_str_set(&name, "null");
    ngx_str_set(&expires_at, "null");

    if (conf->user == NULL) {
        expires_at.data = expiry;

        rc = ngx_leaseloft_session_claims(r, &name, &expires_at);

        if (rc == NGX_DECLINED) {
            /* expired since it was checked */
            return ngx_leaseloft_response_problem(r, NGX_HTTP_UNAUTHORIZED,
                                                  NULL);
        }

        if (rc != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    p = ngx_pnalloc(r->pool, sizeof("{\"user\":\"\",\"name\":,"
                                    "\"expires_at\":}") - 1
                             + ctx->user.len + name.len + expires_at.len);
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    body.data = p;
    p = ngx_sprintf(p, "{\"user\":\"%V\",\"name\":%V,\"expires_at\":%V}",
                    &ctx->user, &name, &expires_at);
    body.len = p - body.data;

    return ngx_leaseloft_response_json(r, NGX_HTTP_OK, &body);
}


/* the name and the expiry of the token, as JSON; returns as token_read() */
static ngx_int_t
ngx_leaseloft_session_claims(ngx_http_request_t *r, ngx_str_t *name,
    ngx_str_t *expires_at)
{
    ngx_tm_t                   tm;
    ngx_int_t                  rc;
    ngx_str_t                  token;
    ngx_leaseloft_claims_t     claims;
    ngx_leaseloft_loc_conf_t  *conf;

    rc = ngx_leaseloft_token_read(r, &token, &claims);

    if (rc != NGX_OK) {
        return rc;
    }

    conf = ngx_http_get_module_loc_conf(r, ngx_leaseloft_module);

    /* the token's own expiry, without the leeway */
    ngx_gmtime(claims.exp - conf->leeway, &tm);

    expires_at->len = ngx_sprintf(expires_at->data,
                                  "\"%4d-%02d-%02dT%02d:%02d:%02d.000Z\"",
                                  tm.ngx_tm_year, tm.ngx_tm_mon,
                                  tm.ngx_tm_mday, tm.ngx_tm_hour,
                                  tm.ngx_tm_min, tm.ngx_tm_sec)
                      - expires_at->data;

    return ngx_leaseloft_jwt_name(r->pool, &token, name);
}


static ngx_int_t
ngx_leaseloft_session_check_post(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx)
{
    return ngx_leaseloft_cors_foreign(r) ? NGX_HTTP_FORBIDDEN : NGX_OK;
}


static ngx_int_t
ngx_leaseloft_session_post(ngx_http_request_t *r, ngx_leaseloft_ctx_t *ctx)
{
    return ngx_leaseloft_body_read(r, ngx_leaseloft_session_body);
}


static ngx_int_t
ngx_leaseloft_session_body(ngx_http_request_t *r, ngx_str_t *body)
{
    ngx_int_t                  rc;
    ngx_str_t                  token, document;
    ngx_leaseloft_ctx_t       *ctx;
    ngx_leaseloft_claims_t     claims;
    ngx_leaseloft_loc_conf_t  *conf;

    ctx = ngx_http_get_module_ctx(r, ngx_leaseloft_module);
    conf = ngx_http_get_module_loc_conf(r, ngx_leaseloft_module);

    rc = ngx_leaseloft_member_string(r, body, "token", &token, &document);

    if (rc == NGX_OK) {
        rc = ngx_leaseloft_token_verify(r, &token, &claims);

        if (rc == NGX_DECLINED) {
            ngx_leaseloft_counters_refused(ctx->process->zone, claims.refusal);
            return ngx_leaseloft_response_problem(r, NGX_HTTP_UNAUTHORIZED,
                                                  NULL);
        }

        /* browsers silently ignore longer cookies */

        if (rc == NGX_OK
            && conf->cookie.len + token.len > NGX_LEASELOFT_SESSION_COOKIE_MAX)
        {
            rc = ngx_leaseloft_member_fault(r, "token", "is too long for a "
                                            "cookie, browsers accept 4096 "
                                            "bytes including its name",
                                            &document);
            rc = rc == NGX_OK ? NGX_DECLINED : NGX_ERROR;
        }
    }

    if (rc == NGX_DECLINED) {
        return ngx_leaseloft_response_document(r,
                                    NGX_LEASELOFT_UNPROCESSABLE, &document);
    }

    if (rc != NGX_OK
        || ngx_leaseloft_session_cookie(r, &token, claims.exp) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_leaseloft_response_send(r, NGX_HTTP_NO_CONTENT, NULL, NULL);
}


static ngx_int_t
ngx_leaseloft_session_check_delete(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx)
{
    return ngx_leaseloft_token_cookie(r) && ngx_leaseloft_cors_foreign(r)
           ? NGX_HTTP_FORBIDDEN : NGX_OK;
}


static ngx_int_t
ngx_leaseloft_session_delete(ngx_http_request_t *r, ngx_leaseloft_ctx_t *ctx)
{
    static ngx_str_t  none = ngx_string("");

    if (ngx_leaseloft_session_cookie(r, &none, 0) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_leaseloft_response_send(r, NGX_HTTP_NO_CONTENT, NULL, NULL);
}


/*
 * Set-Cookie (RFC 6265, 4.1).  Max-Age, which does not depend on the browser's
 * clock being right, has precedence over Expires; 0 removes the cookie.
 */
static ngx_int_t
ngx_leaseloft_session_cookie(ngx_http_request_t *r, ngx_str_t *value,
    time_t expires)
{
    u_char                    *p;
    time_t                     age;
    ngx_str_t                  header;
    ngx_leaseloft_loc_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_leaseloft_module);
    age = ngx_max(expires - ngx_time(), 0);

    p = ngx_pnalloc(r->pool, conf->cookie.len + value->len + NGX_TIME_T_LEN
                             + sizeof("=; Path=/; Max-Age=; Expires=Thu, "
                                      "01 Jan 1970 00:00:00 GMT; HttpOnly; "
                                      "SameSite=Lax; Secure") - 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    header.data = p;

    p = ngx_sprintf(p, "%V=%V; Path=/; Max-Age=%T; Expires=", &conf->cookie,
                    value, age);
    p = ngx_http_time(p, expires);
    p = ngx_sprintf(p, "; HttpOnly; SameSite=Lax%s",
                    ngx_leaseloft_session_is_secure(r, &conf->cookie)
                    ? "; Secure" : "");

    header.len = p - header.data;

    return ngx_leaseloft_header_add(r, "Set-Cookie", &header);
}


/* cookies with these prefixes require Secure (RFC 6265bis, 4.1.3) */
static ngx_uint_t
ngx_leaseloft_session_is_secure(ngx_http_request_t *r, ngx_str_t *name)
{
    ngx_uint_t  i;

    static ngx_str_t  prefixes[] = {
        ngx_string("__Host-"), ngx_string("__Secure-")
    };

    for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        if (name->len >= prefixes[i].len
            && ngx_strncasecmp(name->data, prefixes[i].data, prefixes[i].len)
               == 0)
        {
            return 1;
        }
    }

    return ngx_leaseloft_origin_is_https(r);
}
