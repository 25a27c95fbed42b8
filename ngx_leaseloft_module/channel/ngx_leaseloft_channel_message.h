
/*
 * What is published on channels.
 */


#ifndef NGX_LEASELOFT_CHANNEL_MESSAGE_H
#define NGX_LEASELOFT_CHANNEL_MESSAGE_H


#include "ngx_leaseloft_channel.h"


/* a callback of the client; data: the channels */
void ngx_leaseloft_channel_message(void *data, ngx_str_t *name,
    ngx_str_t *payload);


#endif /* NGX_LEASELOFT_CHANNEL_MESSAGE_H */
