
/*
 * leaseloft token: prints a signed token (RFC 7519), in the compact form of
 * RFC 7515.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_token.h"
#include "cli_token_key.h"
#include "clock.h"
#include "common/sign.h"
#include "json.h"
#include "text.h"


#define CLI_TOKEN_TTL_MAX  INT64_C(3153600000)       /* a century */
#define CLI_TOKEN_KID_MAX  255                       /* as in nginx */


/* the command's options */
enum { CLI_TOKEN_SUB, CLI_TOKEN_TTL, CLI_TOKEN_KEY, CLI_TOKEN_NAME,
       CLI_TOKEN_KID, CLI_TOKEN_ISS, CLI_TOKEN_AUD };


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


/* appends the bytes in base64url (RFC 4648, section 5), without padding */
static int
cli_token_part(buf_t *token, const buf_t *bytes)
{
    char    *text;
    size_t   i, n;

    text = buf_failed(bytes) ? NULL : malloc(LL_BASE64(bytes->len) + 1);
    if (text == NULL) {
        return -1;
    }

    n = ll_sign_base64(text, (const unsigned char *) bytes->data, bytes->len);

    for (i = 0; i < n && text[i] != '='; i++) {
        if (text[i] == '+') {
            text[i] = '-';

        } else if (text[i] == '/') {
            text[i] = '_';
        }
    }

    buf_add(token, text, i);
    free(text);

    return buf_failed(token) ? -1 : 0;
}


static void
cli_token_header(buf_t *buf, const cli_token_key_t *key, const char *kid)
{
    buf_lit(buf, "{\"alg\":");
    json_strings(buf, key->name);
    buf_lit(buf, ",\"typ\":\"JWT\"");

    if (kid) {
        buf_lit(buf, ",\"kid\":");
        json_strings(buf, kid);
    }

    buf_lit(buf, "}");
}


static void
cli_token_claims(buf_t *buf, const cli_t *cli, int64_t now, int64_t exp)
{
    size_t  i;

    static const struct { int option; const char *name; } texts[] = {
        { CLI_TOKEN_NAME, "name" },
        { CLI_TOKEN_ISS, "iss" },
        { CLI_TOKEN_AUD, "aud" }
    };

    buf_lit(buf, "{\"sub\":");
    json_strings(buf, cli->values[CLI_TOKEN_SUB]);
    buf_lit(buf, ",\"iat\":");
    buf_number(buf, now);
    buf_lit(buf, ",\"exp\":");
    buf_number(buf, exp);

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (cli->values[texts[i].option]) {
            buf_lit(buf, ",");
            json_strings(buf, texts[i].name);
            buf_lit(buf, ":");
            json_strings(buf, cli->values[texts[i].option]);
        }
    }

    buf_lit(buf, "}");
}


/* appends the token; 0 or -1 */
static int
cli_token_encode(const cli_t *cli, const cli_token_key_t *key, int64_t now,
    int64_t exp, buf_t *token)
{
    int    rc;
    buf_t  part = BUF_INIT;

    cli_token_header(&part, key, cli->values[CLI_TOKEN_KID]);
    rc = cli_token_part(token, &part);
    buf_lit(token, ".");

    if (rc == 0) {
        buf_reset(&part);
        cli_token_claims(&part, cli, now, exp);
        rc = cli_token_part(token, &part);
    }

    if (rc == 0) {
        buf_reset(&part);
        rc = cli_token_key_sign(key, token, &part);
        buf_lit(token, ".");
    }

    if (rc == 0) {
        rc = cli_token_part(token, &part);
    }

    buf_free(&part);

    return rc;
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
    int              rc;
    buf_t            token = BUF_INIT;
    int64_t          now, ttl;
    const char      *name, *kid, *iss, *aud;
    cli_token_key_t  key;

    ttl = cli_token_ttl(cli->values[CLI_TOKEN_TTL]);
    name = cli->values[CLI_TOKEN_NAME];
    kid = cli->values[CLI_TOKEN_KID];
    iss = cli->values[CLI_TOKEN_ISS];
    aud = cli->values[CLI_TOKEN_AUD];

    if (cli_check_id(cli, "--sub", cli->values[CLI_TOKEN_SUB]) != CLI_OK) {
        return CLI_USAGE;
    }

    if (ttl < 0) {
        return cli_usage(cli, "--ttl must be a positive number of seconds");
    }

    if ((name && !text_valid(name, strlen(name)))
        || (iss && !text_valid(iss, strlen(iss)))
        || (aud && !text_valid(aud, strlen(aud))))
    {
        return cli_usage(cli, "--name, --iss and --aud must be UTF-8");
    }

    if (kid && (*kid == '\0' || strlen(kid) > CLI_TOKEN_KID_MAX
                || !text_valid(kid, strlen(kid))))
    {
        return cli_usage(cli, "--kid must be UTF-8 of 1 to %d bytes",
                         CLI_TOKEN_KID_MAX);
    }

    if (cli_token_key_read(&key, cli->values[CLI_TOKEN_KEY]) != 0) {
        return CLI_FAILED;
    }

    now = clock_now() / 1000;

    rc = cli_token_encode(cli, &key, now, now + ttl, &token) == 0
         ? cli_token_print(cli, token.data, now + ttl)
         : cli_fail("OpenSSL or the memory fails to make the token");

    cli_token_key_free(&key);
    buf_free(&token);

    return rc;
}
