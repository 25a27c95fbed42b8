
/* Problem documents: the table of their texts, and the encoder. */

#include <stddef.h>

#include "json.h"
#include "problem.h"


typedef struct {
    const char  *type;
    const char  *title;
    unsigned     status;
    const char  *detail;
} problem_form_t;


static const problem_form_t  problem_forms[] = {

    { "about:blank", "Not Found", 404,
      "This does not exist, or you have no access to it." },

    { "/problems/lease-not-active", "Lease not active", 409,
      "You are not a party of an active lease of this property." },

    { "/problems/client-id-reused", "Client id reused", 409,
      "This client_id was already sent with another text." },

    { "/problems/lease-conflict", "Lease conflict", 409,
      "Another lease of this property is in the way." },

    { "/problems/lease-ended", "Lease ended", 409,
      "This lease has ended and can no longer be changed." },

    { "/problems/invalid-body", "Invalid body", 422,
      "The body is not valid; errors lists every fault." },

    { "about:blank", "Internal Server Error", 500,
      "The request could not be processed." }
};


unsigned
problem_status(problem_e problem)
{
    return problem_forms[problem].status;
}


void
problem_write(buf_t *buf, problem_e problem, const char *detail,
    const faults_t *faults)
{
    size_t                 i;
    const problem_form_t  *form;

    form = &problem_forms[problem];

    buf_lit(buf, "{\"type\":");
    json_strings(buf, form->type);
    buf_lit(buf, ",\"title\":");
    json_strings(buf, form->title);
    buf_lit(buf, ",\"status\":");
    buf_number(buf, form->status);
    buf_lit(buf, ",\"detail\":");
    json_strings(buf, detail ? detail : form->detail);

    if (faults) {
        buf_lit(buf, ",\"errors\":[");

        for (i = 0; i < faults->n; i++) {
            buf_adds(buf, i ? ",{\"field\":" : "{\"field\":");
            json_strings(buf, faults->list[i].field);
            buf_lit(buf, ",\"detail\":");
            json_strings(buf, faults->list[i].detail);
            buf_lit(buf, "}");
        }

        buf_lit(buf, "]");
    }

    buf_lit(buf, "}");
}
