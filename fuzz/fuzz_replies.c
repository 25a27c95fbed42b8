
/*
 * Replies of Redis to a worker, cut anywhere: through hiredis into the whole
 * loop of the worker, from the first connection on.
 *
 * The first byte says how the worker runs: the lower six bits, if not 0, are
 * the turns after which it is told to stop (in steps of eight readings of the
 * clock), 0x40 makes it authenticate and select a database, 0x80 makes it serve
 * two queues.  The other bytes are sent by Redis; two bytes 0xff end a packet,
 * so that what follows is read later.  At their end the connection is closed,
 * and the worker is stopped when it connects again.
 *
 * The clock advances with each reading, and sleeping takes no time: the target
 * replaces clock_gettime() and nanosleep() (ld's --wrap), and the function that
 * connects, which returns one end of a socket pair.
 */

#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"
#include "log.h"
#include "loop.h"
#include "sock.h"


#define REPLIES_START   1800000000
#define REPLIES_TICK    20              /* ms for each reading of the clock */
#define REPLIES_PACKET  8192
#define REPLIES_MAX     16384           /* more would fill the socket */


static long                   replies_ticks;
static long                   replies_last;    /* 0: no limit */
static int                    replies_far = -1;
static const uint8_t          replies_cut[] = { 0xff, 0xff };
static const uint8_t         *replies_data;
static size_t                 replies_size;
static volatile sig_atomic_t  replies_quit;


/* for the compiler: callers use the names without the prefix */

int __wrap_clock_gettime(clockid_t id, struct timespec *ts);
int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left);
int __wrap_sock_open(sock_t *sock, const sock_addr_t *addr, int64_t ms);


int
__wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
    long  ms;

    ms = ++replies_ticks * REPLIES_TICK;
    ts->tv_sec = (id == CLOCK_MONOTONIC ? 0 : REPLIES_START) + ms / 1000;
    ts->tv_nsec = ms % 1000 * 1000000;

    if (replies_last != 0 && replies_ticks >= replies_last) {
        replies_quit = 1;
    }

    return 0;
}


int
__wrap_nanosleep(const struct timespec *wanted, struct timespec *left)
{
    (void) left;

    replies_ticks += wanted->tv_sec * 1000 / REPLIES_TICK;

    return 0;
}


/* the replies are in the socket before the first command is sent */
static void
replies_fill(int fd)
{
    size_t          n;
    const uint8_t  *p, *end, *last;

    last = replies_data + replies_size;

    for (p = replies_data; p < last; p = end) {
        end = memmem(p, (size_t) (last - p), replies_cut, 2);
        end = end == NULL ? last : end;

        n = (size_t) (end - p);

        if (n > REPLIES_PACKET) {
            n = REPLIES_PACKET;
            end = p + n;

        } else if (end < last) {
            end += 2;
        }

        /* an empty read would end the connection */

        if (n != 0 && send(fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL) == -1) {
            break;
        }
    }

    (void) shutdown(fd, SHUT_WR);
}


int
__wrap_sock_open(sock_t *sock, const sock_addr_t *addr, int64_t ms)
{
    int  fds[2];

    (void) addr;
    (void) ms;

    if (replies_far != -1) {
        replies_quit = 1;
        return -1;
    }

    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) == 0);

    replies_far = fds[1];
    replies_fill(fds[1]);

    sock->fd = fds[0];

    return 0;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    options_t    options;
    searchers_t  searchers;

    if (size == 0 || size > REPLIES_MAX) {
        return 0;
    }

    memset(&options, 0, sizeof(options_t));

    options.redis.settings[SERVER_URL] = data[0] & 0x40
                                         ? "redis://user:password@fuzz"
                                         : "redis://fuzz";
    CHECK(server_init(&options.redis) == 0);
    strcpy(options.name, "fuzz");
    options.queues = data[0] & 0x80 ? 2 : 1;
    options.batch = 128;
    options.claim_ms = 400;
    options.seal_after = 256;
    options.seal_size = 64;

    replies_data = data + 1;
    replies_size = size - 1;
    replies_last = (data[0] & 0x3f) * 8;
    replies_ticks = 0;
    replies_quit = 0;

    searchers_init(&searchers, 0, &options.redis, options.name, &replies_quit);
    replies_far = -1;

    log_set_level(LOG_ALERT);

    CHECK(loop_run(&options, &searchers, &replies_quit, NULL) == 0);

    if (replies_far != -1) {
        (void) close(replies_far);
    }

    return 0;
}
