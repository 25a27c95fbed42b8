
/*
 * Health: 200 while messages can be sent and delivered, that is, while
 *
 *   - Redis answers nginx on both connections, and accepts writes; of a Redis
 *     Cluster, the primaries of all slots do,
 *   - nginx's Redis user may run all commands that requests need,
 *   - each queue is read by a worker that has sent a heartbeat within 3 seconds
 *     and whose Redis user may run all commands that it needs.
 *
 * and its drain file does not exist.
 *
 * Otherwise the response is 503 and lists the faults.  Problems that delay no
 * message are listed as advice.  All memory is in the request's pool.
 */


#include "ngx_leaseloft_cluster.h"
#include "ngx_leaseloft_depth.h"
#include "ngx_leaseloft_response.h"
#include "ngx_leaseloft_status.h"
#include "ngx_leaseloft_switch.h"

#include "common/version.h"


typedef struct {
    ngx_pool_t                 *pool;
    ngx_leaseloft_process_t    *process;
    ngx_array_t                 faults;    /* of ngx_str_t: sentences */
    ngx_array_t                 advice;
    ngx_int_t                   drain;     /* NGX_OK: the drain file exists */
    char                       *nginx;     /* "up", "down" or "unknown" */
    char                       *redis;
    char                       *workers;
} ngx_leaseloft_health_t;


/* a summary of the heartbeats of the workers */
typedef struct {
    ngx_uint_t                  able;      /* workers with all rights */
    uint64_t                    reads;     /* bits of the queues they read */
    ngx_array_t                 refused;   /* ngx_str_t: rights others lack */
} ngx_leaseloft_workers_t;


static ngx_int_t ngx_leaseloft_health_handler(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx);
static ngx_int_t ngx_leaseloft_health_answer(ngx_leaseloft_ctx_t *ctx,
    redisReply *reply);
static ngx_int_t ngx_leaseloft_health_redis(ngx_leaseloft_health_t *health,
    redisReply *reply);
static void ngx_leaseloft_health_workers(ngx_leaseloft_health_t *health,
    redisReply *heartbeats);
static ngx_int_t ngx_leaseloft_health_document(ngx_leaseloft_health_t *health,
    ngx_uint_t status, ngx_str_t *document);


ngx_leaseloft_endpoint_t  ngx_leaseloft_health_endpoint = {
    .kind = NGX_LEASELOFT_ENDPOINT_HEALTH,
    .method = NGX_HTTP_GET|NGX_HTTP_HEAD,
    .methods = ngx_string("GET, HEAD"),
    .handler = ngx_leaseloft_health_handler
};


static ngx_int_t
ngx_leaseloft_health_handler(ngx_http_request_t *r, ngx_leaseloft_ctx_t *ctx)
{
    return ngx_leaseloft_status_ask(ctx, ngx_leaseloft_health_answer);
}


/* adds a sentence; without memory, does nothing */
static void
ngx_leaseloft_health_say(ngx_leaseloft_health_t *health, ngx_array_t *list,
    char *fmt, ...)
{
    u_char      text[512], *last;
    va_list     args;
    ngx_str_t  *sentence;

    va_start(args, fmt);
    last = ngx_vslprintf(text, text + sizeof(text), fmt, args);
    va_end(args);

    sentence = ngx_array_push(list);
    if (sentence == NULL) {
        return;
    }

    sentence->len = last - text;
    sentence->data = ngx_pnalloc(health->pool, sentence->len);

    if (sentence->data == NULL) {
        sentence->len = 0;
        return;
    }

    ngx_memcpy(sentence->data, text, sentence->len);
}


/* logs a new or different fault */
static void
ngx_leaseloft_health_log(ngx_leaseloft_health_t *health)
{
    uint32_t    faults;
    ngx_str_t  *fault;

    faults = 0;

    if (health->faults.nelts) {
        fault = health->faults.elts;
        faults = ngx_crc32_long(fault->data, fault->len);

        if (faults != health->process->faults) {
            ngx_log_error(NGX_LOG_ERR, health->process->log, 0,
                          "health: \"%V\"", fault);
        }
    }

    health->process->faults = faults;
}


static ngx_int_t
ngx_leaseloft_health_answer(ngx_leaseloft_ctx_t *ctx, redisReply *reply)
{
    ngx_str_t                document;
    ngx_uint_t               status;
    ngx_http_request_t      *r;
    ngx_leaseloft_health_t   health;

    r = ctx->request;

    health.pool = r->pool;
    health.process = ctx->process;
    health.nginx = "up";
    health.redis = "up";
    health.workers = "up";

    if (ngx_array_init(&health.faults, r->pool, 4, sizeof(ngx_str_t))
        != NGX_OK
        || ngx_array_init(&health.advice, r->pool, 4, sizeof(ngx_str_t))
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_leaseloft_health_redis(&health, reply) == NGX_OK) {
        ngx_leaseloft_health_workers(&health, reply->element[2]);

    } else {
        health.workers = "unknown";
    }

    ngx_leaseloft_health_log(&health);

    health.drain = ngx_leaseloft_switch_on(r);

    if (health.drain == NGX_ERROR) {
        ngx_leaseloft_health_say(&health, &health.advice,
                                 "The drain file cannot be looked for.");
    }

    status = health.faults.nelts || health.drain == NGX_OK
             ? NGX_HTTP_SERVICE_UNAVAILABLE : NGX_HTTP_OK;

    if (ngx_leaseloft_health_document(&health, status, &document) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (status == NGX_HTTP_OK) {
        return ngx_leaseloft_response_json(r, status, &document);
    }

    return ngx_leaseloft_response_document(r, status, &document);
}


/* the reply is an error */
static void
ngx_leaseloft_health_refused(ngx_leaseloft_health_t *health, char *text)
{
    if (ngx_strncmp(text, "NOPERM ", 7) == 0) {
        health->nginx = "down";
        ngx_leaseloft_health_say(health, &health->faults,
                                 "nginx's Redis user may not run FCALL_RO: "
                                 "%s.", text);

    } else if (ngx_strncmp(text, "ERR Function not found", 22) == 0) {
        ngx_leaseloft_health_say(health, &health->faults,
                                 "Redis lacks the library of functions: "
                                 "start a worker, which loads it.");

    } else {
        health->redis = "down";
        ngx_leaseloft_health_say(health, &health->faults,
                                 "Redis refuses: %s.", text);
    }
}


/* what a client, of one primary of several if server is set, cannot do */
static void
ngx_leaseloft_health_client(ngx_leaseloft_health_t *health,
    ngx_leaseloft_client_t *client, ngx_leaseloft_server_t *server)
{
    char        *why, *refusal;
    u_char      *last, name[sizeof(server->host) + 64];
    ngx_uint_t   slots;

    slots = ngx_leaseloft_cluster_slots(health->process->cluster, client);
    if (slots == 0) {
        return;
    }

    last = ngx_cpymem(name, "Redis", sizeof("Redis") - 1);

    if (server) {
        last = ngx_sprintf(name, "Redis %s:%ui, which has %ui of 16384 slots,",
                           server->host, (ngx_uint_t) server->port, slots);
    }

    if (!ngx_leaseloft_client_up(client)) {
        why = ngx_leaseloft_client_why(client);
        health->redis = "down";
        ngx_leaseloft_health_say(health, &health->faults,
                                 "%*s is not connected%s%s.",
                                 (size_t) (last - name), name,
                                 *why ? ", " : " ", *why ? why : "yet");
        return;
    }

    refusal = ngx_leaseloft_client_refusal(client);

    if (*refusal) {
        health->redis = "down";
        ngx_leaseloft_health_say(health, &health->faults,
                                 "%*s refuses to write: %s.",
                                 (size_t) (last - name), name, refusal);
    }
}


static void
ngx_leaseloft_health_connected(ngx_leaseloft_health_t *health)
{
    char                     *why;
    ngx_uint_t                covered;
    ngx_leaseloft_client_t   *client;
    ngx_leaseloft_cluster_t  *cluster;

    cluster = health->process->cluster;

    for (client = ngx_leaseloft_cluster_next(cluster, NULL);
         client;
         client = ngx_leaseloft_cluster_next(cluster, client))
    {
        ngx_leaseloft_health_client(health, client,
                                    ngx_leaseloft_cluster_server(cluster,
                                                                 client));
    }

    covered = ngx_leaseloft_cluster_covered(cluster);

    if (covered == 0) {
        why = ngx_leaseloft_cluster_why(cluster);
        health->redis = "down";
        ngx_leaseloft_health_say(health, &health->faults,
                                 "No server has said which primaries the "
                                 "Redis Cluster has%s%s.",
                                 *why ? ", " : " ", *why ? why : "yet");

    } else if (covered < LL_SLOTS) {
        health->redis = "down";
        ngx_leaseloft_health_say(health, &health->faults,
                                 "No primary has %ui of the 16384 slots of "
                                 "the Redis Cluster.", LL_SLOTS - covered);
    }
}


/* NGX_OK: the reply is well-formed, and has the list of workers */
static ngx_int_t
ngx_leaseloft_health_redis(ngx_leaseloft_health_t *health, redisReply *reply)
{
    redisReply  **element;

    /* of a single server, an error reply says more */

    if (reply == NULL || health->process->conf->redis.cluster) {
        ngx_leaseloft_health_connected(health);
    }

    if (reply == NULL) {
        health->nginx = "unknown";

        if (health->faults.nelts == 0) {
            health->redis = "down";
            ngx_leaseloft_health_say(health, &health->faults,
                                     "Redis does not answer.");
        }

        return NGX_DECLINED;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_leaseloft_health_refused(health, reply->str);
        return NGX_DECLINED;
    }

    element = reply->element;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 3
        || element[2]->type != REDIS_REPLY_ARRAY)
    {
        health->redis = "down";
        ngx_leaseloft_health_say(health, &health->faults,
                                 "Redis sent a malformed list of workers.");
        return NGX_DECLINED;
    }

    /* functions before revision 7 return no fourth element */

    if (reply->elements > 3 && element[3]->type == REDIS_REPLY_STRING
        && element[3]->len)
    {
        health->nginx = "down";
        ngx_leaseloft_health_say(health, &health->faults,
                                 "nginx's Redis user may not run %s.",
                                 element[3]->str);
        return NGX_DECLINED;
    }

    if (!health->process->conf->redis.cluster) {
        ngx_leaseloft_health_connected(health);
    }

    return NGX_OK;
}


/* the value of NAME in a record "TIME ... NAME:VALUE ...", or empty */
static ngx_str_t
ngx_leaseloft_health_fact(redisReply *record, char *name)
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
ngx_leaseloft_health_reads(redisReply *record)
{
    size_t     i;
    u_char     c;
    uint64_t   reads;
    ngx_str_t  value;

    value = ngx_leaseloft_health_fact(record, "reads");
    reads = value.len ? 0 : ~(uint64_t) 0;

    for (i = 0; i < value.len; i++) {
        c = value.data[i];
        reads = reads * 16 + (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }

    return reads;
}


static void
ngx_leaseloft_health_worker(ngx_leaseloft_health_t *health, redisReply *name,
    redisReply *record, ngx_leaseloft_workers_t *workers)
{
    ngx_str_t  refused, queues, version;

    refused = ngx_leaseloft_health_fact(record, "refused");

    if (refused.len == 0) {
        workers->able++;
        workers->reads |= ngx_leaseloft_health_reads(record);

    } else {
        ngx_leaseloft_health_say(health, &workers->refused,
                                 "Worker %s takes no requests: its Redis "
                                 "user may not run %V.", name->str, &refused);
    }

    queues = ngx_leaseloft_health_fact(record, "queues");

    if (queues.len && !health->process->conf->redis.cluster
        && ngx_atoi(queues.data, queues.len)
           != (ngx_int_t) health->process->conf->queues)
    {
        ngx_leaseloft_health_say(health, &health->advice,
                                 "leaseloft_queues is %ui, --queues of worker "
                                 "%s is %V: set both to the same number.",
                                 health->process->conf->queues, name->str,
                                 &queues);
    }

    version = ngx_leaseloft_health_fact(record, "version");

    if (version.len
        && (version.len != sizeof(LEASELOFT_VERSION) - 1
            || ngx_strncmp(version.data, LEASELOFT_VERSION, version.len) != 0))
    {
        ngx_leaseloft_health_say(health, &health->advice,
                                 "Worker %s has version %V, this nginx has "
                                 LEASELOFT_VERSION ".", name->str, &version);
    }
}


static void
ngx_leaseloft_health_workers(ngx_leaseloft_health_t *health,
    redisReply *heartbeats)
{
    size_t                    i;
    uint64_t                  unread;
    ngx_str_t                *sentences;
    ngx_array_t              *list;
    ngx_leaseloft_workers_t   workers;

    workers.able = 0;
    workers.reads = 0;

    if (ngx_array_init(&workers.refused, health->pool, 4, sizeof(ngx_str_t))
        != NGX_OK)
    {
        return;
    }

    for (i = 0; i + 1 < heartbeats->elements; i += 2) {
        if (heartbeats->element[i]->type == REDIS_REPLY_STRING) {
            ngx_leaseloft_health_worker(health, heartbeats->element[i],
                                        heartbeats->element[i + 1], &workers);
        }
    }

    /* missing rights are a fault unless another worker has them */

    list = workers.able ? &health->advice : &health->faults;
    sentences = ngx_array_push_n(list, workers.refused.nelts);

    if (sentences) {
        ngx_memcpy(sentences, workers.refused.elts,
                   workers.refused.nelts * sizeof(ngx_str_t));
    }

    unread = ngx_leaseloft_depth_queues(health->process) & ~workers.reads;

    if (heartbeats->elements == 0) {
        ngx_leaseloft_health_say(health, &health->faults,
                                 "No worker has sent a heartbeat for "
                                 "3 seconds; \"leaseloft doctor\" says why.");

    } else if (workers.able && unread) {
        for (i = 0; !((unread >> i) & 1); i++) { /* void */ }

        ngx_leaseloft_health_say(health, &health->faults,
                                 "No worker reads queue %uz: leaseloft_queues "
                                 "is %ui.", i, health->process->conf->queues);
    }

    if (unread) {
        health->workers = "down";
    }
}


static u_char *
ngx_leaseloft_health_string(u_char *p, ngx_str_t *text)
{
    *p++ = '"';
    p = (u_char *) ngx_escape_json(p, text->data, text->len);
    *p++ = '"';

    return p;
}


static u_char *
ngx_leaseloft_health_list(u_char *p, ngx_array_t *list)
{
    ngx_str_t   *sentence;
    ngx_uint_t   i;

    sentence = list->elts;
    *p++ = '[';

    for (i = 0; i < list->nelts; i++) {
        if (i) {
            *p++ = ',';
        }

        p = ngx_leaseloft_health_string(p, &sentence[i]);
    }

    *p++ = ']';

    return p;
}


static size_t
ngx_leaseloft_health_size(ngx_array_t *list)
{
    size_t       size;
    ngx_str_t   *sentence;
    ngx_uint_t   i;

    size = 2;
    sentence = list->elts;

    for (i = 0; i < list->nelts; i++) {
        size += 3 + sentence[i].len
                + ngx_escape_json(NULL, sentence[i].data, sentence[i].len);
    }

    return size;
}


/* the members are in docs/http.md: the same, of the same types, always */
static ngx_int_t
ngx_leaseloft_health_document(ngx_leaseloft_health_t *health,
    ngx_uint_t status, ngx_str_t *document)
{
    u_char     *p;
    ngx_str_t  *detail;

    static ngx_str_t  fine = ngx_string("Messages can be sent and delivered.");
    static ngx_str_t  drained = ngx_string("This nginx is drained.");

    detail = health->drain == NGX_OK ? &drained
             : health->faults.nelts ? health->faults.elts : &fine;

    p = ngx_pnalloc(health->pool, 512 + fine.len + drained.len
                    + 2 * ngx_leaseloft_health_size(&health->faults)
                    + ngx_leaseloft_health_size(&health->advice));
    if (p == NULL) {
        return NGX_ERROR;
    }

    document->data = p;

    p = ngx_sprintf(p, "{\"type\":\"about:blank\",\"title\":\"%s\","
                    "\"status\":%ui,\"detail\":",
                    status == NGX_HTTP_OK ? "OK" : "Service Unavailable",
                    status);
    p = ngx_leaseloft_health_string(p, detail);
    p = ngx_sprintf(p, ",\"nginx\":\"%s\",\"redis\":\"%s\","
                    "\"workers\":\"%s\",\"drained\":%s,"
                    "\"slots\":{\"all\":%d,\"reachable\":%ui},\"faults\":",
                    health->nginx, health->redis, health->workers,
                    health->drain == NGX_OK ? "true" : "false", LL_SLOTS,
                    ngx_leaseloft_cluster_reachable(health->process->cluster));
    p = ngx_leaseloft_health_list(p, &health->faults);
    p = ngx_cpymem(p, ",\"advice\":", sizeof(",\"advice\":") - 1);
    p = ngx_leaseloft_health_list(p, &health->advice);
    *p++ = '}';

    document->len = p - document->data;

    return NGX_OK;
}
