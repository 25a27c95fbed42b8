
/*
 * Requests that are queued for the workers, until one of them answers
 * (docs/data.md, "Requests" and "Verdicts").
 */


#ifndef NGX_LEASELOFT_QUEUE_H
#define NGX_LEASELOFT_QUEUE_H


#include "ngx_leaseloft_client.h"


typedef struct ngx_leaseloft_queued_s  ngx_leaseloft_queued_t;

/* first in a struct of the caller, who sets the callbacks */
struct ngx_leaseloft_queued_s {
    ngx_rbtree_node_t           node;      /* the key is its number */
    ngx_leaseloft_process_t    *process;
    ngx_leaseloft_command_t    *command;   /* NULL: Redis has it */

    /*
     * It is not queued; or, if unknown, Redis was lost before it said.  It is
     * removed already.
     */
    void                      (*failed)(ngx_leaseloft_queued_t *queued,
                                        ngx_uint_t unknown);

    /*
     * What a worker answers.  It is to be removed, unless the answer is not one
     * to it.
     */
    void                      (*verdict)(ngx_leaseloft_queued_t *queued,
                                         ll_verdict_t *verdict);
};


/* what a worker is asked for */
typedef struct {
    char                       *op;
    ngx_str_t                   property;
    ngx_str_t                   user;      /* may be empty */
    ngx_str_t                   body;
} ngx_leaseloft_work_t;


/* a process that has queued none yet; process->client is there */
void ngx_leaseloft_queue_init(ngx_leaseloft_process_t *process);

/*
 * NGX_OK: one of the callbacks will be called, later, unless it is removed;
 * NGX_DECLINED: nothing is queued.  What work points to is copied.
 */
ngx_int_t ngx_leaseloft_queue_add(ngx_leaseloft_process_t *process,
    ngx_leaseloft_queued_t *queued, ngx_leaseloft_work_t *work);

/* nobody will ask for it any more; no callback will be called */
void ngx_leaseloft_queue_remove(ngx_leaseloft_queued_t *queued);


#endif /* NGX_LEASELOFT_QUEUE_H */
