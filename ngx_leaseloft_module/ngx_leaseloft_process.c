
/*
 * Creates the parts of the module in each process of nginx, lowest first, and
 * frees them at exit.  They are allocated in the pool of the cycle.
 */


#include "ngx_leaseloft_channel_watch.h"
#include "ngx_leaseloft_cluster.h"
#include "ngx_leaseloft_presence.h"
#include "ngx_leaseloft_mark.h"
#include "ngx_leaseloft_process.h"
#include "ngx_leaseloft_queue.h"
#include "ngx_leaseloft_revoked.h"
#include "ngx_leaseloft_stream_revoke.h"
#include "ngx_leaseloft_stream_run.h"
#include "ngx_leaseloft_token_cache.h"
#include "ngx_leaseloft_zone.h"

#include <openssl/rand.h>


/* random bytes in the name of a process */
#define NGX_LEASELOFT_PROCESS_NAME   12

/* ms between the last "bye" of a process and its end */
#define NGX_LEASELOFT_PROCESS_LEAVE  15000


/*
 * A process that quits calls the handlers of idle connections with c->close
 * set.  This dummy idle connection is how the module learns of it.
 */
static void
ngx_leaseloft_process_quit_handler(ngx_event_t *ev)
{
    ngx_connection_t         *c;
    ngx_leaseloft_process_t  *process;

    c = ev->data;
    process = c->data;

    if (c->close) {
        ngx_leaseloft_stream_run_drain(process->streams);
    }
}


static ngx_int_t
ngx_leaseloft_process_quit_watch(ngx_leaseloft_process_t *process)
{
    ngx_connection_t  *c;

    c = ngx_get_connection(0, process->log);
    if (c == NULL) {
        return NGX_ERROR;
    }

    c->fd = (ngx_socket_t) -2;
    c->idle = 1;
    c->data = process;
    c->log = process->log;
    c->read->log = process->log;
    c->read->handler = ngx_leaseloft_process_quit_handler;

    process->quit = c;

    return NGX_OK;
}


static ngx_int_t
ngx_leaseloft_process_name(ngx_leaseloft_process_t *process, ngx_pool_t *pool)
{
    u_char  bytes[NGX_LEASELOFT_PROCESS_NAME];

    process->name.len = 2 * NGX_LEASELOFT_PROCESS_NAME;
    process->name.data = ngx_pnalloc(pool, process->name.len);
    if (process->name.data == NULL) {
        return NGX_ERROR;
    }

    /* unique among the processes of all hosts, not secret */

    if (RAND_bytes(bytes, NGX_LEASELOFT_PROCESS_NAME) != 1) {
        return NGX_ERROR;
    }

    ngx_hex_dump(process->name.data, bytes, NGX_LEASELOFT_PROCESS_NAME);

    return NGX_OK;
}


ngx_int_t
ngx_leaseloft_process_check(ngx_cycle_t *cycle)
{
    ngx_core_conf_t            *ccf;
    ngx_leaseloft_main_conf_t  *mcf;

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);
    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_leaseloft_module);

    if (mcf == NULL || mcf->endpoints == 0) {
        return NGX_OK;
    }

    /*
     * The new cycle's log has the level of error_log, by default "error"; the
     * old one is that of other warnings of "nginx -t".
     */

    if (ccf->shutdown_timeout && ccf->shutdown_timeout <= mcf->drain) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "\"worker_shutdown_timeout\" is %Mms, not longer than "
                      "\"leaseloft_drain\", %Mms: streams will be cut off "
                      "without \"bye\"; set it to %Mms at least",
                      ccf->shutdown_timeout, mcf->drain,
                      mcf->drain + NGX_LEASELOFT_PROCESS_LEAVE);
    }

    return NGX_OK;
}


ngx_int_t
ngx_leaseloft_process_init(ngx_cycle_t *cycle)
{
    ngx_pool_t                 *pool;
    ngx_leaseloft_process_t    *process;
    ngx_leaseloft_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_leaseloft_module);

    if (mcf == NULL || mcf->endpoints == 0
        || (ngx_process != NGX_PROCESS_WORKER
            && ngx_process != NGX_PROCESS_SINGLE))
    {
        return NGX_OK;
    }

    (void) ll_keys_set_prefix((char *) mcf->prefix.data, mcf->prefix.len);
    ll_keys_set_cluster(mcf->redis.cluster);

    pool = cycle->pool;

    process = ngx_pcalloc(pool, sizeof(ngx_leaseloft_process_t));
    if (process == NULL) {
        return NGX_ERROR;
    }

    process->conf = mcf;
    process->log = cycle->log;

    if (ngx_leaseloft_process_name(process, pool) != NGX_OK) {
        return NGX_ERROR;
    }

    process->zone = ngx_leaseloft_zone_attach(mcf->zone, pool, cycle->log);

    process->cluster = ngx_leaseloft_cluster_create(process, pool);
    if (process->cluster == NULL) {
        return NGX_ERROR;
    }

    ngx_leaseloft_queue_init(process);
    ngx_leaseloft_mark_init(process);

    process->tokens = ngx_leaseloft_token_cache_create(mcf->tokens,
                                                       process->zone, pool,
                                                       cycle->log);
    process->revoked = ngx_leaseloft_revoked_create(process, pool);
    process->channels = ngx_leaseloft_channel_watch_create(process, pool);
    process->streams = ngx_leaseloft_stream_run_create(process, pool);

    if (process->zone == NULL || process->tokens == NULL
        || process->revoked == NULL
        || process->channels == NULL || process->streams == NULL
        || ngx_leaseloft_presence_start(process, pool) != NGX_OK
        || ngx_leaseloft_process_quit_watch(process) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_leaseloft_revoked_on_change(process->revoked,
                                    ngx_leaseloft_stream_revoke, process);

    mcf->process = process;

    return NGX_OK;
}


void
ngx_leaseloft_process_exit(ngx_cycle_t *cycle)
{
    ngx_leaseloft_process_t    *process;
    ngx_leaseloft_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_leaseloft_module);

    if (mcf == NULL || mcf->process == NULL) {
        return;
    }

    process = mcf->process;

    ngx_leaseloft_cluster_free(process->cluster);
    ngx_leaseloft_stream_run_free(process->streams);
    ngx_leaseloft_revoked_free(process->revoked);
    ngx_leaseloft_zone_detach(process->zone);

    process->quit->fd = (ngx_socket_t) -1;
    ngx_free_connection(process->quit);
}
