
/*
 * Probes of the connections to Redis.  The probe is part of the client, which
 * owns both connections and calls ngx_leaseloft_probe_check() from its timer.
 */


#include "ngx_leaseloft_probe.h"
#include "ngx_leaseloft_write_probe.h"


#define NGX_LEASELOFT_PROBE_INTERVAL  1000
#define NGX_LEASELOFT_PROBE_SILENCE   3500


static void ngx_leaseloft_probe_published(void *data,
    ngx_leaseloft_outcome_e outcome, redisReply *reply);
static void ngx_leaseloft_probe_written(void *data,
    ngx_leaseloft_outcome_e outcome, redisReply *reply);


void
ngx_leaseloft_probe_init(ngx_leaseloft_probe_t *probe,
    ngx_leaseloft_commands_t *commands, ngx_leaseloft_conn_t *subscription,
    ngx_str_t *channel)
{
    probe->commands = commands;
    probe->subscription = subscription;
    probe->channel = channel;
    probe->checked = ngx_current_msec;
}


void
ngx_leaseloft_probe_send(ngx_leaseloft_probe_t *probe)
{
    u_char     text[sizeof("probe \n") + NGX_INT_T_LEN];
    ngx_str_t  argv[3], write[NGX_LEASELOFT_WRITE_PROBE_ARGS];

    if (probe->sharded) {
        ngx_str_set(&argv[0], "SPUBLISH");

    } else {
        ngx_str_set(&argv[0], "PUBLISH");
    }

    argv[1] = *probe->channel;
    argv[2].data = text;
    argv[2].len = ngx_sprintf(text, "probe %M\n", ngx_current_msec) - text;

    probe->sent = ngx_current_msec;

    /* the number of subscribers is meaningful only once subscribed */

    (void) ngx_leaseloft_command_send(probe->commands, 3, argv,
                                      probe->subscribed && !probe->unconfirmed
                                      ? ngx_leaseloft_probe_published : NULL,
                                      probe);

    ngx_leaseloft_write_probe_command(write, probe->channel);

    (void) ngx_leaseloft_command_send(probe->commands,
                                      NGX_LEASELOFT_WRITE_PROBE_ARGS, write,
                                      ngx_leaseloft_probe_written, probe);
}


/* the reply to PUBLISH: the number of this server's subscribers */
static void
ngx_leaseloft_probe_published(void *data, ngx_leaseloft_outcome_e outcome,
    redisReply *reply)
{
    ngx_leaseloft_probe_t *probe = data;

    if (outcome == NGX_LEASELOFT_REPLIED
        && reply->type == REDIS_REPLY_INTEGER && reply->integer == 0
        && probe->subscribed && !probe->unconfirmed)
    {
        ngx_leaseloft_conn_fail(probe->subscription,
                                "connected to another server");
    }
}


/* the reason for which the server accepts no writes, or "" */
static char *
ngx_leaseloft_probe_refusal(redisReply *reply)
{
    /* health names missing rights; the other two are about one slot */

    if (reply->type != REDIS_REPLY_ERROR
        || ngx_strncmp(reply->str, "NOPERM ", 7) == 0
        || ngx_strncmp(reply->str, "MOVED ", 6) == 0
        || ngx_strncmp(reply->str, "ASK ", 4) == 0)
    {
        return "";
    }

    return reply->str;
}


static void
ngx_leaseloft_probe_written(void *data, ngx_leaseloft_outcome_e outcome,
    redisReply *reply)
{
    ngx_leaseloft_probe_t *probe = data;

    char  *why;

    why = outcome == NGX_LEASELOFT_REPLIED ? ngx_leaseloft_probe_refusal(reply)
                                           : "";

    ngx_cpystrn((u_char *) probe->refusal, (u_char *) why,
                sizeof(probe->refusal));
}


void
ngx_leaseloft_probe_touch(ngx_leaseloft_probe_t *probe)
{
    probe->last_received = ngx_current_msec;
}


ngx_uint_t
ngx_leaseloft_probe_match(ngx_str_t *payload)
{
    return payload->len >= 6 && ngx_memcmp(payload->data, "probe ", 6) == 0;
}


ngx_uint_t
ngx_leaseloft_probe_blocked(ngx_leaseloft_probe_t *probe)
{
    ngx_msec_t  late;

    late = ngx_current_msec - probe->checked;
    probe->checked = ngx_current_msec;

    if (late <= NGX_LEASELOFT_PROBE_SILENCE / 2) {
        return 0;
    }

    probe->last_received = ngx_current_msec;
    ngx_leaseloft_command_touch(probe->commands);

    return 1;
}


void
ngx_leaseloft_probe_check(ngx_leaseloft_probe_t *probe)
{
    ngx_leaseloft_conn_t  *command;

    command = probe->commands->conn;

    if (ngx_leaseloft_conn_ready(command)
        && ngx_leaseloft_command_age(probe->commands)
           > NGX_LEASELOFT_PROBE_SILENCE)
    {
        ngx_leaseloft_conn_fail(command, "timed out");
    }

    /* once subscribed, probes arrive only if the command connection is ready */

    if (ngx_leaseloft_conn_ready(probe->subscription)
        && (!probe->subscribed || ngx_leaseloft_conn_ready(command))
        && ngx_current_msec - probe->last_received
           > NGX_LEASELOFT_PROBE_SILENCE)
    {
        ngx_leaseloft_conn_fail(probe->subscription, "timed out");
    }

    if (ngx_leaseloft_conn_ready(command)
        && ngx_current_msec - probe->sent >= NGX_LEASELOFT_PROBE_INTERVAL)
    {
        ngx_leaseloft_probe_send(probe);
    }
}
