
/*
 * GET /api/properties/P/record: what the user may see of a thread, as a record
 * that proves itself (docs/record.md).
 *
 * ll1_record fixes in one step where the record begins and ends, so entries
 * that are written or sealed meanwhile change nothing.  Then one reply of Redis
 * after another is turned into lines, each when the client has taken the last
 * ones.  If that fails after the header was sent, the download is broken off,
 * and the file lacks its last line.
 */


#include "ngx_leaseloft_call.h"
#include "ngx_leaseloft_download.h"
#include "ngx_leaseloft_header.h"
#include "ngx_leaseloft_record_lines.h"
#include "ngx_leaseloft_reply.h"
#include "ngx_leaseloft_response.h"
#include "ngx_leaseloft_rows.h"
#include "ngx_leaseloft_signer.h"
#include "ngx_leaseloft_wait.h"
#include "ngx_leaseloft_window.h"

#include <openssl/evp.h>


/* longer than the id of an entry in a stream */
#define NGX_LEASELOFT_RECORD_ID  48


typedef struct ngx_leaseloft_record_s  ngx_leaseloft_record_t;

/* NGX_OK: asked for the next reply, or answered; NGX_ERROR: failed */
typedef ngx_int_t (*ngx_leaseloft_record_step_pt)(
    ngx_leaseloft_record_t *record, redisReply *reply);


struct ngx_leaseloft_record_s {
    ngx_http_request_t             *request;
    ngx_leaseloft_ctx_t            *ctx;
    ngx_leaseloft_command_t        *command;
    ngx_leaseloft_record_step_pt    step;      /* of its reply */

    ngx_leaseloft_window_t          window;
    uint64_t                        next;      /* entry */
    u_char                          hash[LL_RECORD_HASH];  /* of the last one */
    ngx_str_t                       after;     /* id of the mark before */
    u_char                          id[NGX_LEASELOFT_RECORD_ID];
    char                            made_at[LL_DATE_LEN + 1];

    ngx_leaseloft_record_lines_t    lines;
    ngx_leaseloft_download_t        download;
    unsigned                        started:1; /* the header is sent */
    unsigned                        marked:1;  /* no more marks */
};


static ngx_int_t ngx_leaseloft_record_handler(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx);
static void ngx_leaseloft_record_on_close(void *data);
static void ngx_leaseloft_record_reply(void *data,
    ngx_leaseloft_outcome_e outcome, redisReply *reply);
static void ngx_leaseloft_record_fail(ngx_leaseloft_record_t *record);
static ngx_int_t ngx_leaseloft_record_window(ngx_leaseloft_record_t *record,
    redisReply *reply);
static ngx_int_t ngx_leaseloft_record_party(ngx_leaseloft_record_t *record,
    redisReply *reply);
static ngx_int_t ngx_leaseloft_record_before(ngx_leaseloft_record_t *record);
static ngx_int_t ngx_leaseloft_record_base(ngx_leaseloft_record_t *record,
    redisReply *reply);
static ngx_int_t ngx_leaseloft_record_begin(ngx_leaseloft_record_t *record);
static void ngx_leaseloft_record_next(void *data);
static ngx_int_t ngx_leaseloft_record_entries(ngx_leaseloft_record_t *record,
    redisReply *reply);
static ngx_int_t ngx_leaseloft_record_ask_marks(
    ngx_leaseloft_record_t *record);
static ngx_int_t ngx_leaseloft_record_marks(ngx_leaseloft_record_t *record,
    redisReply *reply);
static ngx_int_t ngx_leaseloft_record_end(ngx_leaseloft_record_t *record);


ngx_leaseloft_endpoint_t  ngx_leaseloft_record_endpoint = {
    .kind = NGX_LEASELOFT_ENDPOINT_RECORD,
    .method = NGX_HTTP_GET,
    .methods = ngx_string("GET"),
    .user = 1,
    .property = 1,
    .access = 1,
    .signs = 1,
    .type = ngx_string("application/x-ndjson"),
    .handler = ngx_leaseloft_record_handler
};


/* calls a function of the property; its reply is passed to step */
static ngx_int_t
ngx_leaseloft_record_ask(ngx_leaseloft_record_t *record, char *function,
    ngx_uint_t argc, ngx_str_t *argv, ngx_leaseloft_record_step_pt step)
{
    ngx_leaseloft_ctx_t  *ctx;

    ctx = record->ctx;

    record->step = step;
    record->command = ngx_leaseloft_call_property(ctx->process->cluster,
                          function, &ctx->property, argc, argv,
                          ngx_leaseloft_record_reply, record);

    return record->command ? NGX_OK : NGX_ERROR;
}


/* asks for entries from "from" on, up to "to" */
static ngx_int_t
ngx_leaseloft_record_ask_entries(ngx_leaseloft_record_t *record,
    uint64_t from, uint64_t to, ngx_leaseloft_record_step_pt step)
{
    u_char     text[2][NGX_INT64_LEN];
    ngx_str_t  argv[4];

    argv[0].data = text[0];
    argv[0].len = ngx_sprintf(text[0], "%uL", from) - text[0];
    argv[1].data = text[1];
    argv[1].len = ngx_sprintf(text[1], "%uL", to) - text[1];
    ngx_str_set(&argv[2],
                ngx_value(NGX_LEASELOFT_RECORD_LINES_ENTRIES));
    ngx_str_set(&argv[3], "0");

    return ngx_leaseloft_record_ask(record, LL_FUNCTION "entries", 4, argv,
                                    step);
}


static ngx_int_t
ngx_leaseloft_record_handler(ngx_http_request_t *r, ngx_leaseloft_ctx_t *ctx)
{
    ngx_http_cleanup_t      *cln;
    ngx_leaseloft_record_t  *record;

    record = ngx_pcalloc(r->pool, sizeof(ngx_leaseloft_record_t));
    cln = ngx_http_cleanup_add(r, 0);

    if (record == NULL || cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    record->request = r;
    record->ctx = ctx;
    record->lines.log = r->connection->log;

    if (ngx_leaseloft_record_ask(record, LL_FUNCTION "record", 1, &ctx->user,
                                 ngx_leaseloft_record_window) != NGX_OK)
    {
        return ngx_leaseloft_response_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                              NULL);
    }

    cln->handler = ngx_leaseloft_record_on_close;
    cln->data = record;

    if (ngx_leaseloft_wait(r, ngx_leaseloft_record_on_close, record) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_DONE;
}


/* the request has ended */
static void
ngx_leaseloft_record_on_close(void *data)
{
    ngx_leaseloft_record_t *record = data;

    if (record->command) {
        ngx_leaseloft_command_cancel(record->command);
        record->command = NULL;
    }
}


static void
ngx_leaseloft_record_reply(void *data, ngx_leaseloft_outcome_e outcome,
    redisReply *reply)
{
    ngx_leaseloft_record_t *record = data;

    record->command = NULL;

    if (outcome == NGX_LEASELOFT_REPLIED && reply->type == REDIS_REPLY_ERROR) {
        ngx_log_error(NGX_LOG_ERR, record->request->connection->log, 0,
                      "reading a record in redis failed: \"%s\"", reply->str);
        ngx_leaseloft_record_fail(record);
        return;
    }

    if (outcome != NGX_LEASELOFT_REPLIED
        || record->step(record, reply) != NGX_OK)
    {
        ngx_leaseloft_record_fail(record);
    }
}


static void
ngx_leaseloft_record_fail(ngx_leaseloft_record_t *record)
{
    ngx_http_request_t  *r;

    r = record->request;

    ngx_leaseloft_record_lines_free(&record->lines);

    if (!record->started) {
        ngx_leaseloft_wait_finalize(r, ngx_leaseloft_response_problem(r,
                                        NGX_HTTP_SERVICE_UNAVAILABLE, NULL));
        return;
    }

    ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                  "the record of property \"%V\" was broken off before "
                  "entry %uL", &record->ctx->property, record->next);

    ngx_leaseloft_download_abort(&record->download);
}


static ngx_int_t
ngx_leaseloft_record_window(ngx_leaseloft_record_t *record, redisReply *reply)
{
    ngx_int_t            rc;
    ngx_time_t          *now;
    ngx_http_request_t  *r;

    r = record->request;

    rc = ngx_leaseloft_window_parse(&record->window, reply, r->pool);

    if (rc == NGX_DECLINED) {
        ngx_leaseloft_wait_finalize(r, ngx_leaseloft_response_problem(r,
                                                 NGX_HTTP_NOT_FOUND, NULL));
        return NGX_OK;
    }

    if (rc == NGX_ERROR) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "malformed reply of " LL_FUNCTION "record");
        return NGX_ERROR;
    }

    record->next = record->window.first;
    record->marked = record->window.newest.len == 0;

    now = ngx_timeofday();
    ll_date_format(record->made_at, (int64_t) now->sec * 1000 + now->msec);

    return rc == NGX_OK
           ? ngx_leaseloft_record_before(record)
           : ngx_leaseloft_record_ask_entries(record, record->window.last,
                                              record->window.last,
                                              ngx_leaseloft_record_party);
}


static ngx_int_t
ngx_leaseloft_record_party(ngx_leaseloft_record_t *record, redisReply *reply)
{
    if (ngx_leaseloft_window_party(&record->window, reply, &record->ctx->user,
                                   record->request->pool)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_leaseloft_record_before(record);
}


/* sets or asks for the hash before the first entry */
static ngx_int_t
ngx_leaseloft_record_before(ngx_leaseloft_record_t *record)
{
    ngx_leaseloft_ctx_t  *ctx;

    ctx = record->ctx;

    if (record->window.first > 1) {
        return ngx_leaseloft_record_ask_entries(record,
                                                record->window.first - 1,
                                                record->window.first - 1,
                                                ngx_leaseloft_record_base);
    }

    if (EVP_Digest(ctx->property.data, ctx->property.len, record->hash, NULL,
                   EVP_sha256(), NULL) != 1)
    {
        return NGX_ERROR;
    }

    return ngx_leaseloft_record_begin(record);
}


static ngx_int_t
ngx_leaseloft_record_base(ngx_leaseloft_record_t *record, redisReply *reply)
{
    if (ngx_leaseloft_window_base(&record->window, reply, record->hash,
                                  record->request->connection->log)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_leaseloft_record_begin(record);
}


static ngx_int_t
ngx_leaseloft_record_disposition(ngx_leaseloft_record_t *record)
{
    ngx_str_t            value;
    ngx_str_t           *property;
    ngx_http_request_t  *r;

    r = record->request;
    property = &record->ctx->property;

    value.data = ngx_pnalloc(r->pool, property->len
                     + sizeof("attachment; filename=\"record-.ndjson\""));
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    value.len = ngx_sprintf(value.data,
                            "attachment; filename=\"record-%V.ndjson\"",
                            property) - value.data;

    return ngx_leaseloft_header_add(r, "Content-Disposition", &value);
}


/* sends the part, which frees it */
static void
ngx_leaseloft_record_send(ngx_leaseloft_record_t *record, ngx_uint_t last)
{
    u_char                        *part;
    ngx_leaseloft_record_lines_t  *lines;

    lines = &record->lines;
    part = lines->start;
    lines->start = NULL;

    ngx_leaseloft_download_send(&record->download, part, lines->last - part,
                                last);
}


static ngx_int_t
ngx_leaseloft_record_begin(ngx_leaseloft_record_t *record)
{
    ll_record_head_t     head;
    ngx_http_request_t  *r;

    r = record->request;

    ngx_memzero(&head, sizeof(ll_record_head_t));

    head.property.data = (char *) record->ctx->property.data;
    head.property.len = record->ctx->property.len;
    head.label.data = (char *) record->window.label.data;
    head.label.len = record->window.label.len;
    head.zone.data = (char *) record->window.zone.data;
    head.zone.len = record->window.zone.len;
    head.reader.data = (char *) record->window.reader.data;
    head.reader.len = record->window.reader.len;
    head.first = record->window.first;
    head.last = record->window.last;
    head.base = record->hash;
    head.made_at = record->made_at;

    if (ngx_leaseloft_record_lines_head(&record->lines, &head) != NGX_OK
        || ngx_leaseloft_record_disposition(record) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_leaseloft_wait_end(r);

    if (ngx_leaseloft_download_start(&record->download, r,
                                     ngx_leaseloft_record_next, record)
        != NGX_OK)
    {
        ngx_leaseloft_record_lines_free(&record->lines);
        ngx_leaseloft_wait_finalize(r, NGX_ERROR);
        return NGX_OK;
    }

    record->started = 1;

    ngx_leaseloft_record_send(record, 0);

    return NGX_OK;
}


/* the client has taken all lines so far */
static void
ngx_leaseloft_record_next(void *data)
{
    ngx_leaseloft_record_t *record = data;

    ngx_int_t  rc;

    if (record->next <= record->window.last) {
        rc = ngx_leaseloft_record_ask_entries(record, record->next,
                                              record->window.last,
                                              ngx_leaseloft_record_entries);

    } else if (!record->marked) {
        rc = ngx_leaseloft_record_ask_marks(record);

    } else {
        rc = ngx_leaseloft_record_end(record);
    }

    if (rc != NGX_OK) {
        ngx_leaseloft_record_fail(record);
    }
}


static ngx_int_t
ngx_leaseloft_record_take(void *data, ll_segment_entry_t *entry)
{
    ngx_leaseloft_record_t *record = data;

    record->next = entry->seq + 1;

    if (entry->hash) {
        ngx_memcpy(record->hash, entry->hash, LL_RECORD_HASH);
    }

    return ngx_leaseloft_record_lines_entry(&record->lines, entry);
}


static ngx_int_t
ngx_leaseloft_record_entries(ngx_leaseloft_record_t *record, redisReply *reply)
{
    ngx_int_t   rc;
    ngx_log_t  *log;

    log = record->request->connection->log;

    rc = ngx_leaseloft_rows_read(reply, record->next, record->window.last,
                                 ngx_leaseloft_record_take, record, log);

    if (rc == NGX_DECLINED) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "entry %uL of property \"%V\" is missing in redis, "
                      "or its segment is damaged", record->next,
                      &record->ctx->property);
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_leaseloft_record_send(record, 0);

    return NGX_OK;
}


static ngx_int_t
ngx_leaseloft_record_ask_marks(ngx_leaseloft_record_t *record)
{
    u_char     text[2][NGX_INT64_LEN];
    ngx_str_t  argv[7];

    argv[0] = record->ctx->user;
    argv[1].data = text[0];
    argv[1].len = ngx_sprintf(text[0], "%uL", record->window.first)
                  - text[0];
    argv[2].data = text[1];
    argv[2].len = ngx_sprintf(text[1], "%uL", record->window.last) - text[1];
    argv[3].data = (u_char *) (record->window.closed ? "1" : "0");
    argv[3].len = 1;
    argv[4] = record->after;
    argv[5] = record->window.newest;
    ngx_str_set(&argv[6],
                ngx_value(NGX_LEASELOFT_RECORD_LINES_MARKS));

    return ngx_leaseloft_record_ask(record, LL_FUNCTION "marks", 7, argv,
                                    ngx_leaseloft_record_marks);
}


static ngx_int_t
ngx_leaseloft_record_marks(ngx_leaseloft_record_t *record, redisReply *reply)
{
    ngx_str_t  after;

    if (ngx_leaseloft_reply_string(reply, 0, &after) != NGX_OK
        || after.len > NGX_LEASELOFT_RECORD_ID
        || ngx_leaseloft_record_lines_marks(&record->lines, reply) != NGX_OK)
    {
        ngx_log_error(NGX_LOG_ERR, record->request->connection->log, 0,
                      "malformed reply of " LL_FUNCTION "marks");
        return NGX_ERROR;
    }

    record->after.data = record->id;
    record->after.len = after.len;
    ngx_memcpy(record->id, after.data, after.len);

    record->marked = after.len == 0;

    if (record->marked) {
        return ngx_leaseloft_record_end(record);
    }

    /* none of those was this reader's to see */

    if (record->lines.start == NULL) {
        return ngx_leaseloft_record_ask_marks(record);
    }

    ngx_leaseloft_record_send(record, 0);

    return NGX_OK;
}


/* the last line, with the checkpoint */
static ngx_int_t
ngx_leaseloft_record_end(ngx_leaseloft_record_t *record)
{
    size_t                     len;
    u_char                     text[LL_SIGN_MAX];
    ll_sign_t                  note;
    ngx_http_request_t        *r;
    ngx_leaseloft_loc_conf_t  *conf;

    r = record->request;
    conf = ngx_http_get_module_loc_conf(r, ngx_leaseloft_module);

    len = 0;

    if (conf->signer) {
        note.property = (char *) record->ctx->property.data;
        note.property_len = record->ctx->property.len;
        note.seq = record->window.last;
        note.hash = record->hash;
        note.time = record->made_at;

        if (ngx_leaseloft_signer_sign(conf, &note, text, &len) != NGX_OK) {
            ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                          "signing a checkpoint failed");
            return NGX_ERROR;
        }
    }

    if (ngx_leaseloft_record_lines_last(&record->lines,
                                        record->window.last + 1
                                        - record->window.first,
                                        len ? (char *) text : NULL, len)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_leaseloft_record_send(record, 1);

    return NGX_OK;
}
