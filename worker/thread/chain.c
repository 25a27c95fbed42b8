
/* The hash chain, by libcrypto.  Digest and context are static and reused. */

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "chain.h"


/* fetching the digest for each hash would cost more than the hash */

static EVP_MD      *chain_sha256;
static EVP_MD_CTX  *chain_ctx;


static int
chain_begin(void)
{
    if (chain_sha256 == NULL) {
        chain_sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
        if (chain_sha256 == NULL) {
            return -1;
        }
    }

    if (chain_ctx == NULL) {
        chain_ctx = EVP_MD_CTX_new();
        if (chain_ctx == NULL) {
            return -1;
        }
    }

    return EVP_DigestInit_ex2(chain_ctx, chain_sha256, NULL) == 1 ? 0 : -1;
}


int
chain_hash(unsigned char hash[CHAIN_HASH], const void *a, size_t alen,
    const void *b, size_t blen)
{
    if (chain_begin() != 0
        || EVP_DigestUpdate(chain_ctx, a, alen) != 1
        || EVP_DigestUpdate(chain_ctx, b, blen) != 1
        || EVP_DigestFinal_ex(chain_ctx, hash, NULL) != 1)
    {
        return -1;
    }

    return 0;
}


int
chain_first(unsigned char hash[CHAIN_HASH], const char *property, size_t len)
{
    return chain_hash(hash, property, len, "", 0);
}


int
chain_digest(unsigned char digest[CHAIN_HASH],
    const unsigned char salt[CHAIN_SALT], const char *entry, size_t len)
{
    return chain_hash(digest, salt, CHAIN_SALT, entry, len);
}


int
chain_join(unsigned char hash[CHAIN_HASH], const unsigned char prev[CHAIN_HASH],
    const unsigned char digest[CHAIN_HASH])
{
    return chain_hash(hash, prev, CHAIN_HASH, digest, CHAIN_HASH);
}


int
chain_next(unsigned char hash[CHAIN_HASH], const unsigned char prev[CHAIN_HASH],
    const unsigned char salt[CHAIN_SALT], const char *entry, size_t len)
{
    unsigned char  digest[CHAIN_HASH];

    if (chain_digest(digest, salt, entry, len) != 0) {
        return -1;
    }

    return chain_join(hash, prev, digest);
}


int
chain_salt(unsigned char salt[CHAIN_SALT])
{
    return RAND_bytes(salt, CHAIN_SALT) == 1 ? 0 : -1;
}


void
chain_cleanup(void)
{
    EVP_MD_CTX_free(chain_ctx);
    EVP_MD_free(chain_sha256);

    chain_ctx = NULL;
    chain_sha256 = NULL;
}
