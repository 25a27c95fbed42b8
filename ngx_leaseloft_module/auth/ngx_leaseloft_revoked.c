
/*
 * The list of revoked users: a tree in a pool of its own, which is replaced as
 * a whole.  It is usually empty or small; it stays as it was while Redis is not
 * reachable.  If it cannot be read, that is tried again.
 */


#include "ngx_leaseloft_cluster.h"
#include "ngx_leaseloft_revoked.h"


#define NGX_LEASELOFT_REVOKED_RETRY  250


typedef struct {
    ngx_str_node_t              user;      /* first */
    time_t                      at;        /* later tokens are valid */
    time_t                      until;     /* the end of the revocation */
} ngx_leaseloft_revoked_user_t;


struct ngx_leaseloft_revoked_s {
    ngx_leaseloft_process_t    *process;
    ngx_pool_t                 *pool;      /* of the tree; NULL: empty */
    ngx_rbtree_t                tree;
    ngx_rbtree_node_t           sentinel;
    ngx_leaseloft_command_t    *command;   /* a read in progress */
    ngx_event_t                 retry;
    void                      (*handler)(void *data);
    void                       *data;
    unsigned                    stale:1;   /* read again after this read */
};


static void ngx_leaseloft_revoked_ask(void *data);
static void ngx_leaseloft_revoked_retry(ngx_event_t *ev);
static void ngx_leaseloft_revoked_reply(void *data,
    ngx_leaseloft_outcome_e outcome, redisReply *reply);
static ngx_int_t ngx_leaseloft_revoked_read(ngx_leaseloft_revoked_t *revoked,
    redisReply *reply);


ngx_leaseloft_revoked_t *
ngx_leaseloft_revoked_create(ngx_leaseloft_process_t *process,
    ngx_pool_t *pool)
{
    ngx_leaseloft_revoked_t  *revoked;

    revoked = ngx_pcalloc(pool, sizeof(ngx_leaseloft_revoked_t));
    if (revoked == NULL) {
        return NULL;
    }

    revoked->process = process;

    ngx_rbtree_init(&revoked->tree, &revoked->sentinel,
                    ngx_str_rbtree_insert_value);

    revoked->retry.handler = ngx_leaseloft_revoked_retry;
    revoked->retry.data = revoked;
    revoked->retry.log = process->log;
    revoked->retry.cancelable = 1;

    ngx_leaseloft_cluster_on_service(process->cluster,
                                     ngx_leaseloft_revoked_ask, revoked);

    return revoked;
}


void
ngx_leaseloft_revoked_on_change(ngx_leaseloft_revoked_t *revoked,
    void (*handler)(void *data), void *data)
{
    revoked->handler = handler;
    revoked->data = data;
}


void
ngx_leaseloft_revoked_free(ngx_leaseloft_revoked_t *revoked)
{
    if (revoked->retry.timer_set) {
        ngx_del_timer(&revoked->retry);
    }

    if (revoked->pool) {
        ngx_destroy_pool(revoked->pool);
    }
}


static void
ngx_leaseloft_revoked_ask(void *data)
{
    ngx_leaseloft_revoked_t *revoked = data;

    char       key[LL_KEY_MAX];
    ngx_str_t  argv[2];

    /* the read in progress may be older than the change */

    if (revoked->command) {
        revoked->stale = 1;
        return;
    }

    ngx_str_set(&argv[0], "HGETALL");
    argv[1].data = (u_char *) key;
    argv[1].len = ll_keys_revoked(key);

    revoked->stale = 0;
    revoked->command = ngx_leaseloft_cluster_command(
                                           revoked->process->cluster, &argv[1],
                                           2, argv,
                                           ngx_leaseloft_revoked_reply,
                                           revoked);

    if (revoked->command == NULL && !revoked->retry.timer_set) {
        ngx_add_timer(&revoked->retry, NGX_LEASELOFT_REVOKED_RETRY);
    }
}


static void
ngx_leaseloft_revoked_retry(ngx_event_t *ev)
{
    ngx_leaseloft_revoked_ask(ev->data);
}


static void
ngx_leaseloft_revoked_reply(void *data, ngx_leaseloft_outcome_e outcome,
    redisReply *reply)
{
    ngx_leaseloft_revoked_t *revoked = data;

    revoked->command = NULL;

    if (outcome != NGX_LEASELOFT_REPLIED
        || ngx_leaseloft_revoked_read(revoked, reply) != NGX_OK)
    {
        if (!revoked->retry.timer_set) {
            ngx_add_timer(&revoked->retry, NGX_LEASELOFT_REVOKED_RETRY);
        }

        return;
    }

    if (revoked->stale) {
        ngx_leaseloft_revoked_ask(revoked);
    }

    revoked->handler(revoked->data);
}


/* one user: "AT UNTIL"; NGX_DECLINED: malformed */
static ngx_int_t
ngx_leaseloft_revoked_add(ngx_pool_t *pool, ngx_rbtree_t *tree,
    redisReply *user, redisReply *value)
{
    u_char                        *p, *last;
    ngx_str_t                      name;
    ngx_leaseloft_revoked_user_t  *node;

    if (user->type != REDIS_REPLY_STRING || value->type != REDIS_REPLY_STRING
        || !ll_id_valid(user->str, user->len))
    {
        return NGX_DECLINED;
    }

    node = ngx_palloc(pool, sizeof(ngx_leaseloft_revoked_user_t));
    if (node == NULL) {
        return NGX_ERROR;
    }

    last = (u_char *) value->str + value->len;
    p = ngx_strlchr((u_char *) value->str, last, ' ');

    if (p == NULL) {
        return NGX_DECLINED;
    }

    node->at = ngx_atotm((u_char *) value->str, p - (u_char *) value->str);
    node->until = ngx_atotm(p + 1, last - p - 1);

    if (node->at == NGX_ERROR || node->until == NGX_ERROR) {
        return NGX_DECLINED;
    }

    name.data = (u_char *) user->str;
    name.len = user->len;

    node->user.str.len = name.len;
    node->user.str.data = ngx_pstrdup(pool, &name);
    if (node->user.str.data == NULL) {
        return NGX_ERROR;
    }

    node->user.node.key = ngx_crc32_long(name.data, name.len);
    ngx_rbtree_insert(tree, &node->user.node);

    return NGX_OK;
}


/* replaces the list; NGX_ERROR: it stays as it is */
static ngx_int_t
ngx_leaseloft_revoked_read(ngx_leaseloft_revoked_t *revoked, redisReply *reply)
{
    size_t              i;
    ngx_int_t           rc;
    ngx_pool_t         *pool;
    ngx_rbtree_t        tree;

    if (reply->type != REDIS_REPLY_ARRAY) {
        ngx_log_error(NGX_LOG_ERR, revoked->process->log, 0,
                      "reading revoked users in redis failed: \"%s\"",
                      reply->type == REDIS_REPLY_ERROR ? reply->str
                                                       : "malformed reply");
        return NGX_ERROR;
    }

    pool = NULL;

    if (reply->elements) {
        pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, revoked->process->log);
        if (pool == NULL) {
            return NGX_ERROR;
        }
    }

    /* both trees end in the same node, which is not changed */

    ngx_rbtree_init(&tree, &revoked->sentinel, ngx_str_rbtree_insert_value);

    for (i = 0; i + 1 < reply->elements; i += 2) {
        rc = ngx_leaseloft_revoked_add(pool, &tree, reply->element[i],
                                       reply->element[i + 1]);

        if (rc == NGX_ERROR) {
            ngx_destroy_pool(pool);
            return NGX_ERROR;
        }

        if (rc == NGX_DECLINED) {
            ngx_log_error(NGX_LOG_ERR, revoked->process->log, 0,
                          "a revoked user in redis is malformed, ignored");
        }
    }

    if (revoked->pool) {
        ngx_destroy_pool(revoked->pool);
    }

    revoked->pool = pool;
    revoked->tree = tree;

    return NGX_OK;
}


ngx_uint_t
ngx_leaseloft_revoked_check(ngx_leaseloft_revoked_t *revoked, u_char *user,
    size_t len, time_t iat)
{
    ngx_str_t                      name;
    ngx_leaseloft_revoked_user_t  *node;

    if (revoked->tree.root == &revoked->sentinel) {
        return 0;
    }

    name.data = user;
    name.len = len;

    node = (ngx_leaseloft_revoked_user_t *)
           ngx_str_rbtree_lookup(&revoked->tree, &name,
                                 ngx_crc32_long(user, len));

    return node && node->until > ngx_time() && iat <= node->at;
}
