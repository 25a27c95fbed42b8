
/* the chain, against values of another implementation of SHA-256 */

#include "t/tap.h"
#include "chain.h"


#define H0  \
    "88407fbd7dbb44b22dae9710e242206272fcc25e3f546a6d7953298da2d8e507"
#define H1  \
    "963e018d7be1a4bb6ee00bfb7dbc7301fa8d1d190d9d93354e144773843988a3"
#define H2  \
    "9f0c46fd6bfb026bff79f034eef8ce6df6b7e2954eeb4de14b0b481f6a8a59a4"


static const char *
hex(const unsigned char *hash)
{
    int          i;
    static char  text[2 * CHAIN_HASH + 1];

    for (i = 0; i < CHAIN_HASH; i++) {
        (void) sprintf(text + 2 * i, "%02x", hash[i]);
    }

    return text;
}


static void
test_values(void)
{
    int                   i;
    unsigned char         hash[CHAIN_HASH], next[CHAIN_HASH];
    unsigned char         salt[CHAIN_SALT];

    static const char     entry[] = "{\"seq\":1}";

    for (i = 0; i < CHAIN_SALT; i++) {
        salt[i] = (unsigned char) i;
    }

    ok(chain_first(hash, "elm-12-3", 8) == 0, "hash(0) is computed");
    is_str(hex(hash), H0, "hash(0) is the SHA-256 of the property");

    ok(chain_next(next, hash, salt, entry, sizeof(entry) - 1) == 0,
       "hash(1) is computed");
    is_str(hex(next), H1, "hash(1) has the expected value");

    ok(chain_next(hash, hash, salt, entry, sizeof(entry) - 1) == 0
       && memcmp(hash, next, CHAIN_HASH) == 0, "a hash is computed in place");

    chain_cleanup();

    ok(chain_next(next, hash, salt, "", 0) == 0,
       "a hash is computed after a cleanup");
    is_str(hex(next), H2, "the hash of an empty entry has the expected value");
}


static void
test_salts(void)
{
    unsigned char  a[CHAIN_SALT], b[CHAIN_SALT];

    ok(chain_salt(a) == 0 && chain_salt(b) == 0, "two salts are drawn");
    ok(memcmp(a, b, CHAIN_SALT) != 0, "the two salts differ");
}


int
main(void)
{
    test_values();
    test_salts();
    chain_cleanup();

    return tap_done();
}
