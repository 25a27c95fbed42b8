
/*
 * The load generator: opens streams, sends messages, reads, and says what it
 * saw in lines of JSON.
 *
 * One thread, one event loop.  Each message carries its number within its
 * property and the time at which it was to be sent, so a stream knows by its
 * events alone what is lost, doubled and late; a schedule that the server does
 * not keep up with shows as latency.  For more connections than a process may
 * have, several of these run side by side on properties of their own.
 */


#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "gets.h"
#include "net.h"
#include "descriptors.h"
#include "options.h"
#include "sends.h"
#include "watch.h"


#define LOAD_SECOND     1000000000ull
#define LOAD_SLOT       (LOAD_SECOND / 10)
#define LOAD_SLOTS      1200
#define LOAD_WARM       (10 * LOAD_SECOND)
#define LOAD_OPEN       (900 * LOAD_SECOND)
#define LOAD_ANSWERS    (10 * LOAD_SECOND)
#define LOAD_STEP       10000000ull


typedef struct {
    unsigned  accepted;
    unsigned  events;
} slot_t;


static options_t  options;
static slot_t     load_slots[LOAD_SLOTS];
static uint64_t   load_epoch;           /* when the timeline begins */
static double     load_reopened;        /* seconds from the storm on */
static double     load_seconds;         /* that counted */
static uint64_t   load_accepted;        /* messages in them */


static double
load_clock(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_REALTIME, &ts);

    return ts.tv_sec + ts.tv_nsec / 1e9;
}


static void
load_phase(const char *name)
{
    printf("{\"phase\":\"%s\",\"at\":%.3f,\"streams\":%u}\n", name,
           load_clock(), watch_open());
    fflush(stdout);
}


static void
load_note(uint64_t now)
{
    uint64_t         slot;
    static uint64_t  accepted, events;

    if (load_epoch) {
        slot = (now - load_epoch) / LOAD_SLOT;

        if (slot < LOAD_SLOTS) {
            load_slots[slot].accepted += sends_accepted() - accepted;
            load_slots[slot].events += watch_events() - events;
        }
    }

    accepted = sends_accepted();
    events = watch_events();
}


static void
load_turn(void)
{
    uint64_t  now, wait;

    now = stats_now();

    load_note(now);
    watch_step(now);
    wait = sends_step(now);

    net_run(wait < LOAD_STEP ? wait : LOAD_STEP);
}


static void
load_run(double seconds)
{
    uint64_t  end;

    end = stats_now() + seconds * LOAD_SECOND;

    while (stats_now() < end) {
        load_turn();
    }
}


static void
load_wait(void)
{
    if (!options.wait) {
        return;
    }

    while (net_poll_input() == 0) {
        load_turn();
    }
}


/* until all streams are open: 1, or the time is over */
static int
load_open(void)
{
    uint64_t  end;

    end = stats_now() + LOAD_OPEN;

    while (watch_open() < options.streams) {
        if (stats_now() > end) {
            return 0;
        }

        load_turn();
    }

    return 1;
}


/*
 * Until all is answered, as more is to come until then; and then until each
 * stream has what it is to have, if it is known what that is.
 */
static void
load_drain(void)
{
    uint64_t  limit, start, next;

    limit = options.drain * LOAD_SECOND;
    start = stats_now();

    while (!sends_idle() && stats_now() - start < LOAD_ANSWERS + limit) {
        load_turn();
    }

    start = stats_now();
    next = start;

    while (!options.mixed && stats_now() - start < limit) {
        load_turn();

        if (stats_now() > next) {
            if (watch_complete(sends_to)) {
                return;
            }

            next = stats_now() + LOAD_SLOT;
        }
    }
}


static void
load_storm(void)
{
    uint64_t  start;

    load_phase("storm");

    start = stats_now();
    watch_storm();

    if (load_open()) {
        load_reopened = (stats_now() - start) / 1e9;
    }

    load_phase("reopened");
}


/* waits until each connection had an expected response, or for a while */
static void
load_warm(void)
{
    uint64_t  end;

    end = stats_now() + LOAD_WARM;

    while (!gets_warm() && stats_now() < end) {
        load_turn();
    }
}


static void
load_talk(void)
{
    uint64_t  now;

    if (options.senders && options.seconds > 0) {
        now = stats_now();
        load_epoch = now;
        sends_start(now);
    }

    if (options.gets) {
        gets_start();
        load_warm();
    }

    load_run(options.warm);
    load_phase("start");

    now = stats_now();
    watch_measure(now, UINT64_MAX);
    sends_measure(now, UINT64_MAX);
    gets_measure();
    load_accepted = sends_accepted();

    if (options.storm) {
        load_storm();
    }

    load_run(options.seconds);

    watch_measure(now, stats_now());
    sends_measure(now, stats_now());

    load_seconds = (stats_now() - now) / 1e9;
    load_accepted = sends_accepted() - load_accepted;

    load_phase("end");
}


static void
load_print_timeline(void)
{
    unsigned  i, last;

    last = 0;

    for (i = 0; i < LOAD_SLOTS; i++) {
        if (load_slots[i].accepted || load_slots[i].events) {
            last = i;
        }
    }

    printf(",\"begun\":%.3f,\"timeline\":[",
           load_clock() - (stats_now() - load_epoch) / 1e9);

    for (i = 0; i <= last; i++) {
        printf("%s[%u,%u]", i ? "," : "", load_slots[i].accepted,
               load_slots[i].events);
    }

    printf("]");
}


static void
load_report(void)
{
    gets_counts_t          gets;
    sends_counts_t         sends;
    watch_counts_t         watch;
    static struct rusage   used;
    static stats_t         events, answers, times;

    watch_report(&watch, &events, sends_to);
    sends_report(&sends, &answers);
    gets_report(&gets, &times);
    getrusage(RUSAGE_SELF, &used);

    printf("{\"phase\":\"report\",\"seconds\":%.3f,\"counted\":%llu,"
           "\"per_second\":%.1f,", load_seconds,
           (unsigned long long) load_accepted,
           (load_accepted + gets.expected) / load_seconds);

    printf("\"opened\":%llu,\"stream_refused\":%llu,\"stream_closed\":%llu,"
           "\"events\":%llu,\"doubled\":%llu,\"lost\":%llu,\"deaf\":%llu,",
           (unsigned long long) watch.opened,
           (unsigned long long) watch.refused,
           (unsigned long long) watch.closed,
           (unsigned long long) watch.events,
           (unsigned long long) watch.doubled,
           (unsigned long long) watch.lost, (unsigned long long) watch.deaf);

    printf("\"accepted\":%llu,\"queued\":%llu,\"refused\":%llu,"
           "\"unsent\":%llu,\"reopened\":%.3f,",
           (unsigned long long) sends.accepted,
           (unsigned long long) sends.queued,
           (unsigned long long) sends.refused,
           (unsigned long long) sends.unsent, load_reopened);

    printf("\"gets\":%llu,\"others\":%llu,\"broken\":%llu,\"cpu\":%.3f,"
           "\"over_100\":%llu,\"over_1000\":%llu,",
           (unsigned long long) gets.expected,
           (unsigned long long) gets.others, (unsigned long long) gets.broken,
           used.ru_utime.tv_sec + used.ru_stime.tv_sec
           + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6,
           (unsigned long long) stats_over(&events, 100),
           (unsigned long long) stats_over(&events, 1000));

    printf("\"event\":");
    stats_print(stdout, &events);
    printf(",\"answer\":");
    stats_print(stdout, &answers);
    printf(",\"get\":");
    stats_print(stdout, &times);

    if (options.timeline) {
        load_print_timeline();
    }

    printf("}\n");
    fflush(stdout);
}


/* opens streams and senders for all later phases; 0 or -1 */
static int
load_init(void)
{
    const target_t  *target;

    target = &options.target;

    if (net_init(target->host, target->port, options.tls) == -1
        || target_init(target) == -1
        || watch_init(target->first, options.streams, options.ahead) == -1
        || sends_init(target->first, target->properties, options.senders,
                      options.rate, options.mixed)
           == -1
        || gets_init(target->first, target->properties, options.gets,
                     options.kind, options.query, options.expect)
           == -1)
    {
        return -1;
    }

    if (options.wait) {
        net_watch_input();
    }

    return 0;
}


int
main(int argc, char **argv)
{
    if (descriptors_open() == -1) {
        return 1;
    }

    signal(SIGPIPE, SIG_IGN);

    if (options_parse(&options, argc, argv) == -1) {
        return 2;
    }

    if (load_init() == -1) {
        perror("load");
        return 1;
    }

    if (!load_open()) {
        fprintf(stderr, "load: %u of %u streams are open\n", watch_open(),
                options.streams);
        return 1;
    }

    load_phase("open");
    load_wait();

    load_talk();
    sends_stop();
    gets_stop();
    load_drain();

    if (options.round) {
        sends_round(stats_now());
        load_drain();
    }

    load_report();
    load_wait();

    return 0;
}
