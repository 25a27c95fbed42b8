
/*
 * The log, on standard error: lines of "TIME [LEVEL] MESSAGE".
 *
 * Messages are in lower case, with quoted values, without a full stop, and
 * never contain a token, a name or a message text.  Control characters are
 * replaced by "?".
 */


#ifndef LOG_H
#define LOG_H


typedef enum {
    LOG_ALERT = 0,                 /* a state that must not occur */
    LOG_ERROR,                     /* a failure of Redis or the system */
    LOG_WARN,
    LOG_NOTICE,                    /* start, stop, reconnect */
    LOG_INFO,                      /* a fault of a client */
    LOG_DEBUG
} log_level_e;


/*
 * To be called before the first record.  If standard error leads to systemd's
 * journal, as JOURNAL_STREAM says, each line begins with its priority in
 * syslog, such as "<3>", which the journal reads and removes.
 */
void log_open(void);

/* Sets the level above which records are dropped; default LOG_NOTICE. */
void log_set_level(log_level_e level);

/*
 * Sets what records of this process are about, which each begins with: the
 * address of a server.  The text is copied.
 */
void log_set_subject(const char *subject);

/* Returns the level named "alert", "error" … "debug", or -1. */
int log_level_of(const char *name);

#define log_alert(...)   log_write(LOG_ALERT, __VA_ARGS__)
#define log_error(...)   log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)    log_write(LOG_WARN, __VA_ARGS__)
#define log_notice(...)  log_write(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)    log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...)   log_write(LOG_DEBUG, __VA_ARGS__)

/* Writes a record, formatted as by printf(), truncated to 1000 bytes. */
void log_write(log_level_e level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));


#endif /* LOG_H */
