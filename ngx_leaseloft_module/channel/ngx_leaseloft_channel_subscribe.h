
/*
 * Subscriptions of channels, made in batches at the end of a turn of the event
 * loop.
 */


#ifndef NGX_LEASELOFT_CHANNEL_SUBSCRIBE_H
#define NGX_LEASELOFT_CHANNEL_SUBSCRIBE_H


#include "ngx_leaseloft_channel.h"


/* to be called once, before the first subscription */
void ngx_leaseloft_channel_subscribe_init(ngx_leaseloft_channels_t *channels);

/*
 * subscribes at the end of this turn, if the link listens; it is to be read
 * once that is confirmed
 */
void ngx_leaseloft_channel_subscribe(ngx_leaseloft_channel_t *channel);

/* subscribes now to what is waiting for the end of this turn */
void ngx_leaseloft_channel_subscribe_flush(ngx_leaseloft_channels_t *channels);

/* callbacks of the client; data: the channels */
void ngx_leaseloft_channel_subscribe_all(void *data);
void ngx_leaseloft_channel_subscribe_done(void *data, ngx_str_t *name);
void ngx_leaseloft_channel_subscribe_lost(void *data);


#endif /* NGX_LEASELOFT_CHANNEL_SUBSCRIBE_H */
