
/*
 * What differs between nginx 1.22 and the current mainline.
 *
 * From 1.23.0 on headers of one name are linked lists.  What nginx has for
 * cookies changed twice; ngx_leaseloft_token.c reads them by itself.
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
