
/*
 * The lines of a record (common/record.h) as parts of a download.  A part has
 * the lines of one reply of Redis: those of a segment, or of some entries or
 * read marks.
 */


#ifndef NGX_LEASELOFT_RECORD_LINES_H
#define NGX_LEASELOFT_RECORD_LINES_H


#include "ngx_leaseloft.h"

#include "common/date.h"
#include "common/record.h"
#include "common/segment.h"


/* entries and read marks in a reply */
#define NGX_LEASELOFT_RECORD_LINES_ENTRIES  50
#define NGX_LEASELOFT_RECORD_LINES_MARKS    500


/* a part; start is NULL until it has a line */
typedef struct {
    u_char                     *start;
    u_char                     *last;
    u_char                     *end;
    ngx_log_t                  *log;
} ngx_leaseloft_record_lines_t;


/* These append lines and return NGX_OK, or NGX_ERROR if memory is exhausted. */
ngx_int_t ngx_leaseloft_record_lines_head(ngx_leaseloft_record_lines_t *lines,
    ll_record_head_t *head);
ngx_int_t ngx_leaseloft_record_lines_entry(ngx_leaseloft_record_lines_t *lines,
    ll_segment_entry_t *entry);
ngx_int_t ngx_leaseloft_record_lines_last(ngx_leaseloft_record_lines_t *lines,
    uint64_t entries, char *note, size_t len);

/*
 * Appends the read marks in a reply of ll1_marks.  NGX_OK, or NGX_ERROR if
 * memory is exhausted or the reply is malformed.
 */
ngx_int_t ngx_leaseloft_record_lines_marks(ngx_leaseloft_record_lines_t *lines,
    redisReply *reply);

/* frees a part that was not sent */
void ngx_leaseloft_record_lines_free(ngx_leaseloft_record_lines_t *lines);


#endif /* NGX_LEASELOFT_RECORD_LINES_H */
