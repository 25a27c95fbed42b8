
/*
 * Reads from Redis what channels missed.
 */


#ifndef NGX_LEASELOFT_CHANNEL_SYNC_H
#define NGX_LEASELOFT_CHANNEL_SYNC_H


#include "ngx_leaseloft_channel.h"


/*
 * Reads what a channel missed.  It is live once the reply has been received,
 * unless a newer message has arrived meanwhile: then it reads once more.
 */
void ngx_leaseloft_channel_sync(ngx_leaseloft_channel_t *channel);

/* retries failed reads one second after the first of them */
void ngx_leaseloft_channel_sync_retry(ngx_leaseloft_channels_t *channels);

/*
 * A callback of a Redis client; data is ngx_leaseloft_channels_t: commands can
 * be sent.  Reads its channels, all channels if client is NULL.
 */
void ngx_leaseloft_channel_sync_ready(void *data,
    ngx_leaseloft_client_t *client);


#endif /* NGX_LEASELOFT_CHANNEL_SYNC_H */
