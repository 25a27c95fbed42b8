
/* Calls of the functions in Redis.  Nothing is kept here. */

#include <string.h>

#include "common/keys.h"
#include "fcall.h"


void
fcall_begin(args_t *args, const char *function, int nkeys)
{
    args_lit(args, "FCALL");
    args_adds(args, function);
    args_number(args, nkeys);
}


void
fcall_begin_ro(args_t *args, const char *function, int nkeys)
{
    args_lit(args, "FCALL_RO");
    args_adds(args, function);
    args_number(args, nkeys);
}


void
fcall_property_keys(args_t *args, const char *property, size_t len)
{
    int   i;
    char  key[LL_KEY_MAX];

    for (i = 0; i < LL_PROPERTY_KEYS; i++) {
        args_copy(args, key, ll_keys_property(key, (ll_property_key_e) i,
                                              property, len));
    }
}


void
fcall_user_keys(args_t *args, const char *user, size_t len)
{
    int   i;
    char  key[LL_KEY_MAX];

    for (i = 0; i < LL_USER_KEYS; i++) {
        args_copy(args, key, ll_keys_user(key, (ll_user_key_e) i, user, len));
    }
}


void
fcall_property(args_t *args, const char *function, const char *property)
{
    fcall_begin(args, function, LL_PROPERTY_KEYS);
    fcall_property_keys(args, property, strlen(property));
}


void
fcall_user(args_t *args, const char *function, const char *user)
{
    fcall_begin(args, function, LL_USER_KEYS);
    fcall_user_keys(args, user, strlen(user));
}
