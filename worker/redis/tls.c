
/* TLS sessions, and the descriptions of their failures. */

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "clock.h"
#include "tls.h"


/* takes the reason of OpenSSL's last error, and empties its queue */
static const char *
tls_reason(void)
{
    const char     *reason;
    unsigned long   error;

    error = ERR_peek_last_error();
    reason = ERR_GET_LIB(error) == ERR_LIB_SYS
             ? strerror(ERR_GET_REASON(error)) : ERR_reason_error_string(error);
    ERR_clear_error();

    return reason ? reason : "unknown error";
}


static int
tls_file_fail(const server_t *server, server_setting_e setting, char *why,
    size_t size)
{
    unsigned long  error;

    /* the first error says whether the file could be read at all */

    error = ERR_peek_error();

    (void) snprintf(why, size, "cannot use --%s \"%.80s\": %s",
                    server_option(setting), server->settings[setting],
                    ERR_GET_LIB(error) == ERR_LIB_SYS
                    ? strerror(ERR_GET_REASON(error))
                    : ERR_reason_error_string(ERR_peek_last_error()));
    ERR_clear_error();

    return -1;
}


/*
 * Called when the server asks for a certificate.  A server may close the
 * connection because of it only after the handshake, and before its alert is
 * read: see tls_describe_end().
 */
static int
tls_asked(SSL *ssl, void *data)
{
    (void) data;

    (void) SSL_set_app_data(ssl, ssl);

    return 1;
}


void
tls_accepted(SSL *ssl)
{
    (void) SSL_set_app_data(ssl, NULL);
}


/* there is nobody to type the passphrase of a key */
static int
tls_no_passphrase(char *buf, int size, int writing, void *data)
{
    (void) buf;
    (void) size;
    (void) writing;
    (void) data;

    return -1;
}


static int
tls_files(const server_t *server, SSL_CTX *ctx, char *why, size_t size)
{
    const char *const  *settings = server->settings;

    if (settings[SERVER_CA] == NULL) {
        if (SSL_CTX_set_default_verify_paths(ctx) != 1) {
            (void) snprintf(why, size, "cannot use the system's CAs: %s",
                            tls_reason());
            return -1;
        }

    } else if (SSL_CTX_load_verify_locations(ctx, settings[SERVER_CA], NULL)
               != 1)
    {
        return tls_file_fail(server, SERVER_CA, why, size);
    }

    if (settings[SERVER_CERT] == NULL) {
        return 0;
    }

    SSL_CTX_set_default_passwd_cb(ctx, tls_no_passphrase);

    if (SSL_CTX_use_certificate_chain_file(ctx, settings[SERVER_CERT]) != 1) {
        return tls_file_fail(server, SERVER_CERT, why, size);
    }

    if (SSL_CTX_use_PrivateKey_file(ctx, settings[SERVER_KEY],
                                    SSL_FILETYPE_PEM)
        != 1)
    {
        return tls_file_fail(server, SERVER_KEY, why, size);
    }

    return 0;
}


SSL_CTX *
tls_create(const server_t *server, char *why, size_t size)
{
    SSL_CTX  *ctx;

    ERR_clear_error();

    ctx = SSL_CTX_new(TLS_client_method());

    if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1)
    {
        (void) snprintf(why, size, "cannot use TLS: %s", tls_reason());
        SSL_CTX_free(ctx);
        return NULL;
    }

    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_cb(ctx, tls_asked, NULL);

    if (tls_files(server, ctx, why, size) == -1) {
        SSL_CTX_free(ctx);
        return NULL;
    }

    return ctx;
}


/* asks for the name, and has the certificate checked for it: 1, or 0 */
static int
tls_set_name(SSL *ssl, const char *name)
{
    unsigned char  addr[sizeof(struct in6_addr)];

    if (inet_pton(AF_INET, name, addr) == 1
        || inet_pton(AF_INET6, name, addr) == 1)
    {
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name);
    }

    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);

    return SSL_set_tlsext_host_name(ssl, name) == 1
           && SSL_set1_host(ssl, name) == 1;
}


/* what is wrong with the certificate */
static void
tls_describe_certificate(const SSL *ssl, long result, char *why, size_t size)
{
    const char              *name;
    const X509_VERIFY_PARAM *param;

    switch (result) {

    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        param = SSL_get0_param((SSL *) ssl);
        name = X509_VERIFY_PARAM_get0_host((X509_VERIFY_PARAM *) param, 0);
        (void) snprintf(why, size, "its certificate is not for %s%.80s%s: see "
                        "--redis-name", name ? "\"" : "its address",
                        name ? name : "", name ? "\"" : "");
        return;

    case X509_V_ERR_CERT_HAS_EXPIRED:
        (void) snprintf(why, size, "its certificate, or that of its CA, has "
                        "expired");
        return;

    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        (void) snprintf(why, size, "its certificate is of an unknown CA: see "
                        "--redis-ca");
        return;
    }

    (void) snprintf(why, size, "its certificate is invalid: %s",
                    X509_verify_cert_error_string(result));
}


/* the connection has ended: why is the reason, unless a certificate is */
static void
tls_describe_end(const SSL *ssl, const char *reason, char *why, size_t size)
{
    if (SSL_get_app_data(ssl) != NULL) {
        reason = SSL_get_certificate(ssl) == NULL
                 ? "it requires a client certificate (--redis-cert, "
                   "--redis-key)"
                 : "it does not accept the certificate in --redis-cert";
    }

    (void) snprintf(why, size, "%s", reason);
}


/*
 * The error of the system call for which an operation failed, 0 if the peer has
 * closed the connection, or -1 if it failed for another reason.  OpenSSL 3.5
 * queues the error of the call, earlier versions leave it in errno.
 */
static int
tls_system_error(const SSL *ssl, int rc)
{
    int            number;
    unsigned long  queued;

    number = errno;
    queued = ERR_peek_error();

    if (queued) {
        return ERR_GET_LIB(queued) == ERR_LIB_SYS ? ERR_GET_REASON(queued) : -1;
    }

    switch (SSL_get_error(ssl, rc)) {

    case SSL_ERROR_ZERO_RETURN:
        return 0;

    case SSL_ERROR_SYSCALL:
        return number;

    default:
        return -1;
    }
}


void
tls_describe(const SSL *ssl, int rc, char *why, size_t size)
{
    int          system;
    long         result;
    const char  *text;

    result = SSL_get_verify_result(ssl);

    if (result != X509_V_OK) {
        ERR_clear_error();
        tls_describe_certificate(ssl, result, why, size);
        return;
    }

    system = tls_system_error(ssl, rc);

    if (system != -1) {
        ERR_clear_error();
        tls_describe_end(ssl, system ? strerror(system)
                                     : "Server closed the connection",
                         why, size);
        return;
    }

    switch (ERR_GET_REASON(ERR_peek_error())) {

    case SSL_R_WRONG_VERSION_NUMBER:
        text = "it does not speak TLS on this port";
        break;

    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
        text = "it requires a client certificate (--redis-cert, --redis-key)";
        break;

    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        text = "it does not accept the certificate in --redis-cert: unknown CA";
        break;

    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
        ERR_clear_error();
        tls_describe_end(ssl, "Server closed the connection", why, size);
        return;

    default:
        text = NULL;
    }

    if (text == NULL) {
        (void) snprintf(why, size, "TLS failed: %s", tls_reason());
        return;
    }

    ERR_clear_error();
    (void) snprintf(why, size, "%s", text);
}


/* waits until the socket is ready, or until the deadline: 0, or -1 */
static int
tls_wait(int fd, short events, int64_t deadline)
{
    int            rc;
    int64_t        left;
    struct pollfd  pfd;

    pfd.fd = fd;
    pfd.events = events;

    do {
        left = deadline - clock_monotonic();
        rc = left > 0 ? poll(&pfd, 1, (int) left) : 0;
    } while (rc == -1 && errno == EINTR);

    return rc == 1 ? 0 : -1;
}


/* 0, or -1 with a sentence in why */
static int
tls_handshake(SSL *ssl, int fd, int64_t deadline, char *why, size_t size)
{
    int    rc;
    short  events;

    for ( ;; ) {
        ERR_clear_error();
        errno = 0;
        rc = SSL_connect(ssl);

        if (rc == 1) {
            return 0;
        }

        switch (SSL_get_error(ssl, rc)) {

        case SSL_ERROR_WANT_READ:
            events = POLLIN;
            break;

        case SSL_ERROR_WANT_WRITE:
            events = POLLOUT;
            break;

        default:
            tls_describe(ssl, rc, why, size);
            return -1;
        }

        if (tls_wait(fd, events, deadline) == -1) {
            (void) snprintf(why, size, "the TLS handshake timed out: is the "
                            "port one for TLS?");
            return -1;
        }
    }
}


SSL *
tls_open(SSL_CTX *ctx, int fd, const char *name, int64_t deadline, char *why,
    size_t size)
{
    SSL  *ssl;

    ERR_clear_error();

    ssl = SSL_new(ctx);

    if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 || !tls_set_name(ssl, name)) {
        (void) snprintf(why, size, "cannot use TLS: %s", tls_reason());
        SSL_free(ssl);
        return NULL;
    }

    if (tls_handshake(ssl, fd, deadline, why, size) == -1) {
        SSL_free(ssl);
        return NULL;
    }

    return ssl;
}
