
/* Writes the parts of signed notes into the caller's memory. */

#include <stdio.h>
#include <string.h>

#include "sign.h"


/* the type of an Ed25519 key */
#define LL_SIGN_ED25519  1


int
ll_sign_name_valid(const char *s, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        if (s[i] <= ' ' || s[i] > '~' || s[i] == '+') {
            return 0;
        }
    }

    return len >= 1 && len <= LL_SIGN_NAME_MAX;
}


size_t
ll_sign_base64(char *dst, const unsigned char *src, size_t len)
{
    char           *p;
    size_t          i, n;
    unsigned long   bits;

    static const char  digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz0123456789+/";

    p = dst;

    for (i = 0; i < len; i += 3) {
        n = len - i;
        bits = (unsigned long) src[i] << 16;
        bits |= n > 1 ? (unsigned long) src[i + 1] << 8 : 0;
        bits |= n > 2 ? src[i + 2] : 0;

        *p++ = digits[bits >> 18];
        *p++ = digits[(bits >> 12) & 63];
        *p++ = n > 1 ? digits[(bits >> 6) & 63] : '=';
        *p++ = n > 2 ? digits[bits & 63] : '=';
    }

    return (size_t) (p - dst);
}


static char *
ll_sign_copy(char *dst, const void *src, size_t len)
{
    memcpy(dst, src, len);

    return dst + len;
}


size_t
ll_sign_text(char *dst, const ll_sign_t *note)
{
    char  *p, seq[32];
    int    n;

    n = snprintf(seq, sizeof(seq), "\n%llu\n", (unsigned long long) note->seq);

    p = ll_sign_copy(dst, note->origin, note->origin_len);
    *p++ = '/';
    p = ll_sign_copy(p, note->property, note->property_len);
    p = ll_sign_copy(p, seq, (size_t) n);
    p += ll_sign_base64(p, note->hash, LL_SIGN_HASH);
    *p++ = '\n';
    p = ll_sign_copy(p, note->time, LL_SIGN_TIME);
    *p++ = '\n';

    return (size_t) (p - dst);
}


size_t
ll_sign_id_input(char *dst, const char *name, size_t len,
    const unsigned char *key)
{
    char  *p;

    p = ll_sign_copy(dst, name, len);
    *p++ = '\n';
    *p++ = LL_SIGN_ED25519;
    p = ll_sign_copy(p, key, LL_SIGN_PUBLIC);

    return (size_t) (p - dst);
}


size_t
ll_sign_key(char *dst, const char *name, size_t len, const unsigned char *id,
    const unsigned char *key)
{
    int            i;
    char          *p;
    unsigned char  typed[1 + LL_SIGN_PUBLIC];

    static const char  hex[] = "0123456789abcdef";

    typed[0] = LL_SIGN_ED25519;
    memcpy(typed + 1, key, LL_SIGN_PUBLIC);

    p = ll_sign_copy(dst, name, len);
    *p++ = '+';

    for (i = 0; i < LL_SIGN_ID; i++) {
        *p++ = hex[id[i] >> 4];
        *p++ = hex[id[i] & 0xf];
    }

    *p++ = '+';
    p += ll_sign_base64(p, typed, sizeof(typed));

    return (size_t) (p - dst);
}


size_t
ll_sign_signature(char *dst, const char *name, size_t len,
    const unsigned char *id, const unsigned char *sig)
{
    char          *p;
    unsigned char  both[LL_SIGN_ID + LL_SIGN_SIG];

    /* an em dash and a space */

    static const char  dash[] = "\n\xe2\x80\x94 ";

    memcpy(both, id, LL_SIGN_ID);
    memcpy(both + LL_SIGN_ID, sig, LL_SIGN_SIG);

    p = ll_sign_copy(dst, dash, sizeof(dash) - 1);
    p = ll_sign_copy(p, name, len);
    *p++ = ' ';
    p += ll_sign_base64(p, both, sizeof(both));
    *p++ = '\n';

    return (size_t) (p - dst);
}
