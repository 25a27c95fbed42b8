
/*
 * leaseloft lease load: many declarations, one a line.
 *
 * Up to LOAD_FLYING of them wait for their verdicts at a time; each keeps a
 * place in `flying` under the number of its line, which is also the number of
 * the request.  Two of one property never fly together: the order of lines is
 * the order of what happens to a property, however many workers there are.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "body.h"
#include "cli.h"
#include "clock.h"
#include "json.h"


#define LOAD_FLYING   64

/* how often progress is shown, on a terminal and in a log */
#define LOAD_TTY_MS   200
#define LOAD_LOG_MS   5000


typedef struct {
    uint64_t         line;         /* 0: free */
    char             property[LL_ID_MAX + 1];
} load_slot_t;


typedef struct {
    cli_t           *cli;
    cli_requests_t  *requests;
    load_slot_t      flying[LOAD_FLYING];
    unsigned         nflying;
    uint64_t         done;
    uint64_t         failed;
    buf_t            errors;       /* as JSON */
    int              tty;
    int64_t          shown_at;
} load_t;


static void
load_progress(load_t *load, int last)
{
    int64_t  now;

    now = clock_monotonic();

    if (last) {
        if (load->tty && load->shown_at) {
            (void) fprintf(stderr, "\r\033[K");
        }

        return;
    }

    if (load->shown_at == 0) {
        load->shown_at = now;      /* nothing is said of what is short */
        return;
    }

    if (now - load->shown_at < (load->tty ? LOAD_TTY_MS : LOAD_LOG_MS)) {
        return;
    }

    load->shown_at = now;

    (void) fprintf(stderr, load->tty ? "\r%llu declared, %llu failed"
                                     : "%llu declared, %llu failed\n",
                   (unsigned long long) load->done,
                   (unsigned long long) load->failed);
}


/* names a bad line; detail is one line of text */

static void
load_bad(load_t *load, uint64_t line, const char *property,
    const char *detail)
{
    if (load->tty && load->shown_at) {
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


static load_slot_t *
load_slot(load_t *load, uint64_t line)
{
    size_t  i;

    for (i = 0; i < LOAD_FLYING; i++) {
        if (load->flying[i].line == line) {
            return &load->flying[i];
        }
    }

    return NULL;
}


/* waits for one of those that fly: 0, or -1 having said why */

static int
load_land(load_t *load)
{
    buf_t         buf = BUF_INIT;
    load_slot_t  *slot;
    ll_verdict_t  verdict;

    if (cli_requests_wait(load->requests, &verdict) != 0) {
        return -1;
    }

    slot = verdict.request ? load_slot(load, verdict.request) : NULL;

    if (slot == NULL) {
        return 0;                  /* a verdict said twice, by two workers */
    }

    if (verdict.status < 300) {
        load->done++;

    } else {
        cli_problem(&buf, verdict.body.data, verdict.body.len);
        load_bad(load, slot->line, slot->property,
                 buf_failed(&buf) ? "refused" : buf.data);
        buf_free(&buf);
    }

    slot->line = 0;
    load->nflying--;

    load_progress(load, 0);

    return 0;
}


static int
load_flies(const load_t *load, const char *property)
{
    size_t  i;

    for (i = 0; i < LOAD_FLYING; i++) {
        if (load->flying[i].line
            && strcmp(load->flying[i].property, property) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* sends a declaration, once there is room: 0, or -1 having said why */

static int
load_launch(load_t *load, uint64_t line, const char *property,
    const char *body)
{
    load_slot_t  *slot;

    while (load->nflying == LOAD_FLYING || load_flies(load, property)) {
        if (load_land(load) != 0) {
            return -1;
        }
    }

    slot = load_slot(load, 0);
    slot->line = line;
    (void) snprintf(slot->property, sizeof(slot->property), "%s", property);
    load->nflying++;

    if (cli_requests_lease(load->requests, line, property, body, strlen(body))
        == 0)
    {
        return 0;
    }

    if (!cli_goes_on(load->cli)) {
        return cli_fail("%s", load->cli->why), -1;
    }

    slot->line = 0;
    load->nflying--;
    load_bad(load, line, property, load->cli->why);

    return 0;
}


/*
 * One line: 0 even if it is bad, or -1 having said why nothing goes on.  What
 * is left of the object without "property" is the body.
 */

static int
load_line(load_t *load, uint64_t line, const char *s, size_t len)
{
    int          rc;
    char        *body;
    cJSON       *tree, *property;
    const char  *why, *id;

    if (len > BODY_MAX) {
        load_bad(load, line, "", "has over 65536 bytes");
        return 0;
    }

    tree = json_parse(s, len, &why);

    if (tree == NULL || !cJSON_IsObject(tree)) {
        load_bad(load, line, "", tree ? "must be an object" : why);
        cJSON_Delete(tree);
        return 0;
    }

    property = cJSON_DetachItemFromObjectCaseSensitive(tree, "property");
    id = cJSON_GetStringValue(property);
    body = NULL;
    rc = 0;

    if (id == NULL || !ll_id_valid(id, strlen(id))) {
        load_bad(load, line, "",
                 "property must be 1 to 64 of A-Z a-z 0-9 _ -");

    } else {
        body = cJSON_PrintUnformatted(tree);
        rc = body ? load_launch(load, line, id, body)
                  : (cli_fail("out of memory"), -1);
    }

    cJSON_free(body);
    cJSON_Delete(property);
    cJSON_Delete(tree);

    return rc;
}


static int
load_file(load_t *load, FILE *file)
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
            rc = load_line(load, n, line, (size_t) len);
        }
    }

    free(line);

    if (rc == 0 && ferror(file)) {
        (void) cli_fail("cannot read: %s", strerror(errno));
        rc = -1;
    }

    /* what flies still lands, but not when nobody answers */

    while (rc == 0 && load->nflying) {
        rc = load_land(load);
    }

    load_progress(load, 1);

    return rc;
}


static int
load_report(load_t *load)
{
    int    rc;
    buf_t  buf = BUF_INIT;

    if (load->cli->json) {
        buf_lit(&buf, "{\"declared\":");
        buf_number(&buf, (int64_t) load->done);
        buf_lit(&buf, ",\"failed\":");
        buf_number(&buf, (int64_t) load->failed);
        buf_lit(&buf, ",\"unanswered\":");
        buf_number(&buf, load->nflying);
        buf_lit(&buf, ",\"errors\":[");
        buf_add(&buf, load->errors.data, load->errors.len);
        buf_lit(&buf, "]}");

    } else {
        buf_number(&buf, (int64_t) load->done);
        buf_lit(&buf, " declared, ");
        buf_number(&buf, (int64_t) load->failed);
        buf_lit(&buf, " failed");

        if (load->nflying) {
            buf_lit(&buf, ", ");
            buf_number(&buf, load->nflying);
            buf_lit(&buf, " unanswered");
        }
    }

    rc = cli_print(&buf);
    buf_free(&buf);

    return rc == CLI_OK && load->failed == 0 && load->nflying == 0
           ? CLI_OK : CLI_FAILED;
}


int
cli_lease_load(cli_t *cli)
{
    int     rc;
    FILE   *file;
    load_t  load;

    memset(&load, 0, sizeof(load_t));

    load.cli = cli;
    load.tty = isatty(STDERR_FILENO);

    file = strcmp(cli->args[0], "-") == 0 ? stdin : fopen(cli->args[0], "r");

    if (file == NULL) {
        return cli_fail("cannot open \"%s\": %s", cli->args[0],
                        strerror(errno));
    }

    load.requests = cli_requests_create(cli);
    rc = -1;

    if (load.requests) {
        rc = load_file(&load, file);

        if (load_report(&load) != CLI_OK) {
            rc = -1;
        }
    }

    if (file != stdin) {
        (void) fclose(file);
    }

    cli_requests_free(load.requests);
    buf_free(&load.errors);

    return rc == 0 ? CLI_OK : CLI_FAILED;
}
