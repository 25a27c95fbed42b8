
/*
 * The small shared zone: what must be counted across nginx's processes.
 *
 * Streams are counted in rows of (user, process), so that the rows of a
 * process that was killed can be told and dropped.
 */


#ifndef NGX_LEASELOFT_ZONE_H
#define NGX_LEASELOFT_ZONE_H


#include "ngx_leaseloft.h"


typedef enum {
    NGX_LEASELOFT_STREAMS_OPENED = 0,   /* thread and inbox streams accepted */
    NGX_LEASELOFT_STREAMS_REFUSED,      /* bye overload */
    NGX_LEASELOFT_STREAMS_SLOW,         /* bye slow */
    NGX_LEASELOFT_STREAMS_DRAINED,      /* bye drain */
    NGX_LEASELOFT_EVENTS_SENT,          /* entries delivered to streams */
    NGX_LEASELOFT_FRAMES_RECEIVED,      /* messages heard from Redis */
    NGX_LEASELOFT_FRAMES_MALFORMED,
    NGX_LEASELOFT_HOLES_FILLED,         /* re-reads of a channel after a gap */
    NGX_LEASELOFT_POLLS,                /* thread polls answered */
    NGX_LEASELOFT_POLLS_FROM_MEMORY,    /* of these, without Redis */
    NGX_LEASELOFT_SENDS,                /* writes: queued for the workers */
    NGX_LEASELOFT_SENDS_ACCEPTED,       /* answered 202 */
    NGX_LEASELOFT_SENDS_FAILED,         /* answered 503 */
    NGX_LEASELOFT_CONNECTIONS_LOST,           /* connections to Redis lost */
    NGX_LEASELOFT_COMMANDS,             /* commands sent to Redis */
    NGX_LEASELOFT_TOKENS_REFUSED,       /* answered 401 */
    NGX_LEASELOFT_COUNTERS
} ngx_leaseloft_counter_e;


/* adds the zone, of mcf->zone_size, to the configuration */
ngx_int_t ngx_leaseloft_zone_add(ngx_conf_t *cf,
    ngx_leaseloft_main_conf_t *mcf);

/*
 * the zone as this process sees it; drops the rows of processes that are no
 * more.  NULL when the zone could not be set up
 */
ngx_leaseloft_zone_t *ngx_leaseloft_zone_attach(ngx_shm_zone_t *shm_zone,
    ngx_pool_t *pool, ngx_log_t *log);

/* drops this process's rows; it exits */
void ngx_leaseloft_zone_detach(ngx_leaseloft_zone_t *zone);

void ngx_leaseloft_zone_count(ngx_leaseloft_zone_t *zone,
    ngx_leaseloft_counter_e counter, ngx_uint_t n);

/*
 * One more stream of a user, both kinds together.  NGX_OK, or NGX_DECLINED
 * when the user has max already or the zone is full.
 */
ngx_int_t ngx_leaseloft_zone_stream_open(ngx_leaseloft_zone_t *zone,
    ngx_str_t *user, ngx_uint_t max);
void ngx_leaseloft_zone_stream_close(ngx_leaseloft_zone_t *zone,
    ngx_str_t *user);

/* all streams of all processes now */
ngx_uint_t ngx_leaseloft_zone_streams(ngx_leaseloft_zone_t *zone);

ngx_uint_t ngx_leaseloft_zone_counter(ngx_leaseloft_zone_t *zone,
    ngx_leaseloft_counter_e counter);


#endif /* NGX_LEASELOFT_ZONE_H */
