
/*
 * Why the server ended a stream: the event "bye" has it, and the variable
 * $leaseloft_bye, for nginx's access log.
 */


#ifndef NGX_LEASELOFT_STREAM_BYE_H
#define NGX_LEASELOFT_STREAM_BYE_H


#include "ngx_leaseloft_stream.h"


/* notes the reason, and returns the data of the event */
ngx_str_t *ngx_leaseloft_stream_bye(ngx_leaseloft_stream_t *stream,
    ngx_leaseloft_bye_e reason);

/* adds the variable: NGX_OK or NGX_ERROR */
ngx_int_t ngx_leaseloft_stream_bye_add_variable(ngx_conf_t *cf);


#endif /* NGX_LEASELOFT_STREAM_BYE_H */
