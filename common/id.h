
/*
 * Ids of properties, users, leases and messages: 1 to 64 of A-Z a-z 0-9 _ -
 */


#ifndef LL_ID_H
#define LL_ID_H


#include <stddef.h>


#define LL_ID_MAX  64


/* Returns 1 if the len bytes at s are an id, else 0. */
int ll_id_valid(const char *s, size_t len);


#endif /* LL_ID_H */
