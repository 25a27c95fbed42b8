
/*
 * A connection to a server of Redis or Sentinel over nginx's own sockets:
 * hiredis formats commands and reads replies; nginx resolves, connects, does
 * TLS, reads, writes and times.
 *
 * Any failure, a malformed reply included, ends in the closed callback.
 */


#ifndef NGX_LEASELOFT_PEER_H
#define NGX_LEASELOFT_PEER_H


#include "ngx_leaseloft_reader.h"
#include "ngx_leaseloft_tls.h"
#include "ngx_leaseloft_writer.h"

#include <ngx_event_connect.h>


/* the size of a reason, its final zero included; longer ones are cut */
#define NGX_LEASELOFT_PEER_WHY  160


typedef struct {
    /* reply is valid during the call, which may close the connection */
    void                    (*reply)(void *data, redisReply *reply);
    void                    (*closed)(void *data);
} ngx_leaseloft_peer_handlers_t;


/* zeroed by its owner before ngx_leaseloft_peer_init() */
typedef struct {
    ngx_leaseloft_main_conf_t       *conf;
    char                            *name;     /* "command", for the log */
    ngx_leaseloft_peer_handlers_t   *handlers;
    void                            *data;
    ngx_log_t                       *log;

    ngx_leaseloft_server_t           server;
    ngx_str_t                        text;     /* its address, for the log */
    u_char                           text_data[NGX_SOCKADDR_STRLEN];

    ngx_peer_connection_t            peer;
    ngx_resolver_ctx_t              *resolving;
    ngx_event_t                      flush;
    ngx_event_t                      timer;

    redisReader                     *reader;
    ngx_leaseloft_reader_t           replies;
    ngx_leaseloft_writer_t           writer;
    ngx_leaseloft_tls_t              tls;

    char                             why[NGX_LEASELOFT_PEER_WHY];

    unsigned                         connected:1;
    unsigned                         open:1;       /* and TLS is set up */
    unsigned                         received:1;   /* something */
} ngx_leaseloft_peer_t;


/*
 * Initializes a peer, not connected, whose memory is freed with pool; name is
 * for the log.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_leaseloft_peer_init(ngx_leaseloft_peer_t *peer,
    ngx_leaseloft_main_conf_t *mcf, char *name,
    ngx_leaseloft_peer_handlers_t *handlers, void *data, ngx_pool_t *pool,
    ngx_log_t *log);

/*
 * Connects to server, which is copied, within msec, and sends what is in the
 * writer then or later.  The time limit, which includes the lookup of the host,
 * holds until ngx_leaseloft_peer_timeout() changes it.  A failure calls closed,
 * possibly before the function returns.
 */
void ngx_leaseloft_peer_connect(ngx_leaseloft_peer_t *peer,
    ngx_leaseloft_server_t *server, ngx_msec_t msec);

/* fails the connection in msec from now; 0: sets no time limit */
void ngx_leaseloft_peer_timeout(ngx_leaseloft_peer_t *peer, ngx_msec_t msec);

/* closes the connection; the closed callback is not called */
void ngx_leaseloft_peer_close(ngx_leaseloft_peer_t *peer);

/* logs the reason, closes the connection and calls the closed callback */
void ngx_leaseloft_peer_fail(ngx_leaseloft_peer_t *peer, char *reason);

/* fails the connection with an error reply as the reason */
void ngx_leaseloft_peer_refuse(ngx_leaseloft_peer_t *peer, char *error);

/*
 * Appends a command; its bytes are copied, and sent at the end of this
 * iteration of the event loop, or once connected.  NGX_OK, or NGX_DECLINED: the
 * buffer is full or no memory.
 */
ngx_int_t ngx_leaseloft_peer_command(ngx_leaseloft_peer_t *peer,
    ngx_uint_t argc, ngx_str_t *argv);

/* the same for a command that ngx_leaseloft_writer_format() has formatted */
ngx_int_t ngx_leaseloft_peer_text(ngx_leaseloft_peer_t *peer, ngx_str_t *text);


#endif /* NGX_LEASELOFT_PEER_H */
