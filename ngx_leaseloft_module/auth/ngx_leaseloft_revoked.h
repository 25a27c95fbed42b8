
/*
 * Users whose tokens were revoked ("leaseloft revoke").  Each process has a
 * copy of the list in Redis, which it reads whenever it has subscribed to the
 * channel of all processes and whenever something is published there.
 */


#ifndef NGX_LEASELOFT_REVOKED_H
#define NGX_LEASELOFT_REVOKED_H


#include "ngx_leaseloft.h"


/*
 * Creates an empty list in pool, and registers with the client of process.
 * NULL: no memory.
 */
ngx_leaseloft_revoked_t *ngx_leaseloft_revoked_create(
    ngx_leaseloft_process_t *process, ngx_pool_t *pool);

/* handler is called whenever the list has been read */
void ngx_leaseloft_revoked_on_change(ngx_leaseloft_revoked_t *revoked,
    void (*handler)(void *data), void *data);

/*
 * 1 if a user may not be identified by a token that was issued at iat, a time
 * in seconds; 0 stands for an unknown time, which is before any revocation.
 */
ngx_uint_t ngx_leaseloft_revoked_check(ngx_leaseloft_revoked_t *revoked,
    u_char *user, size_t len, time_t iat);

/* frees the list when the process exits */
void ngx_leaseloft_revoked_free(ngx_leaseloft_revoked_t *revoked);


#endif /* NGX_LEASELOFT_REVOKED_H */
