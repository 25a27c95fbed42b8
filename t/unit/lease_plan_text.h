
/*
 * Plans of leases, as text: a declaration is "WHO WHO ... / WHO ..."
 * (landlords / tenants), a plan is the list of its steps,
 *
 *     3:opened            an entry      anna>1     a window opens
 *     4:left tom                        tom<2-4    it closes
 *     keep 4 anna,tia@9   a snapshot    tom? tom!  pending, no longer
 *     over L-1@9          an end
 *
 * and the result of the declaration.  Times are small numbers.
 */

#ifndef T_LEASE_PLAN_H
#define T_LEASE_PLAN_H


#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "t/tap.h"
#include "lease.h"


#define NEVER  CLOCK_NEVER


static state_t   state;
static int64_t   now;
static unsigned  request;
static char      got[4096];


static void
say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));


static void
say(const char *fmt, ...)
{
    size_t   len;
    va_list  ap;

    len = strlen(got);

    va_start(ap, fmt);
    (void) vsnprintf(got + len, sizeof(got) - len, fmt, ap);
    va_end(ap);
}


static void
say_time(int64_t ms)
{
    if (ms == NEVER) {
        say("@never ");

    } else {
        say("@%lld ", (long long) ms);
    }
}


static void
say_step(const lease_step_t *step)
{
    int                   first;
    size_t                i;
    unsigned long long    seq = step->seq, from = step->from;
    const body_lease_t   *lease = &step->lease->body;
    const char           *user = step->party ? step->party->user : "";

    switch (step->type) {

    case LEASE_EVENT:
        say("%llu:%s%s%s ", seq, entry_event_name(step->event),
            user[0] ? " " : "", user);
        break;

    case LEASE_SNAP:
        say("keep %llu ", seq);

        for (i = 0, first = 1; i < lease->nparties; i++) {
            if (!(step->departed & (UINT64_C(1) << i))) {
                say("%s%s", first ? "" : ",", lease->parties[i].user);
                first = 0;
            }
        }

        say_time(step->ends_at);
        break;

    case LEASE_OPEN:
        say("%s>%llu ", user, from);
        break;

    case LEASE_CLOSE:
        say("%s<%llu-%llu ", user, from, seq);
        break;

    case LEASE_PEND:
        say("%s? ", user);
        break;

    case LEASE_UNPEND:
        say("%s! ", user);
        break;

    case LEASE_ARCHIVE:
        say("over %s", lease->lease_id);
        say_time(step->ends_at);
        break;
    }
}


/* writes the state and reads it again: it must be the same */
static void
keep_state(void)
{
    buf_t    once = BUF_INIT, twice = BUF_INIT;
    state_t  next;

    state_encode(&once, &state);

    next = state;
    next.active = next.pending = NULL;
    next.closed = NULL;
    next.nclosed = 0;
    memset(next.request, 0, sizeof(next.request));

    if (state_decode(&next, once.data ? once.data : "", once.len) == -1) {
        ok(0, "the state is read again");
        return;
    }

    state_encode(&twice, &next);

    if (once.len != twice.len
        || (once.len && memcmp(once.data, twice.data, once.len) != 0))
    {
        ok(0, "the state is the same after that");
    }

    state_free(&state);
    state = next;

    buf_free(&once);
    buf_free(&twice);
}


/* the ended leases, as Redis stores them */

static struct {
    char  id[LL_ID_MAX + 1];
    char  record[1024];
} ended[16];

static size_t  nended;


static const char *
ended_record(const char *id)
{
    size_t  i;

    for (i = nended; i > 0; i--) {
        if (strcmp(ended[i - 1].id, id) == 0) {
            return ended[i - 1].record;
        }
    }

    return NULL;
}


static void
ended_keep(const lease_step_t *step)
{
    buf_t  buf = BUF_INIT;

    lease_plan_ended_encode(&buf, step->lease, step->ends_at);

    (void) snprintf(ended[nended].id, sizeof(ended[0].id), "%s",
                    step->lease->body.lease_id);
    (void) snprintf(ended[nended].record, sizeof(ended[0].record), "%s",
                    buf.data);
    nended++;

    buf_free(&buf);
}


static const char *
run(const body_lease_t *body, const char *id)
{
    size_t           i;
    lease_plan_t     plan;
    lease_result_e   result;
    lease_request_t  asked;

    static const char  *results[] = {
        "", "conflict", "ended", "started", "no memory"
    };

    memset(&asked, 0, sizeof(lease_request_t));

    if (body != NULL) {
        asked.body = body;
        asked.request = id;
        asked.ended = ended_record(body->lease_id);
        asked.ended_len = asked.ended ? strlen(asked.ended) : 0;
    }

    got[0] = '\0';

    result = lease_decide(&plan, &state, &asked, now);

    for (i = 0; i < plan.nsteps; i++) {
        say_step(&plan.steps[i]);

        if (plan.steps[i].type == LEASE_ARCHIVE) {
            ended_keep(&plan.steps[i]);
        }
    }

    if (plan.changed && plan.nsteps == 0) {
        say("changed ");
    }

    if (body != NULL && result == LEASE_DONE) {
        say("%s", plan.state);
        say_time(plan.ends_at);
    }

    say("%s", results[result]);

    if (got[0] && got[strlen(got) - 1] == ' ') {
        got[strlen(got) - 1] = '\0';
    }

    if (plan.changed) {
        state_free(&state);
        state = plan.next;
        memset(&plan.next, 0, sizeof(state_t));
        keep_state();
    }

    lease_plan_free(&plan);

    return got;
}


/* "anna omar / tom tia" */
static void
parties(body_lease_t *lease, const char *who)
{
    char         word[32];
    int          n;
    body_role_e  role;

    role = BODY_LANDLORD;
    lease->nparties = 0;

    while (sscanf(who, "%31s%n", word, &n) == 1) {
        who += n;

        if (strcmp(word, "/") == 0) {
            role = BODY_TENANT;
            continue;
        }

        lease->parties[lease->nparties].role = role;
        (void) snprintf(lease->parties[lease->nparties].user, LL_ID_MAX + 1,
                        "%s", word);
        lease->parties[lease->nparties].name = word[0] == 'o' ? "O" : "N";
        lease->nparties++;
    }
}


static const char *
declare_as(const char *request_id, const char *id, const char *label,
    const char *who, int64_t starts, int64_t ends)
{
    body_party_t  list[40];
    body_lease_t  lease;

    memset(&lease, 0, sizeof(body_lease_t));

    (void) snprintf(lease.lease_id, sizeof(lease.lease_id), "%s", id);
    lease.label = (char *) label;
    lease.time_zone = (char *) "Europe/Berlin";
    lease.parties = list;
    lease.starts_at = starts;
    lease.ends_at = ends;
    parties(&lease, who);

    return run(&lease, request_id);
}


static const char *
declare(const char *id, const char *who, int64_t starts, int64_t ends)
{
    char  request_id[32];

    (void) snprintf(request_id, sizeof(request_id), "%u-0", ++request);

    return declare_as(request_id, id, "Flat", who, starts, ends);
}


static const char *
tick(void)
{
    return run(NULL, NULL);
}


static void
begin(int64_t at)
{
    state_free(&state);
    (void) state_init(&state, "P", 1);
    now = at;
    request = 0;
    nended = 0;
}


#endif /* T_LEASE_PLAN_H */
