
/*
 * Checkpoints: signed notes (common/sign.h, docs/record.md), signed with the
 * key of the operator and verified with its public part, by libcrypto.
 */


#ifndef NOTE_H
#define NOTE_H


#include <stddef.h>
#include <stdint.h>

#include "common/cursor.h"
#include "common/id.h"
#include "common/sign.h"


/* the maximum length of a note that is read */
#define NOTE_MAX  16384


typedef struct note_signer_s  note_signer_t;


/* a public key and its name */

typedef struct {
    char           name[LL_SIGN_NAME_MAX + 1];
    unsigned char  id[LL_SIGN_ID];
    unsigned char  key[LL_SIGN_PUBLIC];
} note_key_t;


/* a parsed note; origin and time point into it */

typedef struct {
    const char    *text;
    size_t         text_len;
    const char    *signatures;
    size_t         signatures_len;
    const char    *origin;
    size_t         origin_len;
    char           property[LL_ID_MAX + 1];
    uint64_t       seq;
    unsigned char  hash[LL_SIGN_HASH];
    char           time[LL_SIGN_TIME + 1];
} note_t;


typedef enum {
    NOTE_VERIFIED = 0,
    NOTE_UNKNOWN,                  /* no signature by this key */
    NOTE_FORGED                    /* a signature by this key is wrong */
} note_verdict_e;


/*
 * Parses a public key, NAME+ID+KEY.  Returns 0, or -1 if the len bytes are not
 * an Ed25519 key in this form, or if ID is not that of the key.
 */
int note_key_parse(note_key_t *key, const char *s, size_t len);

/*
 * Parses a checkpoint, without verifying signatures.  Returns 0, or -1 if it
 * is malformed.
 */
int note_parse(note_t *note, const char *s, size_t len);

/* Verifies the signatures of a note by that key. */
note_verdict_e note_verify(const note_t *note, const note_key_t *key);

/*
 * Reads an Ed25519 private key from the len bytes of PEM; name must be valid.
 * Returns NULL if it is none, or if memory is short.
 */
note_signer_t *note_signer_create(const char *pem, size_t len,
    const char *name);

/* Frees the key; NULL is allowed. */
void note_signer_free(note_signer_t *signer);

/*
 * Writes a signed checkpoint, with the name of the key as origin; sets *len.
 * Returns 0, or -1 if libcrypto fails.
 */
int note_sign(const note_signer_t *signer, ll_sign_t *checkpoint,
    char dst[LL_SIGN_MAX], size_t *len);


#endif /* NOTE_H */
