
/*
 * Problem documents.  One that adds nothing to its status has the type
 * "about:blank" and the status's title in HTTP (RFC 9457, 4.2.1).
 */


#include "ngx_leaseloft_header.h"
#include "ngx_leaseloft_problem.h"


typedef struct {
    ngx_uint_t                  status;
    char                       *title;
    char                       *detail;
} ngx_leaseloft_problem_t;


/* a 401: the user of the request is not the one in LeaseLoft-User */
static ngx_leaseloft_problem_t  ngx_leaseloft_problem_another = {
    NGX_HTTP_UNAUTHORIZED, "Another user",
    "The session belongs to another user than LeaseLoft-User names."
};


static ngx_leaseloft_problem_t  ngx_leaseloft_problems[] = {

    { NGX_HTTP_BAD_REQUEST, "Bad Request",
      "The request is malformed." },

    { NGX_HTTP_UNAUTHORIZED, "Unauthorized",
      "A valid token is required." },

    { NGX_HTTP_FORBIDDEN, "Forbidden",
      "Requests from this origin are not allowed." },

    { NGX_HTTP_NOT_FOUND, "Not Found",
      "This does not exist, or you have no access to it." },

    { NGX_HTTP_NOT_ALLOWED, "Method Not Allowed",
      "The Allow header lists the allowed methods." },

    { NGX_HTTP_REQUEST_TIME_OUT, "Request Timeout",
      "The request was not received in time." },

    { NGX_HTTP_REQUEST_ENTITY_TOO_LARGE, "Content Too Large",
      "The body must not be larger than 64 KiB." },

    { NGX_HTTP_UNSUPPORTED_MEDIA_TYPE, "Unsupported Media Type",
      "The Content-Type of the body must be application/json." },

    { NGX_HTTP_TOO_MANY_REQUESTS, "Too Many Requests",
      "Too many requests or streams; wait and retry." },

    { NGX_HTTP_INTERNAL_SERVER_ERROR, "Internal Server Error",
      "The request could not be processed." },

    { NGX_HTTP_SERVICE_UNAVAILABLE, "Service Unavailable",
      "Nothing was accepted; it is safe to retry the request." },

    { 0, "Error", "The request could not be processed." }
};


ngx_int_t
ngx_leaseloft_problem_create(ngx_http_request_t *r, ngx_uint_t status,
    const char *detail, ngx_str_t *document)
{
    char                     *type;
    size_t                    len, size;
    u_char                   *p;
    ngx_leaseloft_ctx_t      *ctx;
    ngx_leaseloft_problem_t  *problem;

    type = "about:blank";

    for (problem = ngx_leaseloft_problems; problem->status; problem++) {
        if (problem->status == status) {
            break;
        }
    }

    ctx = ngx_http_get_module_ctx(r, ngx_leaseloft_module);

    if (ctx && ctx->another && status == NGX_HTTP_UNAUTHORIZED) {
        type = "/problems/another-user";
        problem = &ngx_leaseloft_problem_another;
    }

    if (detail == NULL && ctx && status == NGX_HTTP_BAD_REQUEST) {
        detail = ctx->fault;
    }

    if (detail == NULL || status == NGX_HTTP_NOT_FOUND) {
        detail = problem->detail;
    }

    size = ngx_strlen(detail);
    len = sizeof("{\"type\":\"\",\"title\":\"\",\"status\":"
                 ",\"detail\":\"\"}") - 1
          + ngx_strlen(type) + ngx_strlen(problem->title) + NGX_INT_T_LEN
          + size + ngx_escape_json(NULL, (u_char *) detail, size);

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    document->data = p;

    p = ngx_sprintf(p, "{\"type\":\"%s\",\"title\":\"%s\",\"status\":%ui,"
                    "\"detail\":\"", type, problem->title, status);
    p = (u_char *) ngx_escape_json(p, (u_char *) detail, size);
    *p++ = '"';
    *p++ = '}';

    document->len = p - document->data;

    return NGX_OK;
}


static ngx_int_t
ngx_leaseloft_problem_allow(ngx_http_request_t *r)
{
    u_char                    *p;
    size_t                     len;
    ngx_str_t                  value;
    ngx_uint_t                 i;
    ngx_leaseloft_loc_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_leaseloft_module);
    len = 0;

    for (i = 0; i < NGX_LEASELOFT_ENDPOINTS; i++) {
        if (conf->endpoints[i]) {
            len += conf->endpoints[i]->methods.len + 2;
        }
    }

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value.data = p;

    for (i = 0; i < NGX_LEASELOFT_ENDPOINTS; i++) {
        if (conf->endpoints[i]) {
            p = ngx_sprintf(p, p == value.data ? "%V" : ", %V",
                            &conf->endpoints[i]->methods);
        }
    }

    value.len = p - value.data;

    return ngx_leaseloft_header_add(r, "Allow", &value);
}


ngx_int_t
ngx_leaseloft_problem_headers(ngx_http_request_t *r, ngx_uint_t status)
{
    static ngx_str_t  bearer = ngx_string("Bearer");
    static ngx_str_t  second = ngx_string("1");
    static ngx_str_t  seconds = ngx_string("2");

    switch (status) {

    case NGX_HTTP_UNAUTHORIZED:
        return ngx_leaseloft_header_add(r, "WWW-Authenticate", &bearer);

    case NGX_HTTP_NOT_ALLOWED:
        return ngx_leaseloft_problem_allow(r);

    case NGX_HTTP_TOO_MANY_REQUESTS:
        return ngx_leaseloft_header_add(r, "Retry-After", &second);

    case NGX_HTTP_SERVICE_UNAVAILABLE:
        return ngx_leaseloft_header_add(r, "Retry-After", &seconds);

    default:
        return NGX_OK;
    }
}
