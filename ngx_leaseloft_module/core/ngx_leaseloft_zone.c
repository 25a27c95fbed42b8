
/*
 * The shared zone contains counters, and one row for each user with streams in
 * a process: (user, process, number).  The number of a user's streams is the
 * sum of their rows, which are adjacent in a tree ordered by user and process.
 *
 * Counters are changed atomically, rows under the mutex of the slab pool.
 * nginx's master unlocks the mutex if its owner dies.
 *
 * A killed process leaves its rows behind, and no other may replace it, for
 * example while it drains.  So each process has an entry in a list and checks
 * every 5 seconds whether the others are alive; the rows of dead ones are
 * removed.  As another program may have got the pid, an entry that has not been
 * renewed for a minute is removed too.
 *
 * A reload inherits the zone, its counters and rows.
 */


#include "ngx_leaseloft_capacity.h"
#include "ngx_leaseloft_zone.h"
#include "ngx_leaseloft_zone_row.h"


#define NGX_LEASELOFT_ZONE_CHECK    5000
#define NGX_LEASELOFT_ZONE_SILENT  60000


/* a process that can have rows */
typedef struct {
    ngx_queue_t                 queue;
    ngx_pid_t                   pid;
    ngx_msec_t                  seen;      /* the same clock for all */
    ngx_uint_t                  connections;
    ngx_uint_t                  free;      /* of these */
    ngx_uint_t                  links;     /* to Redis, that work */
    ngx_uint_t                  wanted;
} ngx_leaseloft_zone_entry_t;


/*
 * The zone's data.  A change of this layout requires a new name of the zone,
 * since a reload may load another build of this module.
 */
struct ngx_leaseloft_shared_s {
    ngx_rbtree_t                rows;
    ngx_rbtree_node_t           sentinel;
    ngx_queue_t                 processes;
    ngx_uint_t                  streams[NGX_LEASELOFT_ZONE_KINDS];
    time_t                      start;
    ngx_leaseloft_counters_t    counters;
};


static ngx_int_t ngx_leaseloft_zone_init(ngx_shm_zone_t *shm_zone, void *data);
static void ngx_leaseloft_zone_check_handler(ngx_event_t *ev);
static void ngx_leaseloft_zone_check(ngx_leaseloft_zone_t *zone);
static void ngx_leaseloft_zone_forget(ngx_leaseloft_zone_t *zone,
    ngx_pid_t pid);
static void ngx_leaseloft_zone_sweep(ngx_leaseloft_zone_t *zone);
static ngx_uint_t ngx_leaseloft_zone_alive(ngx_leaseloft_zone_entry_t *entry);


ngx_int_t
ngx_leaseloft_zone_add(ngx_conf_t *cf, ngx_leaseloft_main_conf_t *mcf)
{
    ngx_str_t  name;

    ngx_str_set(&name, "leaseloft_5");

    mcf->zone = ngx_shared_memory_add(cf, &name, mcf->zone_size,
                                      &ngx_leaseloft_module);
    if (mcf->zone == NULL) {
        return NGX_ERROR;
    }

    mcf->zone->init = ngx_leaseloft_zone_init;

    return NGX_OK;
}


static ngx_int_t
ngx_leaseloft_zone_init(ngx_shm_zone_t *shm_zone, void *data)
{
    size_t                   len;
    ngx_slab_pool_t         *shpool;
    ngx_leaseloft_shared_t  *shared;

    if (data) {
        shm_zone->data = data;
        return NGX_OK;
    }

    shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    if (shm_zone->shm.exists) {
        shm_zone->data = shpool->data;
        return NGX_OK;
    }

    shared = ngx_slab_calloc(shpool, sizeof(ngx_leaseloft_shared_t));
    if (shared == NULL) {
        return NGX_ERROR;
    }

    shared->start = ngx_time();
    ngx_queue_init(&shared->processes);
    ngx_rbtree_init(&shared->rows, &shared->sentinel,
                    ngx_leaseloft_zone_row_insert);

    len = sizeof(" in leaseloft_zone");

    shpool->log_ctx = ngx_slab_alloc(shpool, len);
    if (shpool->log_ctx == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(shpool->log_ctx, " in leaseloft_zone", len);

    shpool->data = shared;
    shm_zone->data = shared;

    return NGX_OK;
}


ngx_leaseloft_zone_t *
ngx_leaseloft_zone_attach(ngx_shm_zone_t *shm_zone, ngx_pool_t *pool,
    ngx_log_t *log)
{
    ngx_leaseloft_zone_t  *zone;

    if (shm_zone == NULL || shm_zone->data == NULL) {
        return NULL;
    }

    zone = ngx_pcalloc(pool, sizeof(ngx_leaseloft_zone_t));
    if (zone == NULL) {
        return NULL;
    }

    zone->shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;
    zone->shared = shm_zone->data;
    zone->counters = &zone->shared->counters;
    zone->pid = ngx_pid;
    zone->log = log;

    /* an entry with this pid is that of an older process */

    ngx_leaseloft_zone_forget(zone, ngx_pid);
    ngx_leaseloft_zone_check(zone);

    zone->timer.handler = ngx_leaseloft_zone_check_handler;
    zone->timer.data = zone;
    zone->timer.log = log;
    zone->timer.cancelable = 1;

    ngx_add_timer(&zone->timer, NGX_LEASELOFT_ZONE_CHECK);

    return zone;
}


void
ngx_leaseloft_zone_detach(ngx_leaseloft_zone_t *zone)
{
    if (zone->timer.timer_set) {
        ngx_del_timer(&zone->timer);
    }

    ngx_leaseloft_zone_forget(zone, zone->pid);
}


static void
ngx_leaseloft_zone_check_handler(ngx_event_t *ev)
{
    ngx_leaseloft_zone_check(ev->data);

    ngx_add_timer(ev, NGX_LEASELOFT_ZONE_CHECK);
}


static ngx_leaseloft_zone_entry_t *
ngx_leaseloft_zone_entry(ngx_leaseloft_zone_t *zone, ngx_pid_t pid)
{
    ngx_queue_t                 *q, *processes;
    ngx_leaseloft_zone_entry_t  *entry;

    processes = &zone->shared->processes;

    for (q = ngx_queue_head(processes);
         q != ngx_queue_sentinel(processes);
         q = ngx_queue_next(q))
    {
        entry = ngx_queue_data(q, ngx_leaseloft_zone_entry_t, queue);

        if (entry->pid == pid) {
            return entry;
        }
    }

    return NULL;
}


/* renews the entry of this process, and removes those of dead ones */
static void
ngx_leaseloft_zone_check(ngx_leaseloft_zone_t *zone)
{
    ngx_uint_t                   dead;
    ngx_queue_t                 *q, *next, *processes;
    ngx_leaseloft_capacity_t     capacity;
    ngx_leaseloft_zone_entry_t  *entry;

    dead = 0;
    processes = &zone->shared->processes;

    ngx_shmtx_lock(&zone->shpool->mutex);

    entry = ngx_leaseloft_zone_entry(zone, zone->pid);

    if (entry == NULL) {
        entry = ngx_slab_alloc_locked(zone->shpool,
                                      sizeof(ngx_leaseloft_zone_entry_t));
        if (entry) {
            entry->pid = zone->pid;
            ngx_queue_insert_tail(processes, &entry->queue);
        }
    }

    if (entry) {
        entry->seen = ngx_current_msec;
        ngx_leaseloft_capacity(&capacity);
        entry->connections = capacity.connections;
        entry->free = capacity.free;
        entry->links = zone->links;
        entry->wanted = zone->wanted;
    }

    for (q = ngx_queue_head(processes);
         q != ngx_queue_sentinel(processes);
         q = next)
    {
        next = ngx_queue_next(q);
        entry = ngx_queue_data(q, ngx_leaseloft_zone_entry_t, queue);

        if (!ngx_leaseloft_zone_alive(entry)) {
            ngx_queue_remove(q);
            ngx_slab_free_locked(zone->shpool, entry);
            dead = 1;
        }
    }

    ngx_shmtx_unlock(&zone->shpool->mutex);

    if (dead) {
        ngx_leaseloft_zone_sweep(zone);
    }
}


/* removes the entry and the rows of a process */
static void
ngx_leaseloft_zone_forget(ngx_leaseloft_zone_t *zone, ngx_pid_t pid)
{
    ngx_leaseloft_zone_entry_t  *entry;

    ngx_shmtx_lock(&zone->shpool->mutex);

    entry = ngx_leaseloft_zone_entry(zone, pid);

    if (entry) {
        ngx_queue_remove(&entry->queue);
        ngx_slab_free_locked(zone->shpool, entry);
    }

    ngx_shmtx_unlock(&zone->shpool->mutex);

    if (entry) {
        ngx_leaseloft_zone_sweep(zone);
    }
}


static ngx_uint_t
ngx_leaseloft_zone_alive(ngx_leaseloft_zone_entry_t *entry)
{
    if ((ngx_msec_int_t) (ngx_current_msec - entry->seen)
        > NGX_LEASELOFT_ZONE_SILENT)
    {
        return 0;
    }

    return kill(entry->pid, 0) == 0 || ngx_errno != ESRCH;
}


/* removes the rows of all processes without an entry */
static void
ngx_leaseloft_zone_sweep(ngx_leaseloft_zone_t *zone)
{
    ngx_uint_t                 i, lost;
    ngx_rbtree_t              *rows;
    ngx_rbtree_node_t         *node;
    ngx_leaseloft_zone_row_t  *row, *next;

    lost = 0;
    rows = &zone->shared->rows;

    ngx_shmtx_lock(&zone->shpool->mutex);

    ngx_memzero(zone->shared->streams, sizeof(zone->shared->streams));
    row = NULL;

    if (rows->root != rows->sentinel) {
        node = ngx_rbtree_min(rows->root, rows->sentinel);
        row = (ngx_leaseloft_zone_row_t *) node;
    }

    while (row) {
        next = ngx_leaseloft_zone_row_next(rows, row);

        if (ngx_leaseloft_zone_entry(zone, row->pid)) {
            for (i = 0; i < NGX_LEASELOFT_ZONE_KINDS; i++) {
                zone->shared->streams[i] += row->streams[i];
            }

        } else {
            for (i = 0; i < NGX_LEASELOFT_ZONE_KINDS; i++) {
                lost += row->streams[i];
            }

            ngx_rbtree_delete(rows, &row->node);
            ngx_slab_free_locked(zone->shpool, row);
        }

        row = next;
    }

    ngx_shmtx_unlock(&zone->shpool->mutex);

    if (lost) {
        ngx_log_error(NGX_LOG_NOTICE, zone->log, 0,
                      "leaseloft: removed %ui streams of dead processes",
                      lost);
    }
}


ngx_int_t
ngx_leaseloft_zone_stream_open(ngx_leaseloft_zone_t *zone, ngx_str_t *user,
    ngx_uint_t max, ngx_leaseloft_zone_kind_e kind)
{
    ngx_int_t                      rc;
    ngx_uint_t                     streams;
    ngx_rbtree_t                  *rows;
    ngx_leaseloft_zone_row_t      *row, *own;
    ngx_leaseloft_zone_row_user_t  u;

    if (zone == NULL) {
        return NGX_DECLINED;
    }

    rc = NGX_DECLINED;
    streams = 0;
    own = NULL;
    rows = &zone->shared->rows;
    u = ngx_leaseloft_zone_row_user(user);

    ngx_shmtx_lock(&zone->shpool->mutex);

    for (row = ngx_leaseloft_zone_row_first(rows, &u, 0);
         row && row->node.key == u.key && row->rest == u.rest;
         row = ngx_leaseloft_zone_row_next(rows, row))
    {
        streams += row->streams[NGX_LEASELOFT_ZONE_THREAD]
                   + row->streams[NGX_LEASELOFT_ZONE_INBOX];

        if (row->pid == zone->pid) {
            own = row;
        }
    }

    if (streams >= max) {
        goto done;
    }

    if (own == NULL) {
        own = ngx_slab_alloc_locked(zone->shpool,
                                    sizeof(ngx_leaseloft_zone_row_t));
        if (own == NULL) {
            goto done;
        }

        own->node.key = u.key;
        own->rest = u.rest;
        own->pid = zone->pid;
        ngx_memzero(own->streams, sizeof(own->streams));

        /*
         * the address of the function differs in processes that loaded
         * another build of this module, before or after an upgrade
         */
        rows->insert = ngx_leaseloft_zone_row_insert;

        ngx_rbtree_insert(rows, &own->node);
    }

    own->streams[kind]++;
    zone->shared->streams[kind]++;
    rc = NGX_OK;

done:

    ngx_shmtx_unlock(&zone->shpool->mutex);

    return rc;
}


void
ngx_leaseloft_zone_stream_close(ngx_leaseloft_zone_t *zone, ngx_str_t *user,
    ngx_leaseloft_zone_kind_e kind)
{
    ngx_rbtree_t                   *rows;
    ngx_leaseloft_zone_row_t       *row;
    ngx_leaseloft_zone_row_user_t   u;

    if (zone == NULL) {
        return;
    }

    rows = &zone->shared->rows;
    u = ngx_leaseloft_zone_row_user(user);

    ngx_shmtx_lock(&zone->shpool->mutex);

    row = ngx_leaseloft_zone_row_first(rows, &u, zone->pid);

    if (row && ngx_leaseloft_zone_row_cmp(row, &u, zone->pid) == 0) {
        zone->shared->streams[kind]--;
        row->streams[kind]--;

        if (row->streams[NGX_LEASELOFT_ZONE_THREAD] == 0
            && row->streams[NGX_LEASELOFT_ZONE_INBOX] == 0)
        {
            ngx_rbtree_delete(rows, &row->node);
            ngx_slab_free_locked(zone->shpool, row);
        }
    }

    ngx_shmtx_unlock(&zone->shpool->mutex);
}


void
ngx_leaseloft_zone_links(ngx_leaseloft_zone_t *zone, ngx_int_t links,
    ngx_int_t wanted)
{
    if (zone) {
        zone->links += links;
        zone->wanted += wanted;
    }
}


void
ngx_leaseloft_zone_usage(ngx_leaseloft_zone_t *zone,
    ngx_leaseloft_zone_usage_t *usage)
{
    ngx_queue_t                 *q, *processes;
    ngx_leaseloft_zone_entry_t  *entry;

    ngx_memzero(usage, sizeof(ngx_leaseloft_zone_usage_t));

    if (zone == NULL) {
        return;
    }

    processes = &zone->shared->processes;
    usage->start = zone->shared->start;
    usage->size = zone->shpool->end - zone->shpool->start;

    ngx_shmtx_lock(&zone->shpool->mutex);

    usage->unused = zone->shpool->pfree * ngx_pagesize;
    ngx_memcpy(usage->streams, zone->shared->streams, sizeof(usage->streams));

    for (q = ngx_queue_head(processes);
         q != ngx_queue_sentinel(processes);
         q = ngx_queue_next(q))
    {
        entry = ngx_queue_data(q, ngx_leaseloft_zone_entry_t, queue);

        usage->least = usage->processes++ ? ngx_min(usage->least, entry->free)
                                          : entry->free;
        usage->connections += entry->connections;
        usage->free += entry->free;
        usage->links += entry->links;
        usage->wanted += entry->wanted;
    }

    ngx_shmtx_unlock(&zone->shpool->mutex);
}
