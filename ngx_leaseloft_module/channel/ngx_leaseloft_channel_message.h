
/*
 * Messages published on channels.
 */


#ifndef NGX_LEASELOFT_CHANNEL_MESSAGE_H
#define NGX_LEASELOFT_CHANNEL_MESSAGE_H


#include "ngx_leaseloft_channel.h"


/*
 * Handles a message that was published on a channel: a callback of a Redis
 * client; data is ngx_leaseloft_channels_t.  A malformed message is logged and
 * resets the connection.
 */
void ngx_leaseloft_channel_message(void *data, ngx_leaseloft_client_t *client,
    ngx_str_t *name, ngx_str_t *payload);


#endif /* NGX_LEASELOFT_CHANNEL_MESSAGE_H */
