
/* loop_t owns the connection, the route, the store, the consumer and the
   properties. */

#include <string.h>

#include "chain.h"
#include "consumer_queues.h"
#include "log.h"
#include "loop_parts.h"
#include "pack.h"
#include "replicas.h"
#include "unpack.h"


/* the connection, and in a cluster the route: 0, or -1 */
static int
loop_parts_connect(loop_t *loop, const options_t *options)
{
    server_t            server;
    const peer_t       *peer;
    const crew_seat_t  *seat = loop->seat;

    if (seat == NULL) {
        loop->conn = conn_create(&options->redis, options->name);
        return loop->conn != NULL ? 0 : -1;
    }

    peer = crew_peer(seat);
    server_at(&server, seat->cluster, peer->host, peer->port);

    loop->conn = conn_create(&server, options->name);
    loop->route = route_create(seat->cluster, loop->conn, peer,
                               &seat->crew->peers, options->name);

    return loop->conn != NULL && loop->route != NULL ? 0 : -1;
}


int
loop_parts_init(loop_t *loop, const options_t *options,
    const crew_seat_t *seat)
{
    int  rc;

    memset(loop, 0, sizeof(loop_t));

    loop->options = options;
    loop->seat = seat;
    loop->crashed = 1;
    loop->next_due = CLOCK_NEVER;

    rc = loop_parts_connect(loop, options);

    loop->work.properties = property_cache_create(LOOP_PARTS_PROPERTIES);
    loop->work.stats = seat != NULL ? crew_stats(seat) : &loop->stats;
    loop->pipeline.work = &loop->work;
    loop->pipeline.consumer = &loop->consumer;
    loop->work.clock_offset = clock_now() - clock_monotonic();

    if (rc == -1 || loop->work.properties == NULL) {
        log_alert("out of memory");
        return -1;
    }

    seal_init(&loop->work.seal, options->seal_after, options->seal_size);
    replicas_init(&loop->work.replicas, options->replicas,
                  options->replica_ms);
    store_init(&loop->work.store, loop->conn, loop->route);
    consumer_init(&loop->consumer, &loop->work, options->name,
                  options->queues, options->batch, options->claim_ms);
    adopt_init(&loop->adopt, &loop->work);
    heartbeat_init(&loop->heartbeat, &loop->work, &loop->consumer, options,
                   seat);

    /* in a cluster they are found in the map */

    if (seat != NULL) {
        loop->consumer.queues = 0;
    }

    return 0;
}


void
loop_parts_free(loop_t *loop)
{
    pipeline_drop(&loop->pipeline);
    consumer_free(&loop->consumer);
    badge_list_free(&loop->work.badges);
    buf_free(&loop->work.debts);
    property_cache_free(loop->work.properties);
    store_free(&loop->work.store);
    route_free(loop->route);
    conn_free(loop->conn);
    pack_cleanup();
    unpack_cleanup();
    chain_cleanup();
}


/*
 * A batch takes a trip to each primary, as some of its inboxes are there.  With
 * as many times the requests, a message takes as much of a trip as on a single
 * server.
 */
static unsigned
loop_parts_limit(const loop_t *loop)
{
    unsigned  limit, primaries;

    primaries = route_primaries(loop->route);
    limit = loop->options->batch * (primaries > 1 ? primaries : 1);

    return limit < LOOP_PARTS_BATCH ? limit : LOOP_PARTS_BATCH;
}


int
loop_parts_take_queues(loop_t *loop)
{
    int  home;

    if (route_refresh(loop->route) == -1) {
        return -1;
    }

    home = route_home(loop->route);
    loop->work.home = home == -1 ? 0 : (unsigned) home;
    loop->consumer.limit = loop_parts_limit(loop);

    return consumer_queues_take(&loop->consumer, home,
                                route_queues(loop->route));
}


int
loop_parts_look(loop_t *loop)
{
    int   rc;
    char  other[HEARTBEAT_REFUSED];

    loop->adopting = 1;
    rc = adopt_look(&loop->adopt, other, sizeof(other));

    if (rc == 1) {
        heartbeat_refuse_layout(&loop->heartbeat, other);
    }

    return rc;
}


void
loop_parts_adopt(loop_t *loop)
{
    int  rc;

    rc = adopt_run(&loop->adopt);

    loop->adopting = rc == 1;
    loop->due_at = rc == 1 ? 0 : loop->due_at;
}
