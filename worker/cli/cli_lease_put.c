
/*
 * leaseloft lease put: queues one declaration and prints the worker's verdict.
 */

#include "body.h"
#include "cli_lease_put.h"
#include "cli_request.h"
#include "json.h"


/* prints "P: lease L-1 is active" from the body of a 200, or the body */
static int
cli_lease_put_print(const cli_t *cli, const ll_verdict_t *verdict)
{
    int           rc;
    buf_t         buf = BUF_INIT;
    cJSON        *tree;
    const char   *why, *id, *state;
    const cJSON  *lease;

    tree = cli->json ? NULL
                     : json_parse(verdict->body.data, verdict->body.len, &why);
    lease = cJSON_GetObjectItemCaseSensitive(tree, "lease");
    id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(lease, "id"));
    state = cJSON_GetStringValue(
                cJSON_GetObjectItemCaseSensitive(lease, "state"));

    if (id && state) {
        buf_adds(&buf, cli->args[0]);
        buf_lit(&buf, ": lease ");
        buf_adds(&buf, id);
        buf_lit(&buf, " is ");
        buf_adds(&buf, state);

    } else {
        buf_add(&buf, verdict->body.data, verdict->body.len);
    }

    rc = cli_print(&buf);

    cJSON_Delete(tree);
    buf_free(&buf);

    return rc;
}


static int
cli_lease_put_refused(const cli_t *cli, const ll_verdict_t *verdict)
{
    buf_t  buf = BUF_INIT;

    if (cli->json) {
        buf_add(&buf, verdict->body.data, verdict->body.len);
        (void) cli_print(&buf);
        buf_reset(&buf);
    }

    cli_request_problem(&buf, verdict->body.data, verdict->body.len);
    (void) cli_fail("%s: %s", cli->args[0],
                    buf_failed(&buf) ? "refused" : buf.data);
    buf_free(&buf);

    return CLI_FAILED;
}


int
cli_lease_put(cli_t *cli)
{
    int             rc;
    buf_t           body = BUF_INIT;
    ll_verdict_t    verdict;
    cli_request_t  *requests;

    if (cli_check_id(cli, "PROPERTY", cli->args[0]) != CLI_OK) {
        return CLI_USAGE;
    }

    rc = CLI_FAILED;
    requests = NULL;

    if (cli_read_file(cli->args[1], BODY_MAX, &body) != 0) {
        goto done;
    }

    requests = cli_request_create(cli);

    if (requests == NULL) {
        goto done;
    }

    if (cli_request_lease(requests, 1, cli->args[0], body.data, body.len)
        != 0)
    {
        (void) cli_fail("%s", cli->why);
        goto done;
    }

    if (cli_request_wait(requests, &verdict) != 0) {
        goto done;
    }

    rc = verdict.status < 300 ? cli_lease_put_print(cli, &verdict)
                              : cli_lease_put_refused(cli, &verdict);

done:

    cli_request_free(requests);
    buf_free(&body);

    return rc;
}
