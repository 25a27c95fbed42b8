
/*
 * Reads the lane through a consumer group, so that each request is given to one
 * searcher.  All searchers are one consumer, and nothing is acknowledged
 * (NOACK): Redis keeps no list of what a searcher has taken.
 *
 * The lane expires unless a searcher extends it, and nginx adds nothing to a
 * lane that does not exist.  A request is deleted when it is taken; what a dead
 * searcher has left is deleted after a minute.  The age of a request is
 * measured by the clock of Redis, which also made its id.
 */

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "common/keys.h"
#include "lane.h"
#include "log.h"


/* without searchers the lane expires after this time */
#define LANE_EXPIRE_MS  5000
#define LANE_EXTEND_MS  1000

/* requests that were taken and not deleted are deleted after this time */
#define LANE_STALE_MS   60000

/* the longest that nginx waits for a result */
#define LANE_WAIT_MAX   3600000


void
lane_init(lane_t *lane, conn_t *conn)
{
    memset(lane, 0, sizeof(lane_t));

    lane->conn = conn;
}


void
lane_free(lane_t *lane)
{
    freeReplyObject(lane->reply);
    lane->reply = NULL;
    args_free(&lane->args);
}


static void
lane_command(lane_t *lane, const char *name)
{
    args_reset(&lane->args);
    args_adds(&lane->args, name);
}


static void
lane_key(lane_t *lane)
{
    char  key[LL_KEY_MAX];

    args_copy(&lane->args, key, ll_keys_search(key));
}


/* once a second: keeps the lane, and deletes what is stale */
static int
lane_extend(lane_t *lane)
{
    lane->extend_at = clock_monotonic() + LANE_EXTEND_MS;

    lane_command(lane, "XTRIM");
    lane_key(lane);
    args_lit(&lane->args, "MINID");
    args_number(&lane->args, lane->now > LANE_STALE_MS
                             ? lane->now - LANE_STALE_MS : 0);

    if (conn_send_quiet(lane->conn, &lane->args) != 0) {
        return -1;
    }

    lane_command(lane, "PEXPIRE");
    lane_key(lane);
    args_number(&lane->args, LANE_EXPIRE_MS);

    return conn_send_quiet(lane->conn, &lane->args);
}


int
lane_open(lane_t *lane, int repeated)
{
    int          rc;
    redisReply  *reply;

    lane_command(lane, "XGROUP");
    args_lit(&lane->args, "CREATE");
    lane_key(lane);
    args_lit(&lane->args, LL_SEARCH_GROUP);
    args_lit(&lane->args, "0");
    args_lit(&lane->args, "MKSTREAM");

    reply = conn_call(lane->conn, &lane->args);

    rc = reply == NULL
         || (reply->type == REDIS_REPLY_ERROR
             && strncmp(reply->str, "BUSYGROUP ", 10) != 0)
         ? -1 : 0;

    if (rc == -1 && reply && !repeated) {
        log_error("redis refused the lane of searches: \"%s\", retrying",
                  reply->str);
    }

    freeReplyObject(reply);

    return rc == 0 ? lane_extend(lane) : -1;
}


/* the id in a field; it is empty if it is invalid */
static ll_str_t
lane_id(const redisReply *value)
{
    ll_str_t  id = { NULL, 0 };

    if (ll_id_valid(value->str, value->len)) {
        id.data = value->str;
        id.len = value->len;
    }

    return id;
}


/* "q", "from" ...: 0, or -1 if it is malformed */
static int
lane_param(lane_request_t *request, const redisReply *name,
    const redisReply *value)
{
    int  i;

    for (i = 0; i < LL_SEARCH_PARAMS; i++) {
        if (strcmp(name->str, ll_search_name((ll_search_param_e) i)) == 0) {
            return ll_search_set(&request->search, (ll_search_param_e) i,
                                 value->str, value->len) == NULL ? 0 : -1;
        }
    }

    return 0;
}


/* sets a field, and *wait: 0, or -1 if it is malformed */
static int
lane_field(lane_request_t *request, const redisReply *name,
    const redisReply *value, long long *wait)
{
    ll_str_t  id;

    if (strcmp(name->str, "u") == 0) {
        id = lane_id(value);
        memcpy(request->user, id.len ? id.data : "", id.len + 1);
        return id.len ? 0 : -1;
    }

    if (strcmp(name->str, "p") == 0) {
        request->property = lane_id(value);
        return request->property.len ? 0 : -1;
    }

    if (strcmp(name->str, "r") == 0) {
        return ll_frame_reply_decode(value->str, value->len, &request->nginx,
                                     &request->number);
    }

    if (strcmp(name->str, "w") == 0) {
        return conn_number(value, wait);
    }

    return lane_param(request, name, value);
}


static int
lane_parse(lane_request_t *request, const redisReply *fields, long long *wait)
{
    size_t  i;

    memset(request, 0, sizeof(lane_request_t));
    ll_search_init(&request->search);
    *wait = 0;

    for (i = 0; i + 1 < fields->elements; i += 2) {
        if (fields->element[i]->type != REDIS_REPLY_STRING
            || fields->element[i + 1]->type != REDIS_REPLY_STRING
            || lane_field(request, fields->element[i], fields->element[i + 1],
                          wait) != 0)
        {
            return -1;
        }
    }

    return request->user[0] && request->nginx.len
           && request->search.params[LL_SEARCH_WORDS].data
           && *wait > 0 && *wait <= LANE_WAIT_MAX
           ? 0 : -1;
}


/* sets the time from the reply of TIME */
static void
lane_set_now(lane_t *lane, const redisReply *time)
{
    long long  seconds, us;

    if (conn_number(conn_element(time, 0), &seconds) == 0
        && conn_number(conn_element(time, 1), &us) == 0)
    {
        lane->now = seconds * 1000 + us / 1000;
    }
}


/* [[lane, [[id, [name, value, ...]]]]] */
static int
lane_take(lane_t *lane, lane_request_t *request)
{
    long long          wait;
    const redisReply  *entry, *id, *fields;

    entry = conn_element(conn_element(conn_element(lane->reply, 0), 1), 0);
    id = conn_element(entry, 0);
    fields = conn_element(entry, 1);

    if (id == NULL || id->type != REDIS_REPLY_STRING || fields == NULL) {
        return 0;
    }

    /* sent with the first command of the search */

    lane_command(lane, "XDEL");
    lane_key(lane);
    args_add(&lane->args, id->str, id->len);

    if (conn_send_quiet(lane->conn, &lane->args) != 0) {
        return -1;
    }

    /* the fields of an entry that was trimmed are nil */

    if (fields->type != REDIS_REPLY_ARRAY
        || lane_parse(request, fields, &wait) != 0)
    {
        log_error("a request in the lane of searches is malformed");
        return 0;
    }

    /* the id is "MS-N" */

    if (lane->now - strtoll(id->str, NULL, 10) >= wait) {
        log_info("a search was dropped, as nobody waits for it any more");
        return 0;
    }

    return 1;
}


int
lane_read(lane_t *lane, lane_request_t *request, int64_t ms)
{
    int          rc;
    redisReply  *time;

    freeReplyObject(lane->reply);
    lane->reply = NULL;

    if (clock_monotonic() >= lane->extend_at && lane_extend(lane) != 0) {
        return -1;
    }

    lane_command(lane, "XREADGROUP");
    args_lit(&lane->args, "GROUP");
    args_lit(&lane->args, LL_SEARCH_GROUP);
    args_lit(&lane->args, LL_SEARCH_GROUP);
    args_lit(&lane->args, "COUNT");
    args_lit(&lane->args, "1");
    args_lit(&lane->args, "BLOCK");
    args_number(&lane->args, ms);
    args_lit(&lane->args, "NOACK");
    args_lit(&lane->args, "STREAMS");
    lane_key(lane);
    args_lit(&lane->args, ">");

    if (conn_send(lane->conn, &lane->args) != 0) {
        return -1;
    }

    lane_command(lane, "TIME");

    if (conn_send(lane->conn, &lane->args) != 0) {
        return -1;
    }

    lane->reply = conn_recv(lane->conn);
    time = conn_recv(lane->conn);

    lane_set_now(lane, time);

    rc = conn_result(lane->reply) == CONN_OK && conn_result(time) == CONN_OK
         ? lane_take(lane, request) : -1;

    freeReplyObject(time);

    return rc;
}


int
lane_answer(store_t *store, const lane_request_t *request, unsigned status,
    const buf_t *body)
{
    int            rc;
    char           line[LL_VERDICT_LINE], key[LL_KEY_MAX];
    buf_t          verdict = BUF_INIT;
    redisReply    *reply;
    ll_verdict_t   head;

    memset(&head, 0, sizeof(ll_verdict_t));

    head.request = request->number;
    head.status = status;
    head.body.data = body->data;
    head.body.len = body->len;

    buf_add(&verdict, line, ll_frame_verdict_encode(line, &head));
    buf_add(&verdict, body->data ? body->data : "", body->len);

    rc = -1;

    (void) ll_keys_reply_channel(key, request->nginx.data, request->nginx.len);

    if (!buf_failed(&verdict)
        && store_find(store, key) == 0
        && store_verdicts(store, request->nginx.data, request->nginx.len,
                          &verdict) == 0)
    {
        reply = store_recv(store);
        rc = conn_result(reply) == CONN_LOST ? -1 : 0;
        freeReplyObject(reply);
    }

    buf_free(&verdict);

    return rc;
}
