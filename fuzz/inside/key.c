
/*
 * Key files.  A public key is never taken for a secret.
 */


#include "fuzz/nginx.h"

#include "ngx_leaseloft_key_file.h"

#include <sys/mman.h>


static ngx_str_t
fuzz_file(ngx_pool_t *pool, int fd)
{
    ngx_str_t  file;

    file.data = ngx_pnalloc(pool, sizeof("/proc/self/fd/") + NGX_INT_T_LEN);
    CHECK(file.data != NULL);

    file.len = ngx_sprintf(file.data, "/proc/self/fd/%d%Z", fd) - file.data
               - 1;

    return file;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                   fd;
    ngx_str_t             file, name;
    ngx_conf_t            cf;
    ngx_pool_t           *pool;
    ngx_uint_t            i;
    ngx_leaseloft_key_t  *key;
    ngx_leaseloft_keys_t  keys;

    fd = memfd_create("key", MFD_CLOEXEC);
    CHECK(fd != -1);
    CHECK(write(fd, data, size) == (ssize_t) size);

    pool = fuzz_pool();
    ngx_str_set(&name, "leaseloft_key");
    file = fuzz_file(pool, fd);
    fuzz_conf(&cf, pool, &name, NULL, 0);

    ngx_memzero(&keys, sizeof(ngx_leaseloft_keys_t));
    CHECK(ngx_array_init(&keys.list, pool, 1, sizeof(ngx_leaseloft_key_t))
          == NGX_OK);

    if (ngx_leaseloft_key_file_read(&cf, &name, &file, &keys) == NGX_OK) {
        CHECK(keys.list.nelts && keys.list.nelts <= NGX_LEASELOFT_KEYS_MAX);
    }

    key = keys.list.elts;

    for (i = 0; i < keys.list.nelts; i++, key++) {
        CHECK(key->secret.len);
        if (key->pkey) {
            CHECK(key->alg == JWT_ALG_INVAL);
            CHECK(ngx_strcmp(key->name, "EdDSA") == 0);
            continue;
        }

        CHECK(key->alg == JWT_ALG_HS256 || key->alg == JWT_ALG_RS256
              || key->alg == JWT_ALG_ES256);
        CHECK(ngx_strcmp(key->name, jwt_alg_str(key->alg)) == 0);

        if (memmem(data, size, "-----BEGIN ", 11)) {
            CHECK(key->alg != JWT_ALG_HS256);
        }
    }

    CHECK(close(fd) == 0);
    ngx_destroy_pool(pool);

    return 0;
}
