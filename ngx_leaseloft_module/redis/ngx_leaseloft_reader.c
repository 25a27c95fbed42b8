
/*
 * The constructors that hiredis calls while it parses a reply.  hiredis limits
 * neither the elements of an array, so they are limited here, nor the bytes of
 * a string, which the owner of the connection limits.
 */


#include "ngx_leaseloft_reader.h"


/* each slot of a Redis Cluster may be in a row of its own */
#define NGX_LEASELOFT_READER_ELEMENTS_MAX  16384
#define NGX_LEASELOFT_READER_BLOCK         16384

/*
 * Memory beyond this, used by an unusually long reply, is freed; all memory is
 * under a sanitizer, which then detects the use of a freed reply.
 */
#if defined(__SANITIZE_ADDRESS__)
#define NGX_LEASELOFT_READER_BLOCKS        0
#else
#define NGX_LEASELOFT_READER_BLOCKS        8
#endif


#if (HIREDIS_MAJOR > 0)
typedef size_t  ngx_leaseloft_elements_t;
#else
typedef int     ngx_leaseloft_elements_t;
#endif


static void ngx_leaseloft_reader_cleanup(void *data);


/* creates an object, and sets it as an element of its parent, if any */
static redisReply *
ngx_leaseloft_reader_object(const redisReadTask *task, int type)
{
    redisReply              *reply, *parent;
    ngx_leaseloft_reader_t  *replies;

    replies = task->privdata;

    if (replies->pool == NULL) {
        return NULL;
    }

    reply = ngx_pcalloc(replies->pool, sizeof(redisReply));
    if (reply == NULL) {
        return NULL;
    }

    reply->type = type;

    if (task->parent) {
        parent = task->parent->obj;
        parent->element[task->idx] = reply;
    }

    return reply;
}


static void *
ngx_leaseloft_reader_string(const redisReadTask *task, char *str, size_t len)
{
    redisReply              *reply;
    ngx_leaseloft_reader_t  *replies;

    replies = task->privdata;

    reply = ngx_leaseloft_reader_object(task, task->type);
    if (reply == NULL) {
        return NULL;
    }

    reply->str = ngx_pnalloc(replies->pool, len + 1);
    if (reply->str == NULL) {
        return NULL;
    }

    ngx_memcpy(reply->str, str, len);
    reply->str[len] = '\0';
    reply->len = len;

    return reply;
}


static void *
ngx_leaseloft_reader_array(const redisReadTask *task,
    ngx_leaseloft_elements_t elements)
{
    redisReply              *reply;
    ngx_leaseloft_reader_t  *replies;

    replies = task->privdata;

    if ((size_t) elements > NGX_LEASELOFT_READER_ELEMENTS_MAX) {
        return NULL;
    }

    reply = ngx_leaseloft_reader_object(task, task->type);
    if (reply == NULL) {
        return NULL;
    }

    if (elements) {
        reply->element = ngx_pcalloc(replies->pool,
                                     elements * sizeof(redisReply *));
        if (reply->element == NULL) {
            return NULL;
        }
    }

    reply->elements = elements;

    return reply;
}


static void *
ngx_leaseloft_reader_integer(const redisReadTask *task, long long value)
{
    redisReply  *reply;

    reply = ngx_leaseloft_reader_object(task, REDIS_REPLY_INTEGER);

    if (reply) {
        reply->integer = value;
    }

    return reply;
}


static void *
ngx_leaseloft_reader_nil(const redisReadTask *task)
{
    return ngx_leaseloft_reader_object(task, REDIS_REPLY_NIL);
}


static void
ngx_leaseloft_reader_free(void *reply)
{
    /* freed with the pool */
}


/* RESP2, the only version in use, has no other types */

#if (HIREDIS_MAJOR > 0)

static void *
ngx_leaseloft_reader_double(const redisReadTask *task, double value,
    char *str, size_t len)
{
    return NULL;
}


static void *
ngx_leaseloft_reader_bool(const redisReadTask *task, int value)
{
    return NULL;
}

#endif


ngx_int_t
ngx_leaseloft_reader_init(ngx_leaseloft_reader_t *replies, ngx_pool_t *pool,
    ngx_log_t *log)
{
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_leaseloft_reader_cleanup;
    cln->data = replies;

    ngx_memzero(replies, sizeof(ngx_leaseloft_reader_t));

    replies->log = log;
    replies->functions.createString = ngx_leaseloft_reader_string;
    replies->functions.createArray = ngx_leaseloft_reader_array;
    replies->functions.createInteger = ngx_leaseloft_reader_integer;
    replies->functions.createNil = ngx_leaseloft_reader_nil;
    replies->functions.freeObject = ngx_leaseloft_reader_free;

#if (HIREDIS_MAJOR > 0)
    replies->functions.createDouble = ngx_leaseloft_reader_double;
    replies->functions.createBool = ngx_leaseloft_reader_bool;
#endif

    return NGX_OK;
}


static void
ngx_leaseloft_reader_cleanup(void *data)
{
    ngx_leaseloft_reader_t  *replies = data;

    if (replies->pool) {
        ngx_destroy_pool(replies->pool);
        replies->pool = NULL;
    }
}


ngx_int_t
ngx_leaseloft_reader_attach(ngx_leaseloft_reader_t *replies,
    redisReader *reader)
{
    ngx_leaseloft_reader_reset(replies);

    reader->fn = &replies->functions;
    reader->privdata = replies;

    return replies->pool ? NGX_OK : NGX_ERROR;
}


void
ngx_leaseloft_reader_reset(ngx_leaseloft_reader_t *replies)
{
    ngx_uint_t   n;
    ngx_pool_t  *p;

    n = 0;

    for (p = replies->pool; p; p = p->d.next) {
        n++;
    }

    if (n > NGX_LEASELOFT_READER_BLOCKS) {
        ngx_destroy_pool(replies->pool);
        replies->pool = NULL;
    }

    if (replies->pool) {
        ngx_reset_pool(replies->pool);

    } else {
        replies->pool = ngx_create_pool(NGX_LEASELOFT_READER_BLOCK,
                                        replies->log);
    }
}
