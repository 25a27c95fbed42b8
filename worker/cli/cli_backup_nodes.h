
/*
 * The servers of a backup: one, or the primaries of a Redis Cluster that are on
 * this machine.
 */


#ifndef CLI_BACKUP_NODES_H
#define CLI_BACKUP_NODES_H


#include "cli_backup_check.h"
#include "cli_backup_source.h"


typedef struct {
    cli_t                 cli;     /* to this server alone */
    cli_backup_source_t   source;
    cli_backup_check_t    check;

    /* of a cluster, otherwise empty: */

    char                  address[LL_SLOTS_HOST + 8];
    char                  name[LL_SLOTS_HOST + 8]; /* of its directory */
    buf_t                 slots;   /* as CLUSTER NODES has them: "0-99 200" */
    unsigned              nslots;
    unsigned              epoch;   /* another one for each primary */
} cli_backup_node_t;


typedef struct {
    cli_backup_node_t    *nodes;
    size_t                n;
} cli_backup_nodes_t;


/*
 * Connects to the server of cli, or, of a cluster, to each primary that is on
 * this machine; "only", unless it is NULL, names one as HOST:PORT.  Returns 0,
 * or -1 after an error message; cli_backup_nodes_free() follows in either case.
 */
int cli_backup_nodes_find(cli_t *cli, const char *only,
    cli_backup_nodes_t *nodes);

/*
 * Checks that no slot has moved since, so that each key is in one copy.
 * Returns 0, or -1 after an error message.
 */
int cli_backup_nodes_check(cli_backup_nodes_t *nodes);

/*
 * Appends what a server of a cluster that is started on the copy needs to know,
 * that it has these slots: a file "nodes.conf", with an id of its own.  Returns
 * 0, or -1 after an error message.
 */
int cli_backup_nodes_conf(const cli_backup_node_t *node, buf_t *text);

/* Closes and frees all. */
void cli_backup_nodes_free(cli_backup_nodes_t *nodes);


#endif /* CLI_BACKUP_NODES_H */
