
/*
 * Writes: a request's body goes to the queue of its property, and the
 * request is held, by a number, until a worker names this number on the reply
 * channel of this process, or the time to wait is over.
 *
 * Until Redis says that it has the body, nothing is known to be accepted; from
 * then on the answer without a verdict is 202.  Reply and verdict come by two
 * connections, so the verdict may be first.
 */


#include "ngx_leaseloft_body.h"
#include "ngx_leaseloft_client.h"
#include "ngx_leaseloft_header.h"
#include "ngx_leaseloft_response.h"
#include "ngx_leaseloft_wait.h"
#include "ngx_leaseloft_write.h"
#include "ngx_leaseloft_zone.h"

#include <cjson/cJSON.h>


typedef struct {
    ngx_rbtree_node_t           node;      /* the key is the number */
    ngx_leaseloft_ctx_t        *ctx;
    ngx_leaseloft_command_t    *command;   /* NULL: replied */
    ngx_str_t                   body;
} ngx_leaseloft_held_t;


static ngx_int_t ngx_leaseloft_write_handler(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx);
static ngx_int_t ngx_leaseloft_write_body(ngx_http_request_t *r,
    ngx_str_t *body);
static ngx_leaseloft_command_t *ngx_leaseloft_write_queue(
    ngx_leaseloft_held_t *held);
static void ngx_leaseloft_write_reply(void *data,
    ngx_leaseloft_outcome_e outcome, redisReply *reply);
static void ngx_leaseloft_write_expired(void *data);
static void ngx_leaseloft_write_gone(void *data);
static void ngx_leaseloft_write_verdicts(void *data, ngx_str_t *payload);
static void ngx_leaseloft_write_verdict(ngx_leaseloft_process_t *process,
    ll_verdict_t *verdict);
static ngx_leaseloft_held_t *ngx_leaseloft_write_find(
    ngx_leaseloft_process_t *process, uint64_t number);
static ngx_uint_t ngx_leaseloft_write_fits(ngx_leaseloft_held_t *held,
    ll_verdict_t *verdict);
static ngx_int_t ngx_leaseloft_write_answer(ngx_leaseloft_held_t *held,
    ll_verdict_t *verdict);
static ngx_int_t ngx_leaseloft_write_location(ngx_http_request_t *r,
    uint64_t seq);
static ngx_int_t ngx_leaseloft_write_accepted(ngx_leaseloft_held_t *held);
static ngx_int_t ngx_leaseloft_write_client_id(ngx_leaseloft_held_t *held,
    ngx_str_t *id);
static ngx_int_t ngx_leaseloft_write_unknown(ngx_leaseloft_held_t *held);
static ngx_int_t ngx_leaseloft_write_refused(ngx_leaseloft_ctx_t *ctx);
static void ngx_leaseloft_write_end(ngx_leaseloft_held_t *held);


ngx_leaseloft_endpoint_t  ngx_leaseloft_send_endpoint = {
    .method = NGX_HTTP_POST,
    .methods = ngx_string("POST"),
    .user = 1,
    .property = 1,
    .access = 1,
    .body = 1,
    .handler = ngx_leaseloft_write_handler
};


ngx_leaseloft_endpoint_t  ngx_leaseloft_read_endpoint = {
    .method = NGX_HTTP_POST,
    .methods = ngx_string("POST"),
    .user = 1,
    .property = 1,
    .access = 1,
    .body = 1,
    .handler = ngx_leaseloft_write_handler
};


ngx_leaseloft_endpoint_t  ngx_leaseloft_lease_endpoint = {
    .method = NGX_HTTP_PUT,
    .methods = ngx_string("PUT"),
    .property = 1,
    .body = 1,
    .handler = ngx_leaseloft_write_handler
};


void
ngx_leaseloft_write_init(ngx_leaseloft_process_t *process)
{
    ngx_rbtree_init(&process->held, &process->held_sentinel,
                    ngx_rbtree_insert_value);

    ngx_leaseloft_link_on_reply(process->link, ngx_leaseloft_write_verdicts,
                                process);
}


static ngx_int_t
ngx_leaseloft_write_handler(ngx_http_request_t *r, ngx_leaseloft_ctx_t *ctx)
{
    return ngx_leaseloft_read_body(r, ngx_leaseloft_write_body);
}


static ngx_int_t
ngx_leaseloft_write_body(ngx_http_request_t *r, ngx_str_t *body)
{
    ngx_leaseloft_ctx_t       *ctx;
    ngx_leaseloft_held_t      *held;
    ngx_leaseloft_process_t   *process;
    ngx_leaseloft_loc_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_leaseloft_module);
    ctx = ngx_http_get_module_ctx(r, ngx_leaseloft_module);
    process = ctx->process;

    held = ngx_palloc(r->pool, sizeof(ngx_leaseloft_held_t));
    if (held == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    held->node.key = ++process->requests;
    held->ctx = ctx;
    held->body = *body;
    held->command = ngx_leaseloft_write_queue(held);

    if (held->command == NULL) {
        return ngx_leaseloft_write_refused(ctx);
    }

    if (ngx_leaseloft_hold_for(r, conf->wait, ngx_leaseloft_write_expired,
                               ngx_leaseloft_write_gone, held)
        != NGX_OK)
    {
        ngx_leaseloft_command_cancel(held->command);
        return ngx_leaseloft_write_unknown(held);
    }

    ngx_rbtree_insert(&process->held, &held->node);

    return NGX_DONE;
}


/* XADD queue * op OP p PROPERTY u USER b BODY r NGINX.REQUEST */
static ngx_leaseloft_command_t *
ngx_leaseloft_write_queue(ngx_leaseloft_held_t *held)
{
    char                      queue[LL_KEY_MAX];
    u_char                    reply[LL_KEY_MAX], *p;
    unsigned                  k;
    ngx_str_t                 argv[13];
    ngx_leaseloft_ctx_t      *ctx;
    ngx_leaseloft_process_t  *process;

    ctx = held->ctx;
    process = ctx->process;

    k = ll_keys_queue_of((char *) ctx->property.data, ctx->property.len,
                         process->conf->queues);

    p = ngx_slprintf(reply, reply + sizeof(reply), "%V.%uL", &process->name,
                     (uint64_t) held->node.key);

    ngx_str_set(&argv[0], "XADD");
    argv[1].len = ll_keys_queue(queue, k);
    argv[1].data = (u_char *) queue;
    ngx_str_set(&argv[2], "*");

    ngx_str_set(&argv[3], "op");

    if (ctx->endpoint == &ngx_leaseloft_send_endpoint) {
        ngx_str_set(&argv[4], "send");

    } else if (ctx->endpoint == &ngx_leaseloft_read_endpoint) {
        ngx_str_set(&argv[4], "read");

    } else {
        ngx_str_set(&argv[4], "lease");
    }

    ngx_str_set(&argv[5], "p");
    argv[6] = ctx->property;
    ngx_str_set(&argv[7], "u");
    argv[8] = ctx->user;
    ngx_str_set(&argv[9], "b");
    argv[10] = held->body;
    ngx_str_set(&argv[11], "r");
    argv[12].len = p - reply;
    argv[12].data = reply;

    return ngx_leaseloft_link_command(process->link, 13, argv,
                                      ngx_leaseloft_write_reply, held);
}


static void
ngx_leaseloft_write_reply(void *data, ngx_leaseloft_outcome_e outcome,
    redisReply *reply)
{
    ngx_leaseloft_held_t  *held = data;

    ngx_int_t             rc;
    ngx_http_request_t   *r;
    ngx_leaseloft_ctx_t  *ctx;

    ctx = held->ctx;
    r = ctx->request;

    held->command = NULL;

    if (outcome == NGX_LEASELOFT_REPLIED && reply->type != REDIS_REPLY_ERROR) {
        ngx_leaseloft_zone_count(ctx->process->zone, NGX_LEASELOFT_SENDS, 1);
        return;
    }

    ngx_leaseloft_write_end(held);

    if (outcome == NGX_LEASELOFT_LOST) {
        rc = ngx_leaseloft_write_unknown(held);

    } else {

        if (outcome == NGX_LEASELOFT_REPLIED) {
            ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                          "Redis refused a request for the workers: \"%*s\"",
                          (size_t) reply->len, reply->str);
        }

        rc = ngx_leaseloft_write_refused(ctx);
    }

    ngx_leaseloft_finalize(r, rc);
}


/* the time to wait for a verdict is over */
static void
ngx_leaseloft_write_expired(void *data)
{
    ngx_leaseloft_held_t  *held = data;

    ngx_int_t   rc;
    ngx_uint_t  queued;

    queued = held->command == NULL;

    ngx_leaseloft_write_end(held);

    rc = queued ? ngx_leaseloft_write_accepted(held)
                : ngx_leaseloft_write_unknown(held);

    ngx_leaseloft_finalize(held->ctx->request, rc);
}


static void
ngx_leaseloft_write_gone(void *data)
{
    ngx_leaseloft_write_end(data);
}


/* nobody will ask for it any more */
static void
ngx_leaseloft_write_end(ngx_leaseloft_held_t *held)
{
    ngx_rbtree_delete(&held->ctx->process->held, &held->node);

    if (held->command) {
        ngx_leaseloft_command_cancel(held->command);
        held->command = NULL;
    }
}


/*
 * A message on this process's own reply channel: answers the requests that it
 * names.  Verdicts on requests that are no longer held are dropped.
 */

static void
ngx_leaseloft_write_verdicts(void *data, ngx_str_t *payload)
{
    ngx_leaseloft_process_t *process = data;

    ll_str_t      rest;
    ll_verdict_t  verdict;

    rest.data = (char *) payload->data;
    rest.len = payload->len;

    while (rest.len) {

        if (ll_frame_verdict_decode(&rest, &verdict) != 0
            || verdict.status < NGX_HTTP_OK)
        {
            ngx_log_error(NGX_LOG_ERR, process->log, 0,
                          "a worker sent a malformed verdict");
            return;
        }

        ngx_leaseloft_write_verdict(process, &verdict);
    }
}


static void
ngx_leaseloft_write_verdict(ngx_leaseloft_process_t *process,
    ll_verdict_t *verdict)
{
    ngx_int_t              rc;
    ngx_leaseloft_held_t  *held;

    held = ngx_leaseloft_write_find(process, verdict->request);

    if (held == NULL) {
        return;
    }

    /* as if there were none yet: the client is told 202, and asks again */
    if (!ngx_leaseloft_write_fits(held, verdict)) {
        ngx_log_error(NGX_LOG_ERR, held->ctx->request->connection->log, 0,
                      "a worker sent a verdict of status %ui that does not "
                      "answer this request", (ngx_uint_t) verdict->status);
        return;
    }

    ngx_leaseloft_write_end(held);

    rc = ngx_leaseloft_write_answer(held, verdict);

    ngx_leaseloft_finalize(held->ctx->request, rc);
}


static ngx_leaseloft_held_t *
ngx_leaseloft_write_find(ngx_leaseloft_process_t *process, uint64_t number)
{
    ngx_rbtree_key_t    key;
    ngx_rbtree_node_t  *node;

    key = number;
    node = process->held.root;

    while (node != process->held.sentinel) {

        if (node->key == key) {
            return (ngx_leaseloft_held_t *) node;
        }

        node = key < node->key ? node->left : node->right;
    }

    return NULL;
}


/*
 * A send is acknowledged by its entry alone, a read mark by nothing, a lease by
 * how it is shown.
 */
static ngx_uint_t
ngx_leaseloft_write_fits(ngx_leaseloft_held_t *held, ll_verdict_t *verdict)
{
    size_t                     len;
    ngx_leaseloft_endpoint_t  *endpoint;
    u_char                     entry[sizeof("{\"seq\":,") + NGX_INT64_LEN];

    if (verdict->status >= NGX_HTTP_BAD_REQUEST) {
        return 1;
    }

    endpoint = held->ctx->endpoint;

    if (endpoint == &ngx_leaseloft_send_endpoint) {
        len = ngx_sprintf(entry, "{\"seq\":%uL,", verdict->seq) - entry;

        return (verdict->status == NGX_HTTP_OK
                || verdict->status == NGX_HTTP_CREATED)
               && verdict->body.len > len
               && ngx_memcmp(verdict->body.data, entry, len) == 0;
    }

    if (endpoint == &ngx_leaseloft_read_endpoint) {
        return verdict->status == NGX_HTTP_NO_CONTENT;
    }

    return verdict->status == NGX_HTTP_OK && verdict->body.len != 0;
}


static ngx_int_t
ngx_leaseloft_write_answer(ngx_leaseloft_held_t *held, ll_verdict_t *verdict)
{
    ngx_str_t            body;
    ngx_http_request_t  *r;

    r = held->ctx->request;
    body.len = verdict->body.len;
    body.data = (u_char *) verdict->body.data;

    /* this one is the same whoever finds out */
    if (verdict->status == NGX_HTTP_NOT_FOUND) {
        return ngx_leaseloft_send_problem(r, NGX_HTTP_NOT_FOUND, NULL);
    }

    if (verdict->status >= NGX_HTTP_SPECIAL_RESPONSE) {
        return ngx_leaseloft_send_problem_document(r, verdict->status, &body);
    }

    if (verdict->status == NGX_HTTP_NO_CONTENT) {
        return ngx_leaseloft_send_response(r, NGX_HTTP_NO_CONTENT, NULL, NULL);
    }

    if (verdict->status == NGX_HTTP_CREATED
        && ngx_leaseloft_write_location(r, verdict->seq) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_leaseloft_send_json(r, verdict->status, &body);
}


/* where a client reads the entry alone: the last one before the next */
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

    return ngx_leaseloft_add_header(r, "Location", &value);
}


static ngx_int_t
ngx_leaseloft_write_accepted(ngx_leaseloft_held_t *held)
{
    u_char               *p;
    ngx_str_t             id, body;
    ngx_leaseloft_ctx_t  *ctx;
    u_char                buf[64 + LL_ID_MAX];

    ctx = held->ctx;

    ngx_leaseloft_zone_count(ctx->process->zone, NGX_LEASELOFT_SENDS_ACCEPTED,
                             1);

    p = ngx_sprintf(buf, "{\"state\":\"accepted\"");

    if (ctx->endpoint == &ngx_leaseloft_send_endpoint
        && ngx_leaseloft_write_client_id(held, &id) == NGX_OK)
    {
        p = ngx_sprintf(p, ",\"client_id\":\"%V\"", &id);
    }

    *p++ = '}';

    body.data = buf;
    body.len = p - buf;

    return ngx_leaseloft_send_json(ctx->request, NGX_HTTP_ACCEPTED, &body);
}


/* the one place where nginx looks into a message, and nobody waits for it */
static ngx_int_t
ngx_leaseloft_write_client_id(ngx_leaseloft_held_t *held, ngx_str_t *id)
{
    size_t      len;
    cJSON      *object, *item;
    ngx_int_t   rc;

    rc = NGX_DECLINED;

    object = cJSON_ParseWithLength((char *) held->body.data, held->body.len);
    item = cJSON_GetObjectItemCaseSensitive(object, "client_id");

    if (cJSON_IsString(item)) {
        len = ngx_strlen(item->valuestring);

        if (ll_id_valid(item->valuestring, len)) {
            id->len = len;
            id->data = ngx_pnalloc(held->ctx->request->pool, len);

            if (id->data) {
                ngx_memcpy(id->data, item->valuestring, len);
                rc = NGX_OK;
            }
        }
    }

    cJSON_Delete(object);

    return rc;
}


/* nothing was queued */
static ngx_int_t
ngx_leaseloft_write_refused(ngx_leaseloft_ctx_t *ctx)
{
    ngx_leaseloft_zone_count(ctx->process->zone, NGX_LEASELOFT_SENDS_FAILED, 1);

    return ngx_leaseloft_send_problem(ctx->request,
                                      NGX_HTTP_SERVICE_UNAVAILABLE, NULL);
}


/* whether it was queued, only Redis knows */
static ngx_int_t
ngx_leaseloft_write_unknown(ngx_leaseloft_held_t *held)
{
    static ngx_str_t  document = ngx_string(
        "{\"type\":\"/problems/outcome-unknown\",\"title\":\"Outcome unknown\","
        "\"status\":503,\"detail\":\"The store fell silent before it said "
        "whether the request was accepted; it is safe to send the same "
        "again.\"}");

    ngx_leaseloft_zone_count(held->ctx->process->zone,
                             NGX_LEASELOFT_SENDS_FAILED, 1);

    return ngx_leaseloft_send_problem_document(held->ctx->request,
                                               NGX_HTTP_SERVICE_UNAVAILABLE,
                                               &document);
}
