
/*
 * Sends commands to a Redis Cluster by the worker's client, for
 * t/cluster_client.t: cluster_call URL.  A line of input is a command, whose
 * second word is its key; a line of output is the reply.  "map" prints the map.
 */

#include <stdio.h>
#include <string.h>

#include "worker/redis/cluster.h"


#define CALL_WORDS  16


static void
print_map(const cluster_t *cluster)
{
    unsigned           i;
    const ll_slots_t  *map = cluster_slots(cluster);

    printf("%u", map->covered);

    for (i = 0; i < map->nnodes; i++) {
        printf(" %s:%u=%u", map->nodes[i].host, map->nodes[i].port,
               map->nodes[i].slots);
    }
}


static void
print_reply(const redisReply *reply, const char *why)
{
    size_t  i;

    if (reply == NULL) {
        printf("LOST %s", why);

    } else if (reply->type == REDIS_REPLY_INTEGER) {
        printf("%lld", reply->integer);

    } else if (reply->type == REDIS_REPLY_ARRAY) {
        for (i = 0; i < reply->elements; i++) {
            printf(i ? " " : "");
            print_reply(reply->element[i], why);
        }

    } else {
        printf("%s", reply->str ? reply->str : "nil");
    }
}


static void
run(cluster_t *cluster, char *line)
{
    int          n;
    char        *words[CALL_WORDS], *word;
    args_t       args = ARGS_INIT;
    redisReply  *reply;

    n = 0;

    for (word = strtok(line, " \n"); word && n < CALL_WORDS;
         word = strtok(NULL, " \n"))
    {
        words[n++] = word;
        args_adds(&args, word);
    }

    if (n == 1 && strcmp(words[0], "map") == 0) {
        if (cluster_refresh(cluster) == 0) {
            print_map(cluster);
        } else {
            printf("LOST %s", cluster_error(cluster));
        }

    } else if (n > 1) {
        reply = cluster_call(cluster, words[1], strlen(words[1]), &args,
                             CLUSTER_RETRY_MS);
        print_reply(reply, cluster_error(cluster));
        freeReplyObject(reply);
    }

    printf("\n");
    fflush(stdout);
    args_free(&args);
}


int
main(int argc, char **argv)
{
    char        line[4096];
    server_t    server;
    cluster_t  *cluster;

    memset(&server, 0, sizeof(server));

    if (argc != 2
        || ll_redis_url_parse(&server.url, argv[1], strlen(argv[1])) == -1)
    {
        return 2;
    }

    cluster = cluster_create(&server, "cluster_call");

    while (cluster != NULL && fgets(line, sizeof(line), stdin) != NULL) {
        run(cluster, line);
    }

    cluster_free(cluster);

    return 0;
}
