
/*
 * Commands that were sent to Redis and are not yet answered.  Redis answers in
 * the order in which they were sent.
 */


#ifndef NGX_LEASELOFT_COMMAND_H
#define NGX_LEASELOFT_COMMAND_H


#include "ngx_leaseloft.h"


typedef struct ngx_leaseloft_command_s  ngx_leaseloft_command_t;


/* how a command ended */
typedef enum {
    NGX_LEASELOFT_REPLIED,       /* reply is set; it may be an error reply */
    NGX_LEASELOFT_UNSENT,        /* Redis never saw it */
    NGX_LEASELOFT_LOST           /* Redis may or may not have run it */
} ngx_leaseloft_outcome_e;


/*
 * called once for each command that was not cancelled, never from within
 * ngx_leaseloft_client_command(); reply is gone afterwards
 */
typedef void (*ngx_leaseloft_reply_pt)(void *data,
    ngx_leaseloft_outcome_e outcome, redisReply *reply);


typedef struct {
    ngx_queue_t                 sent;      /* oldest first */
    ngx_queue_t                 spare;
    ngx_uint_t                  nsent;
    ngx_uint_t                  nspare;
    ngx_log_t                  *log;
} ngx_leaseloft_commands_t;


/* none are sent yet */
void ngx_leaseloft_command_init(ngx_leaseloft_commands_t *commands,
    ngx_log_t *log);

/* drops all of them; their handlers are not called */
void ngx_leaseloft_command_free(ngx_leaseloft_commands_t *commands);

/* one that is about to be sent; NULL: no memory, or too many are waiting */
ngx_leaseloft_command_t *ngx_leaseloft_command_add(
    ngx_leaseloft_commands_t *commands, ngx_leaseloft_reply_pt handler,
    void *data);

/* takes back one that could not be sent; its handler is not called */
void ngx_leaseloft_command_drop(ngx_leaseloft_commands_t *commands,
    ngx_leaseloft_command_t *command);

/* the handler will not be called; the command itself cannot be taken back */
void ngx_leaseloft_command_cancel(ngx_leaseloft_command_t *command);

/* the answer to the oldest one; NGX_DECLINED: none was sent */
ngx_int_t ngx_leaseloft_command_reply(ngx_leaseloft_commands_t *commands,
    redisReply *reply);

/* the connection is closed: nobody knows what became of these */
void ngx_leaseloft_command_lost(ngx_leaseloft_commands_t *commands);

/* for how many ms the oldest one has been waiting; 0 when there is none */
ngx_msec_t ngx_leaseloft_command_age(ngx_leaseloft_commands_t *commands);

/* as if all had been sent just now */
void ngx_leaseloft_command_touch(ngx_leaseloft_commands_t *commands);


#endif /* NGX_LEASELOFT_COMMAND_H */
