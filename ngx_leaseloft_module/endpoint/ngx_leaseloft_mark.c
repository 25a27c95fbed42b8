
/*
 * Read marks.  nginx parses the body and refuses invalid marks, so only numbers
 * are queued.
 *
 * While one mark of a user in a property is queued, further ones wait for its
 * verdict, for at most NGX_LEASELOFT_MARK_WAIT; then they are queued together
 * as one request.  Since marks only move forward, the largest of them includes
 * the others.  If it is past the head, the worker sets the largest mark that is
 * not, so each of them is accepted once Redis has stored the request; the
 * smaller ones are then requeued for their own verdicts.
 *
 * A mark is in its request's pool, waiting marks and batches are on the heap
 * until they are empty.
 */


#include "ngx_leaseloft_body.h"
#include "ngx_leaseloft_mark.h"
#include "ngx_leaseloft_member.h"
#include "ngx_leaseloft_queue.h"
#include "ngx_leaseloft_response.h"
#include "ngx_leaseloft_wait.h"
#include "ngx_leaseloft_write.h"


/* marks that are queued as one; BODY_MARKS_MAX of the worker */
#define NGX_LEASELOFT_MARK_BATCH  64

/* maximum time, in ms, that a mark waits for the verdict on an earlier one */
#define NGX_LEASELOFT_MARK_WAIT   250


/* the marks of one user in one property; freed when empty */
typedef struct {
    ngx_str_node_t              node;      /* "PROPERTY/USER" */
    ngx_leaseloft_process_t    *process;
    ngx_queue_t                 waiting;   /* not queued yet, oldest first */
    ngx_event_t                 timer;     /* queues them */
    ngx_uint_t                  batches;   /* queued */
    u_char                      name[2 * LL_ID_MAX + 1];
} ngx_leaseloft_marks_t;


/* marks that were queued as one; freed when all are answered */
typedef struct {
    ngx_leaseloft_queued_t      queued;
    ngx_leaseloft_marks_t      *marks;
    ngx_queue_t                 list;
    uint64_t                    upto;      /* the largest of them */
    ngx_uint_t                  ended;     /* being answered */
} ngx_leaseloft_mark_batch_t;


/* one mark, in its request's pool */
typedef struct {
    ngx_queue_t                 queue;     /* of the batch, or waiting */
    ngx_leaseloft_marks_t      *marks;
    ngx_leaseloft_mark_batch_t *batch;     /* NULL: it waits */
    ngx_leaseloft_ctx_t        *ctx;
    uint64_t                    upto;
} ngx_leaseloft_mark_t;


static ngx_int_t ngx_leaseloft_mark_handler(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx);
static ngx_int_t ngx_leaseloft_mark_body(ngx_http_request_t *r,
    ngx_str_t *body);
static ngx_leaseloft_marks_t *ngx_leaseloft_mark_list_get(
    ngx_leaseloft_ctx_t *ctx);
static void ngx_leaseloft_mark_list_next(ngx_leaseloft_marks_t *marks);
static void ngx_leaseloft_mark_list_timer(ngx_event_t *ev);
static ngx_int_t ngx_leaseloft_mark_list_queue(ngx_leaseloft_marks_t *marks);
static ngx_int_t ngx_leaseloft_mark_batch_queue(
    ngx_leaseloft_mark_batch_t *batch);
static void ngx_leaseloft_mark_batch_free(ngx_leaseloft_mark_batch_t *batch);
static ngx_leaseloft_mark_t *ngx_leaseloft_mark_batch_take(
    ngx_leaseloft_mark_batch_t *batch);
static void ngx_leaseloft_mark_failed(ngx_leaseloft_queued_t *queued,
    ngx_uint_t unknown);
static void ngx_leaseloft_mark_verdict(ngx_leaseloft_queued_t *queued,
    ll_verdict_t *verdict);
static void ngx_leaseloft_mark_past(ngx_leaseloft_mark_batch_t *batch);
static void ngx_leaseloft_mark_on_timeout(void *data);
static void ngx_leaseloft_mark_on_close(void *data);
static void ngx_leaseloft_mark_leave(ngx_leaseloft_mark_t *mark);


ngx_leaseloft_endpoint_t  ngx_leaseloft_read_endpoint = {
    .kind = NGX_LEASELOFT_ENDPOINT_READ,
    .method = NGX_HTTP_POST,
    .methods = ngx_string("POST"),
    .user = 1,
    .property = 1,
    .access = 1,
    .body = 1,
    .handler = ngx_leaseloft_mark_handler
};


void
ngx_leaseloft_mark_init(ngx_leaseloft_process_t *process)
{
    ngx_rbtree_init(&process->marks, &process->marks_sentinel,
                    ngx_str_rbtree_insert_value);
}


static ngx_int_t
ngx_leaseloft_mark_handler(ngx_http_request_t *r, ngx_leaseloft_ctx_t *ctx)
{
    return ngx_leaseloft_body_read(r, ngx_leaseloft_mark_body);
}


static ngx_int_t
ngx_leaseloft_mark_body(ngx_http_request_t *r, ngx_str_t *body)
{
    ngx_int_t                  rc;
    ngx_str_t                  document;
    ngx_leaseloft_ctx_t       *ctx;
    ngx_leaseloft_mark_t      *mark;
    ngx_leaseloft_loc_conf_t  *conf;

    ctx = ngx_http_get_module_ctx(r, ngx_leaseloft_module);
    conf = ngx_http_get_module_loc_conf(r, ngx_leaseloft_module);

    mark = ngx_palloc(r->pool, sizeof(ngx_leaseloft_mark_t));
    if (mark == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_leaseloft_member_seq(r, body, "upto", &mark->upto, &document);

    if (rc == NGX_DECLINED) {
        return ngx_leaseloft_response_document(r,
                                    NGX_LEASELOFT_UNPROCESSABLE, &document);
    }

    mark->ctx = ctx;
    mark->batch = NULL;
    mark->marks = rc == NGX_OK ? ngx_leaseloft_mark_list_get(ctx) : NULL;

    if (mark->marks == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_queue_insert_tail(&mark->marks->waiting, &mark->queue);

    if (mark->marks->batches == 0
        && ngx_leaseloft_mark_list_queue(mark->marks) != NGX_OK)
    {
        ngx_leaseloft_mark_leave(mark);
        return ngx_leaseloft_write_send_refused(ctx);
    }

    if (ngx_leaseloft_wait_for(r, conf->wait, ngx_leaseloft_mark_on_timeout,
                               ngx_leaseloft_mark_on_close, mark)
        != NGX_OK)
    {
        ngx_leaseloft_mark_leave(mark);
        return ngx_leaseloft_write_send_unknown(ctx);
    }

    /* well before the mark's own timeout */

    if (mark->batch == NULL && !mark->marks->timer.timer_set) {
        ngx_add_timer(&mark->marks->timer,
                      ngx_min(NGX_LEASELOFT_MARK_WAIT, conf->wait / 4));
    }

    return NGX_DONE;
}


/* finds or creates the marks of this user and property; NULL: out of memory */
static ngx_leaseloft_marks_t *
ngx_leaseloft_mark_list_get(ngx_leaseloft_ctx_t *ctx)
{
    u_char                   *p;
    uint32_t                  hash;
    ngx_str_t                 name;
    ngx_leaseloft_marks_t    *marks;
    ngx_leaseloft_process_t  *process;
    u_char                    buf[2 * LL_ID_MAX + 1];

    process = ctx->process;

    p = ngx_sprintf(buf, "%V/%V", &ctx->property, &ctx->user);
    name.data = buf;
    name.len = p - buf;
    hash = ngx_crc32_short(name.data, name.len);

    marks = (ngx_leaseloft_marks_t *)
                ngx_str_rbtree_lookup(&process->marks, &name, hash);

    if (marks) {
        return marks;
    }

    marks = ngx_calloc(sizeof(ngx_leaseloft_marks_t), process->log);
    if (marks == NULL) {
        return NULL;
    }

    ngx_memcpy(marks->name, name.data, name.len);

    marks->process = process;
    marks->node.node.key = hash;
    marks->node.str.len = name.len;
    marks->node.str.data = marks->name;
    marks->timer.handler = ngx_leaseloft_mark_list_timer;
    marks->timer.data = marks;
    marks->timer.log = process->log;

    ngx_queue_init(&marks->waiting);
    ngx_rbtree_insert(&process->marks, &marks->node.node);

    return marks;
}


/*
 * A batch has ended, or a mark was removed: if no batch is queued, queues the
 * waiting marks, or frees the struct if there are none.
 */
static void
ngx_leaseloft_mark_list_next(ngx_leaseloft_marks_t *marks)
{
    ngx_int_t              rc;
    ngx_queue_t           *q;
    ngx_leaseloft_mark_t  *mark;

    while (marks->batches == 0) {

        if (ngx_queue_empty(&marks->waiting)) {

            if (marks->timer.timer_set) {
                ngx_del_timer(&marks->timer);
            }

            ngx_rbtree_delete(&marks->process->marks, &marks->node.node);
            ngx_free(marks);

            return;
        }

        if (ngx_leaseloft_mark_list_queue(marks) == NGX_OK) {
            return;
        }

        /* finalizing a request may end others, which must not free marks */

        marks->batches++;

        q = ngx_queue_head(&marks->waiting);
        mark = ngx_queue_data(q, ngx_leaseloft_mark_t, queue);

        ngx_queue_remove(q);

        rc = ngx_leaseloft_write_send_refused(mark->ctx);
        ngx_leaseloft_wait_finalize(mark->ctx->request, rc);

        marks->batches--;
    }
}


static void
ngx_leaseloft_mark_list_timer(ngx_event_t *ev)
{
    ngx_leaseloft_marks_t  *marks;

    marks = ev->data;

    /* on failure, the end of the queued batch retries */

    if (!ngx_queue_empty(&marks->waiting)) {
        (void) ngx_leaseloft_mark_list_queue(marks);
    }
}


/*
 * Queues the oldest waiting marks as one batch.  NGX_OK, or NGX_DECLINED: they
 * are still waiting.
 */
static ngx_int_t
ngx_leaseloft_mark_list_queue(ngx_leaseloft_marks_t *marks)
{
    ngx_int_t                    rc;
    ngx_uint_t                   n;
    ngx_queue_t                 *q;
    ngx_leaseloft_mark_t        *mark;
    ngx_leaseloft_mark_batch_t  *batch;

    batch = ngx_calloc(sizeof(ngx_leaseloft_mark_batch_t),
                       marks->process->log);
    if (batch == NULL) {
        return NGX_DECLINED;
    }

    batch->marks = marks;
    batch->queued.failed = ngx_leaseloft_mark_failed;
    batch->queued.verdict = ngx_leaseloft_mark_verdict;
    ngx_queue_init(&batch->list);

    for (n = 0; n < NGX_LEASELOFT_MARK_BATCH; n++) {

        if (ngx_queue_empty(&marks->waiting)) {
            break;
        }

        q = ngx_queue_head(&marks->waiting);
        mark = ngx_queue_data(q, ngx_leaseloft_mark_t, queue);

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&batch->list, q);

        mark->batch = batch;
        batch->upto = ngx_max(batch->upto, mark->upto);
    }

    rc = ngx_leaseloft_mark_batch_queue(batch);

    if (rc == NGX_OK) {
        marks->batches++;

    } else {

        while (!ngx_queue_empty(&batch->list)) {
            q = ngx_queue_last(&batch->list);
            mark = ngx_queue_data(q, ngx_leaseloft_mark_t, queue);

            ngx_queue_remove(q);
            ngx_queue_insert_head(&marks->waiting, q);

            mark->batch = NULL;
        }

        ngx_free(batch);
    }

    if (marks->timer.timer_set) {
        ngx_del_timer(&marks->timer);
    }

    if (!ngx_queue_empty(&marks->waiting)) {
        ngx_add_timer(&marks->timer, NGX_LEASELOFT_MARK_WAIT);
    }

    return rc;
}


/* {"upto":N}, or {"upto":[N,...]} if there are smaller marks */
static ngx_int_t
ngx_leaseloft_mark_batch_queue(ngx_leaseloft_mark_batch_t *batch)
{
    u_char                   *p, *slash;
    ngx_uint_t                n;
    ngx_queue_t              *q;
    ngx_leaseloft_mark_t     *mark;
    ngx_leaseloft_work_t      work;
    u_char                    body[(NGX_LEASELOFT_MARK_BATCH + 1) * 16 + 16];

    p = ngx_sprintf(body, "{\"upto\":[%uL", batch->upto);
    n = 0;

    for (q = ngx_queue_head(&batch->list);
         q != ngx_queue_sentinel(&batch->list);
         q = ngx_queue_next(q))
    {
        mark = ngx_queue_data(q, ngx_leaseloft_mark_t, queue);

        if (mark->upto != batch->upto) {
            p = ngx_sprintf(p, ",%uL", mark->upto);
            n++;
        }
    }

    if (n) {
        p = ngx_sprintf(p, "]}");

    } else {
        p = ngx_sprintf(body, "{\"upto\":%uL}", batch->upto);
    }

    slash = ngx_strlchr(batch->marks->name,
                        batch->marks->name + batch->marks->node.str.len, '/');

    work.op = "read";
    work.property.data = batch->marks->name;
    work.property.len = slash - batch->marks->name;
    work.user.data = slash + 1;
    work.user.len = batch->marks->node.str.len - work.property.len - 1;
    work.body.data = body;
    work.body.len = p - body;

    return ngx_leaseloft_queue_add(batch->marks->process, &batch->queued,
                                   &work);
}


/* all marks of the batch are answered, and it is not queued any more */
static void
ngx_leaseloft_mark_batch_free(ngx_leaseloft_mark_batch_t *batch)
{
    ngx_leaseloft_marks_t  *marks;

    marks = batch->marks;
    marks->batches--;

    ngx_free(batch);

    ngx_leaseloft_mark_list_next(marks);
}


/* removes and returns the first mark of a batch; NULL: it is empty */
static ngx_leaseloft_mark_t *
ngx_leaseloft_mark_batch_take(ngx_leaseloft_mark_batch_t *batch)
{
    ngx_queue_t  *q;

    if (ngx_queue_empty(&batch->list)) {
        return NULL;
    }

    q = ngx_queue_head(&batch->list);
    ngx_queue_remove(q);

    return ngx_queue_data(q, ngx_leaseloft_mark_t, queue);
}


static void
ngx_leaseloft_mark_failed(ngx_leaseloft_queued_t *queued, ngx_uint_t unknown)
{
    ngx_leaseloft_mark_batch_t *batch = (ngx_leaseloft_mark_batch_t *) queued;

    ngx_int_t              rc;
    ngx_leaseloft_mark_t  *mark;

    batch->ended = 1;

    for ( ;; ) {
        mark = ngx_leaseloft_mark_batch_take(batch);

        if (mark == NULL) {
            break;
        }

        rc = unknown ? ngx_leaseloft_write_send_unknown(mark->ctx)
                     : ngx_leaseloft_write_send_refused(mark->ctx);

        ngx_leaseloft_wait_finalize(mark->ctx->request, rc);
    }

    ngx_leaseloft_mark_batch_free(batch);
}


static void
ngx_leaseloft_mark_verdict(ngx_leaseloft_queued_t *queued,
    ll_verdict_t *verdict)
{
    ngx_leaseloft_mark_batch_t *batch = (ngx_leaseloft_mark_batch_t *) queued;

    ngx_int_t              rc;
    ngx_leaseloft_mark_t  *mark;

    if (verdict->status != NGX_HTTP_NO_CONTENT
        && verdict->status < NGX_HTTP_BAD_REQUEST)
    {
        mark = ngx_queue_data(ngx_queue_head(&batch->list),
                              ngx_leaseloft_mark_t, queue);
        ngx_leaseloft_write_misfit(mark->ctx, verdict);
        return;
    }

    ngx_leaseloft_queue_remove(queued);
    batch->ended = 1;

    if (verdict->status == NGX_LEASELOFT_UNPROCESSABLE) {
        ngx_leaseloft_mark_past(batch);
    }

    for ( ;; ) {
        mark = ngx_leaseloft_mark_batch_take(batch);

        if (mark == NULL) {
            break;
        }

        if (verdict->status == NGX_HTTP_NO_CONTENT) {
            rc = ngx_leaseloft_response_send(mark->ctx->request,
                                             NGX_HTTP_NO_CONTENT, NULL, NULL);

        } else {
            rc = ngx_leaseloft_write_send_problem(mark->ctx, verdict);
        }

        ngx_leaseloft_wait_finalize(mark->ctx->request, rc);
    }

    ngx_leaseloft_mark_batch_free(batch);
}


/* the largest mark is past the head: the others wait for their own verdicts */
static void
ngx_leaseloft_mark_past(ngx_leaseloft_mark_batch_t *batch)
{
    ngx_queue_t            *q, *prev;
    ngx_leaseloft_mark_t   *mark;

    for (q = ngx_queue_last(&batch->list);
         q != ngx_queue_sentinel(&batch->list);
         q = prev)
    {
        prev = ngx_queue_prev(q);
        mark = ngx_queue_data(q, ngx_leaseloft_mark_t, queue);

        if (mark->upto != batch->upto) {
            ngx_queue_remove(q);
            ngx_queue_insert_head(&batch->marks->waiting, q);
            mark->batch = NULL;
        }
    }
}


/* no verdict within leaseloft_wait */
static void
ngx_leaseloft_mark_on_timeout(void *data)
{
    ngx_leaseloft_mark_t  *mark = data;

    ngx_int_t             rc;
    ngx_uint_t            waits, stored;
    ngx_leaseloft_ctx_t  *ctx;

    ctx = mark->ctx;
    waits = mark->batch == NULL;
    stored = !waits && mark->batch->queued.command == NULL;

    ngx_leaseloft_mark_leave(mark);

    if (stored) {
        rc = ngx_leaseloft_write_send_accepted(ctx, NULL);

    } else if (waits) {
        rc = ngx_leaseloft_write_send_refused(ctx);

    } else {
        rc = ngx_leaseloft_write_send_unknown(ctx);
    }

    ngx_leaseloft_wait_finalize(ctx->request, rc);
}


static void
ngx_leaseloft_mark_on_close(void *data)
{
    ngx_leaseloft_mark_leave(data);
}


/* removes a mark whose request ends */
static void
ngx_leaseloft_mark_leave(ngx_leaseloft_mark_t *mark)
{
    ngx_leaseloft_mark_batch_t  *batch;

    batch = mark->batch;

    ngx_queue_remove(&mark->queue);

    if (batch == NULL) {
        ngx_leaseloft_mark_list_next(mark->marks);
        return;
    }

    /* answering one request may end another of the same connection */

    if (ngx_queue_empty(&batch->list) && !batch->ended) {
        ngx_leaseloft_queue_remove(&batch->queued);
        ngx_leaseloft_mark_batch_free(batch);
    }
}
