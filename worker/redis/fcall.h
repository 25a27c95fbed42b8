
/*
 * Calls of our functions in Redis, by FCALL or FCALL_RO.  These append the
 * beginning of a call to args: the name of the function, which is not copied,
 * and keys.  Further keys and arguments follow.
 */


#ifndef FCALL_H
#define FCALL_H


#include "args.h"


/* FCALL and FCALL_RO with nkeys keys, which the caller appends */
void fcall_begin(args_t *args, const char *function, int nkeys);
void fcall_begin_ro(args_t *args, const char *function, int nkeys);

/* LL_PROPERTY_KEYS keys of a property, LL_USER_KEYS of a user */
void fcall_property_keys(args_t *args, const char *property, size_t len);
void fcall_user_keys(args_t *args, const char *user, size_t len);

/* FCALL with all keys of a property, or of a user */
void fcall_property(args_t *args, const char *function, const char *property);
void fcall_user(args_t *args, const char *function, const char *user);


#endif /* FCALL_H */
