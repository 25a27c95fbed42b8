
/* leaseloft dead list: prints the requests that workers gave up. */

#include <stdlib.h>
#include <string.h>

#include "cli_dead_list.h"
#include "cli_redis.h"
#include "clock.h"
#include "json.h"


static void
cli_dead_list_json(cli_dead_list_t *list, const char *id,
    const redisReply *fields)
{
    size_t              i;

    static const struct {
        const char     *member;
        const char     *field;
    } members[] = {
        { "op", "op" }, { "property", "p" }, { "user", "u" },
        { "why", "why" }, { "request", "id" }
    };

    buf_adds(&list->out, list->n ? ",{\"id\":" : "{\"id\":");
    json_strings(&list->out, id);
    buf_lit(&list->out, ",\"at\":");
    json_time(&list->out, strtoll(id, NULL, 10));

    for (i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        buf_lit(&list->out, ",\"");
        buf_adds(&list->out, members[i].member);
        buf_lit(&list->out, "\":");
        json_strings(&list->out, cli_dead_field(fields, members[i].field));
    }

    buf_lit(&list->out, "}");
}


int
cli_dead_list_entry(cli_t *cli, unsigned k, const char *id,
    const redisReply *fields, void *data)
{
    char              time[CLOCK_LEN + 1];
    cli_dead_list_t  *list = data;

    (void) k;

    if (cli->json) {
        cli_dead_list_json(list, id, fields);

    } else {
        clock_format(time, strtoll(id, NULL, 10));

        buf_adds(&list->out, id);
        buf_lit(&list->out, "\t");
        buf_adds(&list->out, time);
        buf_lit(&list->out, "\t");
        buf_adds(&list->out, cli_dead_field(fields, "op"));
        buf_lit(&list->out, "\t");
        buf_adds(&list->out, cli_dead_field(fields, "p"));
        buf_lit(&list->out, "\t");
        buf_adds(&list->out, cli_dead_field(fields, "u")[0]
                             ? cli_dead_field(fields, "u") : "-");
        buf_lit(&list->out, "\t");
        buf_adds(&list->out, cli_dead_field(fields, "why"));
        buf_lit(&list->out, "\n");
    }

    list->n++;

    return 0;
}


int
cli_dead_list_print(cli_t *cli, cli_dead_list_t *list, const char *member,
    const char *words)
{
    int    rc;
    buf_t  out = BUF_INIT;

    if (cli->json) {
        buf_lit(&out, "{\"");
        buf_adds(&out, member);
        buf_lit(&out, "\":[");
    }

    buf_add(&out, list->out.data, list->out.len);

    if (cli->json) {
        buf_lit(&out, "]}");

    } else {
        buf_number(&out, (int64_t) list->n);
        buf_adds(&out, words);
    }

    rc = cli_print(&out);

    buf_free(&out);
    buf_free(&list->out);

    return rc;
}


int
cli_dead_list(cli_t *cli)
{
    int              rc;
    cli_dead_list_t  list;

    memset(&list, 0, sizeof(cli_dead_list_t));

    if (cli_redis_connect(cli) != 0) {
        return CLI_FAILED;
    }

    rc = cli_dead_each(cli, cli_dead_list_entry, &list);

    if (cli_dead_list_print(cli, &list, "dead", " given up") != CLI_OK) {
        rc = -1;
    }

    return rc == 0 ? CLI_OK : CLI_FAILED;
}
