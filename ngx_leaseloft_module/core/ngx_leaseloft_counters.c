
/*
 * Counters in shared memory.  Each is a word that processes add to atomically.
 */


#include "ngx_leaseloft_counters.h"


const ngx_uint_t
    ngx_leaseloft_counters_status[NGX_LEASELOFT_COUNTERS_STATUSES] =
{
    200, 201, 202, 204, 304, 400, 401, 403, 404, 405, 408, 409, 413, 415, 422,
    429, 499, 500, 503, 0
};


const ngx_msec_t
    ngx_leaseloft_counters_bound[NGX_LEASELOFT_COUNTERS_BUCKETS] =
{
    5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 0
};


void
ngx_leaseloft_counters_add(ngx_leaseloft_zone_t *zone,
    ngx_leaseloft_counter_e counter, ngx_uint_t n)
{
    if (zone) {
        (void) ngx_atomic_fetch_add(&zone->counters->counters[counter], n);
    }
}


void
ngx_leaseloft_counters_refused(ngx_leaseloft_zone_t *zone,
    ngx_leaseloft_refusal_e refusal)
{
    if (zone) {
        (void) ngx_atomic_fetch_add(&zone->counters->refused[refusal], 1);
    }
}


void
ngx_leaseloft_counters_answered(ngx_leaseloft_zone_t *zone,
    ngx_uint_t endpoint, ngx_uint_t status)
{
    ngx_uint_t  i;

    if (zone == NULL) {
        return;
    }

    for (i = 0; i < NGX_LEASELOFT_COUNTERS_STATUSES - 1; i++) {
        if (ngx_leaseloft_counters_status[i] == status) {
            break;
        }
    }

    (void) ngx_atomic_fetch_add(&zone->counters->answered[endpoint][i], 1);
}


void
ngx_leaseloft_counters_observe(ngx_leaseloft_zone_t *zone,
    ngx_leaseloft_histogram_e histogram, ngx_msec_t msecs)
{
    ngx_uint_t                  i;
    ngx_leaseloft_histogram_t  *h;

    if (zone == NULL) {
        return;
    }

    for (i = 0; i < NGX_LEASELOFT_COUNTERS_BUCKETS - 1; i++) {
        if (msecs <= ngx_leaseloft_counters_bound[i]) {
            break;
        }
    }

    h = &zone->counters->histograms[histogram];

    (void) ngx_atomic_fetch_add(&h->buckets[i], 1);
    (void) ngx_atomic_fetch_add(&h->msecs, msecs);
}
