
/* leaseloft lease show: prints a property's leases from Redis. */

#include <stdlib.h>
#include <string.h>

#include "body_lease.h"
#include "cli_lease_show.h"
#include "cli_redis.h"
#include "json.h"
#include "state.h"


typedef struct {
    int64_t        ends_at;
    body_lease_t   body;
} lease_show_ended_t;


typedef struct {
    state_t              state;
    lease_show_ended_t  *ended;         /* ascending by end */
    size_t               nended;
} lease_show_t;


static void
cli_lease_show_free(lease_show_t *all)
{
    size_t  i;

    for (i = 0; i < all->nended; i++) {
        body_lease_free(&all->ended[i].body);
    }

    free(all->ended);
    state_free(&all->state);
}


static int
cli_lease_show_compare(const void *a, const void *b)
{
    const lease_show_ended_t  *x = a, *y = b;

    return (x->ends_at > y->ends_at) - (x->ends_at < y->ends_at);
}


/* reads the values of the key "leases", each "ENDS DECLARATION"; 0 or -1 */
static int
cli_lease_show_read_ended(lease_show_t *all, const redisReply *reply)
{
    char                *json;
    size_t               i;
    const char          *record;
    lease_show_ended_t  *ended;

    all->ended = calloc(reply->elements + 1, sizeof(lease_show_ended_t));

    if (all->ended == NULL) {
        return -1;
    }

    for (i = 0; i < reply->elements; i++) {
        record = cli_redis_text(reply, i);
        ended = &all->ended[all->nended];
        ended->ends_at = strtoll(record, &json, 10);

        if (*json != ' '
            || body_lease_decode(json + 1, strlen(json + 1), &ended->body)
               != 0)
        {
            return -1;
        }

        all->nended++;
    }

    qsort(all->ended, all->nended, sizeof(lease_show_ended_t),
          cli_lease_show_compare);

    return 0;
}


/* reads seq, hash and state of the key "meta"; 0 or -1 */
static int
cli_lease_show_read_state(lease_show_t *all, const redisReply *reply)
{
    long long          seq;
    const redisReply  *hash, *state;

    hash = conn_element(reply, 1);
    state = conn_element(reply, 2);

    if (conn_number(conn_element(reply, 0), &seq) != 0
        || hash == NULL || hash->len != CHAIN_HASH
        || state == NULL || state->type != REDIS_REPLY_STRING
        || state_decode(&all->state, state->str, (size_t) state->len) != 0)
    {
        return -1;
    }

    all->state.seq = (uint64_t) seq;
    memcpy(all->state.hash, hash->str, CHAIN_HASH);

    return 0;
}


static redisReply *
cli_lease_show_hash(cli_t *cli, ll_property_key_e which,
    const char *const *words)
{
    char         key[LL_KEY_MAX];
    args_t       args = ARGS_INIT;
    redisReply  *reply;

    (void) ll_keys_property(key, which, cli->args[0], strlen(cli->args[0]));

    args_adds(&args, *words++);
    args_adds(&args, key);

    while (*words) {
        args_adds(&args, *words++);
    }

    reply = cli_redis_call(cli, &args);
    args_free(&args);

    return reply;
}


/* 0, or -1 after an error message */
static int
cli_lease_show_read(cli_t *cli, lease_show_t *all)
{
    int                 rc;
    redisReply         *meta, *leases;

    static const char  *hmget[] = { "HMGET", "seq", "hash", "state", NULL };
    static const char  *hvals[] = { "HVALS", NULL };

    meta = cli_lease_show_hash(cli, LL_KEY_META, hmget);
    leases = meta ? cli_lease_show_hash(cli, LL_KEY_LEASES, hvals) : NULL;
    rc = -1;

    if (leases == NULL) {
        goto done;
    }

    if (conn_element(meta, 0) == NULL
        || conn_element(meta, 0)->type == REDIS_REPLY_NIL)
    {
        (void) cli_fail("there is no property \"%s\"", cli->args[0]);
        goto done;
    }

    if (cli_lease_show_read_state(all, meta) != 0
        || cli_lease_show_read_ended(all, leases) != 0)
    {
        (void) cli_fail("the data of \"%s\" in Redis is damaged",
                        cli->args[0]);
        goto done;
    }

    rc = 0;

done:

    freeReplyObject(meta);
    freeReplyObject(leases);

    return rc;
}


/* the declaration with the effective end, and the lease's state */
static void
cli_lease_show_json(buf_t *buf, const body_lease_t *lease, int64_t ends_at,
    const char *state)
{
    body_lease_t  shown;

    shown = *lease;
    shown.ends_at = ends_at;

    body_lease_encode(buf, &shown);

    if (!buf_failed(buf)) {
        buf->len--;                /* reopens the object */
    }

    buf_lit(buf, ",\"state\":");
    json_strings(buf, state);
    buf_lit(buf, "}");
}


static void
cli_lease_show_text(buf_t *buf, const body_lease_t *lease, int64_t ends_at,
    const char *state)
{
    char                 time[CLOCK_LEN + 1];
    size_t               i;
    const body_party_t  *party;

    buf_adds(buf, lease->lease_id);
    buf_lit(buf, " (");
    buf_adds(buf, state);
    buf_lit(buf, ") ");
    buf_adds(buf, lease->label);
    buf_lit(buf, "\n  from ");

    clock_format(time, lease->starts_at);
    buf_adds(buf, time);

    if (ends_at != CLOCK_NEVER) {
        buf_lit(buf, " to ");
        clock_format(time, ends_at);
        buf_adds(buf, time);
    }

    buf_lit(buf, ", ");
    buf_adds(buf, lease->time_zone);
    buf_lit(buf, "\n");

    for (i = 0; i < lease->nparties; i++) {
        party = &lease->parties[i];

        buf_lit(buf, "  ");
        buf_adds(buf, body_lease_role_name(party->role));
        buf_lit(buf, " ");
        buf_adds(buf, party->user);
        buf_lit(buf, ", ");
        buf_adds(buf, party->name);
        buf_lit(buf, "\n");
    }
}


typedef void (*cli_lease_show_pt)(buf_t *buf, const body_lease_t *lease,
    int64_t ends_at, const char *state);


static void
cli_lease_show_all(buf_t *buf, const lease_show_t *all, cli_lease_show_pt show,
    const char *separator)
{
    size_t                i;
    const char           *between;
    const state_lease_t  *lease;

    between = "";

    for (i = 0; i < all->nended; i++) {
        buf_adds(buf, between);
        show(buf, &all->ended[i].body, all->ended[i].ends_at, "ended");
        between = separator;
    }

    lease = all->state.active;

    if (lease) {
        buf_adds(buf, between);
        show(buf, &lease->body, lease->ends_at, "active");
        between = separator;
    }

    lease = all->state.pending;

    if (lease) {
        buf_adds(buf, between);
        show(buf, &lease->body, lease->ends_at, "pending");
    }
}


static void
cli_lease_show_head(buf_t *buf, const state_t *state)
{
    char    head[LL_CURSOR_MAX], tag[LL_TAG_LEN];
    size_t  len;

    ll_cursor_tag(tag, state->hash);
    len = ll_cursor_encode(head, state->seq, tag);

    buf_add(buf, head, len);
}


int
cli_lease_show(cli_t *cli)
{
    int           rc;
    buf_t         buf = BUF_INIT;
    lease_show_t  all;

    if (cli_check_id(cli, "PROPERTY", cli->args[0]) != CLI_OK) {
        return CLI_USAGE;
    }

    memset(&all, 0, sizeof(lease_show_t));

    if (cli_redis_connect(cli) != 0 || cli_lease_show_read(cli, &all) != 0) {
        cli_lease_show_free(&all);
        return CLI_FAILED;
    }

    if (cli->json) {
        buf_lit(&buf, "{\"property\":");
        json_strings(&buf, cli->args[0]);
        buf_lit(&buf, ",\"head\":\"");
        cli_lease_show_head(&buf, &all.state);
        buf_lit(&buf, "\",\"leases\":[");
        cli_lease_show_all(&buf, &all, cli_lease_show_json, ",");
        buf_lit(&buf, "]}");

    } else {
        buf_adds(&buf, cli->args[0]);
        buf_lit(&buf, ", head ");
        cli_lease_show_head(&buf, &all.state);
        buf_lit(&buf, "\n\n");
        cli_lease_show_all(&buf, &all, cli_lease_show_text, "\n");
    }

    rc = cli_print(&buf);

    buf_free(&buf);
    cli_lease_show_free(&all);

    return rc;
}
