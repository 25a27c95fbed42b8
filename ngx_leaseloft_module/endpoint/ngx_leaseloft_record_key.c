
/*
 * GET /api/record-key: the public key of records, without a token, so that
 * anybody can keep it.
 */


#include "ngx_leaseloft_response.h"
#include "ngx_leaseloft_signer.h"


static ngx_int_t ngx_leaseloft_record_key_handler(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx);


ngx_leaseloft_endpoint_t  ngx_leaseloft_record_key_endpoint = {
    .kind = NGX_LEASELOFT_ENDPOINT_RECORD_KEY,
    .method = NGX_HTTP_GET,
    .methods = ngx_string("GET"),
    .signs = 1,
    .handler = ngx_leaseloft_record_key_handler
};


static ngx_int_t
ngx_leaseloft_record_key_handler(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx)
{
    u_char                     key[LL_SIGN_KEY_MAX + 1];
    size_t                     len;
    ngx_str_t                  body;
    ngx_leaseloft_loc_conf_t  *conf;

    static ngx_str_t  type = ngx_string("text/plain");

    conf = ngx_http_get_module_loc_conf(r, ngx_leaseloft_module);

    if (conf->signer == NULL) {
        return ngx_leaseloft_response_problem(r, NGX_HTTP_NOT_FOUND, NULL);
    }

    if (ngx_leaseloft_signer_public(conf, key, &len) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    key[len] = LF;
    body.data = key;
    body.len = len + 1;

    return ngx_leaseloft_response_send(r, NGX_HTTP_OK, &type, &body);
}
