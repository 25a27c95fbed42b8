
/*
 * Differences between nginx 1.22 and the current mainline.
 *
 * Since 1.23.0 headers of the same name form a linked list.  nginx's lookup of
 * cookies changed twice; ngx_leaseloft_token.c parses them itself.
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


#endif /* NGX_LEASELOFT_COMPAT_H */
