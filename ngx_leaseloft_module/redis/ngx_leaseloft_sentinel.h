
/*
 * Asks Sentinels which server is the primary of Redis, and keeps asking, so
 * that a failover is noticed while the old primary still answers.
 *
 * One Sentinel is asked at a time, over one connection; if it does not answer
 * within a second, or does not know the primary, the next one is asked.
 */


#ifndef NGX_LEASELOFT_SENTINEL_H
#define NGX_LEASELOFT_SENTINEL_H


#include "ngx_leaseloft_peer.h"
#include "ngx_leaseloft_server.h"


typedef struct ngx_leaseloft_sentinel_s  ngx_leaseloft_sentinel_t;


/* a question, embedded in what waits for its answer; zeroed before use */
typedef struct {
    ngx_queue_t                 queue;
    /* server is valid during the call; NULL: none, for this reason */
    void                      (*handler)(void *data,
                                         ngx_leaseloft_server_t *server,
                                         char *reason);
    void                       *data;
    unsigned                    waiting:1;
} ngx_leaseloft_sentinel_ask_t;


/*
 * Creates it in pool, for the Sentinels of mcf.  From then on moved(data,
 * server) is called when the answer changes, before it is given to those who
 * ask.  NULL: no memory.
 */
ngx_leaseloft_sentinel_t *ngx_leaseloft_sentinel_create(
    ngx_leaseloft_main_conf_t *mcf,
    void (*moved)(void *data, ngx_leaseloft_server_t *server), void *data,
    ngx_pool_t *pool, ngx_log_t *log);

/* closes the connection; there are no more calls */
void ngx_leaseloft_sentinel_free(ngx_leaseloft_sentinel_t *sentinel);

/* calls the handler of ask once, possibly before it returns */
void ngx_leaseloft_sentinel_ask(ngx_leaseloft_sentinel_t *sentinel,
    ngx_leaseloft_sentinel_ask_t *ask);

/* the handler of ask is not called; harmless if it does not wait */
void ngx_leaseloft_sentinel_cancel(ngx_leaseloft_sentinel_ask_t *ask);

/* the last answer was of no use: another Sentinel is asked next */
void ngx_leaseloft_sentinel_doubt(ngx_leaseloft_sentinel_t *sentinel);


#endif /* NGX_LEASELOFT_SENTINEL_H */
