
/*
 * OpenSSL verifies certificate and name during the handshake, which ends also
 * if they are refused, so that the reason is known; nothing is sent then.  For
 * reasons that nginx only logs, a callback of OpenSSL notes the alerts of the
 * peer, and whether it speaks TLS at all.
 */


#include "ngx_leaseloft_tls.h"


#if (NGX_HTTP_SSL)

#include <ngx_event.h>

#include <openssl/x509v3.h>


/* alerts that are no errors (RFC 8446, 6.1), and one without name in OpenSSL */
#define NGX_LEASELOFT_TLS_CLOSE_NOTIFY   0
#define NGX_LEASELOFT_TLS_USER_CANCELED  90
#define NGX_LEASELOFT_TLS_CERT_REQUIRED  116


static ngx_int_t ngx_leaseloft_tls_files(ngx_conf_t *cf,
    ngx_leaseloft_redis_conf_t *rcf);
static ngx_int_t ngx_leaseloft_tls_authorities(ngx_conf_t *cf,
    ngx_leaseloft_redis_conf_t *rcf);
static ngx_int_t ngx_leaseloft_tls_certificate(ngx_conf_t *cf,
    ngx_leaseloft_redis_conf_t *rcf);
static int ngx_leaseloft_tls_no_password(char *buf, int size, int writing,
    void *data);
static ngx_int_t ngx_leaseloft_tls_name(ngx_connection_t *c, char *name);
static void ngx_leaseloft_tls_message(int writing, int version, int type,
    const void *buf, size_t len, SSL *ssl, void *data);
static ngx_int_t ngx_leaseloft_tls_verified(ngx_connection_t *c, char *reason,
    size_t size);

#endif


/* names a directive that has no effect without TLS, or NULL */
static char *
ngx_leaseloft_tls_unused(ngx_leaseloft_redis_conf_t *rcf)
{
    return rcf->ssl_trusted.len ? "leaseloft_redis_ssl_trusted_certificate"
         : rcf->ssl_certificate.len ? "leaseloft_redis_ssl_certificate"
         : rcf->ssl_key.len ? "leaseloft_redis_ssl_certificate_key"
         : rcf->ssl_name.len ? "leaseloft_redis_ssl_name" : NULL;
}


ngx_int_t
ngx_leaseloft_tls_configure(ngx_conf_t *cf, ngx_leaseloft_redis_conf_t *rcf)
{
    char  *name;

    if (!rcf->tls) {
        name = ngx_leaseloft_tls_unused(rcf);

        if (name) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%s\" has no effect, as \"leaseloft_redis\" "
                               "has no TLS: write rediss:// there, or remove "
                               "\"%s\"", name, name);
            return NGX_ERROR;
        }

        return NGX_OK;
    }

#if (NGX_HTTP_SSL)

    return ngx_leaseloft_tls_files(cf, rcf);

#else

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"leaseloft_redis\" needs TLS, but this nginx was "
                       "built without it: use an nginx with "
                       "--with-http_ssl_module");
    return NGX_ERROR;

#endif
}


#if (NGX_HTTP_SSL)

static ngx_int_t
ngx_leaseloft_tls_files(ngx_conf_t *cf, ngx_leaseloft_redis_conf_t *rcf)
{
    SSL_CTX             *ctx;
    ngx_pool_cleanup_t  *cln;

    if (rcf->ssl_certificate.len == 0 && rcf->ssl_key.len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"leaseloft_redis_ssl_certificate_key\" needs "
                           "\"leaseloft_redis_ssl_certificate\"");
        return NGX_ERROR;
    }

    if (rcf->ssl_key.len == 0 && rcf->ssl_certificate.len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"leaseloft_redis_ssl_certificate\" needs "
                           "\"leaseloft_redis_ssl_certificate_key\"");
        return NGX_ERROR;
    }

    rcf->ssl = ngx_pcalloc(cf->pool, sizeof(ngx_ssl_t));
    cln = ngx_pool_cleanup_add(cf->pool, 0);

    if (rcf->ssl == NULL || cln == NULL) {
        return NGX_ERROR;
    }

    rcf->ssl->log = cf->log;

    if (ngx_ssl_create(rcf->ssl, NGX_SSL_TLSv1_2|NGX_SSL_TLSv1_3, NULL)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    cln->handler = ngx_ssl_cleanup_ctx;
    cln->data = rcf->ssl;

    ctx = rcf->ssl->ctx;

    /* the writer's buffer grows and moves between two tries to write it */

    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE
                          |SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);

    /* no callback: the first error ends verification and is the result */

    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_default_passwd_cb(ctx, ngx_leaseloft_tls_no_password);

    if (ngx_leaseloft_tls_authorities(cf, rcf) != NGX_OK) {
        return NGX_ERROR;
    }

    return rcf->ssl_certificate.len ? ngx_leaseloft_tls_certificate(cf, rcf)
                                    : NGX_OK;
}


/* what the server may demand */
static ngx_int_t
ngx_leaseloft_tls_certificate(ngx_conf_t *cf, ngx_leaseloft_redis_conf_t *rcf)
{
    SSL_CTX  *ctx;

    ctx = rcf->ssl->ctx;

    if (ngx_conf_full_name(cf->cycle, &rcf->ssl_certificate, 1) != NGX_OK
        || ngx_conf_full_name(cf->cycle, &rcf->ssl_key, 1) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (SSL_CTX_use_certificate_chain_file(ctx,
                                           (char *) rcf->ssl_certificate.data)
        != 1)
    {
        ngx_ssl_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"leaseloft_redis_ssl_certificate\": \"%V\" is no "
                      "certificate that can be read", &rcf->ssl_certificate);
        return NGX_ERROR;
    }

    if (SSL_CTX_use_PrivateKey_file(ctx, (char *) rcf->ssl_key.data,
                                    SSL_FILETYPE_PEM)
        != 1
        || SSL_CTX_check_private_key(ctx) != 1)
    {
        ngx_ssl_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"leaseloft_redis_ssl_certificate_key\": \"%V\" is not "
                      "the unencrypted key of the certificate",
                      &rcf->ssl_key);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_leaseloft_tls_authorities(ngx_conf_t *cf, ngx_leaseloft_redis_conf_t *rcf)
{
    SSL_CTX  *ctx;

    ctx = rcf->ssl->ctx;

    if (rcf->ssl_trusted.len == 0) {

        if (SSL_CTX_set_default_verify_paths(ctx) != 1) {
            ngx_ssl_error(NGX_LOG_EMERG, cf->log, 0,
                          "SSL_CTX_set_default_verify_paths() failed");
            return NGX_ERROR;
        }

        /* there may be none, which is no error */

        ERR_clear_error();

        return NGX_OK;
    }

    if (ngx_conf_full_name(cf->cycle, &rcf->ssl_trusted, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    if (SSL_CTX_load_verify_locations(ctx, (char *) rcf->ssl_trusted.data,
                                      NULL)
        != 1)
    {
        ngx_ssl_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"leaseloft_redis_ssl_trusted_certificate\": \"%V\" "
                      "has no certificate that can be read",
                      &rcf->ssl_trusted);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* OpenSSL would ask on the terminal */
static int
ngx_leaseloft_tls_no_password(char *buf, int size, int writing, void *data)
{
    return 0;
}


ngx_int_t
ngx_leaseloft_tls_start(ngx_leaseloft_tls_t *tls, ngx_connection_t *c,
    ngx_leaseloft_redis_conf_t *rcf, char *host,
    ngx_connection_handler_pt handler)
{
    ngx_int_t  rc;

    c->pool = ngx_create_pool(256, c->log);
    if (c->pool == NULL) {
        return NGX_ERROR;
    }

    if (ngx_ssl_create_connection(rcf->ssl, c, NGX_SSL_CLIENT) != NGX_OK) {
        return NGX_ERROR;
    }

    SSL_set_msg_callback(c->ssl->connection, ngx_leaseloft_tls_message);
    SSL_set_msg_callback_arg(c->ssl->connection, tls);

    if (ngx_leaseloft_tls_name(c, rcf->ssl_name.len
                                  ? (char *) rcf->ssl_name.data : host)
        != NGX_OK)
    {
        ngx_ssl_error(NGX_LOG_ERR, c->log, 0, "no TLS to redis");
        return NGX_ERROR;
    }

    c->ssl->handler = handler;

    rc = ngx_ssl_handshake(c);

    if (rc != NGX_AGAIN) {
        handler(c);
    }

    return NGX_OK;
}


/* the name that the certificate must have, and that the server is told */
static ngx_int_t
ngx_leaseloft_tls_name(ngx_connection_t *c, char *name)
{
    size_t              len;
    X509_VERIFY_PARAM  *param;

    len = ngx_strlen(name);
    param = SSL_get0_param(c->ssl->connection);

    /* an address is sent in no SNI (RFC 6066, section 3) */

    if (ngx_inet_addr((u_char *) name, len) != INADDR_NONE
        || ngx_strchr(name, ':'))
    {
        return X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1 ? NGX_OK
                                                               : NGX_ERROR;
    }

    X509_VERIFY_PARAM_set_hostflags(param,
                                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);

    if (X509_VERIFY_PARAM_set1_host(param, name, len) != 1
        || SSL_set_tlsext_host_name(c->ssl->connection, name) != 1)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_leaseloft_tls_message(int writing, int version, int type, const void *buf,
    size_t len, SSL *ssl, void *data)
{
    ngx_leaseloft_tls_t *tls = data;

    const u_char  *p;

    p = buf;

    if (writing || len == 0) {
        return;
    }

    if (type == SSL3_RT_HEADER) {

        if (p[0] < SSL3_RT_CHANGE_CIPHER_SPEC
            || p[0] > SSL3_RT_APPLICATION_DATA)
        {
            tls->plain = 1;
        }

    } else if (type == SSL3_RT_ALERT && len == 2
               && p[1] != NGX_LEASELOFT_TLS_CLOSE_NOTIFY
               && p[1] != NGX_LEASELOFT_TLS_USER_CANCELED)
    {
        tls->alert = p[1] + 1;
    }
}


ngx_int_t
ngx_leaseloft_tls_check(ngx_leaseloft_tls_t *tls, ngx_connection_t *c,
    char *reason, size_t size)
{
    if (c->ssl->handshaked) {
        return ngx_leaseloft_tls_verified(c, reason, size);
    }

    if (!ngx_leaseloft_tls_why(tls, reason, size)) {
        (void) ngx_cpystrn((u_char *) reason,
                           (u_char *) (tls->plain
                           ? "this port has no TLS, write redis:// for it"
                           : "redis closed it during the TLS handshake"),
                           size);
    }

    return NGX_ERROR;
}


/* NGX_OK, or NGX_ERROR with a reason */
static ngx_int_t
ngx_leaseloft_tls_verified(ngx_connection_t *c, char *reason, size_t size)
{
    char  *fmt;
    long   rc;
    X509  *cert;

    cert = SSL_get_peer_certificate(c->ssl->connection);

    rc = cert ? SSL_get_verify_result(c->ssl->connection)
              : X509_V_ERR_UNSPECIFIED;

    X509_free(cert);

    switch (rc) {

    case X509_V_OK:
        return NGX_OK;

    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        fmt = "the certificate of redis is for another name: %s%Z";
        break;

    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        fmt = "the certificate of redis is not signed by a trusted "
              "authority: %s%Z";
        break;

    default:
        fmt = "the certificate of redis is not valid: %s%Z";
    }

    (void) ngx_snprintf((u_char *) reason, size, fmt,
                        X509_verify_cert_error_string(rc));
    reason[size - 1] = '\0';

    return NGX_ERROR;
}


ngx_uint_t
ngx_leaseloft_tls_why(ngx_leaseloft_tls_t *tls, char *reason, size_t size)
{
    int  alert;

    if (tls->alert == 0) {
        return 0;
    }

    alert = (int) tls->alert - 1;

    (void) ngx_snprintf((u_char *) reason, size,
                        "redis refused TLS: %s%Z",
                        alert == NGX_LEASELOFT_TLS_CERT_REQUIRED
                        ? "a client certificate is required"
                        : SSL_alert_desc_string_long(alert));
    reason[size - 1] = '\0';

    return 1;
}


void
ngx_leaseloft_tls_close(ngx_connection_t *c)
{
    ngx_pool_t  *pool;

    if (c->ssl) {

        /* never waits */

        c->ssl->no_wait_shutdown = 1;
        c->ssl->no_send_shutdown = 1;

        (void) ngx_ssl_shutdown(c);
    }

    pool = c->pool;

    if (pool) {
        c->pool = NULL;
        ngx_destroy_pool(pool);
    }
}

#else

ngx_int_t
ngx_leaseloft_tls_start(ngx_leaseloft_tls_t *tls, ngx_connection_t *c,
    ngx_leaseloft_redis_conf_t *rcf, char *host,
    ngx_connection_handler_pt handler)
{
    return NGX_ERROR;
}


ngx_int_t
ngx_leaseloft_tls_check(ngx_leaseloft_tls_t *tls, ngx_connection_t *c,
    char *reason, size_t size)
{
    return NGX_ERROR;
}


ngx_uint_t
ngx_leaseloft_tls_why(ngx_leaseloft_tls_t *tls, char *reason, size_t size)
{
    return 0;
}


void
ngx_leaseloft_tls_close(ngx_connection_t *c)
{
}

#endif
