
/*
 * Rows of the shared zone: how many streams a user has in a process, in a tree
 * ordered by user and process.  Callers hold the mutex of the slab pool.
 */


#ifndef NGX_LEASELOFT_ZONE_ROW_H
#define NGX_LEASELOFT_ZONE_ROW_H


#include "ngx_leaseloft_counters.h"


/*
 * The MD5 of a user's id.  A collision only makes two users share a limit of
 * streams.
 */
typedef struct {
    ngx_rbtree_key_t            key;
    uint64_t                    rest;
} ngx_leaseloft_zone_row_user_t;


typedef struct {
    ngx_rbtree_node_t           node;      /* with the key of the user */
    uint64_t                    rest;
    ngx_pid_t                   pid;
    uint32_t                    streams[NGX_LEASELOFT_ZONE_KINDS];
} ngx_leaseloft_zone_row_t;


/* the digest of a user's id */
ngx_leaseloft_zone_row_user_t ngx_leaseloft_zone_row_user(ngx_str_t *user);

/* the order of a row and (user, pid): less than, equal to or more than 0 */
ngx_int_t ngx_leaseloft_zone_row_cmp(ngx_leaseloft_zone_row_t *row,
    ngx_leaseloft_zone_row_user_t *user, ngx_pid_t pid);

/* the insert callback of the tree */
void ngx_leaseloft_zone_row_insert(ngx_rbtree_node_t *temp,
    ngx_rbtree_node_t *node, ngx_rbtree_node_t *sentinel);

/* the first row that is not less than (user, pid), or NULL */
ngx_leaseloft_zone_row_t *ngx_leaseloft_zone_row_first(ngx_rbtree_t *rows,
    ngx_leaseloft_zone_row_user_t *user, ngx_pid_t pid);

/* the next row, or NULL */
ngx_leaseloft_zone_row_t *ngx_leaseloft_zone_row_next(ngx_rbtree_t *rows,
    ngx_leaseloft_zone_row_t *row);


#endif /* NGX_LEASELOFT_ZONE_ROW_H */
