
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gets.h"
#include "net.h"
#include "reply.h"
#include "target.h"


#define GETS_SOURCE  60001
#define GETS_QUERY   64
#define GETS_HEAD    "\"head\":\""


typedef struct {
    net_conn_t  conn;                   /* first */
    reply_t     reply;
    unsigned    number;
    unsigned    warm:1;
    unsigned    headed:1;               /* the query is about the head */
    uint64_t    at;
    char        query[GETS_QUERY];
    char        etag[REPLY_ETAG];
    char        begin[1024];            /* of the body, while polls warm up */
    size_t      begin_len;
} get_t;


static get_t          *gets_all;
static unsigned        gets_first, gets_properties, gets_count, gets_expect;
static gets_kind_e     gets_kind;
static int             gets_running;
static gets_counts_t   gets_counts;
static stats_t         gets_times;


static void gets_connect(get_t *get);


/* polls look for the head in it */
static void
gets_body(reply_t *reply, char *data, size_t len)
{
    get_t   *get;
    size_t   n;

    get = reply->data;
    n = sizeof(get->begin) - 1 - get->begin_len;

    if (n > len) {
        n = len;
    }

    memcpy(get->begin + get->begin_len, data, n);
    get->begin_len += n;
    get->begin[get->begin_len] = '\0';
}


int
gets_init(unsigned first, unsigned properties, unsigned count,
    gets_kind_e kind, const char *query, unsigned expect)
{
    unsigned  i;

    gets_all = calloc(count + 1, sizeof(get_t));

    if (gets_all == NULL) {
        return -1;
    }

    gets_first = first;
    gets_properties = properties;
    gets_count = count;
    gets_kind = kind;
    gets_expect = expect;

    for (i = 0; i < count; i++) {
        gets_all[i].number = i;
        gets_all[i].reply.data = &gets_all[i];
        gets_all[i].reply.body = kind == GETS_POLL ? gets_body : NULL;
        snprintf(gets_all[i].query, GETS_QUERY, "%s", query);
    }

    return 0;
}


static void
gets_write(get_t *get)
{
    char    request[TARGET_REQUEST_MAX];
    size_t  n;

    n = target_get(request,
                   gets_first + get->number / TARGET_SIDES % gets_properties,
                   get->number % TARGET_SIDES, get->query, get->etag,
                   gets_kind == GETS_BAD);

    reply_init(&get->reply);
    get->begin_len = 0;
    get->at = stats_now();

    if (net_write(&get->conn, request, n) == -1) {
        gets_counts.broken++;
        gets_connect(get);
    }
}


/* the first 200 has the head, the next one the ETag of a poll after it */
static void
gets_update(get_t *get)
{
    char  *head, *end;

    if (get->headed) {
        strcpy(get->etag, get->reply.etag);
        return;
    }

    head = strstr(get->begin, GETS_HEAD);
    end = head ? strchr(head + sizeof(GETS_HEAD) - 1, '"') : NULL;

    if (end) {
        *end = '\0';
        snprintf(get->query, GETS_QUERY, "after=%s",
                 head + sizeof(GETS_HEAD) - 1);
        get->headed = 1;
    }
}


static void
gets_handler(net_conn_t *conn, net_event_e event, char *data, size_t len)
{
    get_t  *get;

    get = (get_t *) conn;

    if (event == NET_OPEN) {
        gets_write(get);
        return;
    }

    if (event == NET_CLOSED
        || reply_feed(&get->reply, data, len) == -1)
    {
        net_close(conn);
        gets_counts.broken++;
        gets_connect(get);
        return;
    }

    if (!reply_done(&get->reply)) {
        return;
    }

    if (get->reply.status == gets_expect) {
        get->warm = 1;
        gets_counts.expected++;
        stats_add(&gets_times, stats_now() - get->at);

    } else {
        gets_counts.others++;
    }

    if (gets_kind == GETS_POLL && get->reply.status == 200) {
        gets_update(get);
    }

    if (gets_running) {
        gets_write(get);
    }
}


static void
gets_connect(get_t *get)
{
    if (gets_running) {
        net_connect(&get->conn, GETS_SOURCE, gets_handler);
    }
}


void
gets_start(void)
{
    unsigned  i;

    gets_running = 1;

    for (i = 0; i < gets_count; i++) {
        gets_connect(&gets_all[i]);
    }
}


void
gets_stop(void)
{
    gets_running = 0;
}


int
gets_warm(void)
{
    unsigned  i;

    for (i = 0; i < gets_count; i++) {
        if (!gets_all[i].warm) {
            return 0;
        }
    }

    return 1;
}


void
gets_measure(void)
{
    memset(&gets_counts, 0, sizeof(gets_counts));
    memset(&gets_times, 0, sizeof(gets_times));
}


void
gets_report(gets_counts_t *counts, stats_t *times)
{
    *counts = gets_counts;
    *times = gets_times;
}
