
/*
 * The table has a zone of its own: an array of buckets, each the first entry of
 * a chain, and an array of entries, which are taken in order, so that memory is
 * used only as far as there are tokens.  Entries refer to each other by number,
 * from 1 on; 0 is none.  All entries in use are linked by use.
 *
 * Everything happens under the mutex of the zone, which nginx's master unlocks
 * if a process dies that has it locked.  That process may have been linking
 * entries; therefore "changing" is set meanwhile, and whoever finds it set
 * empties the table.
 */


#include "ngx_leaseloft_token_table.h"


#define NGX_LEASELOFT_TOKEN_TABLE_PAGES  8     /* of the smallest zone */


typedef struct {
    uint32_t                    next;      /* in its bucket, or free */
    uint32_t                    newer;     /* by use */
    uint32_t                    older;
    uint32_t                    len;       /* of user */
    int64_t                     exp;
    int64_t                     iat;
    u_char                      digest[NGX_LEASELOFT_DIGEST_LEN];
    u_char                      user[LL_ID_MAX];
} ngx_leaseloft_token_entry_t;


/*
 * A change of this layout requires a new name of the zone, since a reload may
 * load another build of this module.
 */
typedef struct {
    uint32_t                      max;     /* number of entries */
    uint32_t                      mask;    /* number of buckets - 1 */
    uint32_t                      taken;   /* entries that were ever used */
    uint32_t                      free;    /* the first that is unused again */
    uint32_t                      newest;
    uint32_t                      oldest;
    ngx_atomic_t                  changing;
    ngx_leaseloft_token_entry_t  *entries;
    uint32_t                      buckets[1];
} ngx_leaseloft_token_table_t;


static void ngx_leaseloft_token_table_clear(
    ngx_leaseloft_token_table_t *table);
static ngx_leaseloft_token_table_t *ngx_leaseloft_token_table_lock(
    ngx_shm_zone_t *zone);
static void ngx_leaseloft_token_table_unlock(ngx_shm_zone_t *zone);
static uint32_t *ngx_leaseloft_token_table_bucket(
    ngx_leaseloft_token_table_t *table, u_char *digest);
static uint32_t ngx_leaseloft_token_table_lookup(
    ngx_leaseloft_token_table_t *table, u_char *digest);
static void ngx_leaseloft_token_table_link(ngx_leaseloft_token_table_t *table,
    uint32_t n);
static void ngx_leaseloft_token_table_unlink(
    ngx_leaseloft_token_table_t *table, uint32_t n);
static void ngx_leaseloft_token_table_remove(
    ngx_leaseloft_token_table_t *table, uint32_t n);
static uint32_t ngx_leaseloft_token_table_take(
    ngx_leaseloft_token_table_t *table);


#define ngx_leaseloft_token_entry(table, n)  (&(table)->entries[(n) - 1])


ngx_int_t
ngx_leaseloft_token_table_add(ngx_conf_t *cf, ngx_leaseloft_main_conf_t *mcf)
{
    size_t     size;
    ngx_str_t  name;

    ngx_str_set(&name, "leaseloft_tokens_2");

    size = ngx_max(mcf->zone_size / 2,
                   NGX_LEASELOFT_TOKEN_TABLE_PAGES * ngx_pagesize);

    mcf->tokens = ngx_shared_memory_add(cf, &name, size,
                                        &ngx_leaseloft_module);
    if (mcf->tokens == NULL) {
        return NGX_ERROR;
    }

    mcf->tokens->init = ngx_leaseloft_token_table_init;

    return NGX_OK;
}


/* the arrays take all pages that are free, with four entries for each bucket */
ngx_int_t
ngx_leaseloft_token_table_init(ngx_shm_zone_t *zone, void *data)
{
    size_t                        size;
    uint32_t                      buckets;
    ngx_slab_pool_t              *pool;
    ngx_leaseloft_token_table_t  *table;

    if (data) {
        zone->data = data;
        return NGX_OK;
    }

    pool = (ngx_slab_pool_t *) zone->shm.addr;

    if (zone->shm.exists) {
        zone->data = pool->data;
        return NGX_OK;
    }

    size = pool->pfree * ngx_pagesize;

    table = ngx_slab_alloc(pool, size);
    if (table == NULL) {
        return NGX_ERROR;
    }

    size -= sizeof(ngx_leaseloft_token_table_t);

    for (buckets = 1;
         2 * buckets * (sizeof(uint32_t)
                        + 4 * sizeof(ngx_leaseloft_token_entry_t)) <= size;
         buckets *= 2)
    {
        /* void */
    }

    table->mask = buckets - 1;
    table->max = (size - buckets * sizeof(uint32_t))
                 / sizeof(ngx_leaseloft_token_entry_t);
    table->entries = (ngx_leaseloft_token_entry_t *)
                     ngx_align_ptr(&table->buckets[buckets], sizeof(int64_t));

    ngx_leaseloft_token_table_clear(table);

    pool->data = table;
    zone->data = table;

    return NGX_OK;
}


static void
ngx_leaseloft_token_table_clear(ngx_leaseloft_token_table_t *table)
{
    table->taken = 0;
    table->free = 0;
    table->newest = 0;
    table->oldest = 0;
    table->changing = 0;

    ngx_memzero(table->buckets, (table->mask + 1) * sizeof(uint32_t));
}


static ngx_leaseloft_token_table_t *
ngx_leaseloft_token_table_lock(ngx_shm_zone_t *zone)
{
    ngx_slab_pool_t              *pool;
    ngx_leaseloft_token_table_t  *table;

    pool = (ngx_slab_pool_t *) zone->shm.addr;
    table = zone->data;

    ngx_shmtx_lock(&pool->mutex);

    if (table->changing) {
        ngx_leaseloft_token_table_clear(table);
    }

    table->changing = 1;
    ngx_memory_barrier();

    return table;
}


static void
ngx_leaseloft_token_table_unlock(ngx_shm_zone_t *zone)
{
    ngx_slab_pool_t              *pool;
    ngx_leaseloft_token_table_t  *table;

    pool = (ngx_slab_pool_t *) zone->shm.addr;
    table = zone->data;

    ngx_memory_barrier();
    table->changing = 0;

    ngx_shmtx_unlock(&pool->mutex);
}


ngx_int_t
ngx_leaseloft_token_table_find(ngx_shm_zone_t *zone, u_char *digest,
    ngx_leaseloft_claims_t *claims)
{
    uint32_t                      n;
    ngx_int_t                     rc;
    ngx_leaseloft_token_entry_t  *entry;
    ngx_leaseloft_token_table_t  *table;

    rc = NGX_DECLINED;
    table = ngx_leaseloft_token_table_lock(zone);

    n = ngx_leaseloft_token_table_lookup(table, digest);

    if (n == 0) {
        goto done;
    }

    entry = ngx_leaseloft_token_entry(table, n);

    if (entry->exp <= ngx_time()) {
        ngx_leaseloft_token_table_remove(table, n);
        goto done;
    }

    if (table->newest != n) {
        ngx_leaseloft_token_table_unlink(table, n);
        ngx_leaseloft_token_table_link(table, n);
    }

    claims->exp = entry->exp;
    claims->iat = entry->iat;
    claims->user_len = entry->len;
    ngx_memcpy(claims->user, entry->user, entry->len);
    rc = NGX_OK;

done:

    ngx_leaseloft_token_table_unlock(zone);

    return rc;
}


void
ngx_leaseloft_token_table_store(ngx_shm_zone_t *zone, u_char *digest,
    ngx_leaseloft_claims_t *claims)
{
    uint32_t                      n, *bucket;
    ngx_leaseloft_token_entry_t  *entry;
    ngx_leaseloft_token_table_t  *table;

    table = ngx_leaseloft_token_table_lock(zone);

    /* another process may have verified it meanwhile */

    if (ngx_leaseloft_token_table_lookup(table, digest) == 0) {
        n = ngx_leaseloft_token_table_take(table);
        entry = ngx_leaseloft_token_entry(table, n);

        entry->exp = claims->exp;
        entry->iat = claims->iat;
        entry->len = claims->user_len;
        ngx_memcpy(entry->user, claims->user, claims->user_len);
        ngx_memcpy(entry->digest, digest, NGX_LEASELOFT_DIGEST_LEN);

        bucket = ngx_leaseloft_token_table_bucket(table, digest);
        entry->next = *bucket;
        *bucket = n;

        ngx_leaseloft_token_table_link(table, n);
    }

    ngx_leaseloft_token_table_unlock(zone);
}


static uint32_t *
ngx_leaseloft_token_table_bucket(ngx_leaseloft_token_table_t *table,
    u_char *digest)
{
    uint32_t  hash;

    ngx_memcpy(&hash, digest, sizeof(hash));

    return &table->buckets[hash & table->mask];
}


/* the entry of a digest, or 0 */
static uint32_t
ngx_leaseloft_token_table_lookup(ngx_leaseloft_token_table_t *table,
    u_char *digest)
{
    uint32_t                      n;
    ngx_leaseloft_token_entry_t  *entry;

    for (n = *ngx_leaseloft_token_table_bucket(table, digest);
         n;
         n = entry->next)
    {
        entry = ngx_leaseloft_token_entry(table, n);

        if (ngx_memcmp(entry->digest, digest, NGX_LEASELOFT_DIGEST_LEN) == 0) {
            break;
        }
    }

    return n;
}


/* makes an entry the most recently used */
static void
ngx_leaseloft_token_table_link(ngx_leaseloft_token_table_t *table, uint32_t n)
{
    ngx_leaseloft_token_entry_t  *entry;

    entry = ngx_leaseloft_token_entry(table, n);

    entry->newer = 0;
    entry->older = table->newest;

    if (table->newest) {
        ngx_leaseloft_token_entry(table, table->newest)->newer = n;

    } else {
        table->oldest = n;
    }

    table->newest = n;
}


static void
ngx_leaseloft_token_table_unlink(ngx_leaseloft_token_table_t *table,
    uint32_t n)
{
    ngx_leaseloft_token_entry_t  *entry;

    entry = ngx_leaseloft_token_entry(table, n);

    if (entry->newer) {
        ngx_leaseloft_token_entry(table, entry->newer)->older = entry->older;

    } else {
        table->newest = entry->older;
    }

    if (entry->older) {
        ngx_leaseloft_token_entry(table, entry->older)->newer = entry->newer;

    } else {
        table->oldest = entry->newer;
    }
}


/* frees an entry */
static void
ngx_leaseloft_token_table_remove(ngx_leaseloft_token_table_t *table,
    uint32_t n)
{
    uint32_t                     *p;
    ngx_leaseloft_token_entry_t  *entry;

    entry = ngx_leaseloft_token_entry(table, n);
    p = ngx_leaseloft_token_table_bucket(table, entry->digest);

    while (*p != n) {
        p = &ngx_leaseloft_token_entry(table, *p)->next;
    }

    *p = entry->next;

    ngx_leaseloft_token_table_unlink(table, n);

    entry->next = table->free;
    table->free = n;
}


/* an unused entry; if the table is full, frees the least recently used */
static uint32_t
ngx_leaseloft_token_table_take(ngx_leaseloft_token_table_t *table)
{
    uint32_t  n;

    if (table->free == 0) {

        if (table->taken < table->max) {
            return ++table->taken;
        }

        ngx_leaseloft_token_table_remove(table, table->oldest);
    }

    n = table->free;
    table->free = ngx_leaseloft_token_entry(table, n)->next;

    return n;
}
