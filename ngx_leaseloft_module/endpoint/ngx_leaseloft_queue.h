
/*
 * Requests to the workers: queued in Redis, until a worker sends a verdict
 * (docs/data.md, "Requests" and "Verdicts").
 */


#ifndef NGX_LEASELOFT_QUEUE_H
#define NGX_LEASELOFT_QUEUE_H


#include "ngx_leaseloft_cluster.h"
#include "ngx_leaseloft_zone.h"


typedef struct ngx_leaseloft_queued_s  ngx_leaseloft_queued_t;

/* first member of a struct of the caller, which sets the callbacks */
struct ngx_leaseloft_queued_s {
    ngx_rbtree_node_t           node;      /* the key is its number */
    ngx_leaseloft_process_t    *process;
    ngx_leaseloft_command_t    *command;   /* NULL: stored by Redis */
    ngx_leaseloft_counter_e     counter;   /* counts it when it is stored */
    ngx_msec_t                  since;     /* when it was queued */

    /*
     * The request was not queued, or, if unknown is 1, the connection was lost
     * before Redis replied.  It has been removed.
     */
    void                      (*failed)(ngx_leaseloft_queued_t *queued,
                                        ngx_uint_t unknown);

    /*
     * A verdict of a worker.  The callback removes the request, unless the
     * verdict does not fit it.
     */
    void                      (*verdict)(ngx_leaseloft_queued_t *queued,
                                         ll_verdict_t *verdict);
};


/* a request to the workers */
typedef struct {
    char                       *op;
    ngx_str_t                   property;
    ngx_str_t                   user;      /* may be empty */
    ngx_str_t                   body;
} ngx_leaseloft_work_t;


/* initializes the requests of a process; process->cluster must exist */
void ngx_leaseloft_queue_init(ngx_leaseloft_process_t *process);

/*
 * Queues a request; the strings of work are copied.  Returns NGX_OK, after
 * which one of the callbacks is called unless the request is removed, or
 * NGX_DECLINED if the command cannot be sent.
 */
ngx_int_t ngx_leaseloft_queue_add(ngx_leaseloft_process_t *process,
    ngx_leaseloft_queued_t *queued, ngx_leaseloft_work_t *work);

/*
 * The same for a search: adds nfields names and values to the lane of searches,
 * unless there are no searchers.
 */
ngx_int_t ngx_leaseloft_queue_search(ngx_leaseloft_process_t *process,
    ngx_leaseloft_queued_t *queued, ngx_uint_t nfields, ngx_str_t *fields);

/* most fields of a search */
#define NGX_LEASELOFT_QUEUE_FIELDS  32

/* removes a request; no callback is called, a worker may still handle it */
void ngx_leaseloft_queue_remove(ngx_leaseloft_queued_t *queued);


#endif /* NGX_LEASELOFT_QUEUE_H */
