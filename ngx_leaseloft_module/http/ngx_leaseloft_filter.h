
/*
 * Error pages that nginx makes in locations of ours.
 */


#ifndef NGX_LEASELOFT_FILTER_H
#define NGX_LEASELOFT_FILTER_H


#include "ngx_leaseloft.h"


/* turns the error pages that nginx makes in our locations into problems */
ngx_int_t ngx_leaseloft_filter_init(ngx_conf_t *cf);


#endif /* NGX_LEASELOFT_FILTER_H */
