
/*
 * The lifetime of channels: created for the first user, freed when unused.
 */


#ifndef NGX_LEASELOFT_CHANNEL_WATCH_H
#define NGX_LEASELOFT_CHANNEL_WATCH_H


#include "ngx_leaseloft_channel.h"


/*
 * Creates the channels of a process in the pool, and registers their callbacks
 * with process->cluster.  Returns NULL if memory is exhausted.
 */
ngx_leaseloft_channels_t *ngx_leaseloft_channel_watch_create(
    ngx_leaseloft_process_t *process, ngx_pool_t *pool);

/*
 * Returns the channel of a property or user, and creates it if there is none.
 * It is watched for linger ms after the last subscriber or call, or until more
 * than leaseloft_max_lingering channels are idle.  Returns NULL if memory is
 * exhausted.
 */
ngx_leaseloft_channel_t *ngx_leaseloft_channel_watch(
    ngx_leaseloft_process_t *process, ngx_leaseloft_channel_kind_e kind,
    ngx_str_t *id, ngx_msec_t linger);

/* adds a subscriber to a channel, or removes it from its channel */
void ngx_leaseloft_channel_watch_attach(ngx_leaseloft_channel_t *channel,
    ngx_leaseloft_subscriber_t *subscriber);
void ngx_leaseloft_channel_watch_detach(ngx_leaseloft_subscriber_t *subscriber);

/* frees the channels that have been idle for their linger time */
void ngx_leaseloft_channel_watch_expire(ngx_leaseloft_channels_t *channels);


#endif /* NGX_LEASELOFT_CHANNEL_WATCH_H */
