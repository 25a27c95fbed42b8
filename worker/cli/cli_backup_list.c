
/*
 * Lists the properties: their ids by SCAN, then their heads, many in one trip.
 */

#include <stdlib.h>
#include <string.h>

#include "cli_backup_list.h"
#include "cli_signal.h"


/* commands in one trip */
#define LIST_BATCH  500


/* adds an id; a cli_redis_each_pt */
static int
cli_backup_list_add(void *data, const char *id)
{
    size_t              size;
    cli_backup_item_t  *items;
    cli_backup_list_t  *list = data;

    if (cli_signal_caught()) {
        return cli_fail("interrupted"), -1;
    }

    if (list->n == list->size) {
        size = list->size ? list->size * 2 : 1024;
        items = reallocarray(list->items, size, sizeof(cli_backup_item_t));

        if (items == NULL) {
            return cli_fail("out of memory"), -1;
        }

        list->items = items;
        list->size = size;
    }

    memset(&list->items[list->n], 0, sizeof(cli_backup_item_t));
    (void) stpcpy(list->items[list->n].id, id);
    list->n++;

    return 0;
}


static int
cli_backup_list_compare(const void *a, const void *b)
{
    const cli_backup_item_t  *left = a, *right = b;

    return strcmp(left->id, right->id);
}


/* sorts the list; SCAN may have returned an id twice */
static void
cli_backup_list_sort(cli_backup_list_t *list)
{
    size_t  i, n;

    if (list->n == 0) {
        return;
    }

    qsort(list->items, list->n, sizeof(cli_backup_item_t),
          cli_backup_list_compare);

    for (i = 1, n = 1; i < list->n; i++) {
        if (strcmp(list->items[i].id, list->items[n - 1].id) != 0) {
            list->items[n++] = list->items[i];
        }
    }

    list->n = n;
}


/* sets the heads of n items: 0, or -1 after an error message */
static int
cli_backup_list_heads(cli_t *cli, cli_backup_item_t *items, size_t n)
{
    int          rc;
    char         key[LL_KEY_MAX];
    size_t       i;
    args_t       args = ARGS_INIT;
    redisReply  *reply;

    rc = 0;

    for (i = 0; i < n; i++) {
        args_lit(&args, "HMGET");
        args_copy(&args, key, ll_keys_property(key, LL_KEY_META, items[i].id,
                                               strlen(items[i].id)));
        args_lit(&args, "seq");
        args_lit(&args, "n");
        (void) conn_send(cli->conn, &args);
        args_reset(&args);
    }

    for (i = 0; i < n; i++) {
        reply = conn_recv(cli->conn);

        if (conn_result(reply) != CONN_OK) {
            rc = cli_fail("cannot read the threads: %s",
                          reply ? reply->str : conn_error(cli->conn));

        } else if (conn_number(conn_element(reply, 0), &items[i].seq) != 0) {
            items[i].seq = -1;                     /* deleted meanwhile */

        } else if (conn_number(conn_element(reply, 1), &items[i].messages)
                   != 0)
        {
            items[i].messages = 0;
        }

        freeReplyObject(reply);

        if (rc != 0) {
            break;
        }
    }

    args_free(&args);

    return rc == 0 ? 0 : -1;
}


int
cli_backup_list_read(cli_t *cli, cli_backup_list_t *list)
{
    size_t  i, n, left;

    list->n = 0;

    if (cli_redis_each(cli, 'p', "meta", cli_backup_list_add, list) != 0) {
        return -1;
    }

    cli_backup_list_sort(list);

    for (i = 0; i < list->n; i += n) {

        if (cli_signal_caught()) {
            return cli_fail("interrupted"), -1;
        }

        left = list->n - i;
        n = left < LIST_BATCH ? left : LIST_BATCH;

        if (cli_backup_list_heads(cli, &list->items[i], n) != 0) {
            return -1;
        }
    }

    for (i = 0, n = 0; i < list->n; i++) {
        if (list->items[i].seq >= 0) {
            list->items[n++] = list->items[i];
        }
    }

    list->n = n;

    return 0;
}


void
cli_backup_list_free(cli_backup_list_t *list)
{
    free(list->items);
    memset(list, 0, sizeof(cli_backup_list_t));
}
