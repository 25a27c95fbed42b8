
/*
 * A tree separate from nginx's, so that hundreds of thousands of streams are
 * one timer of nginx.  Nothing is allocated: nodes belong to their streams.
 */


#include "ngx_leaseloft_stream_timer.h"


/* nodes that are handled in one turn of the event loop */
#define NGX_LEASELOFT_STREAM_TIMER_TURN  64


static void ngx_leaseloft_stream_timer_handler(ngx_event_t *ev);


void
ngx_leaseloft_stream_timer_init(ngx_leaseloft_stream_timer_t *timer,
    void (*handler)(ngx_rbtree_node_t *node), ngx_log_t *log)
{
    ngx_rbtree_init(&timer->tree, &timer->sentinel,
                    ngx_rbtree_insert_timer_value);

    timer->handler = handler;
    timer->event.handler = ngx_leaseloft_stream_timer_handler;
    timer->event.data = timer;
    timer->event.log = log;
    timer->event.cancelable = 1;
}


void
ngx_leaseloft_stream_timer_free(ngx_leaseloft_stream_timer_t *timer)
{
    if (timer->event.timer_set) {
        ngx_del_timer(&timer->event);
    }
}


static ngx_rbtree_node_t *
ngx_leaseloft_stream_timer_first(ngx_leaseloft_stream_timer_t *timer)
{
    if (timer->tree.root == timer->tree.sentinel) {
        return NULL;
    }

    return ngx_rbtree_min(timer->tree.root, timer->tree.sentinel);
}


void
ngx_leaseloft_stream_timer_set(ngx_leaseloft_stream_timer_t *timer,
    ngx_rbtree_node_t *node, ngx_msec_t at)
{
    if (node->data) {

        if ((ngx_msec_int_t) (at - node->key) >= 0) {
            return;
        }

        ngx_rbtree_delete(&timer->tree, node);
    }

    node->key = at;
    ngx_rbtree_insert(&timer->tree, node);
    node->data = 1;

    if (ngx_leaseloft_stream_timer_first(timer) == node) {
        ngx_leaseloft_stream_timer_arm(timer);
    }
}


void
ngx_leaseloft_stream_timer_clear(ngx_leaseloft_stream_timer_t *timer,
    ngx_rbtree_node_t *node)
{
    if (node->data) {
        ngx_rbtree_delete(&timer->tree, node);
        node->data = 0;
    }
}


ngx_rbtree_node_t *
ngx_leaseloft_stream_timer_take(ngx_leaseloft_stream_timer_t *timer)
{
    ngx_rbtree_node_t  *node;

    node = ngx_leaseloft_stream_timer_first(timer);

    if (node) {
        ngx_leaseloft_stream_timer_clear(timer, node);
    }

    return node;
}


/*
 * Many streams may be due at once, as after a change that concerns them all.
 * Each turn of the event loop takes some of them, so that requests and frames
 * do not wait for the rest.
 */
static void
ngx_leaseloft_stream_timer_handler(ngx_event_t *ev)
{
    ngx_uint_t                     i;
    ngx_rbtree_node_t             *node;
    ngx_leaseloft_stream_timer_t  *timer;

    timer = ev->data;

    for (i = 0; i < NGX_LEASELOFT_STREAM_TIMER_TURN; i++) {
        node = ngx_leaseloft_stream_timer_first(timer);

        if (node == NULL
            || (ngx_msec_int_t) (node->key - ngx_current_msec) > 0)
        {
            break;
        }

        ngx_leaseloft_stream_timer_clear(timer, node);
        timer->handler(node);
    }

    ngx_leaseloft_stream_timer_arm(timer);
}


void
ngx_leaseloft_stream_timer_arm(ngx_leaseloft_stream_timer_t *timer)
{
    ngx_msec_int_t      delay;
    ngx_rbtree_node_t  *node;

    if (timer->event.timer_set) {
        ngx_del_timer(&timer->event);
    }

    node = ngx_leaseloft_stream_timer_first(timer);
    if (node == NULL) {
        return;
    }

    delay = (ngx_msec_int_t) (node->key - ngx_current_msec);

    /* nginx would run a timer of 0 ms in the same turn once more */

    timer->event.cancelable = !timer->block_exit;
    ngx_add_timer(&timer->event, (ngx_msec_t) ngx_max(delay, 1));
}
