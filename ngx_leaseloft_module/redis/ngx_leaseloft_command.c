
/*
 * The queue of reply handlers.  A limited number of its elements is kept for
 * reuse, since each command takes one.  They are allocated from the heap.
 */


#include "ngx_leaseloft_command.h"
#include "ngx_leaseloft_zone.h"


#define NGX_LEASELOFT_COMMAND_SENT_MAX   65536
#define NGX_LEASELOFT_COMMAND_SPARE_MAX  1024


void
ngx_leaseloft_command_init(ngx_leaseloft_commands_t *commands,
    ngx_leaseloft_conn_t *conn, ngx_leaseloft_process_t *process)
{
    ngx_queue_init(&commands->sent);
    ngx_queue_init(&commands->spare);
    commands->conn = conn;
    commands->process = process;
}


static ngx_leaseloft_command_t *
ngx_leaseloft_command_first(ngx_queue_t *queue)
{
    if (ngx_queue_empty(queue)) {
        return NULL;
    }

    return ngx_queue_data(ngx_queue_head(queue), ngx_leaseloft_command_t,
                          queue);
}


void
ngx_leaseloft_command_free(ngx_leaseloft_commands_t *commands)
{
    ngx_leaseloft_command_t  *command;

    ngx_queue_add(&commands->spare, &commands->sent);
    ngx_queue_init(&commands->sent);

    for ( ;; ) {
        command = ngx_leaseloft_command_first(&commands->spare);
        if (command == NULL) {
            return;
        }

        ngx_queue_remove(&command->queue);
        ngx_leaseloft_command_destroy(command);
    }
}


static ngx_leaseloft_command_t *
ngx_leaseloft_command_add(ngx_leaseloft_commands_t *commands,
    ngx_leaseloft_reply_pt handler, void *data)
{
    ngx_leaseloft_command_t  *command;

    if (commands->nsent >= NGX_LEASELOFT_COMMAND_SENT_MAX) {
        return NULL;
    }

    command = ngx_leaseloft_command_first(&commands->spare);

    if (command) {
        ngx_queue_remove(&command->queue);
        commands->nspare--;

    } else {
        command = ngx_alloc(sizeof(ngx_leaseloft_command_t),
                            commands->process->log);
        if (command == NULL) {
            return NULL;
        }
    }

    command->handler = handler;
    command->data = data;
    command->sent = ngx_current_msec;
    ngx_str_null(&command->text);

    ngx_queue_insert_tail(&commands->sent, &command->queue);
    commands->nsent++;

    return command;
}


/* removes a command without a call of its handler */
static void
ngx_leaseloft_command_drop(ngx_leaseloft_commands_t *commands,
    ngx_leaseloft_command_t *command)
{
    ngx_queue_remove(&command->queue);
    commands->nsent--;

    if (command->text.len
        || commands->nspare >= NGX_LEASELOFT_COMMAND_SPARE_MAX)
    {
        ngx_leaseloft_command_destroy(command);
        return;
    }

    ngx_queue_insert_head(&commands->spare, &command->queue);
    commands->nspare++;
}


ngx_leaseloft_command_t *
ngx_leaseloft_command_send(ngx_leaseloft_commands_t *commands, ngx_uint_t argc,
    ngx_str_t *argv, ngx_leaseloft_reply_pt handler, void *data)
{
    ngx_leaseloft_command_t  *command;

    command = ngx_leaseloft_command_add(commands, handler, data);
    if (command == NULL) {
        return NULL;
    }

    if (ngx_leaseloft_conn_command(commands->conn, argc, argv) != NGX_OK) {
        ngx_leaseloft_command_drop(commands, command);
        return NULL;
    }

    ngx_leaseloft_counters_add(commands->process->zone, NGX_LEASELOFT_COMMANDS,
                               1);

    return command;
}


ngx_leaseloft_command_t *
ngx_leaseloft_command_create(ngx_uint_t argc, ngx_str_t *argv,
    ngx_leaseloft_reply_pt handler, void *data, ngx_log_t *log)
{
    ngx_leaseloft_command_t  *command;

    command = ngx_calloc(sizeof(ngx_leaseloft_command_t), log);
    if (command == NULL) {
        return NULL;
    }

    if (ngx_leaseloft_writer_format(&command->text, argc, argv) != NGX_OK) {
        ngx_free(command);
        return NULL;
    }

    command->handler = handler;
    command->data = data;

    return command;
}


void
ngx_leaseloft_command_destroy(ngx_leaseloft_command_t *command)
{
    if (command->text.len) {
        ngx_leaseloft_writer_release(&command->text);
    }

    ngx_free(command);
}


ngx_int_t
ngx_leaseloft_command_put(ngx_leaseloft_commands_t *commands,
    ngx_leaseloft_command_t *command, ngx_uint_t asking)
{
    ngx_str_t  argv;

    if (commands->nsent >= NGX_LEASELOFT_COMMAND_SENT_MAX) {
        return NGX_DECLINED;
    }

    if (asking) {
        ngx_str_set(&argv, "ASKING");

        if (ngx_leaseloft_command_send(commands, 1, &argv, NULL, NULL) == NULL)
        {
            return NGX_DECLINED;
        }
    }

    if (ngx_leaseloft_conn_text(commands->conn, &command->text) != NGX_OK) {
        return NGX_DECLINED;
    }

    command->sent = ngx_current_msec;

    ngx_queue_insert_tail(&commands->sent, &command->queue);
    commands->nsent++;

    ngx_leaseloft_counters_add(commands->process->zone, NGX_LEASELOFT_COMMANDS,
                               1);

    return NGX_OK;
}


void
ngx_leaseloft_command_fail(ngx_leaseloft_command_t *command)
{
    void                    *data;
    ngx_leaseloft_reply_pt   handler;

    handler = command->handler;
    data = command->data;

    ngx_leaseloft_command_destroy(command);

    if (handler) {
        handler(data, NGX_LEASELOFT_UNSENT, NULL);
    }
}


void
ngx_leaseloft_command_cancel(ngx_leaseloft_command_t *command)
{
    command->handler = NULL;
}


/* frees the command first: its handler may send another and reuse it */
static void
ngx_leaseloft_command_end(ngx_leaseloft_commands_t *commands,
    ngx_leaseloft_command_t *command, ngx_leaseloft_outcome_e outcome,
    redisReply *reply)
{
    void                    *data;
    ngx_leaseloft_reply_pt   handler;

    handler = command->handler;
    data = command->data;

    ngx_leaseloft_command_drop(commands, command);

    if (handler) {
        handler(data, outcome, reply);
    }
}


ngx_int_t
ngx_leaseloft_command_reply(ngx_leaseloft_commands_t *commands,
    redisReply *reply)
{
    ngx_leaseloft_command_t  *command;

    command = ngx_leaseloft_command_first(&commands->sent);
    if (command == NULL) {
        return NGX_DECLINED;
    }

    if (reply->type == REDIS_REPLY_ERROR && commands->redirect) {

        ngx_queue_remove(&command->queue);
        commands->nsent--;

        if (commands->redirect(commands->redirect_data, command, reply,
                               commands->server)
            == NGX_OK)
        {
            return NGX_OK;
        }

        ngx_queue_insert_head(&commands->sent, &command->queue);
        commands->nsent++;
    }

    ngx_leaseloft_command_end(commands, command, NGX_LEASELOFT_REPLIED, reply);

    return NGX_OK;
}


/* handlers may cancel other commands, and cannot send new ones now */
void
ngx_leaseloft_command_lost(ngx_leaseloft_commands_t *commands)
{
    ngx_queue_t               lost;
    ngx_leaseloft_command_t  *command;

    if (ngx_queue_empty(&commands->sent)) {
        return;
    }

    ngx_queue_init(&lost);
    ngx_queue_add(&lost, &commands->sent);
    ngx_queue_init(&commands->sent);

    for ( ;; ) {
        command = ngx_leaseloft_command_first(&lost);
        if (command == NULL) {
            return;
        }

        ngx_leaseloft_command_end(commands, command, NGX_LEASELOFT_LOST, NULL);
    }
}


ngx_msec_t
ngx_leaseloft_command_age(ngx_leaseloft_commands_t *commands)
{
    ngx_leaseloft_command_t  *command;

    command = ngx_leaseloft_command_first(&commands->sent);

    return command ? ngx_current_msec - command->sent : 0;
}


void
ngx_leaseloft_command_touch(ngx_leaseloft_commands_t *commands)
{
    ngx_queue_t              *q;
    ngx_leaseloft_command_t  *command;

    for (q = ngx_queue_head(&commands->sent);
         q != ngx_queue_sentinel(&commands->sent);
         q = ngx_queue_next(q))
    {
        command = ngx_queue_data(q, ngx_leaseloft_command_t, queue);
        command->sent = ngx_current_msec;
    }
}
