
/*
 * Requests without a connection, and replacements of nginx's output filters
 * (ld's --wrap).  What a client would get is checked: headers of one line each,
 * and well-formed events whose entries have no gap.
 */


#include "nginx.h"

#include <ngx_event.h>


/* what is checked of a request */
typedef struct {
    ngx_queue_t          queue;
    ngx_http_request_t  *request;
    uint64_t             seq;              /* of the last entry sent */
    ngx_uint_t           begun;           /* there was one */
    ngx_uint_t           headed;           /* headers were sent */
} fuzz_client_t;


static ngx_queue_t  fuzz_clients = { &fuzz_clients, &fuzz_clients };


/* for the compiler: callers use the names without the prefix */

ngx_int_t __wrap_ngx_http_send_header(ngx_http_request_t *r);
ngx_int_t __wrap_ngx_http_output_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
ngx_int_t __wrap_ngx_http_send_special(ngx_http_request_t *r,
    ngx_uint_t flags);
ngx_int_t __wrap_ngx_http_write_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
ngx_int_t __wrap_ngx_http_discard_request_body(ngx_http_request_t *r);
void __wrap_ngx_http_finalize_request(ngx_http_request_t *r, ngx_int_t rc);
void __wrap_ngx_http_run_posted_requests(ngx_connection_t *c);
ngx_int_t __wrap_ngx_leaseloft_body_read(ngx_http_request_t *r,
    ngx_int_t (*done)(ngx_http_request_t *r, ngx_str_t *body));


ngx_http_request_t *
fuzz_request(ngx_leaseloft_main_conf_t *mcf, ngx_leaseloft_loc_conf_t *lcf)
{
    ngx_pool_t          *pool;
    fuzz_client_t       *client;
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    pool = fuzz_pool();

    client = calloc(1, sizeof(fuzz_client_t));
    r = ngx_pcalloc(pool, sizeof(ngx_http_request_t));
    c = ngx_pcalloc(pool, sizeof(ngx_connection_t));
    CHECK(client != NULL && r != NULL && c != NULL);

    c->fd = (ngx_socket_t) -1;
    c->log = &fuzz_log;
    c->pool = pool;
    c->read = ngx_pcalloc(pool, sizeof(ngx_event_t));
    c->write = ngx_pcalloc(pool, sizeof(ngx_event_t));

    /* the module's, then that of ngx_http_core_module */

    r->ctx = ngx_pcalloc(pool, 2 * sizeof(void *));
    r->main_conf = ngx_pcalloc(pool, 2 * sizeof(void *));
    r->loc_conf = ngx_pcalloc(pool, 2 * sizeof(void *));

    CHECK(c->read && c->write && r->ctx && r->main_conf && r->loc_conf);

    r->main_conf[0] = mcf;
    r->loc_conf[0] = lcf;
    r->loc_conf[1] = ngx_pcalloc(pool, sizeof(ngx_http_core_loc_conf_t));
    CHECK(r->loc_conf[1] != NULL);

    CHECK(ngx_list_init(&r->headers_in.headers, pool, 4,
                        sizeof(ngx_table_elt_t)) == NGX_OK);
    CHECK(ngx_list_init(&r->headers_out.headers, pool, 4,
                        sizeof(ngx_table_elt_t)) == NGX_OK);

    r->pool = pool;
    r->connection = c;
    r->main = r;
    r->count = 1;
    r->method = NGX_HTTP_GET;
    r->http_version = NGX_HTTP_VERSION_11;
    ngx_str_set(&r->uri, "/api/properties/" FUZZ_PROPERTY "/messages");

    client->request = r;
    ngx_queue_insert_tail(&fuzz_clients, &client->queue);

    return r;
}


void
fuzz_header(ngx_http_request_t *r, const char *name, ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_in.headers);
    CHECK(h != NULL);

    ngx_memzero(h, sizeof(ngx_table_elt_t));
    h->hash = 1;
    h->key = fuzz_string(r->pool, (const u_char *) name, ngx_strlen(name));
    h->lowcase_key = h->key.data;
    h->value = fuzz_string(r->pool, value->data, value->len);
}


static fuzz_client_t *
fuzz_client(ngx_http_request_t *r)
{
    ngx_queue_t    *q;
    fuzz_client_t  *client;

    for (q = ngx_queue_head(&fuzz_clients);
         q != ngx_queue_sentinel(&fuzz_clients);
         q = ngx_queue_next(q))
    {
        client = ngx_queue_data(q, fuzz_client_t, queue);

        if (client->request == r) {
            return client;
        }
    }

    CHECK(!"a request that there is");

    return NULL;
}


static void
fuzz_request_free(ngx_http_request_t *r)
{
    fuzz_client_t       *client;
    ngx_http_cleanup_t  *cln;

    client = fuzz_client(r);

    for (cln = r->cleanup; cln; cln = cln->next) {
        if (cln->handler) {
            cln->handler(cln->data);
        }
    }

    ngx_queue_remove(&client->queue);
    free(client);

    ngx_destroy_pool(r->pool);
}


void
fuzz_requests_end(void)
{
    ngx_queue_t    *q;
    fuzz_client_t  *client;

    while (!ngx_queue_empty(&fuzz_clients)) {
        q = ngx_queue_head(&fuzz_clients);
        client = ngx_queue_data(q, fuzz_client_t, queue);

        fuzz_request_free(client->request);
    }
}


void
fuzz_finalize(ngx_http_request_t *r, ngx_int_t rc)
{
    (void) fuzz_client(r);

    CHECK(r->count >= 1);

    r->count--;

    if (r->count == 0 || rc == NGX_ERROR || rc == NGX_HTTP_CLOSE) {
        fuzz_request_free(r);
    }
}


void
__wrap_ngx_http_finalize_request(ngx_http_request_t *r, ngx_int_t rc)
{
    fuzz_finalize(r, rc);
}


void
__wrap_ngx_http_run_posted_requests(ngx_connection_t *c)
{
}


/* the response to a client */
ngx_int_t
__wrap_ngx_http_send_header(ngx_http_request_t *r)
{
    size_t            j;
    ngx_uint_t        i;
    fuzz_client_t    *client;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    client = fuzz_client(r);

    CHECK(!client->headed);
    CHECK(r->headers_out.status >= 200 && r->headers_out.status < 1000);

    for (part = &r->headers_out.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            for (j = 0; j < h[i].value.len; j++) {
                CHECK(h[i].value.data[j] >= ' ');
            }
        }
    }

    r->header_sent = 1;
    client->headed = 1;

    r->header_only = r->headers_out.status == NGX_HTTP_NO_CONTENT
                     || r->headers_out.status == NGX_HTTP_NOT_MODIFIED;

    return NGX_OK;
}


ngx_int_t
__wrap_ngx_http_output_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    CHECK(fuzz_client(r)->headed);

    return NGX_OK;
}


ngx_int_t
__wrap_ngx_http_send_special(ngx_http_request_t *r, ngx_uint_t flags)
{
    CHECK(fuzz_client(r)->headed);

    return NGX_OK;
}


/* the cursor of the entry, "SEQ.TAG", follows that of the last one */
static void
fuzz_event_entry(fuzz_client_t *client, u_char *id, size_t len)
{
    ll_cursor_t  cursor;

    CHECK(ll_cursor_decode((char *) id, len, &cursor) == 0 && cursor.tagged);
    CHECK(!client->begun || cursor.seq == client->seq + 1);

    client->begun = 1;
    client->seq = cursor.seq;
}


/* an event: a line for each field, and an empty line */
static void
fuzz_event(fuzz_client_t *client, u_char *p, size_t len)
{
    u_char      *end, *last, *id, *name;
    ngx_uint_t   i;

    static ngx_str_t  fields[] = {
        ngx_string("event: "),
        ngx_string("id: "),
        ngx_string("retry: "),
        ngx_string("data: ")
    };

    id = NULL;
    name = NULL;
    last = p + len;

    CHECK(len > 2 && last[-1] == LF && last[-2] == LF);

    for (last--; p < last; p = end + 1) {
        end = ngx_strlchr(p, last, LF);
        CHECK(end != NULL);

        for (i = 0; i < 4; i++) {
            if ((size_t) (end - p) >= fields[i].len
                && ngx_memcmp(p, fields[i].data, fields[i].len) == 0)
            {
                break;
            }
        }

        CHECK(i < 4);

        name = i == 0 ? p + fields[i].len : name;
        id = i == 1 ? p + fields[i].len : id;
    }

    if (name == NULL && id) {
        fuzz_event_entry(client, id,
                         (u_char *) ngx_strlchr(id, last, LF) - id);

    } else if (name && ngx_strncmp(name, "reset\n", 6) == 0) {
        client->begun = 0;
    }
}


ngx_int_t
__wrap_ngx_http_write_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_buf_t      *b;
    fuzz_client_t  *client;

    client = fuzz_client(r);

    for ( /* void */ ; in; in = in->next) {
        b = in->buf;

        if (b->pos != b->last) {
            CHECK(client->headed);
            fuzz_event(client, b->pos, b->last - b->pos);
            b->pos = b->last;
        }
    }

    return NGX_OK;
}


ngx_int_t
__wrap_ngx_http_discard_request_body(ngx_http_request_t *r)
{
    return NGX_OK;
}


ngx_int_t
__wrap_ngx_leaseloft_body_read(ngx_http_request_t *r,
    ngx_int_t (*done)(ngx_http_request_t *r, ngx_str_t *body))
{
    ngx_str_t  body;

    body = fuzz_string(r->pool, (const u_char *) "{\"client_id\":\"a\"}", 17);

    return done(r, &body);
}
