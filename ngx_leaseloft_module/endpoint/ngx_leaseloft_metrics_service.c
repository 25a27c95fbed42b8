
/*
 * Metrics of the service, which every nginx has alike.
 *
 * Counters of workers may have any name: each NAME=VALUE of a heartbeat is a
 * sample of the counter leaseloft_worker_NAME_total.  The format requires all
 * samples of a metric to be adjacent, so they are grouped by name.  What Redis
 * did not tell is left out.
 */


#include "ngx_leaseloft_metrics_service.h"


/* one value of one worker; points into the reply */
typedef struct {
    ngx_str_t                   worker;
    ngx_str_t                   name;
    ngx_str_t                   value;
    ngx_uint_t                  fact;      /* of NAME:VALUE */
    ngx_uint_t                  done;      /* written */
} ngx_leaseloft_sample_t;


/* one for each ngx_leaseloft_depth_what_e */
static const struct {
    char                       *name;
    char                       *help;
} ngx_leaseloft_metrics_service_depths[] = {
    { "queue_requests", "Requests in a queue that are not finished." },
    { "queue_oldest_seconds", "Age of the oldest of these." },
    { "dead_letters", "Requests that workers gave up." },
    { "searches_waiting", "Searches that wait for a worker." }
};


/* 1: only letters, digits, and others, none of which needs an escape */
static ngx_uint_t
ngx_leaseloft_metrics_service_word(ngx_str_t *word, char *others)
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


/* "TIME NAME=VALUE ... NAME:VALUE ...": counters, then facts */
static ngx_int_t
ngx_leaseloft_metrics_service_record(ngx_array_t *samples, ngx_str_t *worker,
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
            sign = ngx_strlchr(p, end, ':');
        }

        if (sign == NULL) {
            continue;
        }

        name.data = p;
        name.len = sign - p;
        value.data = sign + 1;
        value.len = end - sign - 1;

        if (!ngx_leaseloft_metrics_service_word(&name, "_")
            || !ngx_leaseloft_metrics_service_word(&value, ".-"))
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
        sample->fact = *sign == ':';
        sample->done = 0;
    }

    return NGX_OK;
}


ngx_int_t
ngx_leaseloft_metrics_service_samples(ngx_pool_t *pool,
    ngx_leaseloft_metrics_t *metrics, ngx_array_t *samples)
{
    size_t       i;
    ngx_str_t    worker, record;
    redisReply  *reply, *list, **element;

    reply = metrics->reply;

    if (ngx_array_init(samples, pool, 32, sizeof(ngx_leaseloft_sample_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

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

        if (ngx_leaseloft_metrics_service_word(&worker, "_-.:@")
            && ngx_leaseloft_metrics_service_record(samples, &worker, &record)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


size_t
ngx_leaseloft_metrics_service_size(ngx_leaseloft_metrics_t *metrics,
    ngx_array_t *samples)
{
    size_t                   size;
    ngx_uint_t               i;
    ngx_leaseloft_sample_t  *sample;

    size = 2048 + 128 * metrics->depth.items.nelts;
    sample = samples->elts;

    /* each sample may be the first of its name */
    for (i = 0; i < samples->nelts; i++) {
        size += 256 + 3 * sample[i].name.len + sample[i].worker.len
                + sample[i].value.len;
    }

    return size;
}


static ngx_uint_t
ngx_leaseloft_metrics_service_workers(redisReply *reply)
{
    return reply && reply->elements > 2
           && reply->element[1]->type == REDIS_REPLY_INTEGER
           ? (ngx_uint_t) reply->element[1]->integer : 0;
}


/* the fact NAME of a worker, or empty */
static ngx_str_t
ngx_leaseloft_metrics_service_fact(ngx_array_t *samples, ngx_str_t *worker,
    char *name)
{
    ngx_str_t                value;
    ngx_uint_t               i;
    ngx_leaseloft_sample_t  *sample;

    ngx_str_null(&value);
    sample = samples->elts;

    for (i = 0; i < samples->nelts; i++) {
        if (sample[i].fact && sample[i].worker.data == worker->data
            && sample[i].name.len == ngx_strlen(name)
            && ngx_memcmp(sample[i].name.data, name, sample[i].name.len) == 0)
        {
            value = sample[i].value;
        }
    }

    return value;
}


/* versions and start times */
static u_char *
ngx_leaseloft_metrics_service_facts(u_char *p, u_char *last,
    ngx_array_t *samples)
{
    ngx_str_t                version, library;
    ngx_uint_t               i;
    ngx_leaseloft_sample_t  *sample;

    sample = samples->elts;

    p = ngx_slprintf(p, last, "# HELP leaseloft_worker_info The version of a "
                     "worker and of its functions.\n"
                     "# TYPE leaseloft_worker_info gauge\n");

    for (i = 0; i < samples->nelts; i++) {
        version = sample[i].value;

        if (!sample[i].fact || sample[i].name.len != sizeof("version") - 1
            || ngx_memcmp(sample[i].name.data, "version", 7) != 0)
        {
            continue;
        }

        library = ngx_leaseloft_metrics_service_fact(samples,
                                                     &sample[i].worker,
                                                     "library");
        p = ngx_slprintf(p, last, "leaseloft_worker_info{worker=\"%V\","
                         "version=\"%V\",library=\"%V\"} 1\n",
                         &sample[i].worker, &version, &library);
    }

    p = ngx_slprintf(p, last, "# HELP leaseloft_worker_start_time_seconds "
                     "When a worker started, in seconds since 1970.\n"
                     "# TYPE leaseloft_worker_start_time_seconds gauge\n");

    for (i = 0; i < samples->nelts; i++) {
        if (sample[i].fact && sample[i].name.len == sizeof("started") - 1
            && ngx_memcmp(sample[i].name.data, "started", 7) == 0)
        {
            p = ngx_slprintf(p, last, "leaseloft_worker_start_time_seconds"
                             "{worker=\"%V\"} %V\n", &sample[i].worker,
                             &sample[i].value);
        }
    }

    return p;
}


/* lengths, and the age of the oldest request by the clock of Redis */
static u_char *
ngx_leaseloft_metrics_service_depth(u_char *p, u_char *last,
    ngx_leaseloft_metrics_t *metrics)
{
    int64_t                      value, now;
    ngx_int_t                    what;
    ngx_uint_t                   i;
    ngx_leaseloft_depth_item_t  *item;

    item = metrics->depth.items.elts;
    what = -1;
    now = metrics->reply && metrics->reply->elements
          ? metrics->reply->element[0]->integer : 0;

    for (i = 0; i < metrics->depth.items.nelts; i++) {
        value = item[i].value;

        if (value < 0) {
            continue;
        }

        if (what != (ngx_int_t) item[i].what) {
            what = item[i].what;
            p = ngx_slprintf(p, last, "# HELP leaseloft_%s %s\n"
                             "# TYPE leaseloft_%s gauge\n",
                             ngx_leaseloft_metrics_service_depths[what].name,
                             ngx_leaseloft_metrics_service_depths[what].help,
                             ngx_leaseloft_metrics_service_depths[what].name);
        }

        p = ngx_slprintf(p, last, "leaseloft_%s",
                         ngx_leaseloft_metrics_service_depths[what].name);

        if (what != NGX_LEASELOFT_DEPTH_SEARCHES) {
            p = ngx_slprintf(p, last, "{queue=\"%ui\"}", item[i].queue);
        }

        if (what == NGX_LEASELOFT_DEPTH_OLDEST) {
            value = value && now > value ? now - value : 0;
            p = ngx_slprintf(p, last, " %L.%03L\n", value / 1000,
                             value % 1000);
        } else {
            p = ngx_slprintf(p, last, " %L\n", value);
        }
    }

    return p;
}


/* writes all samples with the name of the first, unless already written */
static u_char *
ngx_leaseloft_metrics_service_gather(u_char *p, u_char *end,
    ngx_leaseloft_sample_t *sample, ngx_leaseloft_sample_t *last)
{
    ngx_str_t  *name;

    if (sample->done || sample->fact) {
        return p;
    }

    name = &sample->name;

    p = ngx_slprintf(p, end, "# HELP leaseloft_worker_%V_total "
                    "Counted by workers since their start.\n"
                    "# TYPE leaseloft_worker_%V_total counter\n",
                    name, name);

    for ( /* void */ ; sample < last; sample++) {

        if (sample->fact || sample->name.len != name->len
            || ngx_memcmp(sample->name.data, name->data, name->len) != 0)
        {
            continue;
        }

        p = ngx_slprintf(p, end, "leaseloft_worker_%V_total"
                         "{worker=\"%V\"} %V\n",
                         name, &sample->worker, &sample->value);
        sample->done = 1;
    }

    return p;
}


u_char *
ngx_leaseloft_metrics_service(u_char *p, u_char *last,
    ngx_leaseloft_metrics_t *metrics, ngx_array_t *samples)
{
    ngx_leaseloft_sample_t  *sample, *end;

    p = ngx_slprintf(p, last, "# HELP leaseloft_workers Workers with a "
                     "heartbeat within 3 s.\n"
                     "# TYPE leaseloft_workers gauge\n"
                     "leaseloft_workers %ui\n",
                     ngx_leaseloft_metrics_service_workers(metrics->reply));

    p = ngx_leaseloft_metrics_service_depth(p, last, metrics);
    p = ngx_leaseloft_metrics_service_facts(p, last, samples);

    sample = samples->elts;
    end = sample + samples->nelts;

    for ( /* void */ ; sample < end; sample++) {
        p = ngx_leaseloft_metrics_service_gather(p, last, sample, end);
    }

    return p;
}
