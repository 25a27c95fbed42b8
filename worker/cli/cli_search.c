
/*
 * leaseloft search: prints the messages of a whole thread that match, newest
 * first, as they are found.  It reads the entries itself, and needs no worker.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli_redis.h"
#include "cli_search.h"
#include "common/search.h"
#include "entries.h"
#include "json.h"
#include "match.h"


/* options, in the order of cli_commands.c */

enum {
    CLI_SEARCH_FROM = 0,
    CLI_SEARCH_SINCE,
    CLI_SEARCH_UNTIL
};


typedef struct {
    buf_t        words;
    ll_search_t  search;
    match_t      match;
    buf_t        out;
    size_t       n;                /* hits */
} cli_search_t;


/* sets a parameter: CLI_OK, or CLI_USAGE after an error message */
static int
cli_search_set(cli_t *cli, cli_search_t *found, ll_search_param_e param,
    const char *s, size_t len)
{
    const char  *why;

    why = ll_search_set(&found->search, param, s, len);

    /* without the full stop of a sentence */

    return why ? cli_usage(cli, "%.*s", (int) strlen(why) - 1, why) : CLI_OK;
}


/* the words are the arguments after the property */
static int
cli_search_arguments(cli_t *cli, cli_search_t *found)
{
    int          i, rc;
    const char  *value;

    static const ll_search_param_e  params[] = {
        LL_SEARCH_FROM, LL_SEARCH_SINCE, LL_SEARCH_UNTIL
    };

    ll_search_init(&found->search);

    for (i = 1; i < cli->nargs; i++) {
        buf_add(&found->words, " ", i > 1 ? 1 : 0);
        buf_adds(&found->words, cli->args[i]);
    }

    if (buf_failed(&found->words)) {
        return cli_fail("out of memory");
    }

    rc = cli_search_set(cli, found, LL_SEARCH_WORDS,
                        found->words.data ? found->words.data : "",
                        found->words.len);

    for (i = CLI_SEARCH_FROM; rc == CLI_OK && i <= CLI_SEARCH_UNTIL; i++) {
        value = cli->values[i];

        if (value) {
            rc = cli_search_set(cli, found, params[i], value, strlen(value));
        }
    }

    return rc;
}


static int
cli_search_match(cli_search_t *found)
{
    match_limits_t   limits;
    const ll_str_t  *from, *words;

    from = &found->search.params[LL_SEARCH_FROM];
    words = &found->search.params[LL_SEARCH_WORDS];

    memset(&limits, 0, sizeof(match_limits_t));
    memcpy(limits.from, from->len ? from->data : "", from->len);

    limits.since = found->search.since;
    limits.until = found->search.until;

    return match_init(&found->match, words->data, words->len, &limits) == 0
           ? CLI_OK : cli_fail("out of memory");
}


static const char *
cli_search_member(const cJSON *tree, const char *name)
{
    const char  *text;

    text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(tree, name));

    return text ? text : "";
}


/* a line: number, time, sender and text, which may contain line breaks */
static void
cli_search_line(buf_t *out, const thread_entry_t *entry)
{
    cJSON       *tree;
    const char  *why, *p;

    tree = json_parse(entry->entry, entry->len, &why);

    buf_number(out, (int64_t) entry->seq);
    buf_lit(out, "\t");
    buf_adds(out, cli_search_member(tree, "at"));
    buf_lit(out, "\t");
    buf_add(out, entry->sender, entry->sender_len);
    buf_lit(out, "\t");

    for (p = cli_search_member(tree, "text"); *p; p++) {
        buf_add(out, (unsigned char) *p < ' ' ? " " : p, 1);
    }

    buf_lit(out, "\n");
    cJSON_Delete(tree);
}


/* prints a hit: 0, or -1 */
static int
cli_search_hit(const cli_t *cli, cli_search_t *found,
    const thread_entry_t *entry)
{
    buf_t  *out = &found->out;

    buf_reset(out);

    if (cli->json) {
        buf_add(out, ",", found->n ? 1 : 0);
        buf_add(out, entry->entry, entry->len);

    } else {
        cli_search_line(out, entry);
    }

    found->n++;

    if (buf_failed(out)) {
        return cli_fail("out of memory"), -1;
    }

    return fwrite(out->data, 1, out->len, stdout) == out->len ? 0 : -1;
}


static int
cli_search_entries(cli_t *cli, cli_search_t *found)
{
    int             rc;
    entries_t       entries;
    match_result_e  result;
    thread_entry_t  entry;

    entries_init(&entries, cli_redis_property(cli, cli->args[0]), cli->args[0],
                 1, LL_SEQ_MAX, 1);
    entries.ahead = 1;

    result = MATCH_NO;

    while (result != MATCH_OLD && (rc = entries_next(&entries, &entry)) == 1) {

        if (entries.damaged) {
            (void) cli_fail("the segment of entry %" PRIu64 " is damaged",
                            entries.damaged);
            entries.damaged = 0;
        }

        result = match_entry(&found->match, &entry);

        if (result == MATCH_ERROR
            || (result == MATCH_YES
                && cli_search_hit(cli, found, &entry) != 0))
        {
            break;
        }
    }

    entries_free(&entries);

    if (rc == -1) {
        return cli_fail("cannot read the entries: %s", conn_error(cli->conn));
    }

    return rc == 0 || result == MATCH_OLD ? CLI_OK : CLI_FAILED;
}


/* CLI_OK if there is such a property */
static int
cli_search_exists(cli_t *cli)
{
    int          rc;
    char         key[LL_KEY_MAX];
    args_t       args = ARGS_INIT;
    redisReply  *reply;

    args_lit(&args, "EXISTS");
    args_copy(&args, key, ll_keys_property(key, LL_KEY_META, cli->args[0],
                                           strlen(cli->args[0])));

    reply = cli_redis_call(cli, &args);
    args_free(&args);

    if (reply == NULL) {
        return CLI_FAILED;
    }

    rc = reply->integer ? CLI_OK : cli_fail("there is no property \"%s\"",
                                            cli->args[0]);
    freeReplyObject(reply);

    return rc;
}


static int
cli_search_run(cli_t *cli, cli_search_t *found)
{
    int  rc;

    if (cli_redis_connect(cli) != 0 || cli_search_exists(cli) != CLI_OK) {
        return CLI_FAILED;
    }

    if (cli->json) {
        printf("{\"property\":\"%s\",\"hits\":[", cli->args[0]);
    }

    rc = cli_search_entries(cli, found);

    if (cli->json) {
        printf("]}\n");
    }

    return rc;
}


int
cli_search(cli_t *cli)
{
    int           rc;
    cli_search_t  found;

    memset(&found, 0, sizeof(cli_search_t));

    if (cli_check_id(cli, "PROPERTY", cli->args[0]) != CLI_OK) {
        return CLI_USAGE;
    }

    rc = cli_search_arguments(cli, &found);

    if (rc == CLI_OK) {
        rc = cli_search_match(&found);
    }

    if (rc == CLI_OK) {
        rc = cli_search_run(cli, &found);
    }

    match_free(&found.match);
    buf_free(&found.words);
    buf_free(&found.out);

    return rc;
}
