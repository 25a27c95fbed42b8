
/* The bodies of send and read requests.  A send body owns its text. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "common/cursor.h"
#include "member.h"
#include "text.h"


/* normalizes the text first, so that the stored form is checked */
static int
body_text(const cJSON *value, body_send_t *send, faults_t *faults)
{
    int          rc, control;
    char        *copy;
    size_t       len, count;
    const char  *text;

    if (member_string(value, "text", &text, faults) != 0) {
        return -1;
    }

    copy = strdup(text);
    if (copy == NULL) {
        faults->failed = 1;
        return -1;
    }

    rc = 0;
    len = text_normalize(copy, strlen(copy));
    copy[len] = '\0';

    count = text_count(copy, len);

    if (count == 0) {
        fault_add(faults, "text", "must not be empty");
        rc = -1;

    } else if (count > BODY_TEXT_MAX) {
        fault_add(faults, "text", "must have at most %d characters, has %zu",
                  BODY_TEXT_MAX, count);
        rc = -1;
    }

    control = text_control(copy, len, 1);

    if (control >= 0) {
        fault_add(faults, "text", "must not have control characters other "
                  "than tab and line feed");
        rc = -1;
    }

    if (rc != 0) {
        free(copy);
        return -1;
    }

    send->text = copy;
    send->text_len = len;

    return 0;
}


int
body_send_parse(const char *s, size_t len, body_send_t *send,
    faults_t *faults)
{
    size_t    before;
    cJSON    *tree;
    member_t  members[] = { { "client_id", NULL }, { "text", NULL } };

    memset(send, 0, sizeof(body_send_t));
    before = faults->n;

    tree = member_tree(s, len, BODY_MAX, faults);
    if (tree == NULL) {
        return -1;
    }

    if (member_collect(tree, "", members, 2, faults) == 0) {
        (void) member_id(members[0].value, "client_id", send->client_id,
                         faults);
        (void) body_text(members[1].value, send, faults);
    }

    cJSON_Delete(tree);

    if (faults->n != before || faults->failed) {
        body_send_free(send);
        return -1;
    }

    return 0;
}


void
body_send_free(body_send_t *send)
{
    if (send == NULL) {
        return;
    }

    free(send->text);
    memset(send, 0, sizeof(body_send_t));
}


static void
body_mark(const cJSON *value, body_read_t *read, faults_t *faults)
{
    double  n;

    n = cJSON_IsNumber(value) ? value->valuedouble : -1;

    if (n >= 0 && n <= (double) LL_SEQ_MAX && n == floor(n)
        && read->nmarks < BODY_MARKS_MAX)
    {
        read->marks[read->nmarks++] = (uint64_t) n;

    } else {
        fault_add(faults, "upto", "must be a whole number, 0 or more");
    }
}


int
body_read_parse(const char *s, size_t len, body_read_t *read,
    faults_t *faults)
{
    size_t        before;
    cJSON        *tree;
    member_t      member = { "upto", NULL };
    const cJSON  *value;

    memset(read, 0, sizeof(body_read_t));
    before = faults->n;

    tree = member_tree(s, len, BODY_MAX, faults);
    if (tree == NULL) {
        return -1;
    }

    if (member_collect(tree, "", &member, 1, faults) == 0 && member.value) {
        if (cJSON_IsArray(member.value) && member.value->child) {
            cJSON_ArrayForEach(value, member.value) {
                body_mark(value, read, faults);
            }

        } else {
            body_mark(member.value, read, faults);
        }
    }

    cJSON_Delete(tree);

    return faults->n == before && !faults->failed ? 0 : -1;
}
