
/* Arguments of Redis commands.  The list owns its arrays and copied values. */

#include <stdlib.h>
#include <string.h>

#include "args.h"


static int
args_room(args_t *args)
{
    int     size;
    void   *p;

    if (args->n < args->size) {
        return 0;
    }

    size = args->size ? args->size * 2 : 64;

    p = realloc(args->argv, (size_t) size * sizeof(args->argv[0]));
    if (p == NULL) {
        return -1;
    }

    args->argv = p;

    p = realloc(args->argvlen, (size_t) size * sizeof(args->argvlen[0]));
    if (p == NULL) {
        return -1;
    }

    args->argvlen = p;

    p = realloc(args->offset, (size_t) size * sizeof(args->offset[0]));
    if (p == NULL) {
        return -1;
    }

    args->offset = p;
    args->size = size;

    return 0;
}


static void
args_put(args_t *args, const char *s, size_t len, size_t offset)
{
    if (args_room(args) == -1) {
        args->made.failed = 1;
        return;
    }

    args->argv[args->n] = s;
    args->argvlen[args->n] = len;
    args->offset[args->n] = offset;
    args->n++;
}


void
args_add(args_t *args, const char *s, size_t len)
{
    args_put(args, s ? s : "", s ? len : 0, 0);
}


void
args_adds(args_t *args, const char *s)
{
    args_put(args, s, strlen(s), 0);
}


void
args_copy(args_t *args, const char *s, size_t len)
{
    size_t  offset;

    offset = args->made.len;
    buf_add(&args->made, s, len);
    args_put(args, NULL, len, offset);
}


void
args_number(args_t *args, int64_t n)
{
    size_t  offset;

    offset = args->made.len;
    buf_number(&args->made, n);
    args_put(args, NULL, args->made.len - offset, offset);
}


int
args_finish(args_t *args)
{
    int  i;

    if (buf_failed(&args->made)) {
        return -1;
    }

    for (i = 0; i < args->n; i++) {
        if (args->argv[i] == NULL) {
            args->argv[i] = args->made.data ? args->made.data + args->offset[i]
                                            : "";
        }
    }

    return 0;
}


void
args_reset(args_t *args)
{
    args->n = 0;
    buf_reset(&args->made);
}


void
args_free(args_t *args)
{
    if (args == NULL) {
        return;
    }

    free(args->argv);
    free(args->argvlen);
    free(args->offset);
    buf_free(&args->made);

    args->argv = NULL;
    args->argvlen = NULL;
    args->offset = NULL;
    args->n = 0;
    args->size = 0;
}
