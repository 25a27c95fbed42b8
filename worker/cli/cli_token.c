
/* leaseloft token */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jwt.h>

#include "cli.h"
#include "clock.h"
#include "json.h"
#include "text.h"


#define TOKEN_KEY_MAX  65536
#define TOKEN_TTL_MAX  INT64_C(3153600000)       /* a century */


/* 1 to 10 digits, or -1 */

static int64_t
token_ttl(const char *s)
{
    char       *end;
    long long   n;

    if (*s < '0' || *s > '9') {
        return -1;
    }

    errno = 0;
    n = strtoll(s, &end, 10);

    return errno || *end || n < 1 || n > TOKEN_TTL_MAX ? -1 : n;
}


/* the secret in the file: 0, or -1 having said why */

static int
token_key(const char *path, buf_t *key)
{
    if (cli_read_file(path, TOKEN_KEY_MAX, key) != 0) {
        return -1;
    }

    if (key->len && key->data[key->len - 1] == '\n') {
        key->len--;
    }

    if (key->len == 0) {
        (void) cli_fail("\"%s\" holds no secret", path);
        return -1;
    }

    if (key->len > 10 && memcmp(key->data, "-----BEGIN", 10) == 0) {
        (void) cli_fail("\"%s\" is a PEM file: tokens for such a key are made "
                        "by whoever holds its private half", path);
        return -1;
    }

    return 0;
}


/* the token, to be freed by the caller, or NULL */

static char *
token_encode(const char *sub, const char *name, int64_t now, int64_t exp,
    const buf_t *key)
{
    char   *text;
    jwt_t  *jwt;

    if (jwt_new(&jwt) != 0) {
        return NULL;
    }

    text = NULL;

    if (jwt_add_grant(jwt, "sub", sub) == 0
        && jwt_add_grant_int(jwt, "iat", (long) now) == 0
        && jwt_add_grant_int(jwt, "exp", (long) exp) == 0
        && (name == NULL || jwt_add_grant(jwt, "name", name) == 0)
        && jwt_set_alg(jwt, JWT_ALG_HS256, (unsigned char *) key->data,
                       (int) key->len)
           == 0)
    {
        text = jwt_encode_str(jwt);
    }

    jwt_free(jwt);

    return text;
}


static int
token_print(const cli_t *cli, const char *text, int64_t exp)
{
    int    rc;
    buf_t  buf = BUF_INIT;

    if (cli->json) {
        buf_lit(&buf, "{\"token\":");
        json_strings(&buf, text);
        buf_lit(&buf, ",\"expires_at\":");
        json_time(&buf, exp * 1000);
        buf_lit(&buf, "}");

    } else {
        buf_adds(&buf, text);
    }

    rc = cli_print(&buf);
    buf_free(&buf);

    return rc;
}


int
cli_token(cli_t *cli)
{
    int          rc;
    char        *text;
    buf_t        key = BUF_INIT;
    int64_t      now, ttl;
    const char  *sub, *name;

    sub = cli->values[0];
    ttl = token_ttl(cli->values[1]);
    name = cli->values[3];

    if (cli_check_id(cli, "--sub", sub) != CLI_OK) {
        return CLI_USAGE;
    }

    if (ttl < 0) {
        return cli_usage(cli, "--ttl must be a number of seconds from 1 on");
    }

    if (name && !text_valid(name, strlen(name))) {
        return cli_usage(cli, "--name must be UTF-8");
    }

    rc = CLI_FAILED;

    if (token_key(cli->values[2], &key) == 0) {
        now = clock_now() / 1000;
        text = token_encode(sub, name, now, now + ttl, &key);

        rc = text ? token_print(cli, text, now + ttl)
                  : cli_fail("libjwt cannot make the token");
        free(text);
    }

    if (key.data) {
        explicit_bzero(key.data, key.size);
    }

    buf_free(&key);

    return rc;
}
