
/*
 * Sends and leases: the body of a request is queued for the workers, and the
 * request waits for the verdict, for at most leaseloft_wait.
 *
 * Once Redis has confirmed that the body is queued, the response without a
 * verdict is 202; before, it is unknown whether the request is accepted.  The
 * state of a request is in its pool.
 */


#include "ngx_leaseloft_body.h"
#include "ngx_leaseloft_header.h"
#include "ngx_leaseloft_queue.h"
#include "ngx_leaseloft_response.h"
#include "ngx_leaseloft_wait.h"
#include "ngx_leaseloft_write.h"
#include "ngx_leaseloft_zone.h"

#include <cjson/cJSON.h>


typedef struct {
    ngx_leaseloft_queued_t      queued;
    ngx_leaseloft_ctx_t        *ctx;
    ngx_str_t                   body;
} ngx_leaseloft_pending_t;


static ngx_int_t ngx_leaseloft_write_handler(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx);
static ngx_int_t ngx_leaseloft_write_body(ngx_http_request_t *r,
    ngx_str_t *body);
static void ngx_leaseloft_write_failed(ngx_leaseloft_queued_t *queued,
    ngx_uint_t unknown);
static void ngx_leaseloft_write_on_timeout(void *data);
static void ngx_leaseloft_write_on_close(void *data);
static void ngx_leaseloft_write_verdict(ngx_leaseloft_queued_t *queued,
    ll_verdict_t *verdict);
static ngx_uint_t ngx_leaseloft_write_fits(ngx_leaseloft_pending_t *pending,
    ll_verdict_t *verdict);
static ngx_int_t ngx_leaseloft_write_answer(ngx_leaseloft_pending_t *pending,
    ll_verdict_t *verdict);
static ngx_int_t ngx_leaseloft_write_location(ngx_http_request_t *r,
    uint64_t seq);
static ngx_int_t ngx_leaseloft_write_client_id(
    ngx_leaseloft_pending_t *pending, ngx_str_t *id);


ngx_leaseloft_endpoint_t  ngx_leaseloft_send_endpoint = {
    .kind = NGX_LEASELOFT_ENDPOINT_SEND,
    .method = NGX_HTTP_POST,
    .methods = ngx_string("POST"),
    .user = 1,
    .property = 1,
    .access = 1,
    .body = 1,
    .handler = ngx_leaseloft_write_handler
};


ngx_leaseloft_endpoint_t  ngx_leaseloft_lease_endpoint = {
    .kind = NGX_LEASELOFT_ENDPOINT_LEASE,
    .method = NGX_HTTP_PUT,
    .methods = ngx_string("PUT"),
    .property = 1,
    .body = 1,
    .handler = ngx_leaseloft_write_handler
};


static ngx_int_t
ngx_leaseloft_write_handler(ngx_http_request_t *r, ngx_leaseloft_ctx_t *ctx)
{
    return ngx_leaseloft_body_read(r, ngx_leaseloft_write_body);
}


static ngx_int_t
ngx_leaseloft_write_body(ngx_http_request_t *r, ngx_str_t *body)
{
    ngx_leaseloft_ctx_t       *ctx;
    ngx_leaseloft_work_t       work;
    ngx_leaseloft_pending_t   *pending;
    ngx_leaseloft_loc_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_leaseloft_module);
    ctx = ngx_http_get_module_ctx(r, ngx_leaseloft_module);

    pending = ngx_palloc(r->pool, sizeof(ngx_leaseloft_pending_t));
    if (pending == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    pending->ctx = ctx;
    pending->body = *body;
    pending->queued.failed = ngx_leaseloft_write_failed;
    pending->queued.verdict = ngx_leaseloft_write_verdict;

    work.op = ctx->endpoint == &ngx_leaseloft_send_endpoint ? "send" : "lease";
    work.property = ctx->property;
    work.user = ctx->user;
    work.body = *body;

    if (ngx_leaseloft_queue_add(ctx->process, &pending->queued, &work)
        != NGX_OK)
    {
        return ngx_leaseloft_write_send_refused(ctx);
    }

    if (ngx_leaseloft_wait_for(r, conf->wait, ngx_leaseloft_write_on_timeout,
                               ngx_leaseloft_write_on_close, pending)
        != NGX_OK)
    {
        ngx_leaseloft_queue_remove(&pending->queued);
        return ngx_leaseloft_write_send_unknown(ctx);
    }

    return NGX_DONE;
}


static void
ngx_leaseloft_write_failed(ngx_leaseloft_queued_t *queued, ngx_uint_t unknown)
{
    ngx_leaseloft_pending_t  *pending = (ngx_leaseloft_pending_t *) queued;

    ngx_int_t  rc;

    rc = unknown ? ngx_leaseloft_write_send_unknown(pending->ctx)
                 : ngx_leaseloft_write_send_refused(pending->ctx);

    ngx_leaseloft_wait_finalize(pending->ctx->request, rc);
}


/* counts the time since a send was queued */
static void
ngx_leaseloft_write_observe(ngx_leaseloft_pending_t *pending)
{
    if (pending->ctx->endpoint == &ngx_leaseloft_send_endpoint) {
        ngx_leaseloft_counters_observe(pending->ctx->process->zone,
                                       NGX_LEASELOFT_SEND_SECONDS,
                                       ngx_current_msec
                                       - pending->queued.since);
    }
}


/* no verdict within leaseloft_wait */
static void
ngx_leaseloft_write_on_timeout(void *data)
{
    ngx_leaseloft_pending_t  *pending = data;

    ngx_int_t   rc;
    ngx_str_t   id;
    ngx_uint_t  stored;

    stored = pending->queued.command == NULL;

    ngx_leaseloft_queue_remove(&pending->queued);

    ngx_leaseloft_write_observe(pending);

    if (!stored) {
        rc = ngx_leaseloft_write_send_unknown(pending->ctx);

    } else if (pending->ctx->endpoint == &ngx_leaseloft_send_endpoint
               && ngx_leaseloft_write_client_id(pending, &id) == NGX_OK)
    {
        rc = ngx_leaseloft_write_send_accepted(pending->ctx, &id);

    } else {
        rc = ngx_leaseloft_write_send_accepted(pending->ctx, NULL);
    }

    ngx_leaseloft_wait_finalize(pending->ctx->request, rc);
}


static void
ngx_leaseloft_write_on_close(void *data)
{
    ngx_leaseloft_pending_t  *pending = data;

    ngx_leaseloft_queue_remove(&pending->queued);
}


static void
ngx_leaseloft_write_verdict(ngx_leaseloft_queued_t *queued,
    ll_verdict_t *verdict)
{
    ngx_leaseloft_pending_t  *pending = (ngx_leaseloft_pending_t *) queued;

    ngx_int_t  rc;

    /* ignored: the client gets 202, and retries */
    if (!ngx_leaseloft_write_fits(pending, verdict)) {
        ngx_leaseloft_write_misfit(pending->ctx, verdict);
        return;
    }

    ngx_leaseloft_queue_remove(queued);
    ngx_leaseloft_write_observe(pending);

    rc = ngx_leaseloft_write_answer(pending, verdict);

    ngx_leaseloft_wait_finalize(pending->ctx->request, rc);
}


void
ngx_leaseloft_write_misfit(ngx_leaseloft_ctx_t *ctx, ll_verdict_t *verdict)
{
    ngx_log_error(NGX_LOG_ERR, ctx->request->connection->log, 0,
                  "a worker sent a verdict of status %ui that does not "
                  "answer this request", (ngx_uint_t) verdict->status);
}


/*
 * A verdict on a send has its entry, a verdict on a lease the lease.
 */
static ngx_uint_t
ngx_leaseloft_write_fits(ngx_leaseloft_pending_t *pending,
    ll_verdict_t *verdict)
{
    size_t                     len;
    ngx_leaseloft_endpoint_t  *endpoint;
    u_char                     entry[sizeof("{\"seq\":,") + NGX_INT64_LEN];

    if (verdict->status >= NGX_HTTP_BAD_REQUEST) {
        return 1;
    }

    endpoint = pending->ctx->endpoint;

    if (endpoint == &ngx_leaseloft_send_endpoint) {
        len = ngx_sprintf(entry, "{\"seq\":%uL,", verdict->seq) - entry;

        return (verdict->status == NGX_HTTP_OK
                || verdict->status == NGX_HTTP_CREATED)
               && verdict->body.len > len
               && ngx_memcmp(verdict->body.data, entry, len) == 0;
    }

    return verdict->status == NGX_HTTP_OK && verdict->body.len != 0;
}


static ngx_int_t
ngx_leaseloft_write_answer(ngx_leaseloft_pending_t *pending,
    ll_verdict_t *verdict)
{
    ngx_str_t            body;
    ngx_http_request_t  *r;

    r = pending->ctx->request;

    if (verdict->status >= NGX_HTTP_SPECIAL_RESPONSE) {
        return ngx_leaseloft_write_send_problem(pending->ctx, verdict);
    }

    if (verdict->status == NGX_HTTP_CREATED
        && ngx_leaseloft_write_location(r, verdict->seq) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    body.len = verdict->body.len;
    body.data = (u_char *) verdict->body.data;

    return ngx_leaseloft_response_json(r, verdict->status, &body);
}


ngx_int_t
ngx_leaseloft_write_send_problem(ngx_leaseloft_ctx_t *ctx,
    ll_verdict_t *verdict)
{
    ngx_str_t  document;

    /* the same document as that of nginx's own checks */
    if (verdict->status == NGX_HTTP_NOT_FOUND) {
        return ngx_leaseloft_response_problem(ctx->request, NGX_HTTP_NOT_FOUND,
                                              NULL);
    }

    document.len = verdict->body.len;
    document.data = (u_char *) verdict->body.data;

    return ngx_leaseloft_response_document(ctx->request, verdict->status,
                                           &document);
}


/* a URL of the single entry: a page of one entry before the next one */
static ngx_int_t
ngx_leaseloft_write_location(ngx_http_request_t *r, uint64_t seq)
{
    u_char     *p;
    size_t      len;
    ngx_str_t   value;

    len = r->uri.len
          + 2 * ngx_escape_uri(NULL, r->uri.data, r->uri.len, NGX_ESCAPE_URI);

    p = ngx_pnalloc(r->pool, len + sizeof("?before=&limit=1") - 1
                             + NGX_INT64_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value.data = p;
    ngx_escape_uri(p, r->uri.data, r->uri.len, NGX_ESCAPE_URI);
    p = ngx_sprintf(p + len, "?before=%uL&limit=1", seq + 1);
    value.len = p - value.data;

    return ngx_leaseloft_header_add(r, "Location", &value);
}


ngx_int_t
ngx_leaseloft_write_send_accepted(ngx_leaseloft_ctx_t *ctx,
    ngx_str_t *client_id)
{
    u_char     *p;
    ngx_str_t   body;
    u_char      buf[64 + LL_ID_MAX];

    ngx_leaseloft_counters_add(ctx->process->zone, NGX_LEASELOFT_SENDS_ACCEPTED,
                               1);

    p = ngx_sprintf(buf, "{\"state\":\"accepted\"");

    if (client_id) {
        p = ngx_sprintf(p, ",\"client_id\":\"%V\"", client_id);
    }

    *p++ = '}';

    body.data = buf;
    body.len = p - buf;

    return ngx_leaseloft_response_json(ctx->request, NGX_HTTP_ACCEPTED, &body);
}


/* the only use of a message's content in nginx; not on the usual path */
static ngx_int_t
ngx_leaseloft_write_client_id(ngx_leaseloft_pending_t *pending, ngx_str_t *id)
{
    size_t      len;
    cJSON      *object, *item;
    ngx_int_t   rc;

    rc = NGX_DECLINED;

    object = cJSON_ParseWithLength((char *) pending->body.data,
                                   pending->body.len);
    item = cJSON_GetObjectItemCaseSensitive(object, "client_id");

    if (cJSON_IsString(item)) {
        len = ngx_strlen(item->valuestring);

        if (ll_id_valid(item->valuestring, len)) {
            id->len = len;
            id->data = ngx_pnalloc(pending->ctx->request->pool, len);

            if (id->data) {
                ngx_memcpy(id->data, item->valuestring, len);
                rc = NGX_OK;
            }
        }
    }

    cJSON_Delete(object);

    return rc;
}


ngx_int_t
ngx_leaseloft_write_send_refused(ngx_leaseloft_ctx_t *ctx)
{
    ngx_leaseloft_counters_add(ctx->process->zone, NGX_LEASELOFT_SENDS_FAILED,
                               1);

    return ngx_leaseloft_response_problem(ctx->request,
                                          NGX_HTTP_SERVICE_UNAVAILABLE, NULL);
}


ngx_int_t
ngx_leaseloft_write_send_unknown(ngx_leaseloft_ctx_t *ctx)
{
    static ngx_str_t  document = ngx_string(
        "{\"type\":\"/problems/outcome-unknown\",\"title\":\"Outcome unknown\","
        "\"status\":503,\"detail\":\"The connection to the store was lost "
        "before it confirmed the request; it is safe to repeat the same "
        "request.\"}");

    ngx_leaseloft_counters_add(ctx->process->zone,
                               NGX_LEASELOFT_SENDS_FAILED, 1);

    return ngx_leaseloft_response_document(ctx->request,
                                           NGX_HTTP_SERVICE_UNAVAILABLE,
                                           &document);
}
