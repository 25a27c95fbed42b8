
/*
 * The configuration of a location: defaults, inheritance and bounds.
 */


#ifndef NGX_LEASELOFT_LOC_CONF_H
#define NGX_LEASELOFT_LOC_CONF_H


#include "ngx_leaseloft.h"


/* the unset configuration of a block, for nginx; NULL: no memory */
void *ngx_leaseloft_loc_conf_create(ngx_conf_t *cf);

/*
 * Inherits values of parent in child and checks them.  NGX_CONF_OK, or
 * NGX_CONF_ERROR after an error, which is logged.
 */
char *ngx_leaseloft_loc_conf_merge(ngx_conf_t *cf, void *parent, void *child);


#endif /* NGX_LEASELOFT_LOC_CONF_H */
