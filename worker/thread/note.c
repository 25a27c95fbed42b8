
/* Parses, verifies and signs checkpoints. */

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "clock.h"
#include "note.h"
#include "text.h"


struct note_signer_s {
    EVP_PKEY    *pkey;
    note_key_t   key;
};


/*
 * Decodes base64 that stands for exactly n bytes, at most 96, in the only form
 * that an encoder writes.  Returns 0 or -1.
 */
static int
note_decode(unsigned char *dst, size_t n, const char *s, size_t len)
{
    char           again[LL_BASE64(96)];
    unsigned char  bytes[99];

    if (len != LL_BASE64(n) || len > sizeof(again)
        || EVP_DecodeBlock(bytes, (const unsigned char *) s, (int) len)
           < (int) n
        || ll_sign_base64(again, bytes, n) != len
        || memcmp(again, s, len) != 0)
    {
        return -1;
    }

    memcpy(dst, bytes, n);

    return 0;
}


/* sets the id from name and key */
static int
note_key_id(note_key_t *key)
{
    char           input[LL_SIGN_INPUT_MAX];
    size_t         len;
    unsigned char  hash[LL_SIGN_HASH];

    len = ll_sign_id_input(input, key->name, strlen(key->name), key->key);

    if (EVP_Digest(input, len, hash, NULL, EVP_sha256(), NULL) != 1) {
        return -1;
    }

    memcpy(key->id, hash, LL_SIGN_ID);

    return 0;
}


int
note_key_parse(note_key_t *key, const char *s, size_t len)
{
    char           again[LL_SIGN_KEY_MAX];
    const char    *plus;
    unsigned char  typed[1 + LL_SIGN_PUBLIC];

    plus = memchr(s, '+', len);

    if (plus == NULL || !ll_sign_name_valid(s, (size_t) (plus - s))
        || (size_t) (s + len - plus) != 1 + 2 * LL_SIGN_ID + 1
                                        + LL_BASE64(sizeof(typed))
        || note_decode(typed, sizeof(typed), s + len
                       - LL_BASE64(sizeof(typed)), LL_BASE64(sizeof(typed)))
           != 0)
    {
        return -1;
    }

    memcpy(key->name, s, (size_t) (plus - s));
    key->name[plus - s] = '\0';
    memcpy(key->key, typed + 1, LL_SIGN_PUBLIC);

    /* the rest is right if the key would be written like this */

    return note_key_id(key) == 0
           && ll_sign_key(again, key->name, (size_t) (plus - s), key->id,
                          key->key) == len
           && memcmp(again, s, len) == 0
           ? 0 : -1;
}


/* takes a line, without its line feed, from s to end */
static const char *
note_line(const char **s, const char *end, size_t *len)
{
    const char  *line, *feed;

    line = *s;
    feed = line < end ? memchr(line, '\n', (size_t) (end - line)) : NULL;

    if (feed == NULL) {
        return NULL;
    }

    *len = (size_t) (feed - line);
    *s = feed + 1;

    return line;
}


/* ORIGIN/PROPERTY */
static int
note_parse_origin(note_t *note, const char *line, size_t len)
{
    size_t  n;

    for (n = 0; n < len && line[len - 1 - n] != '/'; n++) { /* void */ }

    if (n == len || !ll_id_valid(line + len - n, n)
        || !ll_sign_name_valid(line, len - n - 1))
    {
        return -1;
    }

    note->origin = line;
    note->origin_len = len - n - 1;
    memcpy(note->property, line + len - n, n);
    note->property[n] = '\0';

    return 0;
}


/* 1 if the len bytes are a time in the form that clock_format() writes */
static int
note_time_valid(const char *s, size_t len)
{
    char     again[CLOCK_LEN + 1];
    int64_t  ms;

    if (len != CLOCK_LEN || clock_parse(s, len, &ms) != 0) {
        return 0;
    }

    clock_format(again, ms);

    return memcmp(again, s, CLOCK_LEN) == 0;
}


/* the four lines of the text */
static int
note_parse_text(note_t *note, const char **s, const char *end)
{
    size_t       len;
    const char  *line;

    line = note_line(s, end, &len);
    if (line == NULL || note_parse_origin(note, line, len) != 0) {
        return -1;
    }

    line = note_line(s, end, &len);
    if (line == NULL || ll_cursor_decode_seq(line, len, &note->seq) != 0) {
        return -1;
    }

    line = note_line(s, end, &len);
    if (line == NULL || note_decode(note->hash, LL_SIGN_HASH, line, len) != 0) {
        return -1;
    }

    line = note_line(s, end, &len);
    if (line == NULL || !note_time_valid(line, len)) {
        return -1;
    }

    memcpy(note->time, line, LL_SIGN_TIME);
    note->time[LL_SIGN_TIME] = '\0';

    return 0;
}


/* a signature line: em dash, space, name, space, base64 */
static int
note_parse_signature(const char *line, size_t len, size_t *name_len,
    const char **signature, size_t *signature_len)
{
    const char  *space;

    static const char  dash[] = "\xe2\x80\x94 ";

    if (len < sizeof(dash) || memcmp(line, dash, sizeof(dash) - 1) != 0) {
        return -1;
    }

    line += sizeof(dash) - 1;
    len -= sizeof(dash) - 1;
    space = memchr(line, ' ', len);

    if (space == NULL || space == line || space + 1 == line + len) {
        return -1;
    }

    *name_len = (size_t) (space - line);
    *signature = space + 1;
    *signature_len = len - *name_len - 1;

    return 0;
}


int
note_parse(note_t *note, const char *s, size_t len)
{
    size_t       i, n, name_len;
    const char  *p, *end, *line, *signature;

    p = s;
    end = s + len;

    if (len == 0 || len > NOTE_MAX || s[len - 1] != '\n'
        || !text_valid(s, len))
    {
        return -1;
    }

    for (i = 0; i < len; i++) {
        if ((unsigned char) s[i] < ' ' && s[i] != '\n') {
            return -1;
        }
    }

    if (note_parse_text(note, &p, end) != 0) {
        return -1;
    }

    note->text = s;
    note->text_len = (size_t) (p - s);

    /* the empty line, then at least one signature */

    line = note_line(&p, end, &n);
    if (line == NULL || n != 0 || p == end) {
        return -1;
    }

    note->signatures = p;
    note->signatures_len = (size_t) (end - p);

    while (p < end) {
        line = note_line(&p, end, &n);
        if (line == NULL
            || note_parse_signature(line, n, &name_len, &signature, &i) != 0)
        {
            return -1;
        }
    }

    return 0;
}


/* 1 if the signature of the text is the key's */
static int
note_signed_by(const note_t *note, const note_key_t *key,
    const unsigned char *sig)
{
    int          ok;
    EVP_PKEY    *pkey;
    EVP_MD_CTX  *ctx;

    pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->key,
                                       LL_SIGN_PUBLIC);
    ctx = EVP_MD_CTX_new();

    ok = pkey && ctx
         && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1
         && EVP_DigestVerify(ctx, sig, LL_SIGN_SIG,
                             (const unsigned char *) note->text,
                             note->text_len) == 1;

    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);

    return ok;
}


/* a signature line of another key is ignored, as the specification requires */
note_verdict_e
note_verify(const note_t *note, const note_key_t *key)
{
    size_t          n, name_len, signature_len;
    const char     *p, *end, *line, *name, *signature;
    unsigned char   both[LL_SIGN_ID + LL_SIGN_SIG];
    note_verdict_e  verdict;

    p = note->signatures;
    end = p + note->signatures_len;
    verdict = NOTE_UNKNOWN;

    while ((line = note_line(&p, end, &n)) != NULL) {
        if (note_parse_signature(line, n, &name_len, &signature,
                                 &signature_len) != 0)
        {
            return NOTE_FORGED;
        }

        name = signature - 1 - name_len;

        if (name_len != strlen(key->name)
            || memcmp(name, key->name, name_len) != 0
            || note_decode(both, sizeof(both), signature, signature_len) != 0
            || memcmp(both, key->id, LL_SIGN_ID) != 0)
        {
            continue;
        }

        if (!note_signed_by(note, key, both + LL_SIGN_ID)) {
            return NOTE_FORGED;
        }

        verdict = NOTE_VERIFIED;
    }

    return verdict;
}


note_signer_t *
note_signer_create(const char *pem, size_t len, const char *name)
{
    BIO            *bio;
    size_t          size;
    note_signer_t  *signer;

    signer = calloc(1, sizeof(note_signer_t));
    bio = BIO_new_mem_buf(pem, (int) len);

    if (signer == NULL || bio == NULL) {
        BIO_free(bio);
        free(signer);
        return NULL;
    }

    /* an encrypted key has no password here */

    signer->pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, "");
    BIO_free(bio);

    size = LL_SIGN_PUBLIC;
    memcpy(signer->key.name, name, strlen(name) + 1);

    if (signer->pkey == NULL
        || EVP_PKEY_id(signer->pkey) != EVP_PKEY_ED25519
        || EVP_PKEY_get_raw_public_key(signer->pkey, signer->key.key, &size)
           != 1
        || note_key_id(&signer->key) != 0)
    {
        note_signer_free(signer);
        return NULL;
    }

    return signer;
}


void
note_signer_free(note_signer_t *signer)
{
    if (signer) {
        EVP_PKEY_free(signer->pkey);
        free(signer);
    }
}


int
note_sign(const note_signer_t *signer, ll_sign_t *checkpoint,
    char dst[LL_SIGN_MAX], size_t *len)
{
    int             rc;
    size_t          n, sig_len;
    EVP_MD_CTX     *ctx;
    unsigned char   sig[LL_SIGN_SIG];

    checkpoint->origin = signer->key.name;
    checkpoint->origin_len = strlen(signer->key.name);

    n = ll_sign_text(dst, checkpoint);
    sig_len = LL_SIGN_SIG;
    ctx = EVP_MD_CTX_new();

    rc = ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, signer->pkey) == 1
         && EVP_DigestSign(ctx, sig, &sig_len, (unsigned char *) dst, n) == 1
         ? 0 : -1;

    EVP_MD_CTX_free(ctx);

    if (rc == 0) {
        *len = n + ll_sign_signature(dst + n, signer->key.name,
                                     checkpoint->origin_len, signer->key.id,
                                     sig);
    }

    return rc;
}
