
/*
 * Commands on one connection to Redis: sends them, and keeps those that are not
 * yet answered.  Redis replies in the order in which they were sent.
 */


#ifndef NGX_LEASELOFT_COMMAND_H
#define NGX_LEASELOFT_COMMAND_H


#include "ngx_leaseloft_conn.h"


typedef struct ngx_leaseloft_command_s  ngx_leaseloft_command_t;


/* how a command ended */
typedef enum {
    NGX_LEASELOFT_REPLIED,       /* reply is set; it may be an error reply */
    NGX_LEASELOFT_UNSENT,        /* Redis did not receive it */
    NGX_LEASELOFT_LOST           /* Redis may or may not have run it */
} ngx_leaseloft_outcome_e;


/*
 * Called once for each command that is not cancelled, never from within
 * ngx_leaseloft_client_command().  reply is valid during the call.
 */
typedef void (*ngx_leaseloft_reply_pt)(void *data,
    ngx_leaseloft_outcome_e outcome, redisReply *reply);


/*
 * Decides what happens to a command that got an error reply of a server.
 * NGX_OK: it has taken the command, which was created by
 * ngx_leaseloft_command_create(); NGX_DECLINED: the command ends with this
 * reply.
 */
typedef ngx_int_t (*ngx_leaseloft_redirect_pt)(void *data,
    ngx_leaseloft_command_t *command, redisReply *reply,
    ngx_leaseloft_server_t *from);


struct ngx_leaseloft_command_s {
    ngx_queue_t                 queue;
    ngx_leaseloft_reply_pt      handler;   /* NULL: cancelled */
    void                       *data;
    ngx_msec_t                  sent;

    /* of commands that can be sent again; otherwise empty */
    ngx_str_t                   text;
    ngx_uint_t                  slot;
    ngx_uint_t                  hops;      /* redirections since a pause */
    ngx_msec_t                  since;     /* the first redirection */
    unsigned                    redirected:1;
};


typedef struct {
    ngx_queue_t                 sent;      /* oldest first */
    ngx_queue_t                 spare;
    ngx_uint_t                  nsent;
    ngx_uint_t                  nspare;
    ngx_leaseloft_conn_t       *conn;
    ngx_leaseloft_process_t    *process;

    /* called for error replies; may be NULL */
    ngx_leaseloft_redirect_pt   redirect;
    void                       *redirect_data;
    ngx_leaseloft_server_t     *server;    /* its argument */
} ngx_leaseloft_commands_t;


/* initializes an empty queue of commands that are sent on conn */
void ngx_leaseloft_command_init(ngx_leaseloft_commands_t *commands,
    ngx_leaseloft_conn_t *conn, ngx_leaseloft_process_t *process);

/* frees all commands; their handlers are not called */
void ngx_leaseloft_command_free(ngx_leaseloft_commands_t *commands);

/*
 * Sends a command, whose bytes are copied, and counts it.  Returns it, or NULL
 * when the connection does not take it, the queue is full or there is no
 * memory; handler, which may be NULL, is not called then.
 */
ngx_leaseloft_command_t *ngx_leaseloft_command_send(
    ngx_leaseloft_commands_t *commands, ngx_uint_t argc, ngx_str_t *argv,
    ngx_leaseloft_reply_pt handler, void *data);

/*
 * Creates a command that keeps its bytes, so that it can be sent more than
 * once.  NULL: no memory.  It belongs to the caller until it is sent.
 */
ngx_leaseloft_command_t *ngx_leaseloft_command_create(ngx_uint_t argc,
    ngx_str_t *argv, ngx_leaseloft_reply_pt handler, void *data,
    ngx_log_t *log);

/*
 * Sends such a command, after ASKING if that is 1.  NGX_OK, or NGX_DECLINED: it
 * still belongs to the caller.
 */
ngx_int_t ngx_leaseloft_command_put(ngx_leaseloft_commands_t *commands,
    ngx_leaseloft_command_t *command, ngx_uint_t asking);

/*
 * Frees such a command that is not sent; the second calls its handler with
 * NGX_LEASELOFT_UNSENT then.
 */
void ngx_leaseloft_command_destroy(ngx_leaseloft_command_t *command);
void ngx_leaseloft_command_fail(ngx_leaseloft_command_t *command);

/* the handler will not be called; Redis still runs the command */
void ngx_leaseloft_command_cancel(ngx_leaseloft_command_t *command);

/*
 * Calls the handler of the oldest command with its reply.  NGX_OK, or
 * NGX_DECLINED when the queue is empty.
 */
ngx_int_t ngx_leaseloft_command_reply(ngx_leaseloft_commands_t *commands,
    redisReply *reply);

/* the connection was closed: ends all with NGX_LEASELOFT_LOST */
void ngx_leaseloft_command_lost(ngx_leaseloft_commands_t *commands);

/* for how many ms the oldest command has been waiting; 0: none */
ngx_msec_t ngx_leaseloft_command_age(ngx_leaseloft_commands_t *commands);

/* restarts the age of all commands at 0 */
void ngx_leaseloft_command_touch(ngx_leaseloft_commands_t *commands);


#endif /* NGX_LEASELOFT_COMMAND_H */
