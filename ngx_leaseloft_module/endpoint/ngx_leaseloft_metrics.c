
/*
 * Metrics.  Counters of workers may have any name: each NAME=VALUE of a
 * heartbeat is a sample of the counter leaseloft_worker_NAME_total.  The format
 * requires all samples of a metric to be adjacent, so they are grouped by name.
 * All memory is in the request's pool.
 */


#include "ngx_leaseloft_cluster.h"
#include "ngx_leaseloft_metrics.h"
#include "ngx_leaseloft_zone.h"

#include "common/version.h"


#define NGX_LEASELOFT_METRICS_SIZE  16384


typedef struct {
    char                       *name;
    char                       *help;
} ngx_leaseloft_metric_t;


/* one value of one worker; points into the reply */
typedef struct {
    ngx_str_t                   worker;
    ngx_str_t                   name;
    ngx_str_t                   value;
    ngx_uint_t                  done;      /* written */
} ngx_leaseloft_sample_t;


static size_t ngx_leaseloft_metrics_size(ngx_leaseloft_cluster_t *cluster);
static u_char *ngx_leaseloft_metrics_nodes(u_char *p, u_char *last,
    ngx_leaseloft_cluster_t *cluster);
static u_char *ngx_leaseloft_metrics_counters(u_char *p, u_char *last,
    ngx_leaseloft_process_t *process);
static u_char *ngx_leaseloft_metrics_number(u_char *p, u_char *last,
    char *name, char *type, char *help, ngx_uint_t value);
static u_char *ngx_leaseloft_metrics_seconds(u_char *p, u_char *last,
    char *name, char *help, ngx_uint_t ms);
static ngx_uint_t ngx_leaseloft_metrics_workers(redisReply *reply);
static ngx_int_t ngx_leaseloft_metrics_samples(ngx_array_t *samples,
    redisReply *reply);
static ngx_int_t ngx_leaseloft_metrics_record(ngx_array_t *samples,
    ngx_str_t *worker, ngx_str_t *record);
static ngx_uint_t ngx_leaseloft_metrics_word(ngx_str_t *word, char *others);
static u_char *ngx_leaseloft_metrics_gather(u_char *p,
    ngx_leaseloft_sample_t *sample, ngx_leaseloft_sample_t *last);


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
    { "tokens_refused_total", "Requests answered 401." },
    { "tokens_verified_total", "Tokens not found among those verified before." }
};


ngx_int_t
ngx_leaseloft_metrics_create(ngx_pool_t *pool,
    ngx_leaseloft_process_t *process, redisReply *reply, ngx_uint_t searches,
    ngx_str_t *text)
{
    size_t                   size;
    u_char                  *p, *last;
    ngx_uint_t               i;
    ngx_array_t              samples;
    ngx_leaseloft_sample_t  *sample, *end;

    if (ngx_array_init(&samples, pool, 32, sizeof(ngx_leaseloft_sample_t))
        != NGX_OK
        || ngx_leaseloft_metrics_samples(&samples, reply) != NGX_OK)
    {
        return NGX_ERROR;
    }

    size = ngx_leaseloft_metrics_size(process->cluster);
    sample = samples.elts;
    end = sample + samples.nelts;

    /* each sample may be the first of its name */
    for (i = 0; i < samples.nelts; i++) {
        size += 256 + 3 * sample[i].name.len + sample[i].worker.len
                + sample[i].value.len;
    }

    p = ngx_pnalloc(pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;
    last = p + size;

    p = ngx_slprintf(p, last,
                     "# HELP leaseloft_build_info The version of this module.\n"
                     "# TYPE leaseloft_build_info gauge\n"
                     "leaseloft_build_info{version=\"" LEASELOFT_VERSION "\","
                     "nginx=\"" NGINX_VERSION "\"} 1\n");
    p = ngx_leaseloft_metrics_number(p, last, "redis_up", "gauge",
                                     "1 while both connections to Redis work.",
                                     ngx_leaseloft_cluster_reachable(
                                                             process->cluster)
                                     == LL_SLOTS);
    p = ngx_leaseloft_metrics_nodes(p, last, process->cluster);
    p = ngx_leaseloft_metrics_number(p, last, "workers", "gauge",
                                     "Workers with a heartbeat within 3 s.",
                                     ngx_leaseloft_metrics_workers(reply));
    p = ngx_leaseloft_metrics_number(p, last, "streams", "gauge",
                                     "Event streams open now.",
                                     ngx_leaseloft_zone_streams(process->zone));
    p = ngx_leaseloft_metrics_number(p, last, "searches_waiting", "gauge",
                                     "Searches that wait for a worker.",
                                     searches);

    p = ngx_leaseloft_metrics_counters(p, last, process);

    for ( /* void */ ; sample < end; sample++) {
        p = ngx_leaseloft_metrics_gather(p, sample, end);
    }

    text->len = p - text->data;

    return NGX_OK;
}


/* bytes for all metrics but those of workers */
static size_t
ngx_leaseloft_metrics_size(ngx_leaseloft_cluster_t *cluster)
{
    size_t                   size;
    ngx_leaseloft_client_t  *client;

    size = NGX_LEASELOFT_METRICS_SIZE;

    for (client = ngx_leaseloft_cluster_next(cluster, NULL);
         client;
         client = ngx_leaseloft_cluster_next(cluster, client))
    {
        size += 512;
    }

    return size;
}


/* what can be reached of Redis, and in a cluster each primary */
static u_char *
ngx_leaseloft_metrics_nodes(u_char *p, u_char *last,
    ngx_leaseloft_cluster_t *cluster)
{
    ngx_leaseloft_client_t  *client;
    ngx_leaseloft_server_t  *server;

    p = ngx_leaseloft_metrics_number(p, last, "redis_slots_reachable", "gauge",
                                     "Slots of Redis Cluster that can be "
                                     "reached, of 16384; all or none of a "
                                     "single server.",
                                     ngx_leaseloft_cluster_reachable(cluster));

    client = ngx_leaseloft_cluster_next(cluster, NULL);

    if (client == NULL
        || ngx_leaseloft_cluster_server(cluster, client) == NULL)
    {
        return p;
    }

    p = ngx_slprintf(p, last,
                     "# HELP leaseloft_redis_node_up 1 while both connections "
                     "to this primary work.\n"
                     "# TYPE leaseloft_redis_node_up gauge\n");

    for ( /* void */ ; client;
         client = ngx_leaseloft_cluster_next(cluster, client))
    {
        server = ngx_leaseloft_cluster_server(cluster, client);
        p = ngx_slprintf(p, last, "leaseloft_redis_node_up{node=\"%s:%ui\"} "
                         "%ui\n", server->host, (ngx_uint_t) server->port,
                         ngx_leaseloft_client_up(client));
    }

    return p;
}


/* those of the zone */
static u_char *
ngx_leaseloft_metrics_counters(u_char *p, u_char *last,
    ngx_leaseloft_process_t *process)
{
    ngx_uint_t               i, value;
    ngx_leaseloft_metric_t  *metric;

    for (i = 0; i < NGX_LEASELOFT_COUNTERS; i++) {
        metric = &ngx_leaseloft_metrics[i];
        value = ngx_leaseloft_zone_counter(process->zone, i);

        if (i == NGX_LEASELOFT_SEARCH_MSECS) {
            p = ngx_leaseloft_metrics_seconds(p, last, metric->name,
                                              metric->help, value);
        } else {
            p = ngx_leaseloft_metrics_number(p, last, metric->name, "counter",
                                             metric->help, value);
        }
    }

    return p;
}


static u_char *
ngx_leaseloft_metrics_number(u_char *p, u_char *last, char *name, char *type,
    char *help, ngx_uint_t value)
{
    return ngx_slprintf(p, last, "# HELP leaseloft_%s %s\n"
                        "# TYPE leaseloft_%s %s\n"
                        "leaseloft_%s %ui\n",
                        name, help, name, type, name, value);
}


/* a counter of milliseconds */
static u_char *
ngx_leaseloft_metrics_seconds(u_char *p, u_char *last, char *name, char *help,
    ngx_uint_t ms)
{
    return ngx_slprintf(p, last, "# HELP leaseloft_%s %s\n"
                        "# TYPE leaseloft_%s counter\n"
                        "leaseloft_%s %ui.%03ui\n",
                        name, help, name, name, ms / 1000, ms % 1000);
}


static ngx_uint_t
ngx_leaseloft_metrics_workers(redisReply *reply)
{
    return reply && reply->elements > 2
           && reply->element[1]->type == REDIS_REPLY_INTEGER
           ? (ngx_uint_t) reply->element[1]->integer : 0;
}


static ngx_int_t
ngx_leaseloft_metrics_samples(ngx_array_t *samples, redisReply *reply)
{
    size_t       i;
    ngx_str_t    worker, record;
    redisReply  *list, **element;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY
        || reply->elements < 3 || reply->element[2]->type != REDIS_REPLY_ARRAY)
    {
        return NGX_OK;
    }

    list = reply->element[2];

    for (i = 0; i + 1 < list->elements; i += 2) {
        element = &list->element[i];

        if (element[0]->type != REDIS_REPLY_STRING
            || element[1]->type != REDIS_REPLY_STRING)
        {
            continue;
        }

        worker.data = (u_char *) element[0]->str;
        worker.len = element[0]->len;
        record.data = (u_char *) element[1]->str;
        record.len = element[1]->len;

        if (ngx_leaseloft_metrics_word(&worker, "_-.:@")
            && ngx_leaseloft_metrics_record(samples, &worker, &record)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* "TIME NAME=VALUE NAME=VALUE ..." */
static ngx_int_t
ngx_leaseloft_metrics_record(ngx_array_t *samples, ngx_str_t *worker,
    ngx_str_t *record)
{
    u_char                  *p, *last, *end, *sign;
    ngx_str_t                name, value;
    ngx_leaseloft_sample_t  *sample;

    p = record->data;
    last = p + record->len;

    for ( /* void */ ; p < last; p = end + 1) {

        end = ngx_strlchr(p, last, ' ');
        if (end == NULL) {
            end = last;
        }

        sign = ngx_strlchr(p, end, '=');
        if (sign == NULL) {
            continue;
        }

        name.data = p;
        name.len = sign - p;
        value.data = sign + 1;
        value.len = end - sign - 1;

        if (!ngx_leaseloft_metrics_word(&name, "_")
            || !ngx_leaseloft_metrics_word(&value, ".-"))
        {
            continue;
        }

        sample = ngx_array_push(samples);
        if (sample == NULL) {
            return NGX_ERROR;
        }

        sample->worker = *worker;
        sample->name = name;
        sample->value = value;
        sample->done = 0;
    }

    return NGX_OK;
}


/* 1: only letters, digits, and others, none of which needs an escape */
static ngx_uint_t
ngx_leaseloft_metrics_word(ngx_str_t *word, char *others)
{
    u_char  c;
    size_t  i;

    for (i = 0; i < word->len; i++) {
        c = word->data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9') || (c && strchr(others, c))))
        {
            return 0;
        }
    }

    return word->len != 0;
}


/* writes all samples with the name of the first, unless already written */
static u_char *
ngx_leaseloft_metrics_gather(u_char *p, ngx_leaseloft_sample_t *sample,
    ngx_leaseloft_sample_t *last)
{
    ngx_str_t  *name;

    if (sample->done) {
        return p;
    }

    name = &sample->name;

    p = ngx_sprintf(p, "# HELP leaseloft_worker_%V_total "
                    "Counted by workers since their start.\n"
                    "# TYPE leaseloft_worker_%V_total counter\n",
                    name, name);

    for ( /* void */ ; sample < last; sample++) {

        if (sample->name.len != name->len
            || ngx_memcmp(sample->name.data, name->data, name->len) != 0)
        {
            continue;
        }

        p = ngx_sprintf(p, "leaseloft_worker_%V_total{worker=\"%V\"} %V\n",
                        name, &sample->worker, &sample->value);
        sample->done = 1;
    }

    return p;
}
