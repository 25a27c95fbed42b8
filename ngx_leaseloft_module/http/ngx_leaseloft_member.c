
/*
 * The grammar is checked first (common/json_check.h), then cJSON parses what is
 * known to be JSON.  Faults are formatted at once, since their number is
 * limited.  All memory but cJSON's tree is in the request's pool.
 */


#include "ngx_leaseloft_member.h"

#include "common/json_check.h"
#include "common/utf8.h"

#include <cjson/cJSON.h>


/* the most faults in a document; the same as in the worker */
#define NGX_LEASELOFT_MEMBER_FAULTS  200

/* how much of an unknown name is quoted, in code points */
#define NGX_LEASELOFT_MEMBER_SHOWN   64


typedef struct {
    ngx_pool_t                 *pool;
    ngx_array_t                 text;      /* of u_char: the faults, as JSON */
    ngx_uint_t                  n;
    ngx_uint_t                  failed;    /* no memory */
} ngx_leaseloft_faults_t;


static cJSON *ngx_leaseloft_member_read(ngx_http_request_t *r,
    ngx_str_t *body, char *name, cJSON **value,
    ngx_leaseloft_faults_t *faults);
static cJSON *ngx_leaseloft_member_tree(ngx_http_request_t *r,
    ngx_str_t *body, ngx_leaseloft_faults_t *faults);
static void ngx_leaseloft_member_find(cJSON *object, char *name,
    cJSON **value, ngx_leaseloft_faults_t *faults);
static ngx_uint_t ngx_leaseloft_member_repeats(cJSON *object, cJSON *item);
static void ngx_leaseloft_member_add(ngx_leaseloft_faults_t *faults,
    char *field, const char *detail);
static ngx_int_t ngx_leaseloft_member_end(ngx_leaseloft_faults_t *faults,
    ngx_str_t *document);


ngx_int_t
ngx_leaseloft_member_string(ngx_http_request_t *r, ngx_str_t *body,
    char *name, ngx_str_t *value, ngx_str_t *document)
{
    cJSON                   *tree, *item;
    ngx_leaseloft_faults_t   faults;

    tree = ngx_leaseloft_member_read(r, body, name, &item, &faults);

    if (cJSON_IsString(item)) {
        value->len = ngx_strlen(item->valuestring);
        value->data = ngx_pnalloc(r->pool, value->len);

        if (value->data) {
            ngx_memcpy(value->data, item->valuestring, value->len);

        } else {
            faults.failed = 1;
        }

    } else if (item) {
        ngx_leaseloft_member_add(&faults, name, "must be a string");
    }

    cJSON_Delete(tree);

    return ngx_leaseloft_member_end(&faults, document);
}


ngx_int_t
ngx_leaseloft_member_seq(ngx_http_request_t *r, ngx_str_t *body, char *name,
    uint64_t *seq, ngx_str_t *document)
{
    double                   n;
    cJSON                   *tree, *item;
    ngx_leaseloft_faults_t   faults;

    tree = ngx_leaseloft_member_read(r, body, name, &item, &faults);

    if (item) {
        n = cJSON_IsNumber(item) ? item->valuedouble : -1;

        if (n >= 0 && n <= (double) LL_SEQ_MAX && n == (double) (uint64_t) n) {
            *seq = (uint64_t) n;

        } else {
            ngx_leaseloft_member_add(&faults, name,
                                     "must be a whole number, 0 or more");
        }
    }

    cJSON_Delete(tree);

    return ngx_leaseloft_member_end(&faults, document);
}


ngx_int_t
ngx_leaseloft_member_fault(ngx_http_request_t *r, char *name, char *detail,
    ngx_str_t *document)
{
    ngx_leaseloft_faults_t  faults;

    ngx_memzero(&faults, sizeof(ngx_leaseloft_faults_t));
    faults.pool = r->pool;

    ngx_leaseloft_member_add(&faults, name, detail);

    return ngx_leaseloft_member_end(&faults, document) == NGX_DECLINED
           ? NGX_OK : NGX_ERROR;
}


/*
 * Returns the tree, deleted by the caller, and sets *value to the member; each
 * is NULL if it does not exist.
 */
static cJSON *
ngx_leaseloft_member_read(ngx_http_request_t *r, ngx_str_t *body, char *name,
    cJSON **value, ngx_leaseloft_faults_t *faults)
{
    cJSON  *tree;

    ngx_memzero(faults, sizeof(ngx_leaseloft_faults_t));
    faults->pool = r->pool;
    *value = NULL;

    tree = ngx_leaseloft_member_tree(r, body, faults);

    if (cJSON_IsObject(tree)) {
        ngx_leaseloft_member_find(tree, name, value, faults);

    } else if (tree) {
        ngx_leaseloft_member_add(faults, "", "must be an object");
    }

    return tree;
}


static cJSON *
ngx_leaseloft_member_tree(ngx_http_request_t *r, ngx_str_t *body,
    ngx_leaseloft_faults_t *faults)
{
    cJSON       *tree;
    u_char      *copy;
    const char  *why;

    /* the check replaces, in place, what cJSON cannot parse */

    copy = ngx_pnalloc(r->pool, body->len + 1);
    if (copy == NULL) {
        faults->failed = 1;
        return NULL;
    }

    if (body->len) {
        ngx_memcpy(copy, body->data, body->len);
    }

    copy[body->len] = '\0';
    tree = NULL;

    if (ll_json_check((char *) copy, body->len, &why) == 0) {
        tree = cJSON_ParseWithLength((char *) copy, body->len + 1);
        why = "could not be read";
    }

    if (tree == NULL) {
        ngx_leaseloft_member_add(faults, "", why);
    }

    ngx_pfree(r->pool, copy);

    return tree;
}


static void
ngx_leaseloft_member_find(cJSON *object, char *name, cJSON **value,
    ngx_leaseloft_faults_t *faults)
{
    cJSON  *item;

    /* stop at the limit: no more faults are recorded */

    for (item = object->child;
         item && faults->n <= NGX_LEASELOFT_MEMBER_FAULTS;
         item = item->next)
    {
        if (*value == NULL && ngx_strcmp(item->string, name) == 0) {
            *value = item;

        } else if (ngx_leaseloft_member_repeats(object, item)) {
            ngx_leaseloft_member_add(faults, item->string, "is given twice");

        } else {
            ngx_leaseloft_member_add(faults, item->string,
                                     "is not a known field");
        }
    }

    if (*value == NULL) {
        ngx_leaseloft_member_add(faults, name, "is missing");
    }
}


/* 1 if an earlier member has the same name */
static ngx_uint_t
ngx_leaseloft_member_repeats(cJSON *object, cJSON *item)
{
    cJSON  *other;

    for (other = object->child; other != item; other = other->next) {
        if (ngx_strcmp(other->string, item->string) == 0) {
            return 1;
        }
    }

    return 0;
}


/* {"field":…,"detail":…} */
static void
ngx_leaseloft_member_add(ngx_leaseloft_faults_t *faults, char *field,
    const char *detail)
{
    u_char  *p;
    size_t   len, shown, size;

    if (faults->n > NGX_LEASELOFT_MEMBER_FAULTS) {
        return;
    }

    if (faults->n == NGX_LEASELOFT_MEMBER_FAULTS) {
        field = "";
        detail = "has more faults than the 200 listed";
    }

    if (faults->n == 0
        && ngx_array_init(&faults->text, faults->pool, 256, 1) != NGX_OK)
    {
        faults->failed = 1;
        return;
    }

    len = ngx_strlen(field);
    shown = ll_utf8_cut(field, len, NGX_LEASELOFT_MEMBER_SHOWN);

    size = sizeof(",{\"field\":\"...\",\"detail\":\"\"}") - 1
           + shown + ngx_escape_json(NULL, (u_char *) field, shown)
           + ngx_strlen(detail);

    p = ngx_array_push_n(&faults->text, size);
    if (p == NULL) {
        faults->failed = 1;
        return;
    }

    p = ngx_sprintf(p, faults->n++ ? ",{\"field\":\"" : "{\"field\":\"");
    p = (u_char *) ngx_escape_json(p, (u_char *) field, shown);
    p = ngx_sprintf(p, "%s\",\"detail\":\"%s\"}", shown < len ? "..." : "",
                    detail);

    faults->text.nelts = p - (u_char *) faults->text.elts;
}


/* NGX_OK without faults, NGX_DECLINED with the document, or NGX_ERROR */
static ngx_int_t
ngx_leaseloft_member_end(ngx_leaseloft_faults_t *faults, ngx_str_t *document)
{
    u_char  *p;

    static ngx_str_t  head = ngx_string(
        "{\"type\":\"/problems/invalid-body\",\"title\":\"Invalid body\","
        "\"status\":422,\"detail\":\"The body is not valid; errors lists "
        "every fault.\",\"errors\":[");

    if (faults->failed) {
        return NGX_ERROR;
    }

    if (faults->n == 0) {
        return NGX_OK;
    }

    p = ngx_pnalloc(faults->pool, head.len + faults->text.nelts + 2);
    if (p == NULL) {
        return NGX_ERROR;
    }

    document->data = p;

    p = ngx_cpymem(p, head.data, head.len);
    p = ngx_cpymem(p, faults->text.elts, faults->text.nelts);
    *p++ = ']';
    *p++ = '}';

    document->len = p - document->data;

    return NGX_DECLINED;
}
