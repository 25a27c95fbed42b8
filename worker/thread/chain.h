
/*
 * The hash chain of a thread's entries:
 *
 *     hash(0) = SHA-256( property id )
 *     hash(n) = SHA-256( hash(n-1) || SHA-256( salt(n) || entry(n) ) )
 *
 * It proves order and completeness.  The text of an entry can be erased later:
 * its inner hash keeps the chain verifiable.  The functions share a digest
 * context, so that only one thread may call them.
 *
 * They return 0, or -1 if libcrypto fails (memory, randomness).
 */


#ifndef CHAIN_H
#define CHAIN_H


#include <stddef.h>


#define CHAIN_HASH  32
#define CHAIN_SALT  16


/* Sets hash to SHA-256( a || b ). */
int chain_hash(unsigned char hash[CHAIN_HASH], const void *a, size_t alen,
    const void *b, size_t blen);

/* Sets hash(0) from the id of the property. */
int chain_first(unsigned char hash[CHAIN_HASH], const char *property,
    size_t len);

/* Sets hash(n) from hash(n-1); hash may be prev. */
int chain_next(unsigned char hash[CHAIN_HASH],
    const unsigned char prev[CHAIN_HASH],
    const unsigned char salt[CHAIN_SALT], const char *entry, size_t len);

/* Sets digest to SHA-256( salt || entry ), the part of entry and salt. */
int chain_digest(unsigned char digest[CHAIN_HASH],
    const unsigned char salt[CHAIN_SALT], const char *entry, size_t len);

/* Sets hash(n) from hash(n-1) and the digest of entry n; hash may be prev. */
int chain_join(unsigned char hash[CHAIN_HASH],
    const unsigned char prev[CHAIN_HASH],
    const unsigned char digest[CHAIN_HASH]);

/* Generates a random salt. */
int chain_salt(unsigned char salt[CHAIN_SALT]);

/* Frees the digest context; the functions may be called again. */
void chain_cleanup(void);


#endif /* CHAIN_H */
