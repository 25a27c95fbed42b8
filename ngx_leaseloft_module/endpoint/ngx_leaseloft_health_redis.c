
/* Health of Redis: connections, what it refuses, its disk, its functions. */


#include "ngx_leaseloft_cluster.h"
#include "ngx_leaseloft_disk.h"
#include "ngx_leaseloft_health_redis.h"

#include "common/version.h"


/* the reply is an error */
static void
ngx_leaseloft_health_redis_refused(ngx_leaseloft_report_t *report, char *text)
{
    if (ngx_strncmp(text, "NOPERM ", 7) == 0) {
        report->nginx = "down";
        ngx_leaseloft_report_say(report, &report->faults,
                                 "nginx's Redis user may not run FCALL_RO: "
                                 "%s.", text);

    } else if (ngx_strncmp(text, "ERR Function not found", 22) == 0) {
        ngx_leaseloft_report_say(report, &report->faults,
                                 "Redis lacks the library of functions: "
                                 "start a worker, which loads it.");

    } else {
        report->redis = "down";
        ngx_leaseloft_report_say(report, &report->faults,
                                 "Redis refuses: %s.", text);
    }
}


/* what a client, of one primary of several if server is set, cannot do */
static void
ngx_leaseloft_health_redis_client(ngx_leaseloft_report_t *report,
    ngx_leaseloft_client_t *client, ngx_leaseloft_server_t *server)
{
    char        *why, *refusal;
    u_char      *last, name[sizeof(server->host) + 64];
    ngx_uint_t   slots;

    slots = ngx_leaseloft_cluster_slots(report->process->cluster, client);
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
        report->redis = "down";
        ngx_leaseloft_report_say(report, &report->faults,
                                 "%*s is not connected%s%s.",
                                 (size_t) (last - name), name,
                                 *why ? ", " : " ", *why ? why : "yet");
        return;
    }

    refusal = ngx_leaseloft_client_refusal(client);

    if (*refusal) {
        report->redis = "down";
        ngx_leaseloft_report_say(report, &report->faults,
                                 "%*s refuses to write: %s.",
                                 (size_t) (last - name), name, refusal);
    }
}


static void
ngx_leaseloft_health_redis_connected(ngx_leaseloft_report_t *report)
{
    char                     *why;
    ngx_uint_t                covered;
    ngx_leaseloft_client_t   *client;
    ngx_leaseloft_cluster_t  *cluster;

    cluster = report->process->cluster;

    for (client = ngx_leaseloft_cluster_next(cluster, NULL);
         client;
         client = ngx_leaseloft_cluster_next(cluster, client))
    {
        ngx_leaseloft_health_redis_client(report, client,
                                          ngx_leaseloft_cluster_server(cluster,
                                                                       client));
    }

    covered = ngx_leaseloft_cluster_covered(cluster);

    if (covered == 0) {
        why = ngx_leaseloft_cluster_why(cluster);
        report->redis = "down";
        ngx_leaseloft_report_say(report, &report->faults,
                                 "No server has said which primaries the "
                                 "Redis Cluster has%s%s.",
                                 *why ? ", " : " ", *why ? why : "yet");

    } else if (covered < LL_SLOTS) {
        report->redis = "down";
        ngx_leaseloft_report_say(report, &report->faults,
                                 "No primary has %ui of the 16384 slots of "
                                 "the Redis Cluster.", LL_SLOTS - covered);
    }
}


/*
 * The disk comes first, as the cause of what follows: a Redis that cannot write
 * ends, and tells its log only.
 */
static void
ngx_leaseloft_health_redis_disk(ngx_leaseloft_report_t *report)
{
    off_t                        left;
    ngx_leaseloft_redis_conf_t  *rcf;

    rcf = &report->process->conf->redis;
    left = ngx_leaseloft_disk_free(rcf);

    if (left < NGX_LEASELOFT_DISK_FULL) {
        report->redis = "down";
        ngx_leaseloft_report_say(report, &report->faults,
                                 "The disk of Redis is full, so that it cannot "
                                 "write and ends: free some of \"%V\".",
                                 &rcf->dir);

    } else if (left < NGX_LEASELOFT_DISK_LOW) {
        ngx_leaseloft_report_say(report, &report->advice,
                                 "The disk of Redis is almost full, \"%V\" "
                                 "has %O MiB free, and Redis ends when it is: "
                                 "free some, or enlarge it.", &rcf->dir,
                                 left >> 20);
    }
}


/* functions before revision 34 do not say which they are */
static void
ngx_leaseloft_health_redis_library(ngx_leaseloft_report_t *report,
    redisReply *reply)
{
    if (reply->elements > 4
        && reply->element[4]->type == REDIS_REPLY_INTEGER
        && reply->element[4]->integer >= LEASELOFT_REVISION)
    {
        return;
    }

    report->workers = "down";
    ngx_leaseloft_report_say(report, &report->faults,
                             "Redis has functions of a revision before %d, "
                             "which this nginx needs: start a worker of "
                             "version " LEASELOFT_VERSION ", which loads them.",
                             LEASELOFT_REVISION);
}


ngx_int_t
ngx_leaseloft_health_redis(ngx_leaseloft_report_t *report, redisReply *reply)
{
    redisReply  **element;

    ngx_leaseloft_health_redis_disk(report);

    /* of a single server, an error reply says more */

    if (reply == NULL || report->process->conf->redis.cluster) {
        ngx_leaseloft_health_redis_connected(report);
    }

    if (reply == NULL) {
        report->nginx = "unknown";

        if (report->faults.nelts == 0) {
            report->redis = "down";
            ngx_leaseloft_report_say(report, &report->faults,
                                     "Redis does not answer.");
        }

        return NGX_DECLINED;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_leaseloft_health_redis_refused(report, reply->str);
        return NGX_DECLINED;
    }

    element = reply->element;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 3
        || element[2]->type != REDIS_REPLY_ARRAY)
    {
        report->redis = "down";
        ngx_leaseloft_report_say(report, &report->faults,
                                 "Redis sent a malformed list of workers.");
        return NGX_DECLINED;
    }

    /* functions before revision 7 return no fourth element */

    if (reply->elements > 3 && element[3]->type == REDIS_REPLY_STRING
        && element[3]->len)
    {
        report->nginx = "down";
        ngx_leaseloft_report_say(report, &report->faults,
                                 "nginx's Redis user may not run %s.",
                                 element[3]->str);
        return NGX_DECLINED;
    }

    if (!report->process->conf->redis.cluster) {
        ngx_leaseloft_health_redis_connected(report);
    }

    ngx_leaseloft_health_redis_library(report, reply);

    return NGX_OK;
}
