
/*
 * The shared zone: numbers that are counted across nginx's processes.
 *
 * Streams are counted in rows of (user, process), so that the rows of a killed
 * process can be found and removed.
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
    NGX_LEASELOFT_FRAMES_RECEIVED,      /* messages published by Redis */
    NGX_LEASELOFT_FRAMES_MALFORMED,
    NGX_LEASELOFT_HOLES_FILLED,         /* re-reads of a channel after a gap */
    NGX_LEASELOFT_POLLS,                /* thread polls answered */
    NGX_LEASELOFT_POLLS_FROM_MEMORY,    /* of these, without Redis */
    NGX_LEASELOFT_SENDS,                /* writes: queued for the workers */
    NGX_LEASELOFT_SENDS_ACCEPTED,       /* answered 202 */
    NGX_LEASELOFT_SENDS_FAILED,         /* answered 503 */
    NGX_LEASELOFT_SEARCHES,             /* added to the lane */
    NGX_LEASELOFT_SEARCHES_FAILED,      /* answered 503 */
    NGX_LEASELOFT_SEARCHES_REFUSED,     /* answered 429 */
    NGX_LEASELOFT_SEARCH_MSECS,         /* until the result, in ms */
    NGX_LEASELOFT_CONNECTIONS_LOST,     /* connections to Redis lost */
    NGX_LEASELOFT_COMMANDS,             /* commands sent to Redis */
    NGX_LEASELOFT_TOKENS_REFUSED,       /* answered 401 */
    NGX_LEASELOFT_TOKENS_VERIFIED,      /* not found among verified ones */
    NGX_LEASELOFT_COUNTERS
} ngx_leaseloft_counter_e;


/*
 * Adds the zone, of mcf->zone_size bytes, to the configuration and sets
 * mcf->zone.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_leaseloft_zone_add(ngx_conf_t *cf,
    ngx_leaseloft_main_conf_t *mcf);

/*
 * Returns this process's handle of the zone, allocated in pool, and removes the
 * rows of processes that have exited.  NULL when there is no zone or no memory.
 */
ngx_leaseloft_zone_t *ngx_leaseloft_zone_attach(ngx_shm_zone_t *shm_zone,
    ngx_pool_t *pool, ngx_log_t *log);

/* removes this process's rows; called when it exits */
void ngx_leaseloft_zone_detach(ngx_leaseloft_zone_t *zone);

/* adds n to a counter; zone may be NULL */
void ngx_leaseloft_zone_count(ngx_leaseloft_zone_t *zone,
    ngx_leaseloft_counter_e counter, ngx_uint_t n);

/*
 * Count a stream of a user in and out; both kinds of stream together.  open
 * returns NGX_OK, or NGX_DECLINED when the user has max streams or the zone is
 * full.
 */
ngx_int_t ngx_leaseloft_zone_stream_open(ngx_leaseloft_zone_t *zone,
    ngx_str_t *user, ngx_uint_t max);
void ngx_leaseloft_zone_stream_close(ngx_leaseloft_zone_t *zone,
    ngx_str_t *user);

/* the number of open streams of all processes */
ngx_uint_t ngx_leaseloft_zone_streams(ngx_leaseloft_zone_t *zone);

/* the value of a counter, of all processes */
ngx_uint_t ngx_leaseloft_zone_counter(ngx_leaseloft_zone_t *zone,
    ngx_leaseloft_counter_e counter);


#endif /* NGX_LEASELOFT_ZONE_H */
