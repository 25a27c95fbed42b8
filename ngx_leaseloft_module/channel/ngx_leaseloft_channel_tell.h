
/*
 * Notifies channels of the state of the connections to Redis.
 */


#ifndef NGX_LEASELOFT_CHANNEL_TELL_H
#define NGX_LEASELOFT_CHANNEL_TELL_H


#include "ngx_leaseloft_channel.h"


/* prepares the event of later turns */
void ngx_leaseloft_channel_tell_init(ngx_leaseloft_channels_t *channels);

/*
 * A callback of a Redis client; data is ngx_leaseloft_channels_t: the
 * connection state has changed.  Clears the caches of its channels at once if
 * it is lost, and notifies all channels, some of them in later turns of the
 * event loop.
 */
void ngx_leaseloft_channel_tell(void *data, ngx_leaseloft_client_t *client);


#endif /* NGX_LEASELOFT_CHANNEL_TELL_H */
