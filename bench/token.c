
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "token.h"


/* what a token has beside the filling: header, claims, signature */
#define TOKEN_REST  200


/* without padding and with the alphabet of URLs */
static size_t
token_base64(char *out, const void *data, size_t len)
{
    size_t  i, n;

    n = EVP_EncodeBlock((unsigned char *) out, data, len);

    while (n && out[n - 1] == '=') {
        n--;
    }

    for (i = 0; i < n; i++) {
        if (out[i] == '+') {
            out[i] = '-';

        } else if (out[i] == '/') {
            out[i] = '_';
        }
    }

    out[n] = '\0';

    return n;
}


size_t
token_make(char *out, const char *key, size_t key_len, const char *user,
    size_t size)
{
    static const char  header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";

    char               claims[TOKEN_MAX], fill[TOKEN_MAX / 2];
    size_t             n, fill_len;
    unsigned           mac_len;
    unsigned char      mac[EVP_MAX_MD_SIZE];

    fill_len = size > TOKEN_REST ? (size - TOKEN_REST) * 3 / 4 : 0;

    if (fill_len >= sizeof(fill)) {
        fill_len = sizeof(fill) - 1;
    }

    memset(fill, 'x', fill_len);
    fill[fill_len] = '\0';

    snprintf(claims, sizeof(claims),
             "{\"sub\":\"%s\",\"exp\":%lld,\"iss\":\"bench\",\"fill\":\"%s\"}",
             user, (long long) time(NULL) + 86400, fill);

    n = token_base64(out, header, sizeof(header) - 1);
    out[n++] = '.';
    n += token_base64(out + n, claims, strlen(claims));

    HMAC(EVP_sha256(), key, key_len, (unsigned char *) out, n, mac, &mac_len);

    out[n++] = '.';
    n += token_base64(out + n, mac, mac_len);

    return n;
}
