
/*
 * Origins: a line of values for leaseloft_allow_origin, then an Origin header,
 * then a Host header.  An accepted origin is in the list, or that of the host.
 */


#include "fuzz/nginx.h"

#include "ngx_leaseloft_cors.h"
#include "ngx_leaseloft_response.h"


#define FUZZ_VALUES  8


/* SCHEME://HOST[:PORT], in lower case, and nothing after it */
static void
fuzz_check_origin(ngx_str_t *origin)
{
    u_char  *p, *last;
    size_t   i;

    last = origin->data + origin->len;
    p = ngx_strlchr(origin->data, last, ':');

    CHECK(p != NULL && p > origin->data && last - p > 3);
    CHECK(p[1] == '/' && p[2] == '/');

    for (p += 3; p < last; p++) {
        CHECK(*p != '/' && *p != '?' && *p != '@' && *p != '*');
    }

    for (i = 0; i < origin->len; i++) {
        CHECK(origin->data[i] > ' ' && origin->data[i] < 0x7f);
        CHECK(origin->data[i] < 'A' || origin->data[i] > 'Z');
    }
}


static ngx_uint_t
fuzz_listed(ngx_array_t *origins, ngx_str_t *origin)
{
    ngx_str_t   *allowed;
    ngx_uint_t   i;

    allowed = origins->elts;

    for (i = 0; i < origins->nelts; i++) {
        if (allowed[i].len == origin->len
            && ngx_strncasecmp(allowed[i].data, origin->data, origin->len)
               == 0)
        {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
fuzz_own(ngx_str_t *origin, ngx_str_t *host)
{
    size_t  len;

    len = sizeof("http://") - 1;

    if (origin->len < len
        || ngx_strncasecmp(origin->data, (u_char *) "http://", len) != 0)
    {
        return 0;
    }

    return (origin->len - len == host->len
            || origin->len - len + sizeof(":80") - 1 == host->len)
           && ngx_strncasecmp(origin->data + len, host->data,
                              origin->len - len)
              == 0;
}


static void
fuzz_request_from(ngx_leaseloft_loc_conf_t *lcf, ngx_str_t *origin,
    ngx_str_t *host)
{
    ngx_str_t                   method;
    ngx_table_elt_t            *h;
    ngx_http_request_t         *r;
    ngx_leaseloft_main_conf_t   mcf;

    ngx_memzero(&mcf, sizeof(ngx_leaseloft_main_conf_t));

    r = fuzz_request(&mcf, lcf);
    r->method = NGX_HTTP_OPTIONS;
    ngx_str_set(&method, "POST");

    fuzz_header(r, "access-control-request-method", &method);
    fuzz_header(r, "origin", origin);
    fuzz_header(r, "host", host);

    h = r->headers_in.headers.last->elts;
    r->headers_in.host = &h[r->headers_in.headers.last->nelts - 1];

    if (!ngx_leaseloft_cors_foreign(r)) {
        CHECK(fuzz_listed(lcf->origins, origin) || fuzz_own(origin, host));
    }

    if (ngx_leaseloft_cors_preflight(r)) {
        CHECK(fuzz_listed(lcf->origins, origin));
        fuzz_finalize(r, ngx_leaseloft_response_preflight(r));
    }

    fuzz_requests_end();
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ngx_str_t                  line, host, *origin, values[FUZZ_VALUES];
    ngx_uint_t                 i, n;
    ngx_conf_t                 cf;
    ngx_pool_t                *pool;
    const uint8_t             *p;
    ngx_leaseloft_loc_conf_t   lcf;

    static ngx_command_t  command = { .name = ngx_string("allow") };

    if (fuzz_part(&data, &size, LF, &line) != NGX_OK) {
        return 0;
    }

    pool = fuzz_pool();
    p = line.data;

    for (n = 0; n < FUZZ_VALUES; n++) {
        if (fuzz_part(&p, &line.len, ' ', &values[n]) != NGX_OK) {
            break;
        }
    }

    ngx_memzero(&lcf, sizeof(ngx_leaseloft_loc_conf_t));
    fuzz_conf(&cf, pool, &command.name, values, n);

    if (ngx_leaseloft_cors_allow_origin(&cf, &command, &lcf) == NGX_CONF_OK) {

        origin = lcf.origins->elts;

        for (i = 0; i < lcf.origins->nelts; i++) {
            fuzz_check_origin(&origin[i]);
        }

        if (fuzz_part(&data, &size, LF, &line) == NGX_OK
            && fuzz_part(&data, &size, LF, &host) == NGX_OK)
        {
            /* nginx refuses both headers with one of these */

            for (i = 0; i < line.len; i++) {
                line.data = i ? line.data : ngx_pstrdup(pool, &line);
                line.data[i] = line.data[i] < ' ' ? 'x' : line.data[i];
            }

            fuzz_request_from(&lcf, &line, &host);
        }
    }

    ngx_destroy_pool(pool);

    return 0;
}
