
/*
 * One nginx timer for all streams of a process: a tree of nodes, each embedded
 * in its stream, ordered by the time at which it is due.
 */


#ifndef NGX_LEASELOFT_STREAM_TIMER_H
#define NGX_LEASELOFT_STREAM_TIMER_H


#include "ngx_leaseloft.h"


typedef struct {
    ngx_rbtree_t                tree;      /* node->data: 1 while in it */
    ngx_rbtree_node_t           sentinel;
    ngx_event_t                 event;
    void                        (*handler)(ngx_rbtree_node_t *node);
    unsigned                    block_exit:1;    /* delays a quitting process */
} ngx_leaseloft_stream_timer_t;


/* initializes the timer; handler is called with each due node, once removed */
void ngx_leaseloft_stream_timer_init(ngx_leaseloft_stream_timer_t *timer,
    void (*handler)(ngx_rbtree_node_t *node), ngx_log_t *log);

/* stops the timer; the nodes belong to their owners */
void ngx_leaseloft_stream_timer_free(ngx_leaseloft_stream_timer_t *timer);

/*
 * Sets the time at which a node is due (ngx_current_msec); a node in the tree
 * keeps its time if that is earlier.
 */
void ngx_leaseloft_stream_timer_set(ngx_leaseloft_stream_timer_t *timer,
    ngx_rbtree_node_t *node, ngx_msec_t at);

/* removes a node; does nothing if it is not in the tree */
void ngx_leaseloft_stream_timer_clear(ngx_leaseloft_stream_timer_t *timer,
    ngx_rbtree_node_t *node);

/* removes and returns the node that is due first; NULL: the tree is empty */
ngx_rbtree_node_t *ngx_leaseloft_stream_timer_take(
    ngx_leaseloft_stream_timer_t *timer);

/*
 * Sets the nginx timer for the first node; called after nodes were removed.  A
 * quitting process continues while the event is set and timer->block_exit is 1,
 * so the event is not set for an empty tree.
 */
void ngx_leaseloft_stream_timer_arm(ngx_leaseloft_stream_timer_t *timer);


#endif /* NGX_LEASELOFT_STREAM_TIMER_H */
