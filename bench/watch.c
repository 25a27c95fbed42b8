
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"
#include "reply.h"
#include "target.h"
#include "watch.h"


#define WATCH_LINE    320               /* a message's mark is well within */
#define WATCH_ID      48
#define WATCH_SOURCE  2500              /* properties of one address, below */

#define WATCH_PAUSE   100000000ull      /* before a refused one comes again */


typedef struct {
    net_conn_t  conn;                   /* first */
    reply_t     reply;
    uint32_t    number;
    uint16_t    len;
    unsigned    open:1;
    uint64_t    seen;                   /* the newest message */
    uint64_t    lost;
    char       *line;                   /* the start of one; NULL for none */
    char        id[WATCH_ID];
} watch_t;


static watch_t         *watches;
static unsigned         watch_first, watch_count, watch_ahead;
static unsigned         watch_opening, watch_opened;
static unsigned        *watch_queue;    /* to be opened: a ring */
static unsigned         watch_head, watch_queued;
static uint64_t         watch_again;    /* not before that time */
static uint64_t         watch_from, watch_until;
static watch_counts_t   watch_counts;
static stats_t          watch_latencies;


static void
watch_enqueue(unsigned number)
{
    watch_queue[(watch_head + watch_queued++) % watch_count] = number;
}


int
watch_init(unsigned first, unsigned count, unsigned ahead)
{
    unsigned  i;

    watches = calloc(count + 1, sizeof(watch_t));
    watch_queue = calloc(count + 1, sizeof(unsigned));

    if (watches == NULL || watch_queue == NULL) {
        return -1;
    }

    watch_first = first;
    watch_count = count;
    watch_ahead = ahead;
    watch_from = UINT64_MAX;

    for (i = 0; i < count; i++) {
        watches[i].number = i;
        watch_enqueue(i);
    }

    return 0;
}


static unsigned
watch_property(const watch_t *watch)
{
    return watch_first + watch->number / TARGET_SIDES;
}


static void
watch_message(watch_t *watch, const char *line)
{
    uint64_t  n, at, now;

    if (target_parse(line, &n, &at) == -1) {
        return;
    }

    watch_counts.events++;

    if (at >= watch_from && at < watch_until) {
        now = stats_now();
        stats_add(&watch_latencies, now > at ? now - at : 0);
    }

    if (n <= watch->seen) {
        watch_counts.doubled++;
        return;
    }

    watch->lost += n - watch->seen - 1;
    watch->seen = n;
}


static void
watch_line(watch_t *watch, const char *line)
{
    if (strncmp(line, "data:", 5) == 0) {
        watch_message(watch, line);

    } else if (strncmp(line, "id: ", 4) == 0
               && strlen(line + 4) < WATCH_ID)
    {
        strcpy(watch->id, line + 4);
    }
}


static void
watch_drop_line(watch_t *watch)
{
    free(watch->line);
    watch->line = NULL;
    watch->len = 0;
}


/*
 * Joins the pieces of a line, as far as they are needed. Memory is allocated
 * only for lines in pieces, which are rare, as there are a million streams.
 */
static void
watch_keep(watch_t *watch, const char *data, size_t len)
{
    if (watch->line == NULL) {
        watch->line = malloc(WATCH_LINE);

        if (watch->line == NULL) {
            perror("load");
            exit(1);
        }
    }

    if (len > WATCH_LINE - 1u - watch->len) {
        len = WATCH_LINE - 1u - watch->len;
    }

    memcpy(watch->line + watch->len, data, len);
    watch->len += len;
    watch->line[watch->len] = '\0';
}


static void
watch_body(reply_t *reply, char *data, size_t len)
{
    char     *end;
    watch_t  *watch;

    watch = reply->data;

    if (!watch->open && reply->status == 200) {
        watch->open = 1;
        watch_opening--;
        watch_opened++;
        watch_counts.opened++;
    }

    while (len) {
        end = memchr(data, '\n', len);

        if (end == NULL) {
            watch_keep(watch, data, len);
            return;
        }

        *end++ = '\0';

        if (watch->line) {
            watch_keep(watch, data, end - data - 1);
            watch_line(watch, watch->line);
            watch_drop_line(watch);

        } else {
            watch_line(watch, data);
        }

        len -= end - data;
        data = end;
    }
}


/* has it opened again */
static void
watch_down(watch_t *watch)
{
    net_close(&watch->conn);

    if (watch->open) {
        watch_opened--;

    } else {
        watch_opening--;
    }

    watch->open = 0;
    watch_enqueue(watch->number);
}


static void
watch_handler(net_conn_t *conn, net_event_e event, char *data, size_t len)
{
    char      request[TARGET_REQUEST_MAX];
    size_t    n;
    watch_t  *watch;

    watch = (watch_t *) conn;

    switch (event) {

    case NET_OPEN:
        n = target_stream(request, watch_property(watch),
                          watch->number % TARGET_SIDES, watch->id);

        if (net_write(conn, request, n) == -1) {
            watch_down(watch);
        }

        return;

    case NET_DATA:
        if (reply_feed(&watch->reply, data, len) != -1
            && !reply_done(&watch->reply)
            && (!reply_started(&watch->reply) || watch->reply.status == 200))
        {
            return;
        }

        watch_counts.refused += watch->reply.status != 200;
        watch_counts.closed += watch->open;
        break;

    case NET_CLOSED:
        watch_counts.closed += watch->open;
        break;
    }

    watch_down(watch);
    watch_again = stats_now() + WATCH_PAUSE;
}


void
watch_step(uint64_t now)
{
    watch_t  *watch;

    if (now < watch_again) {
        return;
    }

    while (watch_queued && watch_opening < watch_ahead) {
        watch = &watches[watch_queue[watch_head]];

        watch_drop_line(watch);
        watch->reply.body = watch_body;
        watch->reply.data = watch;
        reply_init(&watch->reply);

        /*
         * The kernel looks for a free port one by one, so an address with
         * most of its 28,000 ports taken would make each connection dear.
         */

        if (net_connect(&watch->conn, watch_property(watch) / WATCH_SOURCE,
                        watch_handler)
            == -1)
        {
            watch_again = now + WATCH_PAUSE;
            return;
        }

        watch_head = (watch_head + 1) % watch_count;
        watch_queued--;
        watch_opening++;
    }
}


unsigned
watch_open(void)
{
    return watch_opened;
}


void
watch_storm(void)
{
    unsigned  i;

    for (i = 0; i < watch_count; i++) {
        if (watches[i].open) {
            watch_down(&watches[i]);
        }
    }
}


void
watch_measure(uint64_t from, uint64_t until)
{
    watch_from = from;
    watch_until = until;
}


uint64_t
watch_events(void)
{
    return watch_counts.events;
}


int
watch_complete(uint64_t (*sent)(unsigned property))
{
    unsigned  i;

    for (i = 0; i < watch_count; i++) {
        if (watches[i].seen < sent(watch_property(&watches[i]))) {
            return 0;
        }
    }

    return 1;
}


void
watch_report(watch_counts_t *counts, stats_t *latencies,
    uint64_t (*sent)(unsigned property))
{
    uint64_t  n;
    unsigned  i;

    *counts = watch_counts;

    if (latencies) {
        *latencies = watch_latencies;
    }

    for (i = 0; i < watch_count; i++) {
        n = sent(watch_property(&watches[i]));
        counts->lost += watches[i].lost;

        if (watches[i].seen < n) {
            counts->lost += n - watches[i].seen;
            counts->deaf++;
        }
    }
}
