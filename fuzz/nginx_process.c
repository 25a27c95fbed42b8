
/*
 * An nginx process with the Redis client, channels and streams of the module;
 * the target provides its time and its Redis.
 */


#include "nginx.h"

#include "ngx_leaseloft_channel_watch.h"
#include "ngx_leaseloft_cluster.h"
#include "ngx_leaseloft_stream_run.h"
#include "ngx_leaseloft_queue.h"

#include <ngx_event.h>
#include <sys/un.h>


/* channels have expired by then */
#define FUZZ_EVER  (1000 * 1000)


ngx_leaseloft_process_t *
fuzz_process(ngx_pool_t *pool, ngx_leaseloft_main_conf_t *mcf)
{
    ngx_leaseloft_process_t  *process;

    static ngx_leaseloft_server_t  server;

    server.sockaddr.sockaddr.sa_family = AF_UNIX;
    server.socklen = sizeof(struct sockaddr_un);

    srandom(1);
    fuzz_clock(1000);
    ngx_memzero(fuzz_peers, sizeof(fuzz_peers));

    ngx_queue_init(&ngx_posted_events);
    CHECK(ngx_event_timer_init(&fuzz_log) == NGX_OK);

    ngx_memzero(mcf, sizeof(ngx_leaseloft_main_conf_t));
    mcf->redis.servers = &server;
    mcf->redis.nservers = 1;
    mcf->queues = 1;
    mcf->max_lingering = 2;

    process = ngx_pcalloc(pool, sizeof(ngx_leaseloft_process_t));
    CHECK(process != NULL);

    mcf->process = process;
    process->conf = mcf;
    process->log = &fuzz_log;
    ngx_str_set(&process->name, "fuzz");

    process->cluster = ngx_leaseloft_cluster_create(process, pool);
    CHECK(process->cluster != NULL);

    ngx_leaseloft_queue_init(process);

    process->channels = ngx_leaseloft_channel_watch_create(process, pool);
    process->streams = ngx_leaseloft_stream_run_create(process, pool);

    CHECK(process->channels && process->streams);

    fuzz_turn(0);

    return process;
}


void
fuzz_turn(ngx_msec_t ms)
{
    ngx_event_process_posted((ngx_cycle_t *) ngx_cycle, &ngx_posted_events);

    fuzz_clock(ngx_current_msec + ms);

    ngx_event_expire_timers();
    ngx_event_process_posted((ngx_cycle_t *) ngx_cycle, &ngx_posted_events);
}


void
fuzz_greet(ngx_leaseloft_process_t *process)
{
    ngx_uint_t  i;

    static ngx_str_t  greeting = ngx_string("+PONG\r\n");
    static ngx_str_t  probed = ngx_string(":1\r\n");
    static ngx_str_t  heard = ngx_string("*3\r\n$9\r\nsubscribe\r\n"
                                         "$14\r\nll:{r:fuzz}:ch\r\n:1\r\n");

    for (i = 0; i < FUZZ_PEERS; i++) {
        if (!fuzz_peers[i].fresh) {
            continue;
        }

        fuzz_peers[i].fresh = 0;
        fuzz_receive(&fuzz_peers[i], greeting.data, greeting.len);

        if (i == FUZZ_COMMAND) {
            fuzz_receive(&fuzz_peers[i], probed.data, probed.len);

        } else {
            fuzz_receive(&fuzz_peers[i], heard.data, heard.len);
        }
    }

    fuzz_turn(0);
}


void
fuzz_ask(ngx_leaseloft_process_t *process, ngx_leaseloft_loc_conf_t *lcf,
    ngx_leaseloft_endpoint_t *endpoint, ngx_str_t *args,
    ngx_str_t *last_event_id, ngx_str_t *if_none_match)
{
    ngx_list_part_t      *part;
    ngx_table_elt_t      *h;
    ngx_http_request_t   *r;
    ngx_leaseloft_ctx_t  *ctx;

    r = fuzz_request(process->conf, lcf);

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_leaseloft_ctx_t));
    CHECK(ctx != NULL);

    ctx->request = r;
    ctx->process = process;
    ctx->endpoint = endpoint;
    ctx->exp = FUZZ_NOW + 3600;
    ctx->checked = 1;
    ngx_str_set(&ctx->user, FUZZ_USER);
    ngx_str_set(&ctx->property, FUZZ_PROPERTY);

    r->ctx[0] = ctx;

    if (args) {
        r->args = fuzz_string(r->pool, args->data, args->len);
    }

    if (last_event_id) {
        fuzz_header(r, "last-event-id", last_event_id);
    }

    if (if_none_match) {
        fuzz_header(r, "if-none-match", if_none_match);

        part = r->headers_in.headers.last;
        h = part->elts;
        r->headers_in.if_none_match = &h[part->nelts - 1];
    }

    CHECK(endpoint->check == NULL || endpoint->check(r, ctx) == NGX_OK);

    fuzz_finalize(r, endpoint->handler(r, ctx));
}


void
fuzz_process_free(ngx_leaseloft_process_t *process)
{
    fuzz_requests_end();

    /* as the timer of the Redis client does, for all connections */

    fuzz_clock(ngx_current_msec + FUZZ_EVER);
    ngx_leaseloft_channel_watch_expire(process->channels);

    CHECK(ngx_queue_empty(&process->channels->idle));
    ngx_free(process->channels->buckets);

    ngx_leaseloft_stream_run_free(process->streams);
    ngx_leaseloft_cluster_free(process->cluster);

    CHECK(process->queued.root == process->queued.sentinel);
    CHECK(ngx_event_timer_rbtree.root == ngx_event_timer_rbtree.sentinel);
    CHECK(ngx_queue_empty(&ngx_posted_events));
}
