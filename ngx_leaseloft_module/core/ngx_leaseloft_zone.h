
/*
 * The shared zone: numbers that are counted across nginx's processes.
 *
 * Streams are counted in rows of (user, process), so that the rows of a killed
 * process can be found and removed.
 */


#ifndef NGX_LEASELOFT_ZONE_H
#define NGX_LEASELOFT_ZONE_H


#include "ngx_leaseloft_counters.h"


/* what a process last told of itself, summed up over all processes */
typedef struct {
    ngx_uint_t                  processes;
    ngx_uint_t                  connections;   /* of worker_connections */
    ngx_uint_t                  free;          /* of these */
    ngx_uint_t                  least;         /* free ones of one process */
    ngx_uint_t                  links;         /* to Redis, that work */
    ngx_uint_t                  wanted;        /* of these, if all work */
    ngx_uint_t                  streams[NGX_LEASELOFT_ZONE_KINDS];
    size_t                      size;          /* of the zone, in bytes */
    size_t                      unused;        /* bytes of it in free pages */
    time_t                      start;         /* when it was created */
} ngx_leaseloft_zone_usage_t;


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

/*
 * Count a stream of a user in and out; both kinds of stream together.  open
 * returns NGX_OK, or NGX_DECLINED when the user has max streams or the zone is
 * full.
 */
ngx_int_t ngx_leaseloft_zone_stream_open(ngx_leaseloft_zone_t *zone,
    ngx_str_t *user, ngx_uint_t max, ngx_leaseloft_zone_kind_e kind);
void ngx_leaseloft_zone_stream_close(ngx_leaseloft_zone_t *zone,
    ngx_str_t *user, ngx_leaseloft_zone_kind_e kind);

/*
 * Add to the number of this process's connections to Redis that work, and to
 * that of those which it should have; zone may be NULL.
 */
void ngx_leaseloft_zone_links(ngx_leaseloft_zone_t *zone, ngx_int_t links,
    ngx_int_t wanted);

/*
 * Sums up what processes told; each tells of its connections and links every 5
 * seconds.  zone may be NULL: usage is zero then.
 */
void ngx_leaseloft_zone_usage(ngx_leaseloft_zone_t *zone,
    ngx_leaseloft_zone_usage_t *usage);


#endif /* NGX_LEASELOFT_ZONE_H */
