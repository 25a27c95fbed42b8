
/*
 * A command that got MOVED goes to the other primary at once; if it gets MOVED
 * there too, and after other errors, it waits for 50 ms.  TRYAGAIN and ASK are
 * of a slot whose keys are being moved, some of them after others.
 *
 * A command whose primary is not connected waits too: the connection may be
 * opened again meanwhile, or another primary may have taken over.
 */


#include "ngx_leaseloft_redirect.h"
#include "ngx_leaseloft_slots.h"


#define NGX_LEASELOFT_REDIRECT_PAUSE    50
#define NGX_LEASELOFT_REDIRECT_LIMIT    1000
#define NGX_LEASELOFT_REDIRECT_HOPS     3      /* without a pause */
#define NGX_LEASELOFT_REDIRECT_WAITING  65536


static ngx_int_t ngx_leaseloft_redirect_handler(void *data,
    ngx_leaseloft_command_t *command, redisReply *reply,
    ngx_leaseloft_server_t *from);
static void ngx_leaseloft_redirect_timer_handler(ngx_event_t *ev);


void
ngx_leaseloft_redirect_init(ngx_leaseloft_redirect_t *redirect,
    ngx_leaseloft_nodes_t *nodes, ngx_log_t *log)
{
    redirect->nodes = nodes;
    ngx_queue_init(&redirect->waiting);

    /* commands that wait delay the exit of the process */

    redirect->timer.handler = ngx_leaseloft_redirect_timer_handler;
    redirect->timer.data = redirect;
    redirect->timer.log = log;

    ngx_leaseloft_nodes_on_redirect(nodes, ngx_leaseloft_redirect_handler,
                                    redirect);
}


static ngx_leaseloft_command_t *
ngx_leaseloft_redirect_take(ngx_queue_t *queue)
{
    ngx_queue_t  *q;

    if (ngx_queue_empty(queue)) {
        return NULL;
    }

    q = ngx_queue_head(queue);
    ngx_queue_remove(q);

    return ngx_queue_data(q, ngx_leaseloft_command_t, queue);
}


void
ngx_leaseloft_redirect_free(ngx_leaseloft_redirect_t *redirect)
{
    ngx_leaseloft_command_t  *command;

    for ( ;; ) {
        command = ngx_leaseloft_redirect_take(&redirect->waiting);
        if (command == NULL) {
            break;
        }

        ngx_leaseloft_command_destroy(command);
    }

    if (redirect->timer.timer_set) {
        ngx_del_timer(&redirect->timer);
    }
}


/* NGX_DECLINED: the limit of time, or of commands, is reached */
static ngx_int_t
ngx_leaseloft_redirect_wait(ngx_leaseloft_redirect_t *redirect,
    ngx_leaseloft_command_t *command)
{
    if (ngx_current_msec - command->since >= NGX_LEASELOFT_REDIRECT_LIMIT
        || redirect->nwaiting >= NGX_LEASELOFT_REDIRECT_WAITING)
    {
        return NGX_DECLINED;
    }

    /* what is known of the slots is outdated, or a primary is lost */

    ngx_leaseloft_nodes_ask(redirect->nodes);

    command->hops = 0;

    ngx_queue_insert_tail(&redirect->waiting, &command->queue);
    redirect->nwaiting++;

    if (!redirect->timer.timer_set) {
        ngx_add_timer(&redirect->timer, NGX_LEASELOFT_REDIRECT_PAUSE);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_leaseloft_redirect_put(ngx_leaseloft_redirect_t *redirect,
    ngx_leaseloft_command_t *command)
{
    ngx_leaseloft_client_t  *client;

    client = ngx_leaseloft_nodes_client(redirect->nodes, command->slot);

    return client ? ngx_leaseloft_client_put(client, command, 0)
                  : NGX_DECLINED;
}


ngx_int_t
ngx_leaseloft_redirect_send(ngx_leaseloft_redirect_t *redirect,
    ngx_leaseloft_command_t *command)
{
    command->since = ngx_current_msec;

    if (ngx_leaseloft_redirect_put(redirect, command) == NGX_OK
        || ngx_leaseloft_redirect_wait(redirect, command) == NGX_OK)
    {
        return NGX_OK;
    }

    ngx_leaseloft_command_destroy(command);

    return NGX_DECLINED;
}


/* sends a command where MOVED or ASK says; NGX_DECLINED: it has to wait */
static ngx_int_t
ngx_leaseloft_redirect_follow(ngx_leaseloft_redirect_t *redirect,
    ngx_leaseloft_command_t *command, ll_slots_redirect_t *to)
{
    ngx_leaseloft_client_t  *client;
    ngx_leaseloft_server_t   server;

    if (++command->hops > NGX_LEASELOFT_REDIRECT_HOPS) {
        return NGX_DECLINED;
    }

    if (!to->ask) {
        return ngx_leaseloft_redirect_put(redirect, command);
    }

    if (ngx_leaseloft_server_set(&server, (u_char *) to->host, to->host_len,
                                 to->port)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    client = ngx_leaseloft_nodes_visit(redirect->nodes, &server);

    return client ? ngx_leaseloft_client_put(client, command, 1)
                  : NGX_DECLINED;
}


static ngx_uint_t
ngx_leaseloft_redirect_begins(redisReply *reply, char *prefix)
{
    return ngx_strncmp(reply->str, prefix, ngx_strlen(prefix)) == 0;
}


static ngx_int_t
ngx_leaseloft_redirect_handler(void *data, ngx_leaseloft_command_t *command,
    redisReply *reply, ngx_leaseloft_server_t *from)
{
    ngx_leaseloft_redirect_t *redirect = data;

    ngx_uint_t           found;
    ll_slots_redirect_t  to;

    found = ngx_leaseloft_slots_redirect(&to, reply->str, reply->len, from)
            == NGX_OK;

    if (found && !to.ask) {
        ngx_leaseloft_nodes_moved(redirect->nodes, &to);
    }

    if (command->text.len == 0
        || (!found && !ngx_leaseloft_redirect_begins(reply, "TRYAGAIN ")
            && !ngx_leaseloft_redirect_begins(reply, "CLUSTERDOWN ")
            && !ngx_leaseloft_redirect_begins(reply, "LOADING ")))
    {
        return NGX_DECLINED;
    }

    if (command->handler == NULL) {
        ngx_leaseloft_command_destroy(command);
        return NGX_OK;
    }

    if (!command->redirected) {
        command->redirected = 1;
        command->since = ngx_current_msec;
    }

    if (found
        && ngx_leaseloft_redirect_follow(redirect, command, &to) == NGX_OK)
    {
        return NGX_OK;
    }

    if (ngx_leaseloft_redirect_wait(redirect, command) != NGX_OK) {
        ngx_leaseloft_command_fail(command);
    }

    return NGX_OK;
}


static void
ngx_leaseloft_redirect_timer_handler(ngx_event_t *ev)
{
    ngx_queue_t                waiting;
    ngx_leaseloft_command_t   *command;
    ngx_leaseloft_redirect_t  *redirect;

    redirect = ev->data;

    if (ngx_queue_empty(&redirect->waiting)) {
        return;
    }

    ngx_queue_init(&waiting);
    ngx_queue_add(&waiting, &redirect->waiting);
    ngx_queue_init(&redirect->waiting);

    for ( ;; ) {
        command = ngx_leaseloft_redirect_take(&waiting);
        if (command == NULL) {
            return;
        }

        redirect->nwaiting--;

        if (command->handler == NULL) {
            ngx_leaseloft_command_destroy(command);

        } else if (ngx_leaseloft_redirect_put(redirect, command) != NGX_OK
                   && ngx_leaseloft_redirect_wait(redirect, command) != NGX_OK)
        {
            ngx_leaseloft_command_fail(command);
        }
    }
}
