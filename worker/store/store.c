
/*
 * Calls of the functions of functions.lua for properties, users and workers.
 * A store owns the arguments of the command that it builds, not the
 * connection.
 */

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "common/frame.h"
#include "fcall.h"
#include "slot_map.h"
#include "store.h"


#define STORE_BUCKET_MS  (INT64_C(30) * 24 * 3600 * 1000)


/* the first arguments of ll1_append */

typedef struct {
    const char  *user;
    const char  *client_id;
    int64_t      now;
    const char  *hash;
    size_t       len;
    const char  *rev;
} store_sent_t;


void
store_init(store_t *store, conn_t *conn, route_t *route)
{
    memset(store, 0, sizeof(store_t));
    store->conn = conn;
    store->route = route;
}


int
store_find(store_t *store, const char *key)
{
    conn_t  *conn;

    if (store->cluster == NULL) {
        return 0;
    }

    conn = cluster_conn_of(store->cluster, key, strlen(key));

    if (conn == NULL) {
        return -1;
    }

    store->conn = conn;

    return 0;
}


void
store_free(store_t *store)
{
    args_free(&store->args);
}


redisReply *
store_recv(store_t *store)
{
    return conn_recv(store->conn);
}


redisReply *
store_recv_by(store_t *store, unsigned way)
{
    return store->route != NULL ? route_recv(store->route, way)
                                : conn_recv(store->conn);
}


void
store_flush(store_t *store)
{
    if (store->route != NULL) {
        route_flush(store->route);
    }
}


int
store_is_away(const store_t *store, unsigned way, const redisReply *reply)
{
    conn_result_e  result;

    if (store->route == NULL) {
        return 0;
    }

    if (slot_map_is_away(reply)) {
        return 1;
    }

    result = conn_result(reply);

    return way != ROUTE_OWN && result != CONN_OK && result != CONN_FAILED;
}


void
store_set_key(store_t *store, const char *key)
{
    if (store->route != NULL) {
        memcpy(store->key, key, strlen(key) + 1);
    }
}


void
store_set_property(store_t *store, const char *property)
{
    if (store->route != NULL) {
        (void) ll_keys_property(store->key, LL_KEY_META, property,
                                strlen(property));
    }
}


int
store_send(store_t *store)
{
    return store->route != NULL
           ? route_send(store->route, store->key, &store->args, &store->way)
           : conn_send(store->conn, &store->args);
}


args_t *
store_property(store_t *store, const char *function,
    const property_t *property)
{
    int      i;
    args_t  *args = &store->args;

    args_reset(args);
    store_set_key(store, property->keys[LL_KEY_META]);
    fcall_begin(args, function, LL_PROPERTY_KEYS);

    for (i = 0; i < LL_PROPERTY_KEYS; i++) {
        args_adds(args, property->keys[i]);
    }

    return args;
}


int
store_state(store_t *store, const property_t *property, const char *lease)
{
    args_t  *args;

    args = store_property(store, "ll1_state", property);
    args_adds(args, lease);

    return store_send(store);
}


/* reads an element as a number, nil as 0; 0 or -1 */
static int
store_number(const redisReply *reply, size_t i, long long *n)
{
    const redisReply  *element;

    element = conn_element(reply, i);

    if (element != NULL && element->type == REDIS_REPLY_NIL) {
        *n = 0;
        return 0;
    }

    return conn_number(element, n);
}


int
store_state_read(const redisReply *reply, const property_t *property,
    state_t *state)
{
    long long          seq, at, rev, ver;
    const redisReply  *hash, *text;

    hash = conn_element(reply, 2);
    text = conn_element(reply, 6);

    if (hash == NULL || text == NULL
        || store_number(reply, 1, &seq) == -1
        || store_number(reply, 3, &at) == -1
        || store_number(reply, 4, &rev) == -1
        || store_number(reply, 5, &ver) == -1
        || state_init(state, property->id, property->len) == -1)
    {
        return -1;
    }

    if (hash->type == REDIS_REPLY_STRING) {
        if (hash->len != CHAIN_HASH) {
            return -1;
        }
        memcpy(state->hash, hash->str, CHAIN_HASH);
    }

    state->seq = (uint64_t) seq;
    state->at = at;
    state->rev = (uint64_t) rev;
    state->ver = (uint64_t) ver;

    if (text->type != REDIS_REPLY_STRING) {
        return 0;
    }

    return state_decode(state, text->str, text->len);
}


/*
 * begins ll1_append with its keys, the sent id, and the hash and rev that it
 * requires; each period of time has a bucket of sent ids
 */
static args_t *
store_sent(store_t *store, const property_t *property,
    const store_sent_t *sent)
{
    int       i;
    char      key[LL_KEY_MAX], id[LL_ID_MAX * 2 + 2];
    args_t   *args = &store->args;
    int64_t   bucket;

    bucket = sent->now / STORE_BUCKET_MS;

    args_reset(args);
    store_set_key(store, property->keys[LL_KEY_META]);
    fcall_begin(args, "ll1_append", 5);
    args_adds(args, property->keys[LL_KEY_THREAD]);
    args_adds(args, property->keys[LL_KEY_META]);

    for (i = 0; i < 2; i++) {
        args_copy(args, key, ll_keys_sent(key, property->id, property->len,
                                          (uint64_t) (bucket - i)));
    }

    args_adds(args, property->keys[LL_KEY_SEGMENTS]);

    args_copy(args, id, (size_t) snprintf(id, sizeof(id), "%s:%s",
                                          sent->user, sent->client_id));
    args_add(args, sent->hash, sent->len);
    args_copy(args, sent->rev, strlen(sent->rev));
    args_number(args, bucket);

    return args;
}


int
store_append(store_t *store, const property_t *property,
    const store_append_t *append)
{
    char                  rev[32];
    size_t                i;
    args_t               *args;
    const char           *user;
    store_sent_t          sent;
    const state_lease_t  *lease = property->state.active;

    (void) snprintf(rev, sizeof(rev), "%llu",
                    (unsigned long long) append->rev);

    sent.user = append->from->user;
    sent.client_id = append->client_id;
    sent.now = append->now;
    sent.hash = (const char *) append->head->hash;
    sent.len = CHAIN_HASH;
    sent.rev = rev;

    args = store_sent(store, property, &sent);

    args_number(args, (int64_t) append->tail->seq);
    args_number(args, append->tail->at);
    args_add(args, append->entry->data, append->entry->len);
    args_add(args, (const char *) append->salt, CHAIN_SALT);
    args_add(args, (const char *) append->tail->hash, CHAIN_HASH);
    args_add(args, append->last->data, append->last->len);
    args_adds(args, append->from->user);

    for (i = 0; i < lease->body.nparties; i++) {
        user = lease->body.parties[i].user;

        if (strcmp(user, append->from->user) != 0) {
            args_adds(args, user);
        }
    }

    args_adds(args, property->channel);

    return store_send(store);
}


int
store_probe(store_t *store, const property_t *property, const char *user,
    const char *client_id, int64_t now)
{
    store_sent_t  sent;

    sent.user = user;
    sent.client_id = client_id;
    sent.now = now;
    sent.hash = "-";                   /* matches no head */
    sent.len = 1;
    sent.rev = "-";

    (void) store_sent(store, property, &sent);

    return store_send(store);
}


int
store_mark(store_t *store, const property_t *property, const char *user,
    const store_counted_t *counted, uint64_t upto, int64_t now)
{
    char     at[CLOCK_LEN + 1];
    args_t  *args;

    clock_format(at, now);

    args = store_property(store, "ll1_mark", property);
    args_adds(args, property->id);
    args_adds(args, user);
    args_number(args, (int64_t) upto);
    args_number(args, now);
    args_copy(args, at, CLOCK_LEN);
    args_adds(args, property->channel);
    args_number(args, STORE_COUNT);

    if (counted->started) {
        args_number(args, (int64_t) counted->after);
        args_number(args, (int64_t) counted->seq);
        args_number(args, (int64_t) counted->messages);
    }

    return store_send(store);
}


int
store_badges(store_t *store, const property_t *property)
{
    (void) store_property(store, "ll1_badges", property);

    return store_send(store);
}


int
store_badge(store_t *store, const store_thread_t *threads, size_t n)
{
    char         key[LL_KEY_MAX];
    args_t      *args = &store->args;
    size_t       j;
    const char  *user = threads[0].user;

    args_reset(args);
    fcall_user(args, "ll1_badge", user);
    args_copy(args, key, ll_keys_user_channel(key, user, strlen(user)));
    store_set_key(store, key);
    args_lit(args, "0");

    for (j = 0; j < n; j++) {
        args_adds(args, threads[j].property);
        args_number(args, threads[j].ver);
        args_number(args, threads[j].unread);
        args_number(args, threads[j].at);
        args_adds(args, threads[j].shown);
    }

    return store_send(store);
}


int
store_due(store_t *store, const char *property, uint64_t rev, int64_t due,
    int64_t seen)
{
    char      key[LL_KEY_MAX];
    args_t   *args = &store->args;
    unsigned  k;

    k = store->route != NULL ? ll_slots_due(property, strlen(property)) : 0;

    args_reset(args);
    fcall_begin(args, "ll1_due", 2);
    args_copy(args, key, ll_keys_due(key, k));
    store_set_key(store, key);
    args_copy(args, key, ll_keys_due_vers(key, k));
    args_adds(args, property);
    args_number(args, (int64_t) rev);

    if (due == CLOCK_NEVER) {
        args_lit(args, "");
    } else {
        args_number(args, due);
    }

    if (seen != CLOCK_NEVER) {
        args_number(args, seen);
    }

    return store_send(store);
}


int
store_defer(store_t *store, unsigned k, const char *property, int64_t due,
    int64_t retry_at)
{
    char     key[LL_KEY_MAX];
    args_t  *args = &store->args;

    args_reset(args);
    fcall_begin(args, "ll1_defer", 1);
    args_copy(args, key, ll_keys_due(key, k));
    store_set_key(store, key);
    args_adds(args, property);
    args_number(args, due);
    args_number(args, retry_at);

    return store_send(store);
}


int
store_due_list(store_t *store, unsigned k, unsigned limit)
{
    char     key[LL_KEY_MAX];
    size_t   len;
    args_t  *args = &store->args;

    args_reset(args);
    args_lit(args, "ZRANGE");

    len = ll_keys_due(key, k);
    args_copy(args, key, len);
    store_set_key(store, key);

    args_lit(args, "0");
    args_number(args, (int64_t) limit - 1);
    args_lit(args, "WITHSCORES");

    return store_send(store);
}


int
store_verdicts(store_t *store, const char *nginx, size_t len,
    const buf_t *verdicts)
{
    char     key[LL_KEY_MAX];
    args_t  *args = &store->args;

    args_reset(args);
    args_adds(args, ll_keys_publish());
    args_copy(args, key, ll_keys_reply_channel(key, nginx, len));
    store_set_key(store, key);
    args_add(args, verdicts->data, verdicts->len);

    if (buf_failed(verdicts)) {
        args->made.failed = 1;
    }

    return store_send(store);
}


/*
 * adds examples of the keys and channels that a worker uses, with which Redis
 * checks the permissions of its user
 */
static void
store_examples(args_t *args, unsigned k)
{
    char    key[LL_KEY_MAX];
    size_t  len;

    static const char  id[] = "example";

    len = ll_keys_queue(key, k);
    args_copy(args, key, len);
    len = ll_keys_dead(key, k);
    args_copy(args, key, len);
    len = ll_keys_property(key, LL_KEY_META, id, sizeof(id) - 1);
    args_copy(args, key, len);
    len = ll_keys_user(key, LL_KEY_USER_INBOX, id, sizeof(id) - 1);
    args_copy(args, key, len);
    len = ll_keys_due(key, k);
    args_copy(args, key, len);
    len = ll_keys_reply_channel(key, id, sizeof(id) - 1);
    args_copy(args, key, len);
    len = ll_keys_property_channel(key, id, sizeof(id) - 1);
    args_copy(args, key, len);
    len = ll_keys_user_channel(key, id, sizeof(id) - 1);
    args_copy(args, key, len);
}


int
store_beat(store_t *store, unsigned k, const char *worker,
    const buf_t *record)
{
    char     key[LL_KEY_MAX];
    size_t   len;
    args_t  *args = &store->args;

    args_reset(args);
    fcall_begin(args, "ll1_beat", 3);

    len = ll_keys_workers(key, k);
    args_copy(args, key, len);
    store_set_key(store, key);
    len = ll_keys_nginx(key, k);
    args_copy(args, key, len);
    len = ll_keys_layout(key, k);
    args_copy(args, key, len);

    args_adds(args, worker);
    args_add(args, record->data, record->len);
    store_examples(args, k);
    args_lit(args, LL_LAYOUT);

    return store_send(store);
}


int
store_beat_read(const redisReply *reply, store_beat_t *beat)
{
    long long          n, ms, place, workers;
    const redisReply  *names;

    names = conn_element(reply, 1);

    if (names == NULL || names->type != REDIS_REPLY_STRING
        || conn_number(conn_element(reply, 0), &ms) == -1
        || conn_number(conn_element(reply, 2), &n) == -1
        || n < 0 || n > LL_QUEUES_MAX)
    {
        return -1;
    }

    beat->now = ms;
    beat->refused = names->str;
    beat->queues = (unsigned) n;

    /* a library before revision 30 does not return these */

    if (conn_number(conn_element(reply, 3), &place) == -1
        || conn_number(conn_element(reply, 4), &workers) == -1
        || place < 0 || place >= workers || workers > INT_MAX)
    {
        place = 0;
        workers = 0;
    }

    beat->place = (unsigned) place;
    beat->workers = (unsigned) workers;

    return 0;
}


int
store_sweep(store_t *store, unsigned k, int64_t idle)
{
    char     key[LL_KEY_MAX];
    args_t  *args = &store->args;

    args_reset(args);
    fcall_begin(args, "ll1_sweep", 1);
    args_copy(args, key, ll_keys_queue(key, k));
    store_set_key(store, key);
    args_lit(args, LL_QUEUE_GROUP);
    args_number(args, idle);

    return store_send(store);
}
