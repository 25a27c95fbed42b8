
/*
 * Subscriptions of channels, made in batches at the end of an event loop
 * iteration.
 */


#ifndef NGX_LEASELOFT_CHANNEL_SUBSCRIBE_H
#define NGX_LEASELOFT_CHANNEL_SUBSCRIBE_H


#include "ngx_leaseloft_channel.h"


/* initializes the batch of subscriptions; called once for each process */
void ngx_leaseloft_channel_subscribe_init(ngx_leaseloft_channels_t *channels);

/*
 * Subscribes to a channel at the end of this iteration if its server is
 * connected.  The channel is read once Redis confirms the subscription.
 */
void ngx_leaseloft_channel_subscribe(ngx_leaseloft_channel_t *channel);

/* unsubscribes from a channel */
void ngx_leaseloft_channel_subscribe_leave(ngx_leaseloft_channel_t *channel);

/* subscribes now to the channels that wait for the end of the iteration */
void ngx_leaseloft_channel_subscribe_flush(ngx_leaseloft_channels_t *channels);

/*
 * Callbacks of a Redis client; data is ngx_leaseloft_channels_t: the client can
 * subscribe, a subscription is confirmed, one has ended, subscriptions are
 * lost; slots have moved between clients.
 */
void ngx_leaseloft_channel_subscribe_all(void *data,
    ngx_leaseloft_client_t *client);
void ngx_leaseloft_channel_subscribe_done(void *data,
    ngx_leaseloft_client_t *client, ngx_str_t *name);
void ngx_leaseloft_channel_subscribe_ended(void *data,
    ngx_leaseloft_client_t *client, ngx_str_t *name);
void ngx_leaseloft_channel_subscribe_lost(void *data,
    ngx_leaseloft_client_t *client);
void ngx_leaseloft_channel_subscribe_moved(void *data);


#endif /* NGX_LEASELOFT_CHANNEL_SUBSCRIBE_H */
