
/*
 * Replies of Redis to nginx, cut anywhere: through the connections and the
 * client of the module into polls, streams, inboxes, writes, searches and
 * health.
 *
 * The first byte says which requests clients have sent before, a bit each; the
 * other bytes are sent by Redis on the command connection, except
 *
 *     0xff   the following bytes are sent on the command connection,
 *     0xfe   or on the subscription connection
 *     0xfd   the bytes so far are read before the next ones are sent
 *     0xfc   time passes, and lost connections are opened again
 *
 * The connections are set up, the probe is answered and the reply channel is
 * subscribed to, so that an input begins with the replies to the requests.
 */


#include "fuzz/nginx.h"


#define FUZZ_WHILE  300


enum {
    FUZZ_SPEAK_COMMAND = 0xff,
    FUZZ_SPEAK_SUBSCRIPTION = 0xfe,
    FUZZ_CUT = 0xfd,
    FUZZ_WAIT = 0xfc
};


static void
fuzz_clients_ask(ngx_leaseloft_process_t *process,
    ngx_leaseloft_loc_conf_t *lcf, ngx_uint_t what)
{
    ngx_uint_t  i;

    static ngx_str_t                  after = ngx_string("after=2&limit=3");
    static ngx_str_t                  cursor = ngx_string("2");
    static ngx_str_t                  words = ngx_string("q=heating");
    static ngx_leaseloft_endpoint_t  *endpoints[] = {
        &ngx_leaseloft_messages_endpoint,
        &ngx_leaseloft_inbox_endpoint,
        &ngx_leaseloft_events_endpoint,
        &ngx_leaseloft_inbox_events_endpoint,
        &ngx_leaseloft_send_endpoint,
        &ngx_leaseloft_health_endpoint,
        &ngx_leaseloft_metrics_endpoint,
        &ngx_leaseloft_search_endpoint
    };

    for (i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
        if (what & (1 << i)) {
            fuzz_ask(process, lcf, endpoints[i], i == 7 ? &words : &after,
                     i == 2 ? &cursor : NULL, NULL);
        }
    }

    fuzz_turn(0);
}


static void
fuzz_speak(ngx_leaseloft_process_t *process, const uint8_t *p,
    const uint8_t *last)
{
    fuzz_peer_t    *peer;
    const uint8_t  *start;

    peer = &fuzz_peers[FUZZ_COMMAND];

    for (start = p; p <= last; p++) {

        if (p < last && *p < FUZZ_WAIT) {
            continue;
        }

        if (p > start) {
            fuzz_receive(peer, start, p - start);
            fuzz_turn(0);
        }

        start = p + 1;

        if (p == last) {
            return;
        }

        switch (*p) {

        case FUZZ_SPEAK_COMMAND:
            peer = &fuzz_peers[FUZZ_COMMAND];
            break;

        case FUZZ_SPEAK_SUBSCRIPTION:
            peer = &fuzz_peers[FUZZ_SUBSCRIPTION];
            break;

        case FUZZ_WAIT:
            fuzz_turn(FUZZ_WHILE);
            fuzz_greet(process);
            break;
        }
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ngx_pool_t                 *pool;
    ngx_leaseloft_process_t    *process;
    ngx_leaseloft_loc_conf_t    lcf;
    ngx_leaseloft_main_conf_t   mcf;

    if (size == 0) {
        return 0;
    }

    ngx_memzero(&lcf, sizeof(ngx_leaseloft_loc_conf_t));
    lcf.ping = 15000;
    lcf.wait = 2000;
    lcf.linger = 30000;
    lcf.slow_timeout = 60000;
    lcf.slow_size = 1024 * 1024;
    lcf.max_streams = 10;

    pool = fuzz_pool();
    process = fuzz_process(pool, &mcf);

    fuzz_greet(process);
    fuzz_clients_ask(process, &lcf, data[0]);
    fuzz_speak(process, data + 1, data + size);

    fuzz_process_free(process);
    ngx_destroy_pool(pool);

    return 0;
}
