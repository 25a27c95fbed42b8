
/*
 * The log: standard error, one line a record, "TIME [LEVEL] MESSAGE".
 *
 * Lower case, values quoted, no full stop; never a token, a name or a text of
 * a message.  Line breaks and control characters in a message are replaced.
 */


#ifndef LOG_H
#define LOG_H


typedef enum {
    LOG_ALERT = 0,                 /* the impossible */
    LOG_ERROR,                     /* the backend's fault */
    LOG_WARN,
    LOG_NOTICE,                    /* start, stop, reconnect */
    LOG_INFO,                      /* a peer's fault */
    LOG_DEBUG
} log_level_e;


/* what is less urgent than level is dropped; LOG_NOTICE unless told */
void log_set_level(log_level_e level);

/* the level's number, or -1 if name is not "alert", "error" … "debug" */
int log_level_of(const char *name);

#define log_alert(...)   log_write(LOG_ALERT, __VA_ARGS__)
#define log_error(...)   log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)    log_write(LOG_WARN, __VA_ARGS__)
#define log_notice(...)  log_write(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)    log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...)   log_write(LOG_DEBUG, __VA_ARGS__)

/* as printf; a record over 1000 bytes is cut */
void log_write(log_level_e level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));


#endif /* LOG_H */
