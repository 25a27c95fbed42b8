
/*
 * Signed notes (https://c2sp.org/signed-note), as far as text goes: the text
 * of a checkpoint, its signature line, and the form of a public key.  Hashing
 * and signing is done by the callers, with libcrypto; docs/record.md describes
 * the format.
 *
 * Functions with dst write without a terminator and return its length.
 */


#ifndef LL_SIGN_H
#define LL_SIGN_H


#include <stddef.h>
#include <stdint.h>


#define LL_SIGN_HASH    32             /* bytes of a SHA-256 */
#define LL_SIGN_PUBLIC  32             /* of an Ed25519 public key */
#define LL_SIGN_SIG     64             /* of a signature */
#define LL_SIGN_ID      4              /* of a key's id */
#define LL_SIGN_TIME    24             /* 2026-11-22T12:00:00.123Z */

/* the name of a key, which is the origin of its checkpoints, too */
#define LL_SIGN_NAME_MAX   128

/* the maximum length of each text */
#define LL_SIGN_TEXT_MAX   (LL_SIGN_NAME_MAX + 256)
#define LL_SIGN_MAX        (LL_SIGN_TEXT_MAX + LL_SIGN_NAME_MAX + 128)
#define LL_SIGN_KEY_MAX    (LL_SIGN_NAME_MAX + 64)
#define LL_SIGN_INPUT_MAX  (LL_SIGN_NAME_MAX + 2 + LL_SIGN_PUBLIC)

/* bytes of n bytes in base64 */
#define LL_BASE64(n)  (((n) + 2) / 3 * 4)


/* what a checkpoint says */

typedef struct {
    const char           *origin;      /* a valid name */
    size_t                origin_len;
    const char           *property;    /* an id */
    size_t                property_len;
    uint64_t              seq;
    const unsigned char  *hash;        /* LL_SIGN_HASH bytes */
    const char           *time;        /* LL_SIGN_TIME bytes */
} ll_sign_t;


/*
 * Returns 1 if the len bytes at s can name a key: 1 to LL_SIGN_NAME_MAX
 * printable characters of ASCII, without spaces and "+".  Else 0.
 */
int ll_sign_name_valid(const char *s, size_t len);

/* Writes LL_BASE64(len) bytes: base64 (RFC 4648, section 4) of src. */
size_t ll_sign_base64(char *dst, const unsigned char *src, size_t len);

/* Writes the text of a checkpoint, at most LL_SIGN_TEXT_MAX bytes. */
size_t ll_sign_text(char *dst, const ll_sign_t *note);

/*
 * Writes what the id of a key is the first bytes of the SHA-256 of, at most
 * LL_SIGN_INPUT_MAX bytes: name, line feed, 1 (Ed25519), public key.
 */
size_t ll_sign_id_input(char *dst, const char *name, size_t len,
    const unsigned char *key);

/* Writes NAME+ID+KEY, at most LL_SIGN_KEY_MAX bytes. */
size_t ll_sign_key(char *dst, const char *name, size_t len,
    const unsigned char *id, const unsigned char *key);

/*
 * Writes the empty line after the text, and the signature line; the text and
 * this are at most LL_SIGN_MAX bytes.
 */
size_t ll_sign_signature(char *dst, const char *name, size_t len,
    const unsigned char *id, const unsigned char *sig);


#endif /* LL_SIGN_H */
