
/*
 * Origins (RFC 6454), and which one the site itself has.
 */


#ifndef NGX_LEASELOFT_ORIGIN_H
#define NGX_LEASELOFT_ORIGIN_H


#include "ngx_leaseloft.h"


/*
 * Splits "SCHEME://HOST[:PORT]" into scheme and host, both in value, which is
 * put into lower case; a port that the scheme implies is left out of the host.
 * Returns NULL, or what is wrong with it and what to write instead.
 */
char *ngx_leaseloft_origin_parse(ngx_str_t *value, ngx_str_t *scheme,
    ngx_str_t *host);

/* 1 when origin, as a browser sends it, is the site's own */
ngx_uint_t ngx_leaseloft_origin_is_own(ngx_http_request_t *r,
    ngx_str_t *origin);

/* 1 when the site's own origin is one of https */
ngx_uint_t ngx_leaseloft_origin_is_https(ngx_http_request_t *r);

/* leaseloft_origin SCHEME://HOST[:PORT] */
char *ngx_leaseloft_origin_slot(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* NGX_LEASELOFT_ORIGIN_H */
