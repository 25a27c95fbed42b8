
/*
 * Counters of all nginx processes, in the shared zone (ngx_leaseloft_zone.h).
 * They are changed by one or two atomic operations, and never by a lock.
 */


#ifndef NGX_LEASELOFT_COUNTERS_H
#define NGX_LEASELOFT_COUNTERS_H


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
    NGX_LEASELOFT_TOKENS_VERIFIED,      /* not found among verified ones */
    NGX_LEASELOFT_COUNTERS
} ngx_leaseloft_counter_e;


/* why a request gets a 401 */
typedef enum {
    NGX_LEASELOFT_REFUSAL_MISSING = 0,  /* no token, or no user */
    NGX_LEASELOFT_REFUSAL_MALFORMED,
    NGX_LEASELOFT_REFUSAL_KEY,          /* no key has its kid or algorithm */
    NGX_LEASELOFT_REFUSAL_SIGNATURE,
    NGX_LEASELOFT_REFUSAL_EXPIRED,
    NGX_LEASELOFT_REFUSAL_EARLY,        /* not valid yet */
    NGX_LEASELOFT_REFUSAL_ISSUER,
    NGX_LEASELOFT_REFUSAL_AUDIENCE,
    NGX_LEASELOFT_REFUSAL_REVOKED,
    NGX_LEASELOFT_REFUSAL_ANOTHER_USER, /* not the one in LeaseLoft-User */
    NGX_LEASELOFT_REFUSALS
} ngx_leaseloft_refusal_e;


/* times that are counted by their length */
typedef enum {
    NGX_LEASELOFT_SEND_SECONDS = 0,     /* queued, until the verdict */
    NGX_LEASELOFT_DELIVERY_SECONDS,     /* stored, until streams get it */
    NGX_LEASELOFT_HISTOGRAMS
} ngx_leaseloft_histogram_e;


/* the statuses that are counted by endpoint, and others */
#define NGX_LEASELOFT_COUNTERS_STATUSES  20

/* the upper bounds of a histogram's buckets, and more */
#define NGX_LEASELOFT_COUNTERS_BUCKETS   12


typedef struct {
    ngx_atomic_t                buckets[NGX_LEASELOFT_COUNTERS_BUCKETS];
    ngx_atomic_t                msecs;     /* the sum */
} ngx_leaseloft_histogram_t;


/* in the shared zone: a change requires a new name of the zone */
typedef struct {
    ngx_atomic_t                counters[NGX_LEASELOFT_COUNTERS];
    ngx_atomic_t                refused[NGX_LEASELOFT_REFUSALS];
    ngx_atomic_t                answered[NGX_LEASELOFT_ENDPOINT_KINDS]
                                        [NGX_LEASELOFT_COUNTERS_STATUSES];
    ngx_leaseloft_histogram_t   histograms[NGX_LEASELOFT_HISTOGRAMS];
} ngx_leaseloft_counters_t;


/* kinds of streams, which the zone counts apart */
typedef enum {
    NGX_LEASELOFT_ZONE_THREAD = 0,      /* a stream of a thread */
    NGX_LEASELOFT_ZONE_INBOX,
    NGX_LEASELOFT_ZONE_KINDS
} ngx_leaseloft_zone_kind_e;


/* what is in the shared zone: see ngx_leaseloft_zone.c */
typedef struct ngx_leaseloft_shared_s  ngx_leaseloft_shared_t;


/* a process's handle of the zone */
struct ngx_leaseloft_zone_s {
    ngx_slab_pool_t            *shpool;
    ngx_leaseloft_shared_t     *shared;
    ngx_leaseloft_counters_t   *counters;  /* part of shared */
    ngx_pid_t                   pid;
    ngx_uint_t                  links;     /* of this process to Redis */
    ngx_uint_t                  wanted;    /* links, if all work */
    ngx_event_t                 timer;
    ngx_log_t                  *log;
};


/* the statuses; the last one is 0, for others */
extern const ngx_uint_t
    ngx_leaseloft_counters_status[NGX_LEASELOFT_COUNTERS_STATUSES];

/* the bounds in milliseconds; the last one is 0, for longer times */
extern const ngx_msec_t
    ngx_leaseloft_counters_bound[NGX_LEASELOFT_COUNTERS_BUCKETS];


/* adds n to a counter; zone may be NULL, here and below */
void ngx_leaseloft_counters_add(ngx_leaseloft_zone_t *zone,
    ngx_leaseloft_counter_e counter, ngx_uint_t n);

/* counts a 401 by its reason */
void ngx_leaseloft_counters_refused(ngx_leaseloft_zone_t *zone,
    ngx_leaseloft_refusal_e refusal);

/* counts a response by its endpoint, an ngx_leaseloft_endpoint_e, and status */
void ngx_leaseloft_counters_answered(ngx_leaseloft_zone_t *zone,
    ngx_uint_t endpoint, ngx_uint_t status);

/* counts a time in milliseconds */
void ngx_leaseloft_counters_observe(ngx_leaseloft_zone_t *zone,
    ngx_leaseloft_histogram_e histogram, ngx_msec_t msecs);


#endif /* NGX_LEASELOFT_COUNTERS_H */
