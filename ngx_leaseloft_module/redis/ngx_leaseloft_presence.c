
/*
 * Sends heartbeats from a timer, allocated in the cycle's pool.  The timer runs
 * more often, to send one soon after a reconnect, and once few connections are
 * free, which "leaseloft doctor" reports.
 */


#include "ngx_leaseloft_capacity.h"
#include "ngx_leaseloft_presence.h"

#include "common/version.h"


/* workers trim entries older than a minute; this limits them without one */
#define NGX_LEASELOFT_PRESENCE_MAX       "1000"

#define NGX_LEASELOFT_PRESENCE_TICK      1000
#define NGX_LEASELOFT_PRESENCE_INTERVAL  10000


typedef struct {
    ngx_leaseloft_process_t    *process;
    ngx_event_t                 timer;
    ngx_msec_t                  next;
    ngx_uint_t                  few;       /* of its connections were free */
} ngx_leaseloft_presence_t;


static void ngx_leaseloft_presence_handler(ngx_event_t *ev);
static void ngx_leaseloft_presence_send(ngx_leaseloft_process_t *process,
    ngx_uint_t k);


ngx_int_t
ngx_leaseloft_presence_start(ngx_leaseloft_process_t *process,
    ngx_pool_t *pool)
{
    ngx_leaseloft_presence_t  *presence;

    presence = ngx_pcalloc(pool, sizeof(ngx_leaseloft_presence_t));
    if (presence == NULL) {
        return NGX_ERROR;
    }

    presence->process = process;
    presence->next = ngx_current_msec;
    presence->timer.handler = ngx_leaseloft_presence_handler;
    presence->timer.data = presence;
    presence->timer.log = process->log;
    presence->timer.cancelable = 1;

    ngx_add_timer(&presence->timer, 1);

    return NGX_OK;
}


/* sends one to each server that can be reached; 0: to none */
static ngx_uint_t
ngx_leaseloft_presence_send_all(ngx_leaseloft_process_t *process)
{
    ngx_int_t                 k;
    ngx_uint_t                n;
    ngx_leaseloft_client_t   *client;
    ngx_leaseloft_cluster_t  *cluster;

    n = 0;
    cluster = process->cluster;

    for (client = ngx_leaseloft_cluster_next(cluster, NULL);
         client;
         client = ngx_leaseloft_cluster_next(cluster, client))
    {
        k = ngx_leaseloft_cluster_home(cluster, client);

        if (k != -1 && ngx_leaseloft_client_ready(client)) {
            ngx_leaseloft_presence_send(process, k);
            n++;
        }
    }

    return n;
}


static ngx_uint_t
ngx_leaseloft_presence_few(void)
{
    ngx_leaseloft_capacity_t  capacity;

    ngx_leaseloft_capacity(&capacity);

    return capacity.free < capacity.connections / 10;
}


static void
ngx_leaseloft_presence_handler(ngx_event_t *ev)
{
    ngx_uint_t                 few, was;
    ngx_leaseloft_presence_t  *presence;

    presence = ev->data;

    ngx_add_timer(ev, NGX_LEASELOFT_PRESENCE_TICK);

    was = presence->few;
    few = ngx_leaseloft_presence_few();
    presence->few = few;

    if ((ngx_msec_int_t) (ngx_current_msec - presence->next) < 0
        && !(few && !was))
    {
        return;
    }

    presence->next = ngx_current_msec;

    if (ngx_leaseloft_presence_send_all(presence->process)) {
        presence->next += NGX_LEASELOFT_PRESENCE_INTERVAL;
    }
}


static void
ngx_leaseloft_presence_send(ngx_leaseloft_process_t *process, ngx_uint_t k)
{
    char                      key[LL_KEY_MAX];
    u_char                    queues[NGX_INT_T_LEN], pid[NGX_INT64_LEN],
                              all[NGX_INT_T_LEN], free[NGX_INT_T_LEN],
                              files[NGX_INT_T_LEN], library[NGX_INT_T_LEN];
    ngx_str_t                 argv[22];
    ngx_leaseloft_capacity_t  capacity;

    ngx_leaseloft_capacity(&capacity);

    ngx_str_set(&argv[0], "XADD");
    argv[1].len = ll_keys_nginx(key, k);
    argv[1].data = (u_char *) key;
    ngx_str_set(&argv[2], "MAXLEN");
    ngx_str_set(&argv[3], "~");
    ngx_str_set(&argv[4], NGX_LEASELOFT_PRESENCE_MAX);
    ngx_str_set(&argv[5], "*");
    ngx_str_set(&argv[6], "name");
    argv[7] = process->name;
    ngx_str_set(&argv[8], "version");
    ngx_str_set(&argv[9], LEASELOFT_VERSION);
    ngx_str_set(&argv[10], "queues");
    argv[11].data = queues;
    argv[11].len = ngx_sprintf(queues, "%ui", process->conf->queues) - queues;
    ngx_str_set(&argv[12], "pid");
    argv[13].data = pid;
    argv[13].len = ngx_sprintf(pid, "%P", ngx_pid) - pid;
    ngx_str_set(&argv[14], "connections");
    argv[15].data = all;
    argv[15].len = ngx_sprintf(all, "%ui", capacity.connections) - all;
    ngx_str_set(&argv[16], "free");
    argv[17].data = free;
    argv[17].len = ngx_sprintf(free, "%ui", capacity.free) - free;
    ngx_str_set(&argv[18], "files");
    argv[19].data = files;
    argv[19].len = ngx_sprintf(files, "%ui", capacity.files) - files;
    ngx_str_set(&argv[20], "library");
    argv[21].data = library;
    argv[21].len = ngx_sprintf(library, "%d", LEASELOFT_REVISION) - library;

    (void) ngx_leaseloft_cluster_command(process->cluster, &argv[1], 22, argv,
                                         NULL, NULL);
}
