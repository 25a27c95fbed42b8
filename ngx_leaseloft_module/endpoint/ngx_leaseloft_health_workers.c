
/* Health of the workers, whose heartbeats say what they are and can. */


#include "ngx_leaseloft_cluster.h"
#include "ngx_leaseloft_depth.h"
#include "ngx_leaseloft_health_workers.h"

#include "common/version.h"


/* a summary of the heartbeats of the workers */
typedef struct {
    ngx_uint_t                  able;      /* workers with all rights */
    uint64_t                    reads;     /* bits of the queues they read */
    ngx_array_t                 refused;   /* ngx_str_t: rights others lack */
} ngx_leaseloft_health_workers_t;


/* the value of NAME in a record "TIME ... NAME:VALUE ...", or empty */
static ngx_str_t
ngx_leaseloft_health_workers_fact(redisReply *record, char *name)
{
    u_char     *p, *last;
    size_t      len;
    ngx_str_t   value;

    ngx_str_null(&value);

    if (record->type != REDIS_REPLY_STRING) {
        return value;
    }

    len = ngx_strlen(name);
    last = (u_char *) record->str + record->len;

    for (p = (u_char *) record->str; p && p < last; p++) {

        if ((size_t) (last - p) > len && p[len] == ':'
            && ngx_strncmp(p, name, len) == 0)
        {
            value.data = p + len + 1;
            p = ngx_strlchr(value.data, last, ' ');
            value.len = (p ? p : last) - value.data;
            return value;
        }

        p = ngx_strlchr(p, last, ' ');
        if (p == NULL) {
            break;
        }
    }

    return value;
}


/* bits of the queues that a worker reads; all if the record has none */
static uint64_t
ngx_leaseloft_health_workers_reads(redisReply *record)
{
    size_t     i;
    u_char     c;
    uint64_t   reads;
    ngx_str_t  value;

    value = ngx_leaseloft_health_workers_fact(record, "reads");
    reads = value.len ? 0 : ~(uint64_t) 0;

    for (i = 0; i < value.len; i++) {
        c = value.data[i];
        reads = reads * 16 + (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }

    return reads;
}


static void
ngx_leaseloft_health_workers_one(ngx_leaseloft_report_t *report,
    redisReply *name, redisReply *record,
    ngx_leaseloft_health_workers_t *workers)
{
    ngx_str_t  refused, queues, version;

    refused = ngx_leaseloft_health_workers_fact(record, "refused");

    if (refused.len == 0) {
        workers->able++;
        workers->reads |= ngx_leaseloft_health_workers_reads(record);

    } else {
        ngx_leaseloft_report_say(report, &workers->refused,
                                 "Worker %s takes no requests: its Redis "
                                 "user may not run %V.", name->str, &refused);
    }

    queues = ngx_leaseloft_health_workers_fact(record, "queues");

    if (queues.len && !report->process->conf->redis.cluster
        && ngx_atoi(queues.data, queues.len)
           != (ngx_int_t) report->process->conf->queues)
    {
        ngx_leaseloft_report_say(report, &report->advice,
                                 "leaseloft_queues is %ui, --queues of worker "
                                 "%s is %V: set both to the same number.",
                                 report->process->conf->queues, name->str,
                                 &queues);
    }

    version = ngx_leaseloft_health_workers_fact(record, "version");

    if (version.len
        && (version.len != sizeof(LEASELOFT_VERSION) - 1
            || ngx_strncmp(version.data, LEASELOFT_VERSION, version.len) != 0))
    {
        ngx_leaseloft_report_say(report, &report->advice,
                                 "Worker %s has version %V, this nginx has "
                                 LEASELOFT_VERSION ".", name->str, &version);
    }
}


/* the address of the server which has a queue, in a cluster; or NULL */
static ngx_leaseloft_server_t *
ngx_leaseloft_health_workers_server(ngx_leaseloft_report_t *report,
    ngx_int_t queue)
{
    ngx_leaseloft_client_t   *client;
    ngx_leaseloft_cluster_t  *cluster;

    cluster = report->process->cluster;

    for (client = ngx_leaseloft_cluster_next(cluster, NULL);
         client;
         client = ngx_leaseloft_cluster_next(cluster, client))
    {
        if (ngx_leaseloft_cluster_home(cluster, client) == queue) {
            return ngx_leaseloft_cluster_server(cluster, client);
        }
    }

    return NULL;
}


/*
 * Names the first queue that no worker reads.  In a cluster that is one of a
 * primary, whatever leaseloft_queues is; on a single server, the first one of
 * several is read by every worker.
 */
static void
ngx_leaseloft_health_workers_unread(ngx_leaseloft_report_t *report,
    uint64_t unread)
{
    ngx_uint_t               k;
    ngx_leaseloft_server_t  *server;

    for (k = 0; !((unread >> k) & 1); k++) { /* void */ }

    server = ngx_leaseloft_health_workers_server(report, k);

    if (server) {
        ngx_leaseloft_report_say(report, &report->faults,
                                 "No worker reads queue %ui, of Redis %s:%ui; "
                                 "\"leaseloft doctor\" says why.", k,
                                 server->host, (ngx_uint_t) server->port);

    } else if (k == 0 || report->process->conf->redis.cluster) {
        ngx_leaseloft_report_say(report, &report->faults,
                                 "No worker reads queue %ui; \"leaseloft "
                                 "doctor\" says why.", k);

    } else {
        ngx_leaseloft_report_say(report, &report->faults,
                                 "No worker reads queue %ui: leaseloft_queues "
                                 "is %ui.", k, report->process->conf->queues);
    }
}


void
ngx_leaseloft_health_workers(ngx_leaseloft_report_t *report,
    redisReply *heartbeats)
{
    size_t                           i;
    uint64_t                         unread;
    ngx_str_t                       *sentences;
    ngx_array_t                     *list;
    ngx_leaseloft_health_workers_t   workers;

    workers.able = 0;
    workers.reads = 0;

    if (ngx_array_init(&workers.refused, report->pool, 4, sizeof(ngx_str_t))
        != NGX_OK)
    {
        return;
    }

    for (i = 0; i + 1 < heartbeats->elements; i += 2) {
        if (heartbeats->element[i]->type == REDIS_REPLY_STRING) {
            ngx_leaseloft_health_workers_one(report, heartbeats->element[i],
                                             heartbeats->element[i + 1],
                                             &workers);
        }
    }

    /* missing rights are a fault unless another worker has them */

    list = workers.able ? &report->advice : &report->faults;
    sentences = ngx_array_push_n(list, workers.refused.nelts);

    if (sentences) {
        ngx_memcpy(sentences, workers.refused.elts,
                   workers.refused.nelts * sizeof(ngx_str_t));
    }

    unread = ngx_leaseloft_depth_queues(report->process) & ~workers.reads;

    if (heartbeats->elements == 0) {
        ngx_leaseloft_report_say(report, &report->faults,
                                 "No worker has sent a heartbeat for "
                                 "3 seconds; \"leaseloft doctor\" says why.");

    } else if (workers.able && unread) {
        ngx_leaseloft_health_workers_unread(report, unread);
    }

    if (unread) {
        report->workers = "down";
    }
}
