
/*
 * Loads the library of functions (functions.lua), which is embedded in the
 * worker.  A newer revision that another worker has loaded is kept.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "functions.h"
#include "store_library.h"


/* the number after "-- revision " in the code of a library, or 0 */
static long
store_library_parse(const char *code)
{
    const char  *p;

    static const char  mark[] = "\n-- revision ";

    p = strstr(code, mark);

    return p == NULL ? 0 : strtol(p + sizeof(mark) - 1, NULL, 10);
}


long
store_library_revision(void)
{
    return store_library_parse(functions_lua);
}


void
store_library_ask(args_t *args)
{
    args_lit(args, "FUNCTION");
    args_lit(args, "LIST");
    args_lit(args, "LIBRARYNAME");
    args_lit(args, LL_LIBRARY);
    args_lit(args, "WITHCODE");
}


/* the code of the library, or NULL if it is not loaded */
static const char *
store_library_code(const redisReply *reply)
{
    size_t             i;
    const redisReply  *library, *name, *code;

    library = conn_element(reply, 0);

    for (i = 0; library != NULL && i + 1 < library->elements; i += 2) {
        name = library->element[i];
        code = library->element[i + 1];

        if (name->type == REDIS_REPLY_STRING
            && code->type == REDIS_REPLY_STRING
            && strcmp(name->str, "library_code") == 0)
        {
            return code->str;
        }
    }

    return NULL;
}


long
store_library_loaded(const redisReply *reply)
{
    const char  *code;

    code = store_library_code(reply);

    return code ? store_library_parse(code) : 0;
}


/* 1 if the library in Redis is this one or newer, else 0; -1 on failure */
static int
store_library_is_current(store_t *store)
{
    int          current;
    redisReply  *reply;
    const char  *code;

    args_reset(&store->args);
    store_library_ask(&store->args);

    reply = conn_call(store->conn, &store->args);
    if (reply == NULL) {
        return -1;
    }

    code = store_library_code(reply);
    current = code && (strcmp(code, functions_lua) == 0
                       || store_library_parse(code)
                          > store_library_revision());

    freeReplyObject(reply);

    return current;
}


int
store_library_load(store_t *store, char *why, size_t size)
{
    int          loaded, rc;
    redisReply  *reply;

    (void) snprintf(why, size, "%s", "");

    loaded = store_library_is_current(store);
    if (loaded != 0) {
        return loaded == 1 ? 0 : -1;
    }

    args_reset(&store->args);
    args_lit(&store->args, "FUNCTION");
    args_lit(&store->args, "LOAD");
    args_lit(&store->args, "REPLACE");
    args_add(&store->args, functions_lua, sizeof(functions_lua) - 1);

    reply = conn_call(store->conn, &store->args);
    if (reply == NULL) {
        return -1;
    }

    rc = 0;

    if (reply->type == REDIS_REPLY_ERROR) {
        (void) snprintf(why, size, "%s", reply->str);
        rc = -1;
    }

    freeReplyObject(reply);

    return rc;
}
