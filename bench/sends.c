
#include <stdlib.h>
#include <string.h>

#include "net.h"
#include "reply.h"
#include "sends.h"
#include "target.h"


#define SENDS_SOURCE  60000             /* far from those of the streams */
#define SENDS_AGAIN   50000000ull       /* a refused one, after that */
#define SENDS_SECOND  1000000000ull
#define SENDS_WAIT    20000000ull


typedef enum {
    SENDS_FREE = 0,
    SENDS_CONNECTING,
    SENDS_WAITING,                      /* for an answer */
    SENDS_PAUSING                       /* after a refusal */
} sends_state_e;


typedef struct {
    net_conn_t     conn;                /* first */
    reply_t        reply;
    sends_state_e  state;
    unsigned       property;            /* counted from the first */
    uint64_t       n;
    uint64_t       at;                  /* the scheduled time */
    uint64_t       again;
} sender_t;


typedef struct {
    uint64_t  next;                     /* number of the last one given out */
    uint64_t  accepted;
    unsigned  busy:1;
} property_t;


static sender_t        *senders;
static sender_t       **sends_free;     /* a stack */
static property_t      *properties;
static unsigned         sends_first, sends_properties, sends_count;
static unsigned         sends_frees, sends_rate, sends_cursor;
static int              sends_mixed, sends_running;
static unsigned         sends_left;     /* of a round */
static uint64_t         sends_begun, sends_scheduled;
static uint64_t         sends_limit;           /* of the schedule */
static uint64_t         sends_from, sends_until;
static sends_counts_t   sends_counts;
static stats_t          sends_answers;


static void sends_done(sender_t *sender, uint64_t now);


int
sends_init(unsigned first, unsigned number, unsigned count, unsigned rate,
    int mixed)
{
    unsigned  i;

    senders = calloc(count + 1, sizeof(sender_t));
    sends_free = calloc(count + 1, sizeof(sender_t *));
    properties = calloc(number + 1, sizeof(property_t));

    if (senders == NULL || sends_free == NULL || properties == NULL) {
        return -1;
    }

    sends_first = first;
    sends_properties = number;
    sends_count = count;
    sends_rate = rate;
    sends_mixed = mixed;
    sends_from = UINT64_MAX;

    for (i = 0; i < count; i++) {
        sends_free[sends_frees++] = &senders[i];
    }

    return 0;
}


static void
sends_pause(sender_t *sender)
{
    net_close(&sender->conn);

    sends_counts.refused++;
    sender->state = SENDS_PAUSING;
    sender->again = stats_now() + SENDS_AGAIN;
}


static void
sends_write(sender_t *sender)
{
    char    request[TARGET_REQUEST_MAX];
    size_t  n;

    n = target_send(request, sends_first + sender->property,
                    sender->n % TARGET_SIDES, sender->n, sender->at);

    reply_init(&sender->reply);
    sender->state = SENDS_WAITING;

    if (net_write(&sender->conn, request, n) == -1) {
        sends_pause(sender);
    }
}


static void
sends_answered(sender_t *sender)
{
    uint64_t   now;
    uint16_t   status;

    status = sender->reply.status;

    if (status / 100 != 2) {
        sends_pause(sender);
        return;
    }

    now = stats_now();

    sends_counts.accepted++;
    sends_counts.queued += status == 202;

    if (sender->at >= sends_from && sender->at < sends_until) {
        stats_add(&sends_answers, now - sender->at);
    }

    properties[sender->property].accepted++;
    sends_done(sender, now);
}


static void
sends_handler(net_conn_t *conn, net_event_e event, char *data, size_t len)
{
    sender_t  *sender;

    sender = (sender_t *) conn;

    if (event == NET_OPEN) {
        sends_write(sender);
        return;
    }

    if (event == NET_CLOSED) {

        if (sender->state != SENDS_FREE) {
            sends_pause(sender);
        }

        return;
    }

    if (sender->state != SENDS_WAITING
        || reply_feed(&sender->reply, data, len) == -1)
    {
        sends_pause(sender);
        return;
    }

    if (reply_done(&sender->reply)) {
        sends_answered(sender);
    }
}


static void
sends_go(sender_t *sender)
{
    if (sender->conn.handler) {
        sends_write(sender);
        return;
    }

    sender->state = SENDS_CONNECTING;

    if (net_connect(&sender->conn, SENDS_SOURCE, sends_handler) == -1) {
        sender->state = SENDS_PAUSING;
        sender->again = stats_now() + SENDS_AGAIN;
    }
}


/* the next message, for the next property without one under way */
static int
sends_next(sender_t *sender, uint64_t at)
{
    unsigned     i;
    property_t  *property;

    for (i = 0; i < sends_properties; i++) {
        sends_cursor = (sends_cursor + 1) % sends_properties;
        property = &properties[sends_cursor];

        if (!property->busy || sends_mixed) {
            property->busy = 1;
            sender->property = sends_cursor;
            sender->n = ++property->next;
            sender->at = at;

            sends_go(sender);
            return 0;
        }
    }

    return -1;
}


/* the sender is free; without a schedule it sends the next message at once */
static void
sends_done(sender_t *sender, uint64_t now)
{
    properties[sender->property].busy = 0;
    sender->state = SENDS_FREE;

    if (sends_running && sends_rate == 0 && sends_next(sender, now) == 0) {
        return;
    }

    sends_free[sends_frees++] = sender;
}


static void
sends_again(uint64_t now)
{
    unsigned  i;

    for (i = 0; i < sends_count; i++) {
        if (senders[i].state == SENDS_PAUSING && senders[i].again <= now) {
            sends_go(&senders[i]);
        }
    }
}


/* 1 when a free sender took a message that was scheduled for that time */
static int
sends_one(uint64_t at)
{
    if (sends_frees == 0) {
        return 0;
    }

    sends_frees--;

    if (sends_next(sends_free[sends_frees], at) == -1) {
        sends_frees++;
        return 0;
    }

    return 1;
}


uint64_t
sends_step(uint64_t now)
{
    uint64_t  due;

    if (sends_frees < sends_count) {
        sends_again(now);
    }

    while (sends_left && sends_one(now)) {
        sends_left--;
    }

    if (sends_rate == 0) {
        return SENDS_WAIT;
    }

    while (sends_scheduled < sends_limit) {
        due = sends_begun + sends_scheduled * SENDS_SECOND / sends_rate;

        if (due > now) {
            return due - now < SENDS_WAIT ? due - now : SENDS_WAIT;
        }

        if (!sends_one(due)) {
            return SENDS_WAIT;
        }

        sends_scheduled++;
    }

    return SENDS_WAIT;
}


void
sends_start(uint64_t now)
{
    sends_running = 1;
    sends_begun = now;
    sends_scheduled = 0;
    sends_limit = UINT64_MAX;

    if (sends_rate == 0) {
        while (sends_one(now)) {
            /* each free sender has its first one */
        }
    }
}


void
sends_stop(void)
{
    if (sends_running && sends_rate) {
        sends_limit = (stats_now() - sends_begun) * sends_rate / SENDS_SECOND;
    }

    sends_running = 0;
}


int
sends_idle(void)
{
    return sends_frees == sends_count && sends_left == 0
           && (sends_rate == 0 || sends_scheduled >= sends_limit);
}


void
sends_round(uint64_t now)
{
    sends_left = sends_properties;
    sends_step(now);
}


void
sends_measure(uint64_t from, uint64_t until)
{
    sends_from = from;
    sends_until = until;
}


uint64_t
sends_to(unsigned property)
{
    return properties[property - sends_first].accepted;
}


uint64_t
sends_accepted(void)
{
    return sends_counts.accepted;
}


void
sends_report(sends_counts_t *counts, stats_t *answers)
{
    *counts = sends_counts;
    counts->unsent = sends_limit > sends_scheduled
                     ? sends_limit - sends_scheduled : 0;
    *answers = sends_answers;
}
