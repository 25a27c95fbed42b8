
/*
 * Signs checkpoints by libcrypto, with an Ed25519 key.  A signature takes some
 * 50 us, and a record has one.  Nothing of a key is logged.
 */


#include "ngx_leaseloft_signer.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>


struct ngx_leaseloft_signer_s {
    EVP_PKEY                   *key;
    u_char                      public[LL_SIGN_PUBLIC];
};


static ngx_leaseloft_signer_t *ngx_leaseloft_signer_read(ngx_conf_t *cf,
    ngx_str_t *name, ngx_str_t *file);
static char *ngx_leaseloft_signer_load(ngx_leaseloft_signer_t *signer,
    ngx_str_t *file, ngx_err_t *err);


char *
ngx_leaseloft_signer_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_leaseloft_loc_conf_t  *lcf = conf;

    ngx_str_t  *value;

    if (lcf->signer != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (cf->args->nelts == 3) {
        lcf->signer_name = value[2];

        if (!ll_sign_name_valid((char *) value[2].data, value[2].len)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\": the origin must be 1 to %d printable "
                               "characters of ASCII, without spaces and \"+\"",
                               &cmd->name, LL_SIGN_NAME_MAX);
            return NGX_CONF_ERROR;
        }
    }

    lcf->signer = ngx_leaseloft_signer_read(cf, &cmd->name, &value[1]);

    return lcf->signer ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static void
ngx_leaseloft_signer_free(void *data)
{
    EVP_PKEY_free(data);
}


static ngx_leaseloft_signer_t *
ngx_leaseloft_signer_read(ngx_conf_t *cf, ngx_str_t *name, ngx_str_t *file)
{
    char                    *fault;
    ngx_err_t                err;
    ngx_pool_cleanup_t      *cln;
    ngx_leaseloft_signer_t  *signer;

    if (ngx_conf_full_name(cf->cycle, file, 1) != NGX_OK) {
        return NULL;
    }

    signer = ngx_pcalloc(cf->pool, sizeof(ngx_leaseloft_signer_t));
    cln = ngx_pool_cleanup_add(cf->pool, 0);

    if (signer == NULL || cln == NULL) {
        return NULL;
    }

    err = 0;
    fault = ngx_leaseloft_signer_load(signer, file, &err);
    ERR_clear_error();

    if (signer->key) {
        cln->handler = ngx_leaseloft_signer_free;
        cln->data = signer->key;
    }

    if (fault) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, err, "\"%V\": \"%V\" %s", name,
                           file, fault);
        return NULL;
    }

    return signer;
}


/* returns NULL, or what is wrong */
static char *
ngx_leaseloft_signer_load(ngx_leaseloft_signer_t *signer, ngx_str_t *file,
    ngx_err_t *err)
{
    BIO     *bio;
    size_t   len;

    ngx_set_errno(0);

    bio = BIO_new_file((char *) file->data, "r");

    if (bio == NULL) {
        *err = ngx_errno;
        return "cannot be opened; put the Ed25519 private key there";
    }

    /* an encrypted key has no password here */

    signer->key = PEM_read_bio_PrivateKey(bio, NULL, NULL, "");
    BIO_free(bio);

    len = LL_SIGN_PUBLIC;

    if (signer->key == NULL || EVP_PKEY_id(signer->key) != EVP_PKEY_ED25519
        || EVP_PKEY_get_raw_public_key(signer->key, signer->public, &len) != 1
        || len != LL_SIGN_PUBLIC)
    {
        return "has no Ed25519 private key in PEM; make one with "
               "\"openssl genpkey -algorithm ed25519\"";
    }

    return NULL;
}


char *
ngx_leaseloft_signer_merge(ngx_conf_t *cf, ngx_leaseloft_loc_conf_t *prev,
    ngx_leaseloft_loc_conf_t *conf)
{
    ngx_str_t                 *name;
    ngx_uint_t                 i;
    ngx_http_core_srv_conf_t  *cscf;

    if (conf->signer == NGX_CONF_UNSET_PTR) {
        conf->signer = prev->signer == NGX_CONF_UNSET_PTR ? NULL : prev->signer;
        conf->signer_name = prev->signer_name;
    }

    if (conf->signer == NULL || conf->signer_name.len) {
        return NGX_CONF_OK;
    }

    for (i = 0; i < NGX_LEASELOFT_ENDPOINTS; i++) {
        if (conf->endpoints[i] && conf->endpoints[i]->signs) {
            break;
        }
    }

    if (i == NGX_LEASELOFT_ENDPOINTS) {
        return NGX_CONF_OK;
    }

    cscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);
    name = &cscf->server_name;

    /* neither a wildcard, a regular expression nor the name of no host */

    if (!ll_sign_name_valid((char *) name->data, name->len)
        || ngx_strchr("*.~_", name->data[0]) != NULL)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"leaseloft_record_key\" needs an origin as its "
                           "second argument, as this server has no name");
        return NGX_CONF_ERROR;
    }

    conf->signer_name = *name;

    return NGX_CONF_OK;
}


/* the id of the key, which depends on its name */
static ngx_int_t
ngx_leaseloft_signer_id(ngx_leaseloft_loc_conf_t *conf, u_char *id)
{
    char    input[LL_SIGN_INPUT_MAX];
    u_char  hash[LL_SIGN_HASH];
    size_t  len;

    len = ll_sign_id_input(input, (char *) conf->signer_name.data,
                           conf->signer_name.len, conf->signer->public);

    if (EVP_Digest(input, len, hash, NULL, EVP_sha256(), NULL) != 1) {
        return NGX_ERROR;
    }

    ngx_memcpy(id, hash, LL_SIGN_ID);

    return NGX_OK;
}


ngx_int_t
ngx_leaseloft_signer_public(ngx_leaseloft_loc_conf_t *conf, u_char *dst,
    size_t *len)
{
    u_char  id[LL_SIGN_ID];

    if (ngx_leaseloft_signer_id(conf, id) != NGX_OK) {
        return NGX_ERROR;
    }

    *len = ll_sign_key((char *) dst, (char *) conf->signer_name.data,
                       conf->signer_name.len, id, conf->signer->public);

    return NGX_OK;
}


ngx_int_t
ngx_leaseloft_signer_sign(ngx_leaseloft_loc_conf_t *conf, ll_sign_t *note,
    u_char *dst, size_t *len)
{
    int          ok;
    u_char       id[LL_SIGN_ID], sig[LL_SIGN_SIG];
    size_t       n, sig_len;
    EVP_MD_CTX  *ctx;

    note->origin = (char *) conf->signer_name.data;
    note->origin_len = conf->signer_name.len;

    n = ll_sign_text((char *) dst, note);
    sig_len = LL_SIGN_SIG;
    ctx = EVP_MD_CTX_new();

    ok = ctx
         && EVP_DigestSignInit(ctx, NULL, NULL, NULL, conf->signer->key) == 1
         && EVP_DigestSign(ctx, sig, &sig_len, dst, n) == 1
         && sig_len == LL_SIGN_SIG
         && ngx_leaseloft_signer_id(conf, id) == NGX_OK;

    EVP_MD_CTX_free(ctx);
    ERR_clear_error();

    if (!ok) {
        return NGX_ERROR;
    }

    *len = n + ll_sign_signature((char *) dst + n, note->origin,
                                 note->origin_len, id, sig);

    return NGX_OK;
}
