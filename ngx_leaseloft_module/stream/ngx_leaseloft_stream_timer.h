
/*
 * One nginx timer for all streams of a process: a tree of nodes, each embedded
 * in its stream, by the time at which it is due.
 */


#ifndef NGX_LEASELOFT_STREAM_TIMER_H
#define NGX_LEASELOFT_STREAM_TIMER_H


#include "ngx_leaseloft.h"


typedef struct {
    ngx_rbtree_t                tree;      /* node->data: 1 while in it */
    ngx_rbtree_node_t           sentinel;
    ngx_event_t                 event;
    void                        (*handler)(ngx_rbtree_node_t *node);
    unsigned                    hold:1;    /* keeps a process that quits */
} ngx_leaseloft_stream_timer_t;


/* handler is called with each node that is due, which is out of the tree */
void ngx_leaseloft_stream_timer_init(ngx_leaseloft_stream_timer_t *timer,
    void (*handler)(ngx_rbtree_node_t *node), ngx_log_t *log);

/* nothing is due any more; the nodes stay their owners' */
void ngx_leaseloft_stream_timer_free(ngx_leaseloft_stream_timer_t *timer);

/* due at that time (ngx_current_msec), or when it already is, if sooner */
void ngx_leaseloft_stream_timer_set(ngx_leaseloft_stream_timer_t *timer,
    ngx_rbtree_node_t *node, ngx_msec_t at);

/* not due; harmless for one that is not in the tree */
void ngx_leaseloft_stream_timer_clear(ngx_leaseloft_stream_timer_t *timer,
    ngx_rbtree_node_t *node);

/* takes out the node that is due first; NULL: none is left */
ngx_rbtree_node_t *ngx_leaseloft_stream_timer_take(
    ngx_leaseloft_stream_timer_t *timer);

/*
 * To be called when nodes were cleared: a process that is to quit stays while
 * the event is set and timer->hold is, and not for an empty tree.
 */
void ngx_leaseloft_stream_timer_arm(ngx_leaseloft_stream_timer_t *timer);


#endif /* NGX_LEASELOFT_STREAM_TIMER_H */
