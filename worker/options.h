
/*
 * The worker's command line.
 */


#ifndef OPTIONS_H
#define OPTIONS_H


#include <stdint.h>

#include "common/keys.h"
#include "server.h"


#define OPTIONS_NAME_MAX  96


typedef struct {
    server_t   redis;
    char       prefix[LL_PREFIX_MAX + 1];
    unsigned   queues;
    unsigned   batch;
    int64_t    claim_ms;
    unsigned   seal_after;              /* newest entries that stay; 0: all */
    unsigned   seal_size;               /* entries of a segment */
    unsigned   searchers;
    unsigned   replicas;                /* that a message needs for a 201 */
    unsigned   replica_ms;              /* how long to wait for them */
    char       name[OPTIONS_NAME_MAX];  /* of this worker, unique */
    int        named;                   /* by --name */
} options_t;


/*
 * Parses the arguments into options: -1 on success, else the status to exit
 * with, after --help, --version or an error, which is on stderr.
 */
int options_parse(options_t *options, int argc, char **argv);


#endif /* OPTIONS_H */
