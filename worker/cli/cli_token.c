
/* leaseloft token: prints a token signed with HS256. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jwt.h>

#include "cli_token.h"
#include "clock.h"
#include "json.h"
#include "text.h"


#define CLI_TOKEN_KEY_MAX  65536
#define CLI_TOKEN_TTL_MAX  INT64_C(3153600000)       /* a century */


/* the number of seconds, or -1 */
static int64_t
cli_token_ttl(const char *s)
{
    char       *end;
    long long   n;

    if (*s < '0' || *s > '9') {
        return -1;
    }

    errno = 0;
    n = strtoll(s, &end, 10);

    return errno || *end || n < 1 || n > CLI_TOKEN_TTL_MAX ? -1 : n;
}


/* reads the secret; 0, or -1 after an error message */
static int
cli_token_key(const char *path, buf_t *key)
{
    if (cli_read_file(path, CLI_TOKEN_KEY_MAX, key) != 0) {
        return -1;
    }

    if (key->len && key->data[key->len - 1] == '\n') {
        key->len--;
    }

    if (key->len == 0) {
        (void) cli_fail("\"%s\" contains no secret", path);
        return -1;
    }

    if (key->len > 10 && memcmp(key->data, "-----BEGIN", 10) == 0) {
        (void) cli_fail("\"%s\" is a PEM file: tokens are made with an HMAC "
                        "secret only", path);
        return -1;
    }

    return 0;
}


/* the token, which the caller frees, or NULL */
static char *
cli_token_encode(const char *sub, const char *name, int64_t now, int64_t exp,
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
cli_token_print(const cli_t *cli, const char *text, int64_t exp)
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
    ttl = cli_token_ttl(cli->values[1]);
    name = cli->values[3];

    if (cli_check_id(cli, "--sub", sub) != CLI_OK) {
        return CLI_USAGE;
    }

    if (ttl < 0) {
        return cli_usage(cli, "--ttl must be a positive number of seconds");
    }

    if (name && !text_valid(name, strlen(name))) {
        return cli_usage(cli, "--name must be UTF-8");
    }

    rc = CLI_FAILED;

    if (cli_token_key(cli->values[2], &key) == 0) {
        now = clock_now() / 1000;
        text = cli_token_encode(sub, name, now, now + ttl, &key);

        rc = text ? cli_token_print(cli, text, now + ttl)
                  : cli_fail("libjwt cannot make the token");
        free(text);
    }

    if (key.data) {
        explicit_bzero(key.data, key.size);
    }

    buf_free(&key);

    return rc;
}
