
/*
 * The client of one Redis server: a command connection and a subscription
 * connection.
 *
 * Both reconnect automatically, with full-jitter backoff.  Commands are
 * pipelined and answered in order.  A probe, published to the process's own
 * reply channel, detects connections that no longer respond.
 */


#ifndef NGX_LEASELOFT_CLIENT_H
#define NGX_LEASELOFT_CLIENT_H


#include "ngx_leaseloft_subscription.h"


/*
 * Callbacks for changes of a client's connections and for published messages,
 * registered by the module that manages the subscriptions.
 */
typedef struct {
    /* commands can be sent */
    void                      (*ready)(void *data,
                                       ngx_leaseloft_client_t *client);
    /* channels can be subscribed to; there are no subscriptions yet */
    void                      (*subscriber_ready)(void *data,
                                              ngx_leaseloft_client_t *client);
    /* Redis confirmed the subscription to a channel */
    void                      (*subscribed)(void *data,
                                            ngx_leaseloft_client_t *client,
                                            ngx_str_t *channel);
    /* a subscription ended: the owner asked for that, or its slot has moved */
    void                      (*unsubscribed)(void *data,
                                              ngx_leaseloft_client_t *client,
                                              ngx_str_t *channel);
    /* a message was published; the arguments are valid during the call */
    void                      (*message)(void *data,
                                         ngx_leaseloft_client_t *client,
                                         ngx_str_t *channel,
                                         ngx_str_t *payload);
    /* the subscription connection was closed: all subscriptions ended */
    void                      (*subscriber_lost)(void *data,
                                              ngx_leaseloft_client_t *client);
    /* ngx_leaseloft_client_up() has changed */
    void                      (*state)(void *data,
                                       ngx_leaseloft_client_t *client);
    /* slots have moved: a channel may belong to another client */
    void                      (*moved)(void *data);
    /* called four times a second, unless the process was blocked */
    void                      (*tick)(void *data);
} ngx_leaseloft_client_events_t;

/*
 * something was published to all nginx processes, or may have been before the
 * subscription to their channel, which Redis has just confirmed
 */
typedef void (*ngx_leaseloft_client_service_pt)(void *data);

/* handles a message on the process's reply channel, probes excepted */
typedef void (*ngx_leaseloft_client_reply_pt)(void *data, ngx_str_t *payload);


/* the callbacks of clients; all are set before the event loop starts */
typedef struct {
    const ngx_leaseloft_client_events_t  *events;
    void                                 *events_data;
    ngx_leaseloft_client_reply_pt         reply;
    void                                 *reply_data;
    ngx_leaseloft_client_service_pt       service;
    void                                 *service_data;

    /* in a cluster: the reply channel is subscribed to; a subscription is
       refused, NGX_OK if the connection is to stay open nevertheless */
    void                      (*connected)(void *data,
                                           ngx_leaseloft_client_t *client);
    ngx_int_t                 (*refused)(void *data, char *error,
                                         ngx_leaseloft_server_t *from);
    void                       *nodes;     /* their data */
} ngx_leaseloft_client_handlers_t;


typedef struct {
    const ngx_leaseloft_client_handlers_t  *handlers;  /* outlive the client */
    ngx_str_t                               name;  /* of its reply channel */

    /* in a cluster */
    ngx_leaseloft_server_t                 *server;    /* NULL: no cluster */
    ngx_uint_t                              queue;     /* which it has */
    ngx_leaseloft_redirect_pt               redirect;  /* of commands */
    void                                   *redirect_data;
} ngx_leaseloft_client_conf_t;


/*
 * Creates the client in pool and begins to connect.  NULL: no memory.  It is
 * closed by ngx_leaseloft_client_free().
 */
ngx_leaseloft_client_t *ngx_leaseloft_client_create(
    ngx_leaseloft_process_t *process, const ngx_leaseloft_client_conf_t *conf,
    ngx_pool_t *pool);

/* closes both connections; handlers of pending commands are not called */
void ngx_leaseloft_client_free(ngx_leaseloft_client_t *client);

/* ends all pending commands as lost */
void ngx_leaseloft_client_abandon(ngx_leaseloft_client_t *client);

/*
 * Queues a command; its bytes are copied.  Returns it, or NULL when the command
 * connection is not ready, the queue is full or there is no memory; handler is
 * not called then.
 */
ngx_leaseloft_command_t *ngx_leaseloft_client_command(
    ngx_leaseloft_client_t *client, ngx_uint_t argc, ngx_str_t *argv,
    ngx_leaseloft_reply_pt handler, void *data);

/*
 * Sends a command that was created by ngx_leaseloft_command_create(), as
 * ngx_leaseloft_command_put().
 */
ngx_int_t ngx_leaseloft_client_put(ngx_leaseloft_client_t *client,
    ngx_leaseloft_command_t *command, ngx_uint_t asking);

/* the name of its reply channel, and others in a cluster */
ngx_str_t *ngx_leaseloft_client_name(ngx_leaseloft_client_t *client);
void ngx_leaseloft_client_rename(ngx_leaseloft_client_t *client,
    ngx_str_t *name);

/* in a cluster: subscribes to the channel of all processes */
void ngx_leaseloft_client_serve(ngx_leaseloft_client_t *client);

/*
 * The client keeps no list of subscriptions: the owner of the events sends all
 * of them whenever subscriber_ready is called, as by
 * ngx_leaseloft_subscription_add() and ngx_leaseloft_subscription_remove().
 */
ngx_int_t ngx_leaseloft_client_subscribe(ngx_leaseloft_client_t *client,
    ngx_uint_t n, ngx_str_t *channels);
ngx_int_t ngx_leaseloft_client_unsubscribe(ngx_leaseloft_client_t *client,
    ngx_str_t *channel);

/* closes the subscription connection, after a malformed message */
void ngx_leaseloft_client_reset(ngx_leaseloft_client_t *client);

/* 1 while both connections are ready */
ngx_uint_t ngx_leaseloft_client_up(ngx_leaseloft_client_t *client);

/* 1 until the first attempt of this process to connect ends */
ngx_uint_t ngx_leaseloft_client_starting(ngx_leaseloft_client_t *client);

/* 1 while the command connection is ready */
ngx_uint_t ngx_leaseloft_client_ready(ngx_leaseloft_client_t *client);

/* why the client is not up: the last error of the missing connection */
char *ngx_leaseloft_client_why(ngx_leaseloft_client_t *client);

/*
 * The error reply to the last write probe, which is sent each second; for
 * example, out of memory.  Empty after a success or a lack of permission.
 */
char *ngx_leaseloft_client_refusal(ngx_leaseloft_client_t *client);


#endif /* NGX_LEASELOFT_CLIENT_H */
