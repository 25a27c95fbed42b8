
/*
 * TLS of connections to Redis, by nginx's OpenSSL.  The certificate of the
 * server is verified, against the system's authorities or a configured file,
 * for the name in the configuration or else the host.
 *
 * Without OpenSSL in nginx, a configuration that needs TLS is refused.
 */


#ifndef NGX_LEASELOFT_TLS_H
#define NGX_LEASELOFT_TLS_H


#include "ngx_leaseloft.h"


/* what a connection's peer sent; zero before the connection begins */
typedef struct {
    ngx_int_t                   alert;     /* its alert + 1; 0: none */
    unsigned                    plain:1;   /* it sent no TLS records */
} ngx_leaseloft_tls_t;


/*
 * Checks the configuration and loads its files, while nginx reads the
 * configuration.  NGX_OK, or NGX_ERROR after an error, which is logged.
 */
ngx_int_t ngx_leaseloft_tls_configure(ngx_conf_t *cf,
    ngx_leaseloft_redis_conf_t *rcf);

/*
 * Begins TLS on a connected socket to host; tls must live as long as c has TLS.
 * handler(c) is called once the handshake ended, possibly before this returns.
 * NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_leaseloft_tls_start(ngx_leaseloft_tls_t *tls,
    ngx_connection_t *c, ngx_leaseloft_redis_conf_t *rcf, char *host,
    ngx_connection_handler_pt handler);

/*
 * The result of a handshake that ended.  NGX_OK: data may be sent; NGX_ERROR:
 * not, with the reason in the size bytes at reason.
 */
ngx_int_t ngx_leaseloft_tls_check(ngx_leaseloft_tls_t *tls,
    ngx_connection_t *c, char *reason, size_t size);

/* why the peer ended TLS, in the size bytes at reason; 0: it did not say */
ngx_uint_t ngx_leaseloft_tls_why(ngx_leaseloft_tls_t *tls, char *reason,
    size_t size);

/* frees what TLS has allocated, before the socket of c is closed */
void ngx_leaseloft_tls_close(ngx_connection_t *c);


#endif /* NGX_LEASELOFT_TLS_H */
