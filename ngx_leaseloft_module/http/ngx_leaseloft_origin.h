
/*
 * Origins (RFC 6454), and the site's own origin.
 */


#ifndef NGX_LEASELOFT_ORIGIN_H
#define NGX_LEASELOFT_ORIGIN_H


#include "ngx_leaseloft.h"


/*
 * Splits "SCHEME://HOST[:PORT]" into scheme and host, which point into value;
 * value is converted to lower case.  The host includes the port, unless it is
 * the scheme's default.  Returns NULL, or an error message.
 */
char *ngx_leaseloft_origin_parse(ngx_str_t *value, ngx_str_t *scheme,
    ngx_str_t *host);

/* 1 when an Origin header's value is the site's own origin */
ngx_uint_t ngx_leaseloft_origin_is_own(ngx_http_request_t *r,
    ngx_str_t *origin);

/* 1 when the scheme of the site's own origin is https */
ngx_uint_t ngx_leaseloft_origin_is_https(ngx_http_request_t *r);

/* leaseloft_origin SCHEME://HOST[:PORT] */
char *ngx_leaseloft_origin_slot(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* NGX_LEASELOFT_ORIGIN_H */
