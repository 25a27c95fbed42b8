
/*
 * Tokens.  If a secret is the only key, the signature is compared before the
 * token is parsed: that detects a wrong one in a third of libjwt's time, and
 * anybody can send many of them.
 *
 * libjwt takes the algorithm from the token and, of members with the same name,
 * the last.  So the header is parsed here first: its names must be unique, and
 * its algorithm that of the key.  Its "kid" selects the key; without one, each
 * key that has none is tried.  Cheap checks come before the verification of the
 * signature; claims are used only after it.
 *
 * libjwt's JSON library refuses text that is not UTF-8, \u0000, and integers
 * beyond 64 bits; cJSON would not.
 */


#include "ngx_leaseloft_jwt.h"

#include <cjson/cJSON.h>


#define NGX_LEASELOFT_JWT_HEADER_MAX  1024


static char *ngx_leaseloft_jwt_signed(ngx_leaseloft_keys_t *keys,
    ngx_str_t *token, ngx_str_t *parts, jwt_t **jwt);
static char *ngx_leaseloft_jwt_key(ngx_leaseloft_keys_t *keys, cJSON *header,
    ngx_str_t *token, ngx_str_t *parts, jwt_t **jwt);
static char *ngx_leaseloft_jwt_claims(ngx_leaseloft_loc_conf_t *conf,
    jwt_t *jwt, cJSON *object, ngx_leaseloft_claims_t *claims);
static char *ngx_leaseloft_jwt_times(ngx_leaseloft_loc_conf_t *conf,
    jwt_t *jwt, ngx_leaseloft_claims_t *claims);
static ngx_int_t ngx_leaseloft_jwt_time(jwt_t *jwt, const char *name,
    time_t *when);
static ngx_int_t ngx_leaseloft_jwt_audience(cJSON *object,
    ngx_str_t *audience);
static ngx_int_t ngx_leaseloft_jwt_equal(cJSON *item, ngx_str_t *text);
static cJSON *ngx_leaseloft_jwt_object(ngx_str_t *part, u_char *buf);
static void ngx_leaseloft_jwt_split(ngx_str_t *token, ngx_str_t *parts);


/* faults that metrics tell apart */
static char  ngx_leaseloft_jwt_early[] = "it is not valid yet";
static char  ngx_leaseloft_jwt_expired[] = "it has expired";
static char  ngx_leaseloft_jwt_issuer[] =
    "its issuer is not the configured one";
static char  ngx_leaseloft_jwt_other_audience[] =
    "its audience is not the configured one";
static char  ngx_leaseloft_jwt_bad[] = "invalid signature";
static char  ngx_leaseloft_jwt_bad_or_malformed[] =
    "invalid signature or malformed token";
static char  ngx_leaseloft_jwt_no_kid[] = "no key has its \"kid\"";
static char  ngx_leaseloft_jwt_kid[] = "every key has a \"kid\"";
static char  ngx_leaseloft_jwt_alg[] = "its algorithm is not the key's";


static const struct {
    char                       *fault;
    ngx_leaseloft_refusal_e     refusal;
} ngx_leaseloft_jwt_refusals[] = {
    { ngx_leaseloft_jwt_early, NGX_LEASELOFT_REFUSAL_EARLY },
    { ngx_leaseloft_jwt_expired, NGX_LEASELOFT_REFUSAL_EXPIRED },
    { ngx_leaseloft_jwt_issuer, NGX_LEASELOFT_REFUSAL_ISSUER },
    { ngx_leaseloft_jwt_other_audience, NGX_LEASELOFT_REFUSAL_AUDIENCE },
    { ngx_leaseloft_jwt_bad, NGX_LEASELOFT_REFUSAL_SIGNATURE },
    { ngx_leaseloft_jwt_bad_or_malformed, NGX_LEASELOFT_REFUSAL_SIGNATURE },
    { ngx_leaseloft_jwt_no_kid, NGX_LEASELOFT_REFUSAL_KEY },
    { ngx_leaseloft_jwt_kid, NGX_LEASELOFT_REFUSAL_KEY },
    { ngx_leaseloft_jwt_alg, NGX_LEASELOFT_REFUSAL_KEY },
    { NULL, NGX_LEASELOFT_REFUSAL_MALFORMED }
};


ngx_uint_t
ngx_leaseloft_jwt_form(ngx_str_t *token)
{
    u_char      c;
    size_t      i, start;
    ngx_uint_t  dots;

    /* - 0-9 A-Z _ a-z, one bit each */
    static uint32_t  base64url[] = {
        0x00000000, 0x03ff2000, 0x87fffffe, 0x07fffffe, 0, 0, 0, 0
    };

    if (token->len > NGX_LEASELOFT_JWT_MAX) {
        return 0;
    }

    dots = 0;
    start = 0;

    for (i = 0; i < token->len; i++) {
        c = token->data[i];

        if (c == '.') {
            if (i == start || ++dots > 2) {
                return 0;
            }

            start = i + 1;
            continue;
        }

        if (!(base64url[c >> 5] & (1U << (c & 0x1f)))) {
            return 0;
        }
    }

    return dots == 2 && i > start;
}


/* the reason that metrics have for a fault */
static ngx_leaseloft_refusal_e
ngx_leaseloft_jwt_refusal(char *fault)
{
    ngx_uint_t  i;

    for (i = 0; ngx_leaseloft_jwt_refusals[i].fault; i++) {
        if (fault == ngx_leaseloft_jwt_refusals[i].fault) {
            break;
        }
    }

    return ngx_leaseloft_jwt_refusals[i].refusal;
}


ngx_int_t
ngx_leaseloft_jwt_verify(ngx_leaseloft_loc_conf_t *conf, ngx_str_t *token,
    ngx_leaseloft_claims_t *claims, ngx_log_t *log)
{
    char       *fault;
    jwt_t      *jwt;
    u_char      buf[NGX_LEASELOFT_JWT_MAX + 1];
    cJSON      *object;
    ngx_str_t   parts[3];

    ngx_leaseloft_jwt_split(token, parts);

    if (ngx_leaseloft_signature_forged(conf->keys, token, &parts[2])) {
        fault = ngx_leaseloft_jwt_bad;
        goto refused;
    }

    fault = ngx_leaseloft_jwt_signed(conf->keys, token, parts, &jwt);

    if (fault) {
        goto refused;
    }

    object = ngx_leaseloft_jwt_object(&parts[1], buf);

    if (object) {
        fault = ngx_leaseloft_jwt_claims(conf, jwt, object, claims);
        cJSON_Delete(object);

    } else {
        fault = "its claims are not a JSON object with unique names";
    }

    jwt_free(jwt);

    if (fault == NULL) {
        return NGX_OK;
    }

refused:

    claims->refusal = ngx_leaseloft_jwt_refusal(fault);

    ngx_log_error(NGX_LOG_INFO, log, 0, "token refused: %s", fault);

    return fault == ngx_leaseloft_jwt_early ? NGX_AGAIN : NGX_DECLINED;
}


static void
ngx_leaseloft_jwt_split(ngx_str_t *token, ngx_str_t *parts)
{
    u_char      *p, *last, *dot;
    ngx_uint_t   i;

    p = token->data;
    last = p + token->len;

    for (i = 0; i < 3; i++) {
        dot = ngx_strlchr(p, last, '.');

        parts[i].data = p;
        parts[i].len = (dot ? dot : last) - p;

        p = dot ? dot + 1 : last;
    }
}


/*
 * 1 if "typ" is absent or JWT, in any case (RFC 7519, 5.1); some versions of
 * libjwt refuse others, some do not
 */
static ngx_uint_t
ngx_leaseloft_jwt_is_typ(cJSON *header)
{
    cJSON  *typ;

    typ = cJSON_GetObjectItemCaseSensitive(header, "typ");

    return typ == NULL
           || (cJSON_IsString(typ)
               && ngx_strcasecmp((u_char *) typ->valuestring, (u_char *) "jwt")
                  == 0);
}


/*
 * Verifies the signature, by the header: NULL and *jwt, to be freed, or why the
 * token is refused.
 */
static char *
ngx_leaseloft_jwt_signed(ngx_leaseloft_keys_t *keys, ngx_str_t *token,
    ngx_str_t *parts, jwt_t **jwt)
{
    char   *fault;
    cJSON  *header;
    u_char  buf[NGX_LEASELOFT_JWT_HEADER_MAX];

    if (parts[0].len > NGX_LEASELOFT_JWT_HEADER_MAX) {
        return "its header is too long";
    }

    header = ngx_leaseloft_jwt_object(&parts[0], buf);

    if (header == NULL) {
        return "its header is not a JSON object with unique names";
    }

    if (cJSON_GetObjectItemCaseSensitive(header, "crit")) {
        fault = "its header has the member \"crit\"";

    } else if (!ngx_leaseloft_jwt_is_typ(header)) {
        fault = "its \"typ\" is not JWT";

    } else {
        fault = ngx_leaseloft_jwt_key(keys, header, token, parts, jwt);
    }

    cJSON_Delete(header);

    return fault;
}


/* 1 if a key's kid, with data NULL for none, is that of a token, or neither
   has one */
static ngx_uint_t
ngx_leaseloft_jwt_is_kid(ngx_str_t *kid, char *text)
{
    if (kid->data == NULL || text == NULL) {
        return kid->data == NULL && text == NULL;
    }

    return kid->len == ngx_strlen(text)
           && ngx_memcmp(kid->data, text, kid->len) == 0;
}


/* finds the key that signed a token, among those that its header allows */
static char *
ngx_leaseloft_jwt_key(ngx_leaseloft_keys_t *keys, cJSON *header,
    ngx_str_t *token, ngx_str_t *parts, jwt_t **jwt)
{
    char                 *fault, *name, *kid;
    cJSON                *item;
    ngx_uint_t            i;
    ngx_leaseloft_key_t  *key;

    item = cJSON_GetObjectItemCaseSensitive(header, "kid");
    kid = cJSON_GetStringValue(item);
    name = cJSON_GetStringValue(
               cJSON_GetObjectItemCaseSensitive(header, "alg"));

    if (item && kid == NULL) {
        return "its \"kid\" is not a text";
    }

    fault = kid ? ngx_leaseloft_jwt_no_kid : ngx_leaseloft_jwt_kid;
    key = keys->list.elts;

    for (i = 0; i < keys->list.nelts; i++) {

        if (!ngx_leaseloft_jwt_is_kid(&key[i].kid, kid)) {
            continue;
        }

        if (name == NULL || ngx_strcmp(name, key[i].name) != 0) {
            fault = ngx_leaseloft_jwt_alg;
            continue;
        }

        *jwt = ngx_leaseloft_signature_verify(&key[i], token, parts);

        if (*jwt) {
            return NULL;
        }

        fault = ngx_leaseloft_jwt_bad_or_malformed;
    }

    return fault;
}


/*
 * Parses a base64url-encoded object with unique names; NULL for anything else.
 * buf has room for the decoded part.
 */
static cJSON *
ngx_leaseloft_jwt_object(ngx_str_t *part, u_char *buf)
{
    cJSON      *object, *item, *other;
    ngx_str_t   text;

    text.data = buf;

    if (ngx_decode_base64url(&text, part) != NGX_OK
        || ngx_strlchr(text.data, text.data + text.len, '\0'))
    {
        return NULL;
    }

    object = cJSON_ParseWithLength((char *) text.data, text.len);

    if (!cJSON_IsObject(object)) {
        goto failed;
    }

    cJSON_ArrayForEach(item, object) {
        for (other = item->next; other; other = other->next) {
            if (ngx_strcmp(item->string, other->string) == 0) {
                goto failed;
            }
        }
    }

    return object;

failed:

    cJSON_Delete(object);

    return NULL;
}


/* checks the claims, parsed by libjwt and as object: NULL, or the fault */
static char *
ngx_leaseloft_jwt_claims(ngx_leaseloft_loc_conf_t *conf, jwt_t *jwt,
    cJSON *object, ngx_leaseloft_claims_t *claims)
{
    const char  *value;

    value = jwt_get_grant(jwt, "sub");

    if (value == NULL || !ll_id_valid(value, ngx_strlen(value))) {
        return "its subject is not a valid user id";
    }

    claims->user_len = ngx_strlen(value);
    ngx_memcpy(claims->user, value, claims->user_len);

    if (conf->issuer.len
        && ngx_leaseloft_jwt_equal(
               cJSON_GetObjectItemCaseSensitive(object, "iss"), &conf->issuer)
           != NGX_OK)
    {
        return ngx_leaseloft_jwt_issuer;
    }

    if (conf->audience.len
        && ngx_leaseloft_jwt_audience(object, &conf->audience) != NGX_OK)
    {
        return ngx_leaseloft_jwt_other_audience;
    }

    return ngx_leaseloft_jwt_times(conf, jwt, claims);
}


/* "aud" is one string or a list of them (RFC 7519, 4.1.3) */
static ngx_int_t
ngx_leaseloft_jwt_audience(cJSON *object, ngx_str_t *audience)
{
    cJSON  *value, *item;

    value = cJSON_GetObjectItemCaseSensitive(object, "aud");

    if (cJSON_IsString(value)) {
        return ngx_leaseloft_jwt_equal(value, audience);
    }

    if (cJSON_IsArray(value)) {
        cJSON_ArrayForEach(item, value) {
            if (ngx_leaseloft_jwt_equal(item, audience) == NGX_OK) {
                return NGX_OK;
            }
        }
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_leaseloft_jwt_equal(cJSON *item, ngx_str_t *text)
{
    return cJSON_IsString(item)
           && ngx_strlen(item->valuestring) == text->len
           && ngx_memcmp(item->valuestring, text->data, text->len) == 0
           ? NGX_OK : NGX_DECLINED;
}


static char *
ngx_leaseloft_jwt_times(ngx_leaseloft_loc_conf_t *conf, jwt_t *jwt,
    ngx_leaseloft_claims_t *claims)
{
    time_t     now, when;
    ngx_int_t  rc;

    now = ngx_time();

    if (ngx_leaseloft_jwt_time(jwt, "exp", &when) != NGX_OK) {
        return "it has no valid \"exp\"";
    }

    if (when <= now - conf->leeway) {
        return ngx_leaseloft_jwt_expired;
    }

    claims->exp = when + conf->leeway;

    /* when it was issued counts for revoked users only */

    if (ngx_leaseloft_jwt_time(jwt, "iat", &claims->iat) != NGX_OK) {
        claims->iat = 0;
    }

    rc = ngx_leaseloft_jwt_time(jwt, "nbf", &when);

    if (rc == NGX_ERROR) {
        return "its \"nbf\" is not valid";
    }

    if (rc == NGX_OK && when > now + conf->leeway) {
        return ngx_leaseloft_jwt_early;
    }

    return NULL;
}


/*
 * Reads a NumericDate (RFC 7519, 2): seconds, without their fraction.  NGX_OK;
 * NGX_DECLINED: no such claim; NGX_ERROR: malformed or out of range.  libjwt
 * would return 0 for anything but integers; its JSON library prints a number as
 * digits, with a fraction or an exponent if it has one.
 */
static ngx_int_t
ngx_leaseloft_jwt_time(jwt_t *jwt, const char *name, time_t *when)
{
    char       *text, *p;
    time_t      max;
    ngx_int_t   rc;

    text = jwt_get_grants_json(jwt, name);

    if (text == NULL) {
        return NGX_DECLINED;
    }

    max = NGX_LEASELOFT_JWT_TIME_MAX;
    *when = 0;

    /* any time before 1970 is treated alike */
    p = text + (*text == '-');
    rc = *p >= '0' && *p <= '9' ? NGX_OK : NGX_ERROR;

    for ( /* void */ ; *p >= '0' && *p <= '9'; p++) {
        *when = ngx_min(*when * 10 + (*p - '0'), max);
    }

    if (*p == '.') {
        for (p++; *p >= '0' && *p <= '9'; p++) { /* void */ }
    }

    if (*p != '\0') {
        rc = NGX_ERROR;
    }

    if (*text == '-') {
        *when = 0;
    }

    free(text);

    return rc;
}


ngx_int_t
ngx_leaseloft_jwt_name(ngx_pool_t *pool, ngx_str_t *token, ngx_str_t *name)
{
    char       *text;
    cJSON      *object, *item;
    u_char      buf[NGX_LEASELOFT_JWT_MAX + 1];
    ngx_int_t   rc;
    ngx_str_t   parts[3];

    ngx_leaseloft_jwt_split(token, parts);
    ngx_str_set(name, "null");

    object = ngx_leaseloft_jwt_object(&parts[1], buf);
    item = cJSON_GetObjectItemCaseSensitive(object, "name");
    rc = NGX_OK;

    if (cJSON_IsString(item) && item->valuestring[0] != '\0') {

        text = cJSON_PrintUnformatted(item);
        name->len = text ? ngx_strlen(text) : 0;
        name->data = text ? ngx_pnalloc(pool, name->len) : NULL;

        if (name->data) {
            ngx_memcpy(name->data, text, name->len);

        } else {
            rc = NGX_ERROR;
        }

        cJSON_free(text);
    }

    cJSON_Delete(object);

    return rc;
}
