
/*
 * The header filter for nginx's error pages in locations with an endpoint.
 */


#ifndef NGX_LEASELOFT_FILTER_H
#define NGX_LEASELOFT_FILTER_H


#include "ngx_leaseloft.h"


/*
 * Installs the filter, which replaces nginx's error pages by problem documents.
 * NGX_OK.
 */
ngx_int_t ngx_leaseloft_filter_init(ngx_conf_t *cf);


#endif /* NGX_LEASELOFT_FILTER_H */
