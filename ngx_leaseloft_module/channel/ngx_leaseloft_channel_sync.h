
/*
 * Reading what a channel missed.
 */


#ifndef NGX_LEASELOFT_CHANNEL_SYNC_H
#define NGX_LEASELOFT_CHANNEL_SYNC_H


#include "ngx_leaseloft_channel.h"


/* reads what the channel missed; it is not live until that has come */
void ngx_leaseloft_channel_sync(ngx_leaseloft_channel_t *channel);

/* reads again, a while later, what Redis would not say */
void ngx_leaseloft_channel_sync_retry(ngx_leaseloft_channels_t *channels);

/* callbacks of the client; data: the channels */
void ngx_leaseloft_channel_sync_ready(void *data);
void ngx_leaseloft_channel_sync_state(void *data);


#endif /* NGX_LEASELOFT_CHANNEL_SYNC_H */
