
/*
 * Replies of XREVRANGE for a page of history: the first and last seq of a
 * window, a byte each, then the reply.  The entries shown are in the window and
 * end with it.
 */


#include "fuzz/nginx.h"

#include "ngx_leaseloft_page.h"
#include "ngx_leaseloft_reader.h"
#include "ngx_leaseloft_view.h"


static void
fuzz_page(redisReply *reply, uint64_t from, uint64_t last)
{
    size_t                 len;
    ngx_int_t              rc;
    ngx_uint_t             i;
    ngx_pool_t            *pool;
    ngx_leaseloft_page_t   page;
    ngx_leaseloft_view_t   view;

    pool = fuzz_pool();

    ngx_memzero(&page, sizeof(ngx_leaseloft_page_t));
    ngx_memzero(&view, sizeof(ngx_leaseloft_view_t));

    view.window = NGX_LEASELOFT_WINDOW_OPEN;
    view.from = from;

    ngx_leaseloft_page_read(pool, reply, &page);
    rc = ngx_leaseloft_page_fit(&page, &view, last);

    CHECK(page.read || rc == NGX_DECLINED);

    if (rc == NGX_OK && page.n) {
        CHECK(page.first >= from && page.first + page.n - 1 == last);
        CHECK(view.more == (page.first > from));

        for (i = 0, len = 0; i < page.n; i++) {
            len += page.entries[i].len;
            CHECK(page.entries[i].len == 0 || page.entries[i].data != NULL);
        }

        CHECK(len < (size_t) 1 << 30);
    }

    ngx_destroy_pool(pool);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    void                     *reply;
    ngx_pool_t               *pool;
    redisReader              *reader;
    ngx_leaseloft_reader_t    replies;

    if (size < 2) {
        return 0;
    }

    pool = fuzz_pool();
    reader = redisReaderCreate();

    CHECK(reader != NULL
          && ngx_leaseloft_reader_init(&replies, pool, &fuzz_log) == NGX_OK
          && ngx_leaseloft_reader_attach(&replies, reader) == NGX_OK);

    if (redisReaderFeed(reader, (const char *) data + 2, size - 2) == REDIS_OK
        && redisReaderGetReply(reader, &reply) == REDIS_OK && reply)
    {
        fuzz_page(reply, data[0], data[1]);
    }

    redisReaderFree(reader);
    ngx_destroy_pool(pool);

    return 0;
}
