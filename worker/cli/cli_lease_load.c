
/*
 * leaseloft lease load: queues many declarations, one a line.
 *
 * Up to LOAD_INFLIGHT requests are in flight at a time.  Each has a slot with
 * the number of its line, which is also the id of the request.  A property has
 * at most one request in flight, so its declarations are carried out in the
 * order of the lines, however many workers run.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "body.h"
#include "cli_lease_load.h"
#include "cli_redis.h"
#include "cli_request.h"
#include "clock.h"
#include "json.h"


#define LOAD_INFLIGHT  64

/* interval of progress messages, on a terminal and in a log */
#define LOAD_TTY_MS    200
#define LOAD_LOG_MS    5000


typedef struct {
    uint64_t         line;         /* 0: free */
    char             property[LL_ID_MAX + 1];
} lease_load_slot_t;


typedef struct {
    cli_t             *cli;
    cli_request_t     *requests;
    lease_load_slot_t  inflight[LOAD_INFLIGHT];
    unsigned           ninflight;
    uint64_t           declared;
    uint64_t           failed;
    buf_t              errors;     /* as JSON */
    int                tty;
    int64_t            reported_at;
} lease_load_t;


static void
cli_lease_load_progress(lease_load_t *load, int last)
{
    int64_t  now;

    now = clock_monotonic();

    if (last) {
        if (load->tty && load->reported_at) {
            (void) fprintf(stderr, "\r\033[K");
        }

        return;
    }

    if (load->reported_at == 0) {
        load->reported_at = now;      /* a short run reports nothing */
        return;
    }

    if (now - load->reported_at < (load->tty ? LOAD_TTY_MS : LOAD_LOG_MS)) {
        return;
    }

    load->reported_at = now;

    (void) fprintf(stderr, load->tty ? "\r%llu declared, %llu failed"
                                     : "%llu declared, %llu failed\n",
                   (unsigned long long) load->declared,
                   (unsigned long long) load->failed);
}


/* reports a line that failed; detail is one line of text */
static void
cli_lease_load_failed(lease_load_t *load, uint64_t line, const char *property,
    const char *detail)
{
    if (load->tty && load->reported_at) {
        (void) fprintf(stderr, "\r\033[K");
    }

    (void) cli_fail("line %llu%s%s: %s", (unsigned long long) line,
                    property[0] ? ", " : "", property, detail);

    buf_adds(&load->errors, load->failed++ ? ",{\"line\":" : "{\"line\":");
    buf_number(&load->errors, (int64_t) line);
    buf_lit(&load->errors, ",\"property\":");

    if (property[0]) {
        json_strings(&load->errors, property);
    } else {
        buf_lit(&load->errors, "null");
    }

    buf_lit(&load->errors, ",\"detail\":");
    json_strings(&load->errors, detail);
    buf_lit(&load->errors, "}");
}


static lease_load_slot_t *
cli_lease_load_slot(lease_load_t *load, uint64_t line)
{
    size_t  i;

    for (i = 0; i < LOAD_INFLIGHT; i++) {
        if (load->inflight[i].line == line) {
            return &load->inflight[i];
        }
    }

    return NULL;
}


/* waits for a verdict; 0, or -1 after an error message */
static int
cli_lease_load_wait(lease_load_t *load)
{
    buf_t               buf = BUF_INIT;
    lease_load_slot_t  *slot;
    ll_verdict_t        verdict;

    if (cli_request_wait(load->requests, &verdict) != 0) {
        return -1;
    }

    slot = verdict.request ? cli_lease_load_slot(load, verdict.request) : NULL;

    if (slot == NULL) {
        return 0;                  /* a repeated verdict, of two workers */
    }

    if (verdict.status < 300) {
        load->declared++;

    } else {
        cli_request_problem(&buf, verdict.body.data, verdict.body.len);
        cli_lease_load_failed(load, slot->line, slot->property,
                              buf_failed(&buf) ? "refused" : buf.data);
        buf_free(&buf);
    }

    slot->line = 0;
    load->ninflight--;

    cli_lease_load_progress(load, 0);

    return 0;
}


static int
cli_lease_load_is_busy(const lease_load_t *load, const char *property)
{
    size_t  i;

    for (i = 0; i < LOAD_INFLIGHT; i++) {
        if (load->inflight[i].line
            && strcmp(load->inflight[i].property, property) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* waits for a free slot and queues; 0, or -1 after an error message */
static int
cli_lease_load_send(lease_load_t *load, uint64_t line, const char *property,
    const char *body)
{
    lease_load_slot_t  *slot;

    while (load->ninflight == LOAD_INFLIGHT
           || cli_lease_load_is_busy(load, property))
    {
        if (cli_lease_load_wait(load) != 0) {
            return -1;
        }
    }

    slot = cli_lease_load_slot(load, 0);
    slot->line = line;
    (void) snprintf(slot->property, sizeof(slot->property), "%s", property);
    load->ninflight++;

    if (cli_request_lease(load->requests, line, property, body, strlen(body))
        == 0)
    {
        return 0;
    }

    if (!cli_redis_can_continue(load->cli)) {
        return cli_fail("%s", load->cli->why), -1;
    }

    slot->line = 0;
    load->ninflight--;
    cli_lease_load_failed(load, line, property, load->cli->why);

    return 0;
}


/*
 * Queues the declaration of a line: the object without "property".  0, also if
 * the line is invalid, or -1 after an error message if loading cannot continue.
 */
static int
cli_lease_load_line(lease_load_t *load, uint64_t line, const char *s,
    size_t len)
{
    int          rc;
    char        *body;
    cJSON       *tree, *property;
    const char  *why, *id;

    if (len > BODY_MAX) {
        cli_lease_load_failed(load, line, "", "has more than 65536 bytes");
        return 0;
    }

    tree = json_parse(s, len, &why);

    if (tree == NULL || !cJSON_IsObject(tree)) {
        cli_lease_load_failed(load, line, "", tree ? "must be an object" : why);
        cJSON_Delete(tree);
        return 0;
    }

    property = cJSON_DetachItemFromObjectCaseSensitive(tree, "property");
    id = cJSON_GetStringValue(property);
    body = NULL;
    rc = 0;

    if (id == NULL || !ll_id_valid(id, strlen(id))) {
        cli_lease_load_failed(load, line, "",
                              "property must be 1 to 64 of A-Z a-z 0-9 _ -");

    } else {
        body = cJSON_PrintUnformatted(tree);
        rc = body ? cli_lease_load_send(load, line, id, body)
                  : (cli_fail("out of memory"), -1);
    }

    cJSON_free(body);
    cJSON_Delete(property);
    cJSON_Delete(tree);

    return rc;
}


static int
cli_lease_load_file(lease_load_t *load, FILE *file)
{
    int       rc;
    char     *line;
    size_t    size;
    ssize_t   len;
    uint64_t  n;

    line = NULL;
    size = 0;
    rc = 0;

    for (n = 1; rc == 0 && (len = getline(&line, &size, file)) != -1; n++) {
        if (strspn(line, " \t\r\n") != (size_t) len) {
            rc = cli_lease_load_line(load, n, line, (size_t) len);
        }
    }

    free(line);

    if (rc == 0 && ferror(file)) {
        (void) cli_fail("cannot read: %s", strerror(errno));
        rc = -1;
    }

    /* wait for those in flight, unless a wait has failed */

    while (rc == 0 && load->ninflight) {
        rc = cli_lease_load_wait(load);
    }

    cli_lease_load_progress(load, 1);

    return rc;
}


static int
cli_lease_load_report(lease_load_t *load)
{
    int    rc;
    buf_t  buf = BUF_INIT;

    if (load->cli->json) {
        buf_lit(&buf, "{\"declared\":");
        buf_number(&buf, (int64_t) load->declared);
        buf_lit(&buf, ",\"failed\":");
        buf_number(&buf, (int64_t) load->failed);
        buf_lit(&buf, ",\"unanswered\":");
        buf_number(&buf, load->ninflight);
        buf_lit(&buf, ",\"errors\":[");
        buf_add(&buf, load->errors.data, load->errors.len);
        buf_lit(&buf, "]}");

    } else {
        buf_number(&buf, (int64_t) load->declared);
        buf_lit(&buf, " declared, ");
        buf_number(&buf, (int64_t) load->failed);
        buf_lit(&buf, " failed");

        if (load->ninflight) {
            buf_lit(&buf, ", ");
            buf_number(&buf, load->ninflight);
            buf_lit(&buf, " unanswered");
        }
    }

    rc = cli_print(&buf);
    buf_free(&buf);

    return rc == CLI_OK && load->failed == 0 && load->ninflight == 0
           ? CLI_OK : CLI_FAILED;
}


int
cli_lease_load(cli_t *cli)
{
    int           rc;
    FILE         *file;
    lease_load_t  load;

    memset(&load, 0, sizeof(lease_load_t));

    load.cli = cli;
    load.tty = isatty(STDERR_FILENO);

    file = strcmp(cli->args[0], "-") == 0 ? stdin : fopen(cli->args[0], "r");

    if (file == NULL) {
        return cli_fail("cannot open \"%s\": %s", cli->args[0],
                        strerror(errno));
    }

    load.requests = cli_request_create(cli);
    rc = -1;

    if (load.requests) {
        rc = cli_lease_load_file(&load, file);

        if (cli_lease_load_report(&load) != CLI_OK) {
            rc = -1;
        }
    }

    if (file != stdin) {
        (void) fclose(file);
    }

    cli_request_free(load.requests);
    buf_free(&load.errors);

    return rc == 0 ? CLI_OK : CLI_FAILED;
}
