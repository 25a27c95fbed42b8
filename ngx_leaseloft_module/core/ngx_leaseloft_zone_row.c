
/*
 * Rows of the shared zone.  The key of a row is a digest of the user's id, so
 * that it takes 64 bytes, not 128.
 */


#include "ngx_leaseloft_zone_row.h"

#include <ngx_md5.h>


ngx_leaseloft_zone_row_user_t
ngx_leaseloft_zone_row_user(ngx_str_t *user)
{
    u_char                         digest[16];
    ngx_md5_t                      md5;
    ngx_leaseloft_zone_row_user_t  u;

    ngx_md5_init(&md5);
    ngx_md5_update(&md5, user->data, user->len);
    ngx_md5_final(digest, &md5);

    ngx_memcpy(&u.key, digest, sizeof(ngx_rbtree_key_t));
    ngx_memcpy(&u.rest, digest + 8, sizeof(uint64_t));

    return u;
}


ngx_int_t
ngx_leaseloft_zone_row_cmp(ngx_leaseloft_zone_row_t *row,
    ngx_leaseloft_zone_row_user_t *user, ngx_pid_t pid)
{
    if (row->node.key != user->key) {
        return row->node.key < user->key ? -1 : 1;
    }

    if (row->rest != user->rest) {
        return row->rest < user->rest ? -1 : 1;
    }

    return (row->pid > pid) - (row->pid < pid);
}


void
ngx_leaseloft_zone_row_insert(ngx_rbtree_node_t *temp, ngx_rbtree_node_t *node,
    ngx_rbtree_node_t *sentinel)
{
    ngx_rbtree_node_t              **p;
    ngx_leaseloft_zone_row_t        *row;
    ngx_leaseloft_zone_row_user_t    user;

    row = (ngx_leaseloft_zone_row_t *) node;
    user.key = node->key;
    user.rest = row->rest;

    for ( ;; ) {
        p = ngx_leaseloft_zone_row_cmp((ngx_leaseloft_zone_row_t *) temp, &user,
                                       row->pid) > 0
            ? &temp->left : &temp->right;

        if (*p == sentinel) {
            break;
        }

        temp = *p;
    }

    *p = node;
    node->parent = temp;
    node->left = sentinel;
    node->right = sentinel;
    ngx_rbt_red(node);
}


ngx_leaseloft_zone_row_t *
ngx_leaseloft_zone_row_first(ngx_rbtree_t *rows,
    ngx_leaseloft_zone_row_user_t *user, ngx_pid_t pid)
{
    ngx_rbtree_node_t         *node;
    ngx_leaseloft_zone_row_t  *row, *found;

    found = NULL;
    node = rows->root;

    while (node != rows->sentinel) {
        row = (ngx_leaseloft_zone_row_t *) node;

        if (ngx_leaseloft_zone_row_cmp(row, user, pid) < 0) {
            node = node->right;

        } else {
            found = row;
            node = node->left;
        }
    }

    return found;
}


ngx_leaseloft_zone_row_t *
ngx_leaseloft_zone_row_next(ngx_rbtree_t *rows, ngx_leaseloft_zone_row_t *row)
{
    return (ngx_leaseloft_zone_row_t *) ngx_rbtree_next(rows, &row->node);
}
