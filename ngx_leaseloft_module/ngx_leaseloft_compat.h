
/*
 * What differs between nginx 1.22 and the current mainline.
 *
 * From 1.23.0 on headers of one name are linked lists, and cookies are one of
 * them.
 */


#ifndef NGX_LEASELOFT_COMPAT_H
#define NGX_LEASELOFT_COMPAT_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include <nginx.h>


#if (nginx_version >= 1023000)

#define ngx_leaseloft_header_alone(h)  (h)->next = NULL

#else

#define ngx_leaseloft_header_alone(h)

#endif


/* NGX_OK, or NGX_DECLINED when the request has no such cookie */
static ngx_inline ngx_int_t
ngx_leaseloft_cookie(ngx_http_request_t *r, ngx_str_t *name, ngx_str_t *value)
{
#if (nginx_version >= 1023000)

    if (ngx_http_parse_multi_header_lines(r, r->headers_in.cookie, name, value)
        == NULL)
    {
        return NGX_DECLINED;
    }

#else

    if (ngx_http_parse_multi_header_lines(&r->headers_in.cookies, name, value)
        == NGX_DECLINED)
    {
        return NGX_DECLINED;
    }

#endif

    return NGX_OK;
}


#endif /* NGX_LEASELOFT_COMPAT_H */
