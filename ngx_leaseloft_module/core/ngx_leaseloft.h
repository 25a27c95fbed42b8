
/*
 * LeaseLoft messaging for nginx: the types that the module's files share.
 *
 * ngx_leaseloft_request.c checks the user, the origin and the access of a
 * request, then its endpoint's handler runs.  Handlers send commands to Redis
 * through ngx_leaseloft_cluster.c and receive events through
 * ngx_leaseloft_channel.c; see docs/design.md and docs/code.md.
 *
 * The state of a process is in ngx_leaseloft_process_t, to which the main
 * configuration of its cycle points.  The only global data is the prefix of
 * keys and channels, in common/keys.c.
 */


#ifndef NGX_LEASELOFT_H
#define NGX_LEASELOFT_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <hiredis/hiredis.h>

#include "common/cursor.h"
#include "common/frame.h"
#include "common/id.h"
#include "common/keys.h"


typedef struct ngx_leaseloft_process_s   ngx_leaseloft_process_t;
typedef struct ngx_leaseloft_client_s    ngx_leaseloft_client_t;
typedef struct ngx_leaseloft_cluster_s   ngx_leaseloft_cluster_t;
typedef struct ngx_leaseloft_channels_s  ngx_leaseloft_channels_t;
typedef struct ngx_leaseloft_streams_s   ngx_leaseloft_streams_t;
typedef struct ngx_leaseloft_token_cache_s  ngx_leaseloft_token_cache_t;
typedef struct ngx_leaseloft_revoked_s   ngx_leaseloft_revoked_t;
typedef struct ngx_leaseloft_zone_s      ngx_leaseloft_zone_t;
typedef struct ngx_leaseloft_keys_s      ngx_leaseloft_keys_t;
typedef struct ngx_leaseloft_signer_s    ngx_leaseloft_signer_t;
typedef struct ngx_leaseloft_ctx_s       ngx_leaseloft_ctx_t;
typedef struct ngx_leaseloft_endpoint_s  ngx_leaseloft_endpoint_t;


/* the address of a server of Redis or Sentinel */
typedef struct {
    char                       host[256];  /* empty: a socket */
    in_port_t                  port;
    socklen_t                  socklen;    /* 0: the host is to be resolved */
    ngx_sockaddr_t             sockaddr;
} ngx_leaseloft_server_t;


/* where Redis is, and how to connect to it: leaseloft_redis... */
typedef struct {
    ngx_str_t                  url;        /* NULL: not configured */
    ngx_leaseloft_server_t    *servers;
    ngx_uint_t                 nservers;
    ngx_str_t                  primary;    /* what Sentinels, the servers, call
                                              it; empty: no Sentinel */
    ngx_str_t                  user;       /* may be empty */
    ngx_str_t                  password;   /* may be empty: no AUTH */
    ngx_str_t                  file_password;  /* may be empty */
    ngx_str_t                  dir;        /* of its files; may be empty */

    ngx_uint_t                 cluster;    /* 1: servers of a Redis Cluster */
    ngx_uint_t                 tls;        /* 1 or 0 */
    ngx_ssl_t                 *ssl;        /* NULL without TLS */
    ngx_str_t                  ssl_name;   /* empty: the host of a server */
    ngx_str_t                  ssl_trusted;    /* files, or empty */
    ngx_str_t                  ssl_certificate;
    ngx_str_t                  ssl_key;
} ngx_leaseloft_redis_conf_t;


typedef struct {
    ngx_leaseloft_redis_conf_t  redis;
    ngx_str_t                   prefix;    /* of all keys and channels */
    ngx_shm_zone_t             *zone;
    ngx_shm_zone_t             *tokens;    /* the table of valid ones */
    size_t                      zone_size;
    ngx_uint_t                  queues;
    ngx_msec_t                  drain;
    ngx_uint_t                  max_lingering;
    ngx_leaseloft_process_t    *process;   /* from init_process on */
    ngx_uint_t                  endpoints; /* locations with an endpoint */

    /* the http block's, to resolve the host of Redis outside a request */
    ngx_resolver_t             *resolver;
    ngx_msec_t                  resolver_timeout;
} ngx_leaseloft_main_conf_t;


/* endpoints, as metrics tell them apart */
typedef enum {
    NGX_LEASELOFT_ENDPOINT_EVENTS = 0,
    NGX_LEASELOFT_ENDPOINT_INBOX_EVENTS,
    NGX_LEASELOFT_ENDPOINT_MESSAGES,
    NGX_LEASELOFT_ENDPOINT_SEND,
    NGX_LEASELOFT_ENDPOINT_READ,
    NGX_LEASELOFT_ENDPOINT_LEASE,
    NGX_LEASELOFT_ENDPOINT_INBOX,
    NGX_LEASELOFT_ENDPOINT_SEARCH,
    NGX_LEASELOFT_ENDPOINT_SEARCH_THREADS,
    NGX_LEASELOFT_ENDPOINT_SESSION,
    NGX_LEASELOFT_ENDPOINT_RECORD,
    NGX_LEASELOFT_ENDPOINT_RECORD_KEY,
    NGX_LEASELOFT_ENDPOINT_METRICS,
    NGX_LEASELOFT_ENDPOINT_HEALTH,
    NGX_LEASELOFT_ENDPOINT_KINDS
} ngx_leaseloft_endpoint_e;


/*
 * An endpoint belongs to a directive: the methods it answers, what it requires
 * of a request, and the handler, called for requests that have all of it.
 */
struct ngx_leaseloft_endpoint_s {
    ngx_leaseloft_endpoint_e    kind;
    ngx_uint_t                  method;    /* NGX_HTTP_GET, or several */
    ngx_str_t                   methods;   /* "GET": for Allow */
    unsigned                    user:1;    /* requires a valid token */
    unsigned                    property:1;    /* requires a property id */
    unsigned                    access:1;  /* the user's access to the
                                              property is checked before
                                              limits are counted (writes,
                                              searches) */
    unsigned                    body:1;    /* a JSON body of at most 64 KiB */
    unsigned                    stream:1;  /* SSE: refused by 200 and bye */
    unsigned                    signs:1;   /* the key of records needs a name */
    unsigned                    search:1;  /* refusals by a limit are counted */
    unsigned                    cached:1;  /* "private, no-cache", not
                                              "no-store" */
    ngx_str_t                   type;      /* of a download; empty otherwise */
    /* a further check before limits are counted: returns NGX_OK, NGX_ERROR or
       the status of the refusal, and may set ctx->fault; may be NULL */
    ngx_int_t                 (*check)(ngx_http_request_t *r,
                                       ngx_leaseloft_ctx_t *ctx);
    ngx_int_t                 (*handler)(ngx_http_request_t *r,
                                         ngx_leaseloft_ctx_t *ctx);
    ngx_leaseloft_endpoint_t   *next;      /* of the same directive, or NULL */
};


#define NGX_LEASELOFT_ENDPOINTS  3


typedef struct {
    /* endpoints of this location, one per method */
    ngx_leaseloft_endpoint_t   *endpoints[NGX_LEASELOFT_ENDPOINTS];
    ngx_http_complex_value_t   *property;

    ngx_leaseloft_keys_t       *keys;      /* of tokens; NULL: none */
    ngx_http_complex_value_t   *user;      /* instead of tokens, or NULL */
    ngx_str_t                   issuer;
    ngx_str_t                   audience;
    time_t                      leeway;
    ngx_str_t                   cookie;
    ngx_http_complex_value_t   *origin;    /* the site's own; NULL: from the
                                              request */
    ngx_array_t                *origins;   /* of ngx_str_t, lower case */
    ngx_leaseloft_signer_t     *signer;    /* of checkpoints; NULL: none */
    ngx_str_t                   signer_name;   /* of its key: the origin */

    ngx_str_t                   drain_file;    /* health is 503 while it
                                                  exists; empty: none */
    ngx_msec_t                  ping;
    ngx_msec_t                  wait;
    ngx_msec_t                  body_timeout;
    ngx_msec_t                  linger;
    ngx_msec_t                  slow_timeout;
    size_t                      slow_size;
    ngx_uint_t                  max_streams;
} ngx_leaseloft_loc_conf_t;


/* the state of one nginx worker process */
struct ngx_leaseloft_process_s {
    ngx_leaseloft_main_conf_t    *conf;
    ngx_leaseloft_cluster_t      *cluster;  /* clients of Redis */
    ngx_leaseloft_channels_t     *channels; /* watched properties and users */
    ngx_leaseloft_streams_t      *streams;  /* open event streams */
    void                         *empty;    /* tables of hibernating requests */
    ngx_leaseloft_token_cache_t  *tokens;   /* checks tokens */
    ngx_leaseloft_revoked_t      *revoked;  /* users whose tokens are refused */
    ngx_leaseloft_zone_t         *zone;     /* shared with other processes */
    ngx_rbtree_t                  queued;   /* for the workers */
    ngx_rbtree_node_t             queued_sentinel;
    ngx_rbtree_t                  marks;    /* read marks, by their user */
    ngx_rbtree_node_t             marks_sentinel;
    uint64_t                      requests; /* last request number given */
    ngx_str_t                     name;     /* random, names reply channel */
    ngx_connection_t             *quit;     /* dummy: closed when nginx quits */
    uint32_t                      faults;   /* faults last logged by health */
    time_t                        crowded;  /* streams were last refused for
                                               want of connections */
    ngx_log_t                    *log;
};


/* the context of a request, from the first phase on; in r->pool */
struct ngx_leaseloft_ctx_s {
    ngx_http_request_t         *request;
    ngx_leaseloft_process_t    *process;
    ngx_leaseloft_endpoint_t   *endpoint;  /* NULL: no such method here */
    ngx_str_t                   user;      /* empty: no valid token */
    time_t                      exp;       /* the token's */
    time_t                      iat;       /* the token's; 0: unknown */
    ngx_str_t                   property;  /* a valid id, or empty */
    ngx_uint_t                  status;    /* of the refusal; 0: none yet */
    const char                 *fault;     /* a sentence on the query: 400, if
                                              the user has access; or NULL */
    unsigned                    checked:1; /* the checks before limits ran */
    unsigned                    answered:1;    /* the module responded */
    unsigned                    another:1; /* not LeaseLoft-User's user */
    unsigned                    plain:1;   /* the body bypasses filters */
    unsigned                    bye:3;     /* 1 + the reason why its stream was
                                              ended; 0: it was not */
    void                       *data;      /* the endpoint's own */
};


extern ngx_module_t  ngx_leaseloft_module;

/* endpoints, each defined in the file that answers it */
extern ngx_leaseloft_endpoint_t  ngx_leaseloft_events_endpoint;
extern ngx_leaseloft_endpoint_t  ngx_leaseloft_inbox_events_endpoint;
extern ngx_leaseloft_endpoint_t  ngx_leaseloft_messages_endpoint;
extern ngx_leaseloft_endpoint_t  ngx_leaseloft_send_endpoint;
extern ngx_leaseloft_endpoint_t  ngx_leaseloft_read_endpoint;
extern ngx_leaseloft_endpoint_t  ngx_leaseloft_lease_endpoint;
extern ngx_leaseloft_endpoint_t  ngx_leaseloft_inbox_endpoint;
extern ngx_leaseloft_endpoint_t  ngx_leaseloft_search_endpoint;
extern ngx_leaseloft_endpoint_t  ngx_leaseloft_search_threads_endpoint;
extern ngx_leaseloft_endpoint_t  ngx_leaseloft_session_endpoint;
extern ngx_leaseloft_endpoint_t  ngx_leaseloft_record_endpoint;
extern ngx_leaseloft_endpoint_t  ngx_leaseloft_record_key_endpoint;
extern ngx_leaseloft_endpoint_t  ngx_leaseloft_metrics_endpoint;
extern ngx_leaseloft_endpoint_t  ngx_leaseloft_health_endpoint;


#endif /* NGX_LEASELOFT_H */
