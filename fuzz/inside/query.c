
/*
 * Queries and cursors: three lines, the query, Last-Event-ID and If-None-Match
 * (the last two may be missing), to the endpoints that read them.  The commands
 * sent to Redis are always within the bounds of the contract.
 */


#include "fuzz/nginx.h"

#include <string.h>


/* arguments of FCALL_RO before those of the function */
#define FUZZ_CALL  3


static ngx_uint_t  fuzz_asked;


static redisReply *
fuzz_argument(redisReply *command, size_t i)
{
    CHECK(i < command->elements);
    CHECK(command->element[i]->type == REDIS_REPLY_STRING);

    return command->element[i];
}


static void
fuzz_check_number(redisReply *arg, uint64_t min, uint64_t max)
{
    uint64_t  n;

    CHECK(ll_cursor_decode_seq(arg->str, arg->len, &n) == 0);
    CHECK(n >= min && n <= max);
}


/* user, mode, seq, tag, limit, bytes, known erasures */
static void
fuzz_check_view(redisReply *command)
{
    size_t        i;
    redisReply   *tag;
    const char   *mode;

    i = FUZZ_CALL + LL_PROPERTY_KEYS;

    CHECK(command->elements == i + 7);
    CHECK(strcmp(fuzz_argument(command, i)->str, FUZZ_USER) == 0);

    mode = fuzz_argument(command, i + 1)->str;
    CHECK(strcmp(mode, "none") == 0 || strcmp(mode, "after") == 0
          || strcmp(mode, "before") == 0 || strcmp(mode, "newest") == 0);

    fuzz_check_number(fuzz_argument(command, i + 2), 0, LL_SEQ_MAX);

    tag = fuzz_argument(command, i + 3);
    CHECK(tag->len == 0 || ll_cursor_tag_valid(tag->str, tag->len));

    fuzz_check_number(fuzz_argument(command, i + 4), 1, 200);
    fuzz_check_number(fuzz_argument(command, i + 5), 0, LL_SEQ_MAX);
    fuzz_check_number(fuzz_argument(command, i + 6), 0, LL_SEQ_MAX);
}


/* limit, at, property (both or neither) */
static void
fuzz_check_inbox(redisReply *command)
{
    size_t       i;
    redisReply  *at, *property;

    i = FUZZ_CALL + LL_USER_KEYS;

    CHECK(command->elements == i + 3);

    fuzz_check_number(fuzz_argument(command, i), 1, 200);

    at = fuzz_argument(command, i + 1);
    property = fuzz_argument(command, i + 2);

    if (at->len || property->len) {
        fuzz_check_number(at, 0, LL_SEQ_MAX);
        CHECK(ll_id_valid(property->str, property->len));
    }
}


/* commands are complete, and only these once the connection is up */
static void
fuzz_check_sent(fuzz_peer_t *peer, u_char *data, size_t len)
{
    void         *reply;
    redisReader  *reader;
    const char   *function;

    reader = redisReaderCreate();
    CHECK(reader != NULL);
    CHECK(redisReaderFeed(reader, (char *) data, len) == REDIS_OK);

    for ( ;; ) {
        CHECK(redisReaderGetReply(reader, &reply) == REDIS_OK);

        if (reply == NULL) {
            break;
        }

        CHECK(strcmp(fuzz_argument(reply, 0)->str, "FCALL_RO") == 0);
        function = fuzz_argument(reply, 1)->str;

        if (strcmp(function, LL_FUNCTION "view") == 0) {
            fuzz_check_view(reply);

        } else {
            CHECK(strcmp(function, LL_FUNCTION "inbox") == 0);
            fuzz_check_inbox(reply);
        }

        fuzz_asked++;
        freeReplyObject(reply);
    }

    redisReaderFree(reader);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ngx_str_t                   args, id, etag, *id_p, *etag_p;
    ngx_pool_t                 *pool;
    ngx_leaseloft_process_t    *process;
    ngx_leaseloft_loc_conf_t    lcf;
    ngx_leaseloft_main_conf_t   mcf;

    ngx_memzero(&lcf, sizeof(ngx_leaseloft_loc_conf_t));

    pool = fuzz_pool();
    process = fuzz_process(pool, &mcf);
    fuzz_greet(process);

    if (fuzz_part(&data, &size, LF, &args) != NGX_OK) {
        ngx_str_null(&args);
    }

    id_p = fuzz_part(&data, &size, LF, &id) == NGX_OK ? &id : NULL;
    etag_p = fuzz_part(&data, &size, LF, &etag) == NGX_OK ? &etag : NULL;

    fuzz_asked = 0;
    fuzz_sent = fuzz_check_sent;

    fuzz_ask(process, &lcf, &ngx_leaseloft_messages_endpoint, &args, NULL,
             etag_p);
    fuzz_ask(process, &lcf, &ngx_leaseloft_events_endpoint, &args, id_p, NULL);
    fuzz_ask(process, &lcf, &ngx_leaseloft_inbox_endpoint, &args, NULL,
             etag_p);
    fuzz_turn(0);

    /* a malformed query of the inbox is refused without Redis */

    CHECK(fuzz_asked == 2 || fuzz_asked == 3);

    fuzz_sent = NULL;

    fuzz_process_free(process);
    ngx_destroy_pool(pool);

    return 0;
}
