
/*
 * Probes of the two connections to Redis, which detect failures that no closed
 * socket tells of, and close the connection.
 *
 * Once a second the command connection publishes a probe to the reply channel
 * of this process.  It returns on the subscription connection, so that a
 * failure in any of the four directions is detected.  A write probe, which
 * changes nothing, is sent with it: a primary that becomes a replica does not
 * close its connections, answers reads and forwards what the new primary
 * publishes.  For the same reason a subscription to a replica receives the
 * probes too, so PUBLISH must reply that this server has a subscriber.
 */


#ifndef NGX_LEASELOFT_PROBE_H
#define NGX_LEASELOFT_PROBE_H


#include "ngx_leaseloft_command.h"


/* zeroed by its owner before ngx_leaseloft_probe_init() */
typedef struct {
    ngx_leaseloft_commands_t  *commands;
    ngx_leaseloft_conn_t      *subscription;
    ngx_str_t                 *channel;        /* the reply channel */
    ngx_msec_t                 checked;
    ngx_msec_t                 sent;
    ngx_msec_t                 last_received;  /* by the subscription */
    char                       refusal[NGX_LEASELOFT_PEER_WHY];

    /* to the reply channel; these are set by the owner */
    unsigned                   subscribed:1;
    unsigned                   unconfirmed:1;  /* it is subscribed to anew */
    unsigned                   sharded:1;      /* in a cluster */
} ngx_leaseloft_probe_t;


/*
 * Initializes the probe of the connection of commands and of the one that
 * subscribes to channel; all of them must live as long as the probe.
 */
void ngx_leaseloft_probe_init(ngx_leaseloft_probe_t *probe,
    ngx_leaseloft_commands_t *commands, ngx_leaseloft_conn_t *subscription,
    ngx_str_t *channel);

/* sends both probes; the command connection must be ready */
void ngx_leaseloft_probe_send(ngx_leaseloft_probe_t *probe);

/*
 * Restarts the timeout of the subscription connection: it has received
 * something, or will from now on, as the command connection is ready.
 */
void ngx_leaseloft_probe_touch(ngx_leaseloft_probe_t *probe);

/* 1 if a payload on the reply channel is a probe */
ngx_uint_t ngx_leaseloft_probe_match(ngx_str_t *payload);

/*
 * 1 if this process was blocked since the last call, which has to be some 250
 * ms ago: the timeouts are restarted then, as replies may wait to be read.
 */
ngx_uint_t ngx_leaseloft_probe_blocked(ngx_leaseloft_probe_t *probe);

/*
 * Fails a connection that has been silent for too long, which calls its closed
 * callback, and sends the probes that are due.
 */
void ngx_leaseloft_probe_check(ngx_leaseloft_probe_t *probe);


#endif /* NGX_LEASELOFT_PROBE_H */
