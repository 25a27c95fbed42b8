
/*
 * The inbox of a user in pages: the reply of ll1_inbox (docs/data.md).  All
 * memory is in the request's pool.
 */


#include "ngx_leaseloft_call.h"
#include "ngx_leaseloft_client.h"
#include "ngx_leaseloft_header.h"
#include "ngx_leaseloft_page.h"
#include "ngx_leaseloft_reply.h"
#include "ngx_leaseloft_response.h"
#include "ngx_leaseloft_view.h"
#include "ngx_leaseloft_wait.h"

#include <ngx_md5.h>


#define NGX_LEASELOFT_INBOX_LIMIT      50
#define NGX_LEASELOFT_INBOX_LIMIT_MAX  200


/* indices in the reply */
enum {
    NGX_LEASELOFT_INBOX_REV = 0,
    NGX_LEASELOFT_INBOX_TOTAL,
    NGX_LEASELOFT_INBOX_NEXT,
    NGX_LEASELOFT_INBOX_THREADS,
    NGX_LEASELOFT_INBOX_ELEMENTS
};


typedef struct {
    ngx_leaseloft_ctx_t        *ctx;
    ngx_leaseloft_command_t    *command;
    ngx_uint_t                  limit;
    ngx_str_t                   cursor;    /* empty: the first page */
    ngx_str_t                   at;        /* of the cursor */
    ngx_str_t                   property;  /* of the cursor */
} ngx_leaseloft_inbox_t;


static ngx_int_t ngx_leaseloft_inbox_handler(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx);
static ngx_int_t ngx_leaseloft_inbox_query(ngx_http_request_t *r,
    ngx_leaseloft_inbox_t *inbox);
static ngx_int_t ngx_leaseloft_inbox_cursor(ngx_leaseloft_inbox_t *inbox);
static void ngx_leaseloft_inbox_reply(void *data,
    ngx_leaseloft_outcome_e outcome, redisReply *reply);
static void ngx_leaseloft_inbox_on_close(void *data);
static ngx_int_t ngx_leaseloft_inbox_answer(ngx_leaseloft_inbox_t *inbox,
    redisReply *reply);
static ngx_int_t ngx_leaseloft_inbox_etag(ngx_leaseloft_inbox_t *inbox,
    ngx_str_t *page, ngx_str_t *etag);
static ngx_int_t ngx_leaseloft_inbox_page(ngx_leaseloft_inbox_t *inbox,
    redisReply *reply, ngx_str_t *page);


ngx_leaseloft_endpoint_t  ngx_leaseloft_inbox_endpoint = {
    .method = NGX_HTTP_GET,
    .methods = ngx_string("GET"),
    .user = 1,
    .cached = 1,
    .handler = ngx_leaseloft_inbox_handler
};


static ngx_int_t
ngx_leaseloft_inbox_handler(ngx_http_request_t *r, ngx_leaseloft_ctx_t *ctx)
{
    u_char                  buf[2 * NGX_INT_T_LEN], *p;
    ngx_int_t               rc;
    ngx_str_t               argv[4];
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

    argv[0].data = buf;
    p = ngx_sprintf(buf, "%ui", inbox->limit);
    argv[0].len = p - buf;
    argv[1] = inbox->at;
    argv[2] = inbox->property;
    argv[3].data = p;
    argv[3].len = ngx_sprintf(p, "%ui", (ngx_uint_t) NGX_LEASELOFT_PAGE_BYTES)
                  - p;

    inbox->command = ngx_leaseloft_call_user(ctx->process->client,
                                             LL_FUNCTION "inbox",
                                             &ctx->user, 4, argv,
                                             ngx_leaseloft_inbox_reply,
                                             inbox);
    if (inbox->command == NULL) {
        return ngx_leaseloft_response_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                              NULL);
    }

    if (ngx_leaseloft_wait(r, ngx_leaseloft_inbox_on_close, inbox) != NGX_OK) {
        ngx_leaseloft_command_cancel(inbox->command);
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

    rc = ngx_leaseloft_header_arg(r, "cursor", &inbox->cursor);

    if (rc == NGX_OK) {
        return ngx_leaseloft_inbox_cursor(inbox);
    }

    return rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


/* AT.PROPERTY */
static ngx_int_t
ngx_leaseloft_inbox_cursor(ngx_leaseloft_inbox_t *inbox)
{
    u_char    *last, *dot;
    uint64_t   at;

    last = inbox->cursor.data + inbox->cursor.len;
    dot = ngx_strlchr(inbox->cursor.data, last, '.');

    if (dot == NULL
        || ll_cursor_decode_seq((char *) inbox->cursor.data,
                                dot - inbox->cursor.data, &at)
           != 0
        || !ll_id_valid((char *) dot + 1, last - dot - 1))
    {
        return NGX_DECLINED;
    }

    inbox->at.data = inbox->cursor.data;
    inbox->at.len = dot - inbox->cursor.data;
    inbox->property.data = dot + 1;
    inbox->property.len = last - dot - 1;

    return NGX_OK;
}


static void
ngx_leaseloft_inbox_reply(void *data, ngx_leaseloft_outcome_e outcome,
    redisReply *reply)
{
    ngx_leaseloft_inbox_t  *inbox = data;

    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = inbox->ctx->request;

    if (outcome == NGX_LEASELOFT_REPLIED) {
        rc = ngx_leaseloft_inbox_answer(inbox, reply);

    } else {
        rc = ngx_leaseloft_response_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                            NULL);
    }

    ngx_leaseloft_wait_finalize(r, rc);
}


static void
ngx_leaseloft_inbox_on_close(void *data)
{
    ngx_leaseloft_inbox_t  *inbox = data;

    ngx_leaseloft_command_cancel(inbox->command);
}


static ngx_int_t
ngx_leaseloft_inbox_answer(ngx_leaseloft_inbox_t *inbox, redisReply *reply)
{
    ngx_str_t            etag, page;
    ngx_http_request_t  *r;

    r = inbox->ctx->request;

    if (reply->type != REDIS_REPLY_ARRAY
        || reply->elements < NGX_LEASELOFT_INBOX_ELEMENTS
        || reply->element[NGX_LEASELOFT_INBOX_REV]->type != REDIS_REPLY_INTEGER
        || reply->element[NGX_LEASELOFT_INBOX_TOTAL]->type
           != REDIS_REPLY_INTEGER
        || reply->element[NGX_LEASELOFT_INBOX_THREADS]->type
           != REDIS_REPLY_ARRAY)
    {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "redis sent a malformed inbox: \"%*s\"",
                      reply->type == REDIS_REPLY_ERROR
                          ? (size_t) reply->len : 0,
                      reply->str);

        return ngx_leaseloft_response_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                              NULL);
    }

    if (ngx_leaseloft_inbox_page(inbox, reply, &page) != NGX_OK
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
ngx_leaseloft_inbox_page(ngx_leaseloft_inbox_t *inbox, redisReply *reply,
    ngx_str_t *page)
{
    size_t       i, len;
    u_char      *p;
    ngx_str_t    next, thread;
    redisReply  *threads;

    threads = reply->element[NGX_LEASELOFT_INBOX_THREADS];
    len = sizeof("{\"total_unread\":,\"rev\":,\"threads\":[],\"next\":\"\"}")
          + 2 * NGX_INT64_LEN + sizeof("null");

    if (ngx_leaseloft_reply_string(reply, NGX_LEASELOFT_INBOX_NEXT, &next)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    len += next.len;

    for (i = 0; i < threads->elements; i++) {
        if (ngx_leaseloft_reply_string(threads, i, &thread) != NGX_OK) {
            return NGX_ERROR;
        }

        len += thread.len + 1;
    }

    p = ngx_pnalloc(inbox->ctx->request->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    page->data = p;

    p = ngx_sprintf(p, "{\"total_unread\":%L,\"rev\":%L,\"threads\":[",
                (int64_t) reply->element[NGX_LEASELOFT_INBOX_TOTAL]->integer,
                (int64_t) reply->element[NGX_LEASELOFT_INBOX_REV]->integer);

    for (i = 0; i < threads->elements; i++) {
        (void) ngx_leaseloft_reply_string(threads, i, &thread);

        if (i) {
            *p++ = ',';
        }

        p = ngx_cpymem(p, thread.data, thread.len);
    }

    p = next.len ? ngx_sprintf(p, "],\"next\":\"%V\"}", &next)
                 : ngx_sprintf(p, "],\"next\":null}");

    page->len = p - page->data;

    return NGX_OK;
}
