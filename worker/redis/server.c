
/* Settings of Redis, completed from the environment, and the password. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "server.h"


static const struct {
    const char  *option;
    const char  *env;
} server_names[SERVER_SETTINGS] = {
    { "redis", "LEASELOFT_REDIS" },
    { "redis-password-file", "LEASELOFT_REDIS_PASSWORD_FILE" },
    { "redis-ca", "LEASELOFT_REDIS_CA" },
    { "redis-cert", "LEASELOFT_REDIS_CERT" },
    { "redis-key", "LEASELOFT_REDIS_KEY" },
    { "redis-name", "LEASELOFT_REDIS_NAME" }
};


const char *
server_option(server_setting_e setting)
{
    return server_names[setting].option;
}


static int
server_fail(server_t *server, const char *fault)
{
    (void) snprintf(server->fault, sizeof(server->fault),
                    "the URL of Redis %s", fault);

    return -1;
}


/* sets what is unset, from the environment */
static void
server_from_env(server_t *server, server_setting_e setting)
{
    const char  *value;

    if (server->settings[setting] == NULL) {
        value = getenv(server_names[setting].env);
        server->settings[setting] = value && value[0] ? value : NULL;
    }
}


/* checks the settings of TLS, and completes them if TLS is used */
static int
server_init_tls(server_t *server)
{
    int  i;

    for (i = SERVER_CA; i <= SERVER_NAME; i++) {
        if (server->url.tls) {
            server_from_env(server, (server_setting_e) i);
        }

        if (server->settings[i] == NULL) {
            continue;
        }

        if (!server->url.tls) {
            (void) snprintf(server->fault, sizeof(server->fault),
                            "--%s is for TLS, but the URL of Redis does not "
                            "begin with rediss", server_option(i));
            return -1;
        }

        if (server->settings[i][0] == '\0') {
            (void) snprintf(server->fault, sizeof(server->fault),
                            "--%s is empty", server_option(i));
            return -1;
        }
    }

    if (!server->settings[SERVER_CERT] != !server->settings[SERVER_KEY]) {
        (void) snprintf(server->fault, sizeof(server->fault),
                        "--redis-cert and --redis-key need each other");
        return -1;
    }

    return 0;
}


int
server_init(server_t *server)
{
    const char  *value;

    server_from_env(server, SERVER_URL);

    if (server->settings[SERVER_URL] == NULL) {
        server->settings[SERVER_URL] = LL_REDIS_URL_DEFAULT;
    }

    value = server->settings[SERVER_URL];

    if (ll_redis_url_parse(&server->url, value, strlen(value)) == -1) {
        return server_fail(server, server->url.fault);
    }

    /* the password of a URL is that of another server than the environment's */

    if (server->url.password.len == 0) {
        server_from_env(server, SERVER_PASSWORD_FILE);
    }

    if (ll_redis_url_check(&server->url,
                           server->settings[SERVER_PASSWORD_FILE] != NULL)
        == -1)
    {
        return server_fail(server, server->url.fault);
    }

    return server_init_tls(server);
}


void
server_at(server_t *server, const server_t *cluster, const char *host,
    unsigned port)
{
    ll_redis_url_addr_t  *addr = &server->url.addrs[0];

    *server = *cluster;
    server->url.kind = LL_REDIS_URL_SINGLE;
    server->url.naddrs = 1;

    addr->host.data = (char *) host;
    addr->host.len = strlen(host);
    addr->port = port;
}


/* reads at most size bytes: their number, or -1 with errno */
static ssize_t
server_read(const char *path, char *dst, size_t size)
{
    int      fd, error;
    size_t   n;
    ssize_t  got;

    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd == -1) {
        return -1;
    }

    n = 0;

    do {
        got = read(fd, dst + n, size - n);
        n += got > 0 ? (size_t) got : 0;
    } while (n < size && (got > 0 || (got == -1 && errno == EINTR)));

    error = errno;
    (void) close(fd);
    errno = error;

    return got == -1 ? -1 : (ssize_t) n;
}


/* the password in a file: NULL, or the end of a sentence about the file */
static const char *
server_read_password(const char *path, char password[LL_REDIS_URL_PART + 1])
{
    ssize_t      n;
    char         text[LL_REDIS_URL_PART + 2];
    const char  *why;

    n = server_read(path, text, sizeof(text));
    if (n == -1) {
        return strerror(errno);
    }

    why = NULL;

    if (n > 0 && text[n - 1] == '\n') {
        n--;
    }

    if (n == 0) {
        why = "it is empty";

    } else if (n > LL_REDIS_URL_PART) {
        why = "it has more than 511 bytes";

    } else if (memchr(text, '\0', (size_t) n)) {
        why = "it has a null byte";

    } else {
        memcpy(password, text, (size_t) n);
        password[n] = '\0';
    }

    OPENSSL_cleanse(text, sizeof(text));

    return why;
}


int
server_login(const server_t *server, server_login_t *login, char *why,
    size_t size)
{
    const char  *path, *fault;

    path = server->settings[SERVER_PASSWORD_FILE];

    (void) ll_redis_url_decode(login->user, &server->url.user);
    (void) ll_redis_url_decode(login->password, &server->url.password);

    if (path == NULL) {
        return 0;
    }

    fault = server_read_password(path, login->password);

    if (fault != NULL) {
        (void) snprintf(why, size, "no password in \"%.100s\": %s", path,
                        fault);
        return -1;
    }

    return 0;
}


void
server_forget(server_login_t *login)
{
    OPENSSL_cleanse(login, sizeof(server_login_t));
}
