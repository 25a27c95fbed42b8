
/*
 * The chain over a thread's entries:
 *
 *     hash(0) = SHA-256( property id )
 *     hash(n) = SHA-256( hash(n-1) || SHA-256( salt(n) || entry(n) ) )
 *
 * It proves order and completeness; an entry's text can be erased later while
 * its inner hash keeps the chain whole.  Digest contexts are kept between
 * calls, so this is for one thread.
 *
 * All return 0, or -1 when libcrypto fails (out of memory, no randomness).
 */


#ifndef CHAIN_H
#define CHAIN_H


#include <stddef.h>


#define CHAIN_HASH  32
#define CHAIN_SALT  16


int chain_first(unsigned char hash[CHAIN_HASH], const char *property,
    size_t len);

/* hash may be prev */
int chain_next(unsigned char hash[CHAIN_HASH],
    const unsigned char prev[CHAIN_HASH],
    const unsigned char salt[CHAIN_SALT], const char *entry, size_t len);

/* random bytes */
int chain_salt(unsigned char salt[CHAIN_SALT]);

/* gives back what the calls above keep; they may be called again */
void chain_cleanup(void);


#endif /* CHAIN_H */
