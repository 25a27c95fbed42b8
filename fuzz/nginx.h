
/*
 * Fuzz targets for the module run inside a real nginx: each is linked with the
 * very objects of the module, into a shared object that nginx loads as one
 * (fuzz/nginx.sh).  So all that is nginx's is nginx's own, but for sockets and
 * the way out of a request: the linker's --wrap puts nginx_wrap.c and
 * nginx_client.c in their place.
 *
 * What is allocated from a pool is allocated by itself, so that sanitizers see
 * where it ends.
 */


#ifndef FUZZ_NGINX_H
#define FUZZ_NGINX_H


#include "fuzz.h"

#include "ngx_leaseloft_conn.h"


/* the second at which every run begins */
#define FUZZ_NOW  1800000000


/* of all runs; the impossible, an ALERT, ends the program */
extern ngx_log_t  fuzz_log;


/* a pool, of the kind told above as all of them are */
ngx_pool_t *fuzz_pool(void);

/* sets nginx's clocks, to FUZZ_NOW and so many ms */
void fuzz_clock(ngx_msec_t ms);

/* what a directive's handler gets, for one value or more, which are copied */
void fuzz_conf(ngx_conf_t *cf, ngx_pool_t *pool, ngx_str_t *name,
    ngx_str_t *values, ngx_uint_t n);

/* a string in memory of its very size, followed by a zero, as nginx has it */
ngx_str_t fuzz_string(ngx_pool_t *pool, const uint8_t *data, size_t len);

/*
 * The bytes up to the next separator, or all: the parts of an input.  Returns
 * NGX_DECLINED when there are none left.
 */
ngx_int_t fuzz_part(const uint8_t **data, size_t *size, uint8_t separator,
    ngx_str_t *part);


/* nginx_client.c */

/*
 * A request as the module gets it, in a pool of its own, with an empty
 * location's configuration and no headers.
 */
ngx_http_request_t *fuzz_request(ngx_leaseloft_main_conf_t *mcf,
    ngx_leaseloft_loc_conf_t *lcf);

/* name in lower case; both are copied */
void fuzz_header(ngx_http_request_t *r, const char *name, ngx_str_t *value);

/* as nginx does with what a content handler returned */
void fuzz_finalize(ngx_http_request_t *r, ngx_int_t rc);

/* ends all requests there are, as if their clients had left */
void fuzz_requests_end(void);


/* nginx_wrap.c */

/* the two connections to Redis, told apart by who made them */
typedef struct {
    ngx_leaseloft_conn_t   *redis;
    ngx_connection_t       *connection;    /* NULL: closed */
    const u_char           *in;            /* what recv() gives */
    size_t                  in_len;
    ngx_uint_t              fresh;         /* connected, nothing said yet */
} fuzz_peer_t;

enum {
    FUZZ_COMMAND = 0,
    FUZZ_SUBSCRIPTION,
    FUZZ_PEERS
};

extern fuzz_peer_t  fuzz_peers[FUZZ_PEERS];

/* called with each thing that is sent to Redis */
extern void (*fuzz_sent)(fuzz_peer_t *peer, u_char *data, size_t len);

/* gives a connection bytes, at once, if it is there */
void fuzz_receive(fuzz_peer_t *peer, const u_char *data, size_t len);


/* nginx_process.c */

/* a process of nginx, connected to Redis */
ngx_leaseloft_process_t *fuzz_process(ngx_pool_t *pool,
    ngx_leaseloft_main_conf_t *mcf);

/* posted events, then timers due within so many ms */
void fuzz_turn(ngx_msec_t ms);

/* Redis replies to the greeting of each new connection */
void fuzz_greet(ngx_leaseloft_process_t *process);

/* a request of FUZZ_USER about FUZZ_PROPERTY to an endpoint */
void fuzz_ask(ngx_leaseloft_process_t *process, ngx_leaseloft_loc_conf_t *lcf,
    ngx_leaseloft_endpoint_t *endpoint, ngx_str_t *args,
    ngx_str_t *last_event_id, ngx_str_t *if_none_match);

#define FUZZ_USER      "u-tom"
#define FUZZ_PROPERTY  "elm-12-3"

/* frees it, its channels first */
void fuzz_process_free(ngx_leaseloft_process_t *process);


#endif /* FUZZ_NGINX_H */
