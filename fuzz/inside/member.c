
/*
 * Bodies that nginx parses, each as a token and as a mark.  An accepted body is
 * valid; for a refused one, the problem document is valid JSON.
 */


#include "fuzz/nginx.h"

#include "common/json_check.h"
#include "common/utf8.h"
#include "ngx_leaseloft_member.h"


static void
fuzz_check_document(ngx_pool_t *pool, ngx_str_t *document)
{
    ngx_str_t    copy;
    const char  *why;

    copy.len = document->len;
    copy.data = ngx_pstrdup(pool, document);

    CHECK(copy.data != NULL);
    CHECK(ll_json_check((char *) copy.data, copy.len, &why) == 0);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t                    seq;
    ngx_int_t                   rc;
    ngx_str_t                   body, value, document;
    ngx_http_request_t         *r;
    ngx_leaseloft_loc_conf_t    lcf;
    ngx_leaseloft_main_conf_t   mcf;

    ngx_memzero(&lcf, sizeof(ngx_leaseloft_loc_conf_t));
    ngx_memzero(&mcf, sizeof(ngx_leaseloft_main_conf_t));

    r = fuzz_request(&mcf, &lcf);

    body.len = size;
    body.data = (u_char *) data;

    rc = ngx_leaseloft_member_string(r, &body, "token", &value, &document);

    CHECK(rc == NGX_OK || rc == NGX_DECLINED);

    if (rc == NGX_OK) {
        CHECK(ll_utf8_valid((char *) value.data, value.len));
        CHECK(ngx_strlchr(value.data, value.data + value.len, '\0') == NULL);

    } else {
        fuzz_check_document(r->pool, &document);
    }

    rc = ngx_leaseloft_member_seq(r, &body, "upto", &seq, &document);

    CHECK(rc == NGX_OK || rc == NGX_DECLINED);

    if (rc == NGX_OK) {
        CHECK(seq <= LL_SEQ_MAX);

    } else {
        fuzz_check_document(r->pool, &document);
    }

    fuzz_requests_end();

    return 0;
}
