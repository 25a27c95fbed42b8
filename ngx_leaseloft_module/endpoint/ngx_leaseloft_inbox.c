
/*
 * The inbox of a user in pages: a page of the index by ll1_inbox, then its
 * threads by ll1_thread (docs/data.md).  A thread that the index has and the
 * user may no longer see is left out, and the index is read further for as many
 * as are missing.  rev and total are those of the first read, so that no change
 * is missed between that and the threads.  What is read is in a pool of its
 * own, which is destroyed before the page is sent, as the client may be slow.
 */


#include "ngx_leaseloft_call.h"
#include "ngx_leaseloft_cluster.h"
#include "ngx_leaseloft_header.h"
#include "ngx_leaseloft_page.h"
#include "ngx_leaseloft_reply.h"
#include "ngx_leaseloft_response.h"
#include "ngx_leaseloft_threads.h"
#include "ngx_leaseloft_wait.h"

#include <ngx_md5.h>


#define NGX_LEASELOFT_INBOX_LIMIT      50
#define NGX_LEASELOFT_INBOX_LIMIT_MAX  200


/* indices in the reply */
enum {
    NGX_LEASELOFT_INBOX_REV = 0,
    NGX_LEASELOFT_INBOX_TOTAL,
    NGX_LEASELOFT_INBOX_MORE,
    NGX_LEASELOFT_INBOX_ROWS,
    NGX_LEASELOFT_INBOX_ELEMENTS
};


/* the position of a thread in the order of the inbox */
typedef struct {
    ngx_str_t                   at;
    ngx_str_t                   property;
} ngx_leaseloft_inbox_cursor_t;


typedef struct {
    ngx_leaseloft_ctx_t          *ctx;
    ngx_pool_t                   *pool;        /* of what is read */
    ngx_leaseloft_command_t      *command;
    ngx_leaseloft_threads_t      *threads;
    ngx_uint_t                    limit;
    ngx_leaseloft_inbox_cursor_t  cursor;      /* empty: the first page */

    ngx_leaseloft_inbox_cursor_t *rows;        /* whose threads are read */
    ngx_uint_t                    nrows;
    uint64_t                      rev;
    uint64_t                      total;
    ngx_array_t                   page;        /* ngx_str_t, without braces */
    size_t                        size;        /* bytes of these */
    unsigned                      known:1;     /* rev and total */
    unsigned                      more:1;      /* threads after the cursor */
} ngx_leaseloft_inbox_t;


static ngx_int_t ngx_leaseloft_inbox_handler(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx);
static ngx_int_t ngx_leaseloft_inbox_query(ngx_http_request_t *r,
    ngx_leaseloft_inbox_t *inbox);
static ngx_int_t ngx_leaseloft_inbox_cursor(ngx_leaseloft_inbox_t *inbox,
    ngx_str_t *value);
static ngx_int_t ngx_leaseloft_inbox_ask(ngx_leaseloft_inbox_t *inbox);
static void ngx_leaseloft_inbox_reply(void *data,
    ngx_leaseloft_outcome_e outcome, redisReply *reply);
static ngx_int_t ngx_leaseloft_inbox_rows(ngx_leaseloft_inbox_t *inbox,
    redisReply *reply);
static void ngx_leaseloft_inbox_threads(void *data, ngx_int_t rc);
static void ngx_leaseloft_inbox_on_close(void *data);
static void ngx_leaseloft_inbox_release(ngx_leaseloft_inbox_t *inbox);
static void ngx_leaseloft_inbox_finish(ngx_leaseloft_inbox_t *inbox,
    ngx_int_t rc);
static ngx_int_t ngx_leaseloft_inbox_answer(ngx_leaseloft_inbox_t *inbox);
static ngx_int_t ngx_leaseloft_inbox_etag(ngx_leaseloft_inbox_t *inbox,
    ngx_str_t *page, ngx_str_t *etag);
static ngx_int_t ngx_leaseloft_inbox_page(ngx_leaseloft_inbox_t *inbox,
    ngx_str_t *page);


ngx_leaseloft_endpoint_t  ngx_leaseloft_inbox_endpoint = {
    .kind = NGX_LEASELOFT_ENDPOINT_INBOX,
    .method = NGX_HTTP_GET,
    .methods = ngx_string("GET"),
    .user = 1,
    .cached = 1,
    .handler = ngx_leaseloft_inbox_handler
};


static ngx_int_t
ngx_leaseloft_inbox_handler(ngx_http_request_t *r, ngx_leaseloft_ctx_t *ctx)
{
    ngx_int_t               rc;
    ngx_leaseloft_inbox_t  *inbox;

    inbox = ngx_pcalloc(r->pool, sizeof(ngx_leaseloft_inbox_t));
    if (inbox == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    inbox->ctx = ctx;

    rc = ngx_leaseloft_inbox_query(r, inbox);

    if (rc == NGX_DECLINED) {
        return ngx_leaseloft_response_problem(r, NGX_HTTP_BAD_REQUEST,
                                         "\"limit\" must be 1 to 200, and "
                                         "\"cursor\" the \"next\" of a page.");
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    inbox->pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, r->connection->log);
    if (inbox->pool == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_array_init(&inbox->page, inbox->pool, inbox->limit,
                       sizeof(ngx_str_t))
        != NGX_OK)
    {
        ngx_destroy_pool(inbox->pool);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_leaseloft_inbox_ask(inbox) != NGX_OK) {
        ngx_destroy_pool(inbox->pool);
        return ngx_leaseloft_response_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                              NULL);
    }

    if (ngx_leaseloft_wait(r, ngx_leaseloft_inbox_on_close, inbox) != NGX_OK) {
        ngx_leaseloft_command_cancel(inbox->command);
        ngx_destroy_pool(inbox->pool);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_DONE;
}


/* NGX_OK, NGX_DECLINED for a malformed query, NGX_ERROR */
static ngx_int_t
ngx_leaseloft_inbox_query(ngx_http_request_t *r, ngx_leaseloft_inbox_t *inbox)
{
    uint64_t   limit;
    ngx_int_t  rc;
    ngx_str_t  value;

    inbox->limit = NGX_LEASELOFT_INBOX_LIMIT;

    rc = ngx_leaseloft_header_arg(r, "limit", &value);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_OK) {
        if (ll_cursor_decode_seq((char *) value.data, value.len, &limit) != 0
            || limit < 1 || limit > NGX_LEASELOFT_INBOX_LIMIT_MAX)
        {
            return NGX_DECLINED;
        }

        inbox->limit = limit;
    }

    rc = ngx_leaseloft_header_arg(r, "cursor", &value);

    if (rc == NGX_OK) {
        return ngx_leaseloft_inbox_cursor(inbox, &value);
    }

    return rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


/* AT.PROPERTY */
static ngx_int_t
ngx_leaseloft_inbox_cursor(ngx_leaseloft_inbox_t *inbox, ngx_str_t *value)
{
    u_char    *last, *dot;
    uint64_t   at;

    last = value->data + value->len;
    dot = ngx_strlchr(value->data, last, '.');

    if (dot == NULL
        || ll_cursor_decode_seq((char *) value->data, dot - value->data, &at)
           != 0
        || !ll_id_valid((char *) dot + 1, last - dot - 1))
    {
        return NGX_DECLINED;
    }

    inbox->cursor.at.data = value->data;
    inbox->cursor.at.len = dot - value->data;
    inbox->cursor.property.data = dot + 1;
    inbox->cursor.property.len = last - dot - 1;

    return NGX_OK;
}


/* reads the index after the cursor */
static ngx_int_t
ngx_leaseloft_inbox_ask(ngx_leaseloft_inbox_t *inbox)
{
    u_char     limit[NGX_INT_T_LEN];
    ngx_str_t  argv[3];

    argv[0].data = limit;
    argv[0].len = ngx_sprintf(limit, "%ui",
                              inbox->limit - inbox->page.nelts) - limit;
    argv[1] = inbox->cursor.at;
    argv[2] = inbox->cursor.property;

    inbox->command = ngx_leaseloft_call_user(inbox->ctx->process->cluster,
                                             LL_FUNCTION "inbox",
                                             &inbox->ctx->user, 3, argv,
                                             ngx_leaseloft_inbox_reply,
                                             inbox);

    return inbox->command ? NGX_OK : NGX_ERROR;
}


/* asks for the threads of the page, if there are any */
static void
ngx_leaseloft_inbox_reply(void *data, ngx_leaseloft_outcome_e outcome,
    redisReply *reply)
{
    ngx_leaseloft_inbox_t  *inbox = data;

    ngx_int_t    rc;
    ngx_str_t   *properties;
    ngx_uint_t   i;
    ngx_pool_t  *pool;

    inbox->command = NULL;

    rc = outcome == NGX_LEASELOFT_REPLIED
         ? ngx_leaseloft_inbox_rows(inbox, reply) : NGX_DECLINED;

    if (rc != NGX_OK || inbox->nrows == 0) {
        ngx_leaseloft_inbox_finish(inbox, rc);
        return;
    }

    pool = inbox->pool;

    properties = ngx_palloc(pool, inbox->nrows * sizeof(ngx_str_t));
    if (properties == NULL) {
        ngx_leaseloft_inbox_finish(inbox, NGX_ERROR);
        return;
    }

    for (i = 0; i < inbox->nrows; i++) {
        properties[i] = inbox->rows[i].property;
    }

    inbox->threads = ngx_leaseloft_threads_ask(inbox->ctx->process->cluster,
                                               pool, &inbox->ctx->user,
                                               properties, inbox->nrows,
                                               ngx_leaseloft_inbox_threads,
                                               inbox);
    if (inbox->threads == NULL) {
        ngx_leaseloft_inbox_finish(inbox, NGX_DECLINED);
    }
}


/* copies a string of the reply: NGX_OK, or NGX_ERROR */
static ngx_int_t
ngx_leaseloft_inbox_copy(ngx_pool_t *pool, redisReply *list, size_t i,
    ngx_str_t *dst)
{
    ngx_str_t  text;

    if (ngx_leaseloft_reply_string(list, i, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    dst->len = text.len;
    dst->data = ngx_pstrdup(pool, &text);

    return dst->data ? NGX_OK : NGX_ERROR;
}


/* NGX_OK, NGX_DECLINED for a malformed reply, or NGX_ERROR */
static ngx_int_t
ngx_leaseloft_inbox_rows(ngx_leaseloft_inbox_t *inbox, redisReply *reply)
{
    size_t               i, n;
    uint64_t             rev, total, more;
    redisReply          *list;
    ngx_http_request_t  *r;

    r = inbox->ctx->request;

    if (reply->type != REDIS_REPLY_ARRAY
        || reply->elements < NGX_LEASELOFT_INBOX_ELEMENTS
        || ngx_leaseloft_reply_number(reply, NGX_LEASELOFT_INBOX_REV, &rev)
           != NGX_OK
        || ngx_leaseloft_reply_number(reply, NGX_LEASELOFT_INBOX_TOTAL, &total)
           != NGX_OK
        || ngx_leaseloft_reply_number(reply, NGX_LEASELOFT_INBOX_MORE, &more)
           != NGX_OK
        || reply->element[NGX_LEASELOFT_INBOX_ROWS]->type
           != REDIS_REPLY_ARRAY)
    {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "redis sent a malformed inbox: \"%*s\"",
                      reply->type == REDIS_REPLY_ERROR
                          ? (size_t) reply->len : 0,
                      reply->str);
        return NGX_DECLINED;
    }

    if (!inbox->known) {
        inbox->rev = rev;
        inbox->total = total;
        inbox->known = 1;
    }

    list = reply->element[NGX_LEASELOFT_INBOX_ROWS];
    n = list->elements / 2;

    inbox->more = more != 0 && n != 0;
    inbox->nrows = ngx_min(n, inbox->limit);
    inbox->rows = ngx_palloc(inbox->pool,
                             (n + 1) * sizeof(ngx_leaseloft_inbox_cursor_t));
    if (inbox->rows == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < inbox->nrows; i++) {

        if (ngx_leaseloft_inbox_copy(inbox->pool, list, 2 * i,
                                     &inbox->rows[i].property)
            != NGX_OK
            || !ll_id_valid((char *) inbox->rows[i].property.data,
                            inbox->rows[i].property.len)
            || ngx_leaseloft_inbox_copy(inbox->pool, list, 2 * i + 1,
                                        &inbox->rows[i].at)
               != NGX_OK)
        {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


/* adds the threads to the page, and reads further if some are missing */
static void
ngx_leaseloft_inbox_threads(void *data, ngx_int_t rc)
{
    ngx_leaseloft_inbox_t *inbox = data;

    ngx_str_t   *thread, *item;
    ngx_uint_t   i;

    if (rc != NGX_OK) {
        inbox->threads = NULL;
        ngx_leaseloft_inbox_finish(inbox, NGX_DECLINED);
        return;
    }

    for (i = 0; i < inbox->nrows; i++) {

        /* the page ends with the thread that exceeds the bytes */

        if (inbox->size > NGX_LEASELOFT_PAGE_BYTES) {
            inbox->more = 1;
            break;
        }

        inbox->cursor = inbox->rows[i];
        thread = ngx_leaseloft_threads_get(inbox->threads, i);

        if (thread->len == 0) {
            continue;
        }

        item = ngx_array_push(&inbox->page);
        if (item == NULL) {
            inbox->threads = NULL;
            ngx_leaseloft_inbox_finish(inbox, NGX_ERROR);
            return;
        }

        *item = *thread;
        inbox->size += thread->len + 1;
    }

    inbox->threads = NULL;

    if (!inbox->more || inbox->page.nelts == inbox->limit
        || inbox->size > NGX_LEASELOFT_PAGE_BYTES)
    {
        ngx_leaseloft_inbox_finish(inbox, NGX_OK);

    } else if (ngx_leaseloft_inbox_ask(inbox) != NGX_OK) {
        ngx_leaseloft_inbox_finish(inbox, NGX_DECLINED);
    }
}


static void
ngx_leaseloft_inbox_on_close(void *data)
{
    ngx_leaseloft_inbox_t  *inbox = data;

    if (inbox->command) {
        ngx_leaseloft_command_cancel(inbox->command);
    }

    if (inbox->threads) {
        ngx_leaseloft_threads_cancel(inbox->threads);
    }

    ngx_leaseloft_inbox_release(inbox);
}


static void
ngx_leaseloft_inbox_release(ngx_leaseloft_inbox_t *inbox)
{
    if (inbox->pool) {
        ngx_destroy_pool(inbox->pool);
        inbox->pool = NULL;
    }
}


/* NGX_OK: sends the page; NGX_DECLINED: Redis did not answer; NGX_ERROR */
static void
ngx_leaseloft_inbox_finish(ngx_leaseloft_inbox_t *inbox, ngx_int_t rc)
{
    ngx_http_request_t  *r;

    r = inbox->ctx->request;

    if (rc == NGX_OK) {
        rc = ngx_leaseloft_inbox_answer(inbox);

    } else if (rc == NGX_DECLINED) {
        rc = ngx_leaseloft_response_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                            NULL);
    } else {
        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_leaseloft_wait_finalize(r, rc);
}


static ngx_int_t
ngx_leaseloft_inbox_answer(ngx_leaseloft_inbox_t *inbox)
{
    ngx_int_t            rc;
    ngx_str_t            etag, page;
    ngx_http_request_t  *r;

    r = inbox->ctx->request;

    rc = ngx_leaseloft_inbox_page(inbox, &page);
    ngx_leaseloft_inbox_release(inbox);

    if (rc != NGX_OK
        || ngx_leaseloft_inbox_etag(inbox, &page, &etag) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_leaseloft_header_etag_matches(r, &etag)) {
        return ngx_leaseloft_response_send(r, NGX_HTTP_NOT_MODIFIED, NULL,
                                           NULL);
    }

    return ngx_leaseloft_response_page(r, &page);
}


/*
 * The ETag is a digest of the page.  A rev alone would be the same for another
 * user of the same browser, or after the inbox was restored from a backup.
 */
static ngx_int_t
ngx_leaseloft_inbox_etag(ngx_leaseloft_inbox_t *inbox, ngx_str_t *page,
    ngx_str_t *etag)
{
    u_char      digest[16], *p;
    ngx_md5_t   md5;

    ngx_md5_init(&md5);
    ngx_md5_update(&md5, page->data, page->len);
    ngx_md5_final(digest, &md5);

    p = ngx_pnalloc(inbox->ctx->request->pool, 2 * sizeof(digest) + 2);
    if (p == NULL) {
        return NGX_ERROR;
    }

    etag->data = p;
    *p++ = '"';
    p = ngx_hex_dump(p, digest, sizeof(digest));
    *p++ = '"';
    etag->len = p - etag->data;

    return ngx_leaseloft_header_add(inbox->ctx->request, "ETag", etag);
}


static ngx_int_t
ngx_leaseloft_inbox_page(ngx_leaseloft_inbox_t *inbox, ngx_str_t *page)
{
    size_t       len;
    u_char      *p;
    ngx_str_t   *threads;
    ngx_uint_t   i;

    len = sizeof("{\"total_unread\":,\"rev\":,\"threads\":[],\"next\":\".\"}")
          + 2 * NGX_INT64_LEN + sizeof("null")
          + inbox->cursor.at.len + inbox->cursor.property.len
          + inbox->size + inbox->page.nelts;

    p = ngx_pnalloc(inbox->ctx->request->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    page->data = p;

    p = ngx_sprintf(p, "{\"total_unread\":%uL,\"rev\":%uL,\"threads\":[",
                    inbox->total, inbox->rev);

    threads = inbox->page.elts;

    for (i = 0; i < inbox->page.nelts; i++) {
        if (i) {
            *p++ = ',';
        }

        p = ngx_cpymem(p, threads[i].data, threads[i].len);
        *p++ = '}';
    }

    p = inbox->more ? ngx_sprintf(p, "],\"next\":\"%V.%V\"}", &inbox->cursor.at,
                                  &inbox->cursor.property)
                    : ngx_sprintf(p, "],\"next\":null}");

    page->len = p - page->data;

    return NGX_OK;
}
