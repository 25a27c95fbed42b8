
/*
 * JSON Web Tokens signed with HS256.
 */


#ifndef TOKEN_H
#define TOKEN_H


#include <stddef.h>


#define TOKEN_MAX  2048


/*
 * Writes the token of a user, valid for a day, with a claim that fills it up
 * to about size bytes; returns its length.  out: TOKEN_MAX + 1 bytes.
 */
size_t token_make(char *out, const char *key, size_t key_len, const char *user,
    size_t size);


#endif /* TOKEN_H */
