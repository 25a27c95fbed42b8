
/*
 * Metrics of this nginx: its processes share the zone that has them.  Series
 * are written from the start, with 0, as increase() in Prometheus does not see
 * a first value.
 */


#include "ngx_leaseloft_cluster.h"
#include "ngx_leaseloft_metrics.h"
#include "ngx_leaseloft_zone.h"

#include "common/version.h"


/* more than the metrics of nginx take, and those of all primaries */
#define NGX_LEASELOFT_METRICS_SIZE  131072


typedef struct {
    char                       *name;
    char                       *help;
} ngx_leaseloft_metric_t;


/* one for each ngx_leaseloft_counter_e, in that order */
static ngx_leaseloft_metric_t  ngx_leaseloft_metrics[] = {
    { "streams_opened_total", "Event streams accepted." },
    { "streams_refused_total", "Event streams refused for overload." },
    { "streams_slow_total", "Event streams closed because of slow clients." },
    { "streams_drained_total", "Event streams closed by a reload or quit." },
    { "events_sent_total", "Entries sent to event streams." },
    { "frames_received_total", "Messages received on Redis channels." },
    { "frames_malformed_total", "Malformed messages on Redis channels." },
    { "holes_filled_total", "Reads of channels after a gap." },
    { "polls_total", "Polls answered." },
    { "polls_from_memory_total", "Polls answered without asking Redis." },
    { "writes_total", "Requests queued for the workers." },
    { "writes_accepted_total", "Writes answered 202." },
    { "writes_failed_total", "Writes answered 503." },
    { "searches_total", "Searches that were given to the workers." },
    { "searches_failed_total", "Searches answered 503." },
    { "searches_refused_total", "Searches answered 429." },
    { "search_seconds_total", "Time until the results of searches." },
    { "redis_links_lost_total", "Connections to Redis lost." },
    { "redis_commands_total", "Commands sent to Redis." },
    { "tokens_verified_total", "Tokens not found among those verified before." }
};


/* one for each ngx_leaseloft_histogram_e */
static ngx_leaseloft_metric_t  ngx_leaseloft_metrics_histograms[] = {
    { "send_seconds", "Time from queueing a message to its answer." },
    { "delivery_seconds", "Time from storing a message to its streams." }
};


/* one for each ngx_leaseloft_endpoint_e */
static char  *ngx_leaseloft_metrics_endpoints[] = {
    "events", "inbox_events", "messages", "send", "read", "lease", "inbox",
    "search", "search_all", "session", "record", "record_key", "metrics",
    "health"
};


/* ngx_leaseloft_counters_bound, in seconds */
static char  *ngx_leaseloft_metrics_bounds[] = {
    "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5",
    "10", "+Inf"
};


/* one for each ngx_leaseloft_refusal_e */
static char  *ngx_leaseloft_metrics_refusals[] = {
    "missing", "malformed", "key", "signature", "expired", "early", "issuer",
    "audience", "revoked", "another_user"
};


static u_char *
ngx_leaseloft_metrics_head(u_char *p, u_char *last, char *name, char *type,
    char *help)
{
    return ngx_slprintf(p, last, "# HELP leaseloft_%s %s\n"
                        "# TYPE leaseloft_%s %s\n",
                        name, help, name, type);
}


static u_char *
ngx_leaseloft_metrics_gauge(u_char *p, u_char *last, char *name, char *help,
    ngx_uint_t value)
{
    p = ngx_leaseloft_metrics_head(p, last, name, "gauge", help);

    return ngx_slprintf(p, last, "leaseloft_%s %ui\n", name, value);
}


static u_char *
ngx_leaseloft_metrics_usage(u_char *p, u_char *last,
    ngx_leaseloft_process_t *process)
{
    ngx_leaseloft_zone_usage_t  usage;

    ngx_leaseloft_zone_usage(process->zone, &usage);

    p = ngx_leaseloft_metrics_gauge(p, last, "start_time_seconds",
            "When nginx started to count, in seconds since 1970.",
            usage.start);
    p = ngx_leaseloft_metrics_gauge(p, last, "processes",
            "Worker processes of nginx.", usage.processes);
    p = ngx_leaseloft_metrics_gauge(p, last, "connections",
            "Connections that all processes of nginx may have.",
            usage.connections);
    p = ngx_leaseloft_metrics_gauge(p, last, "connections_free",
            "Connections that are free, of all processes.", usage.free);
    p = ngx_leaseloft_metrics_gauge(p, last, "connections_free_least",
            "Free connections of the process that has the fewest.",
            usage.least);
    p = ngx_leaseloft_metrics_gauge(p, last, "zone_bytes",
            "The size of leaseloft_zone.", usage.size);
    p = ngx_leaseloft_metrics_gauge(p, last, "zone_free_bytes",
            "The free pages of leaseloft_zone.", usage.unused);
    p = ngx_leaseloft_metrics_gauge(p, last, "redis_links",
            "Connections to Redis that work, of all processes.", usage.links);
    p = ngx_leaseloft_metrics_gauge(p, last, "redis_links_wanted",
            "Connections to Redis if all work, of all processes.",
            usage.wanted);

    p = ngx_leaseloft_metrics_head(p, last, "streams", "gauge",
                                   "Event streams open now.");

    return ngx_slprintf(p, last, "leaseloft_streams{kind=\"thread\"} %ui\n"
                        "leaseloft_streams{kind=\"inbox\"} %ui\n",
                        usage.streams[NGX_LEASELOFT_ZONE_THREAD],
                        usage.streams[NGX_LEASELOFT_ZONE_INBOX]);
}


static u_char *
ngx_leaseloft_metrics_counters(u_char *p, u_char *last,
    ngx_leaseloft_counters_t *counters)
{
    ngx_uint_t               i, value;
    ngx_leaseloft_metric_t  *metric;

    for (i = 0; i < NGX_LEASELOFT_COUNTERS; i++) {
        metric = &ngx_leaseloft_metrics[i];
        value = counters->counters[i];

        p = ngx_leaseloft_metrics_head(p, last, metric->name, "counter",
                                       metric->help);

        if (i == NGX_LEASELOFT_SEARCH_MSECS) {
            p = ngx_slprintf(p, last, "leaseloft_%s %ui.%03ui\n",
                             metric->name, value / 1000, value % 1000);
        } else {
            p = ngx_slprintf(p, last, "leaseloft_%s %ui\n", metric->name,
                             value);
        }
    }

    p = ngx_leaseloft_metrics_head(p, last, "tokens_refused_total", "counter",
                                   "Requests answered 401, by the reason.");

    for (i = 0; i < NGX_LEASELOFT_REFUSALS; i++) {
        p = ngx_slprintf(p, last, "leaseloft_tokens_refused_total"
                         "{reason=\"%s\"} %uA\n",
                         ngx_leaseloft_metrics_refusals[i],
                         counters->refused[i]);
    }

    return p;
}


static u_char *
ngx_leaseloft_metrics_answers(u_char *p, u_char *last,
    ngx_leaseloft_counters_t *counters)
{
    u_char      status[NGX_INT_T_LEN + 1];
    ngx_uint_t  i, j;

    p = ngx_leaseloft_metrics_head(p, last, "http_responses_total", "counter",
                                   "Responses, by endpoint and status.");

    for (i = 0; i < NGX_LEASELOFT_ENDPOINT_KINDS; i++) {
        for (j = 0; j < NGX_LEASELOFT_COUNTERS_STATUSES; j++) {
            *ngx_sprintf(status, "%ui", ngx_leaseloft_counters_status[j]) = 0;

            p = ngx_slprintf(p, last, "leaseloft_http_responses_total"
                             "{endpoint=\"%s\",status=\"%s\"} %uA\n",
                             ngx_leaseloft_metrics_endpoints[i],
                             ngx_leaseloft_counters_status[j]
                             ? (char *) status : "other",
                             counters->answered[i][j]);
        }
    }

    return p;
}


/* the buckets are cumulative, in seconds */
static u_char *
ngx_leaseloft_metrics_histogram(u_char *p, u_char *last,
    ngx_leaseloft_metric_t *metric, ngx_leaseloft_histogram_t *histogram)
{
    ngx_uint_t  i, n, msecs;

    p = ngx_leaseloft_metrics_head(p, last, metric->name, "histogram",
                                   metric->help);

    /* the sum first: it must not have more than the buckets */

    msecs = histogram->msecs;
    n = 0;

    for (i = 0; i < NGX_LEASELOFT_COUNTERS_BUCKETS; i++) {
        n += histogram->buckets[i];

        p = ngx_slprintf(p, last, "leaseloft_%s_bucket{le=\"%s\"} %ui\n",
                         metric->name, ngx_leaseloft_metrics_bounds[i], n);
    }

    return ngx_slprintf(p, last, "leaseloft_%s_sum %ui.%03ui\n"
                        "leaseloft_%s_count %ui\n",
                        metric->name, msecs / 1000, msecs % 1000, metric->name,
                        n);
}


/* what can be reached of Redis, and in a cluster each primary */
static u_char *
ngx_leaseloft_metrics_redis(u_char *p, u_char *last,
    ngx_leaseloft_cluster_t *cluster)
{
    ngx_uint_t               slots;
    ngx_leaseloft_client_t  *client;
    ngx_leaseloft_server_t  *server;

    slots = ngx_leaseloft_cluster_reachable(cluster);

    p = ngx_leaseloft_metrics_gauge(p, last, "redis_up",
            "1 while both connections to Redis work.", slots == LL_SLOTS);
    p = ngx_leaseloft_metrics_gauge(p, last, "redis_slots_reachable",
            "Slots of Redis Cluster that can be reached, of 16384; all or none "
            "of a single server.", slots);

    client = ngx_leaseloft_cluster_next(cluster, NULL);

    if (client == NULL
        || ngx_leaseloft_cluster_server(cluster, client) == NULL)
    {
        return p;
    }

    p = ngx_leaseloft_metrics_head(p, last, "redis_node_up", "gauge",
                                   "1 while both connections to this primary "
                                   "work.");

    for ( /* void */ ; client;
         client = ngx_leaseloft_cluster_next(cluster, client))
    {
        server = ngx_leaseloft_cluster_server(cluster, client);
        p = ngx_slprintf(p, last, "leaseloft_redis_node_up{node=\"%s:%ui\"} "
                         "%ui\n", server->host, (ngx_uint_t) server->port,
                         ngx_leaseloft_client_up(client));
    }

    p = ngx_leaseloft_metrics_head(p, last, "redis_node_slots", "gauge",
                                   "Slots that this primary has.");

    for (client = ngx_leaseloft_cluster_next(cluster, NULL);
         client;
         client = ngx_leaseloft_cluster_next(cluster, client))
    {
        server = ngx_leaseloft_cluster_server(cluster, client);
        p = ngx_slprintf(p, last, "leaseloft_redis_node_slots{node=\"%s:%ui\"} "
                         "%ui\n", server->host, (ngx_uint_t) server->port,
                         ngx_leaseloft_cluster_slots(cluster, client));
    }

    return p;
}


static u_char *
ngx_leaseloft_metrics_nginx(u_char *p, u_char *last,
    ngx_leaseloft_process_t *process)
{
    ngx_uint_t                 i;
    ngx_leaseloft_counters_t  *counters;

    p = ngx_leaseloft_metrics_head(p, last, "build_info", "gauge",
            "The versions of this module, of the functions that it is built "
            "for and of nginx.");
    p = ngx_slprintf(p, last,
                     "leaseloft_build_info{version=\"" LEASELOFT_VERSION "\","
                     "library=\"%d\",nginx=\"" NGINX_VERSION "\"} 1\n",
                     LEASELOFT_REVISION);
    p = ngx_leaseloft_metrics_redis(p, last, process->cluster);
    p = ngx_leaseloft_metrics_usage(p, last, process);

    if (process->zone == NULL) {
        return p;
    }

    counters = process->zone->counters;

    p = ngx_leaseloft_metrics_counters(p, last, counters);
    p = ngx_leaseloft_metrics_answers(p, last, counters);

    for (i = 0; i < NGX_LEASELOFT_HISTOGRAMS; i++) {
        p = ngx_leaseloft_metrics_histogram(p, last,
                                        &ngx_leaseloft_metrics_histograms[i],
                                        &counters->histograms[i]);
    }

    return p;
}


ngx_int_t
ngx_leaseloft_metrics_create(ngx_pool_t *pool,
    ngx_leaseloft_process_t *process, ngx_leaseloft_metrics_t *metrics,
    ngx_str_t *text)
{
    size_t        size;
    u_char       *p, *last;
    ngx_array_t   samples;

    if (ngx_leaseloft_metrics_service_samples(pool, metrics, &samples)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    size = NGX_LEASELOFT_METRICS_SIZE
           + ngx_leaseloft_metrics_service_size(metrics, &samples);

    p = ngx_pnalloc(pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;
    last = p + size;

    if (metrics->nginx) {
        p = ngx_leaseloft_metrics_gauge(p, last, "drained",
                "1 while the file of leaseloft_drain_file exists.",
                metrics->drained);
        p = ngx_leaseloft_metrics_nginx(p, last, process);
    }

    if (metrics->service) {
        p = ngx_leaseloft_metrics_service(p, last, metrics, &samples);
    }

    text->len = p - text->data;

    return NGX_OK;
}
