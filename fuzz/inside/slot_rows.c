
/*
 * Replies to CLUSTER SLOTS.  A map that is accepted counts its slots rightly,
 * and its primaries have addresses.
 */


#include "fuzz/nginx.h"

#include "ngx_leaseloft_slots.h"


#define FUZZ_ASKED  "10.0.0.1"


static void
fuzz_check_map(const ll_slots_t *map)
{
    int       node;
    unsigned  i, covered, n[LL_SLOTS_NODES];

    ngx_memzero(n, sizeof(n));
    covered = 0;

    CHECK(map->nnodes <= LL_SLOTS_NODES);

    for (i = 0; i < LL_SLOTS; i++) {
        node = ll_slots_node(map, i);
        CHECK(node >= -1 && node < (int) map->nnodes);

        if (node != -1) {
            n[node]++;
            covered++;
        }
    }

    CHECK(covered == map->covered);

    for (i = 0; i < map->nnodes; i++) {
        CHECK(n[i] == map->nodes[i].slots);
        CHECK(map->nodes[i].host[0] != '\0' && map->nodes[i].port >= 1
              && map->nodes[i].port <= 65535);
        CHECK(ngx_strcmp(map->nodes[i].host, "?") != 0);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    void                    *reply;
    redisReader             *reader;
    ngx_leaseloft_server_t   asked;

    static ll_slots_t  map;

    ngx_memzero(&asked, sizeof(ngx_leaseloft_server_t));
    ngx_memcpy(asked.host, FUZZ_ASKED, sizeof(FUZZ_ASKED));
    asked.port = 6379;

    reader = redisReaderCreate();
    CHECK(reader != NULL);

    if (redisReaderFeed(reader, (const char *) data, size) == REDIS_OK
        && redisReaderGetReply(reader, &reply) == REDIS_OK && reply != NULL)
    {
        if (ngx_leaseloft_slots_read(&map, reply, &asked) == NGX_OK) {
            fuzz_check_map(&map);
        }

        freeReplyObject(reply);
    }

    redisReaderFree(reader);

    return 0;
}
