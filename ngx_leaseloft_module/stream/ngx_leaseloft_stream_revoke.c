
/* The token of a stream expires when it is revoked; the next check ends it. */


#include "ngx_leaseloft_revoked.h"
#include "ngx_leaseloft_stream_revoke.h"
#include "ngx_leaseloft_stream_run.h"


static void
ngx_leaseloft_stream_revoke_each(ngx_leaseloft_stream_t *stream)
{
    ngx_leaseloft_ctx_t  *ctx;

    ctx = stream->ctx;

    if (ngx_leaseloft_revoked_check(ctx->process->revoked, ctx->user.data,
                                    ctx->user.len, ctx->iat))
    {
        ctx->exp = 0;
    }
}


void
ngx_leaseloft_stream_revoke(void *data)
{
    ngx_leaseloft_process_t  *process = data;

    ngx_leaseloft_stream_run_each(process->streams,
                                  ngx_leaseloft_stream_revoke_each);
}
