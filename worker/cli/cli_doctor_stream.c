
/*
 * The check of "leaseloft doctor --url": a stream of the inbox, over HTTP/1.1,
 * by TLS for https.
 *
 * A proxy that buffers is found by the event "hello", which nginx sends at
 * once, and one that closes idle streams by the first "ping".
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_doctor_stream.h"
#include "clock.h"
#include "response.h"
#include "sock.h"
#include "tls.h"


#define STREAM_CONNECT_MS  5000
#define STREAM_HELLO_MS    5000
#define STREAM_LATE_MS     1000
#define STREAM_PING_MS     20000
#define STREAM_TOKEN_MAX   8192
#define STREAM_TRIES       3


typedef struct {
    cli_report_t  *report;
    const char    *url;
    char           host[256];
    char           port[8];
    char           path[256];      /* before that of the API; may be empty */
    int            tls;
    sock_t         sock;
    int64_t        start;
    response_t     response;
} stream_t;


typedef enum {
    STREAM_FOUND = 0,
    STREAM_LATE,                   /* not within the time */
    STREAM_ENDED                   /* the answer has, or the connection */
} stream_result_e;


/* "https://host:port/path": 0, or -1 if it is none */
static int
cli_doctor_stream_url(stream_t *stream)
{
    int          n;
    size_t       len;
    const char  *s, *slash, *colon;

    s = stream->url;
    stream->tls = strncmp(s, "https://", 8) == 0;

    if (!stream->tls && strncmp(s, "http://", 7) != 0) {
        return -1;
    }

    s += stream->tls ? 8 : 7;
    slash = s + strcspn(s, "/?#");
    colon = memchr(s, ':', (size_t) (slash - s));

    if (*s == '[') {
        s++;
        len = strcspn(s, "]");
        colon = s[len] == ']' && s[len + 1] == ':' ? s + len + 1 : NULL;

    } else {
        len = (size_t) ((colon ? colon : slash) - s);
    }

    (void) snprintf(stream->port, sizeof(stream->port), "%.*s",
                    colon ? (int) (slash - colon - 1) : 3,
                    colon ? colon + 1 : stream->tls ? "443" : "80");

    if (len == 0 || len >= sizeof(stream->host)
        || strspn(stream->port, "0123456789") != strlen(stream->port)
        || strtol(stream->port, NULL, 10) < 1
        || strtol(stream->port, NULL, 10) > 65535 || strpbrk(slash, "?# \r\n"))
    {
        return -1;
    }

    memcpy(stream->host, s, len);
    stream->host[len] = '\0';

    n = snprintf(stream->path, sizeof(stream->path), "%s", slash);

    while (n > 0 && n < (int) sizeof(stream->path)
           && stream->path[n - 1] == '/')
    {
        stream->path[--n] = '\0';
    }

    return n < (int) sizeof(stream->path) ? 0 : -1;
}


/* connects: 0, or -1 after adding a finding */
static int
cli_doctor_stream_connect(stream_t *stream)
{
    int          rc;
    char         why[160];
    SSL_CTX     *ctx;
    server_t     server;
    sock_addr_t  addr;

    memset(&server, 0, sizeof(server_t));
    memset(&addr, 0, sizeof(sock_addr_t));

    server.settings[SERVER_CA] = stream->report->cli->values[CLI_DOCTOR_CA];
    why[0] = '\0';
    ctx = stream->tls ? tls_create(&server, why, sizeof(why)) : NULL;

    addr.host = stream->host;
    addr.port = (unsigned) strtol(stream->port, NULL, 10);
    addr.tls = ctx;
    addr.name = stream->host;

    rc = stream->tls && ctx == NULL
         ? -1 : sock_open(&stream->sock, &addr, STREAM_CONNECT_MS);

    SSL_CTX_free(ctx);

    if (rc == -1) {
        cli_report_add(stream->report, CLI_REPORT_FAULT, "stream",
                       "%s cannot be reached, so nobody sees a page: %s",
                       stream->url, why[0] ? why : stream->sock.error);
    }

    return rc;
}


/* sends the request: 0, or -1 after adding a finding */
static int
cli_doctor_stream_request(stream_t *stream)
{
    int          rc;
    buf_t        token = BUF_INIT, request = BUF_INIT;
    const char  *file;

    file = stream->report->cli->values[CLI_DOCTOR_TOKEN];

    if (file == NULL || cli_read_file(file, STREAM_TOKEN_MAX, &token) != 0) {
        cli_report_add(stream->report, CLI_REPORT_UNKNOWN, "stream",
                       "streams cannot be checked: give a token by --token "
                       "FILE");
        buf_free(&token);
        return -1;
    }

    buf_lit(&request, "GET ");
    buf_adds(&request, stream->path);
    buf_lit(&request, "/api/inbox/events HTTP/1.1\r\nHost: ");
    buf_adds(&request, strchr(stream->host, ':') ? "[" : "");
    buf_adds(&request, stream->host);
    buf_adds(&request, strchr(stream->host, ':') ? "]:" : ":");
    buf_adds(&request, stream->port);
    buf_lit(&request, "\r\nAccept: text/event-stream\r\n"
            "Accept-Encoding: gzip\r\nAuthorization: Bearer ");
    buf_add(&request, token.data, strcspn(token.data, " \r\n"));
    buf_lit(&request, "\r\n\r\n");

    stream->start = clock_monotonic();

    rc = buf_failed(&token) || buf_failed(&request)
         ? -1 : sock_write(&stream->sock, request.data, request.len);

    if (rc == -1) {
        cli_report_add(stream->report, CLI_REPORT_FAULT, "stream",
                       "%s does not take a request: %s", stream->url,
                       stream->sock.error);
    }

    buf_free(&token);
    buf_free(&request);

    return rc;
}


/* reads until a text is in the body, or until the header if that is NULL */
static stream_result_e
cli_doctor_stream_wait(stream_t *stream, const char *text, int64_t ms)
{
    char               block[4096];
    int64_t            left, deadline;
    ssize_t            n;
    const response_t  *response = &stream->response;

    deadline = clock_monotonic() + ms;

    for ( ;; ) {
        if (text ? response->body.len && strstr(response->body.data, text)
                 : response->complete)
        {
            return STREAM_FOUND;
        }

        if (response->ended) {
            return STREAM_ENDED;
        }

        left = deadline - clock_monotonic();

        if (left <= 0 || sock_set_timeout(&stream->sock, (int) left) == -1) {
            return STREAM_LATE;
        }

        n = sock_read(&stream->sock, block, sizeof(block));

        if (n <= 0) {
            return clock_monotonic() >= deadline - 1 ? STREAM_LATE
                                                     : STREAM_ENDED;
        }

        if (response_take(&stream->response, block, (size_t) n) == -1) {
            return STREAM_LATE;
        }
    }
}


/* checks status and header: 0, or -1 after adding a finding */
static int
cli_doctor_stream_head(stream_t *stream)
{
    int               status;
    cli_report_t     *report = stream->report;
    stream_result_e   result;

    result = cli_doctor_stream_wait(stream, NULL, STREAM_HELLO_MS);

    if (result == STREAM_LATE) {
        cli_report_add(report, CLI_REPORT_FAULT, "stream",
                       "no byte of a stream has come from %s within %d s, so "
                       "pages have nothing live and poll: a proxy in front "
                       "buffers answers, which has to be turned off "
                       "(docs/proxies.md)", stream->url,
                       STREAM_HELLO_MS / 1000);
        return -1;
    }

    status = response_status(&stream->response);

    if (status == -1) {
        cli_report_add(report, CLI_REPORT_FAULT, "stream",
                       "%s has closed the connection without an answer to a "
                       "stream: see the log of what is in front", stream->url);
        return -1;
    }

    if (status == 401) {
        cli_report_add(report, CLI_REPORT_UNKNOWN, "stream",
                       "%s answers 401, so streams cannot be checked: give a "
                       "valid token by --token", stream->url);
        return -1;
    }

    if (status != 200
        || !response_has(&stream->response, "content-type",
                         "text/event-stream"))
    {
        cli_report_add(report, CLI_REPORT_FAULT, "stream",
                       "%s answers %d and no event stream, so pages have "
                       "nothing live: is it the site of nginx, and does what "
                       "is in front forward /api/?", stream->url, status);
        return -1;
    }

    if (response_has(&stream->response, "content-encoding", "")) {
        cli_report_add(report, CLI_REPORT_FAULT, "stream",
                       "what is in front of nginx compresses streams, which "
                       "holds back events: turn that off for "
                       "\"text/event-stream\" (docs/proxies.md)");
        return -1;
    }

    return 0;
}


/* 1 if nginx has ended the stream: it was reloaded, or is at a limit */
static int
cli_doctor_stream_bye(const stream_t *stream)
{
    return stream->response.body.len
           && strstr(stream->response.body.data, "event: bye") != NULL;
}


/*
 * Waits for the first events, and adds the finding: 0, or 1 without one if
 * nginx has said "bye", after which clients open another stream.
 */
static int
cli_doctor_stream_events(stream_t *stream)
{
    long long         hello, ping;
    cli_report_t     *report = stream->report;
    stream_result_e   result;

    result = cli_doctor_stream_wait(stream, "event: hello", STREAM_HELLO_MS);
    hello = clock_monotonic() - stream->start;

    if (result == STREAM_ENDED && cli_doctor_stream_bye(stream)) {
        return 1;
    }

    if (result != STREAM_FOUND) {
        cli_report_add(report, CLI_REPORT_FAULT, "stream",
                       "the first event of a stream has not come from %s "
                       "%s, so pages have nothing live and poll: a proxy in "
                       "front buffers answers, which has to be turned off "
                       "(docs/proxies.md)", stream->url,
                       result == STREAM_LATE ? "within 5 s"
                                             : "before it closed the stream");
        return 0;
    }

    result = cli_doctor_stream_wait(stream, "event: ping", STREAM_PING_MS);
    ping = clock_monotonic() - stream->start;

    if (result == STREAM_ENDED && cli_doctor_stream_bye(stream)) {
        return 1;
    }

    if (result == STREAM_ENDED) {
        cli_report_add(report, CLI_REPORT_FAULT, "stream",
                       "an idle stream is closed after %lld.%lld s, so pages "
                       "connect again and again: raise the time that what is "
                       "in front waits for an answer above \"leaseloft_ping\" "
                       "(docs/proxies.md)", ping / 1000, ping % 1000 / 100);

    } else if (result == STREAM_LATE) {
        cli_report_add(report, CLI_REPORT_ADVICE, "stream",
                       "after the first event nothing has come from %s for "
                       "%d s: unless \"leaseloft_ping\" is longer, a proxy in "
                       "front buffers answers (docs/proxies.md)", stream->url,
                       STREAM_PING_MS / 1000);

    } else {
        cli_report_add(report, hello > STREAM_LATE_MS ? CLI_REPORT_ADVICE
                                                      : CLI_REPORT_FINE,
                       "stream",
                       "\"hello\" after %lld.%03lld s, \"ping\" after "
                       "%lld.%lld s%s", hello / 1000, hello % 1000,
                       ping / 1000, ping % 1000 / 100,
                       hello > STREAM_LATE_MS
                       ? ": the first should come at once; see what is in "
                         "front of nginx" : "");
    }

    return 0;
}


/* opens a stream, and adds the finding: as cli_doctor_stream_events() */
static int
cli_doctor_stream_try(stream_t *stream)
{
    int  rc;

    rc = cli_doctor_stream_connect(stream) == 0
         && cli_doctor_stream_request(stream) == 0
         && cli_doctor_stream_head(stream) == 0
         ? cli_doctor_stream_events(stream) : 0;

    sock_close(&stream->sock);
    response_free(&stream->response);
    memset(&stream->response, 0, sizeof(response_t));

    return rc;
}


void
cli_doctor_stream(cli_report_t *report)
{
    int       tries;
    sock_t    closed = SOCK_INIT;
    stream_t  stream;

    memset(&stream, 0, sizeof(stream_t));
    stream.report = report;
    stream.sock = closed;
    stream.url = report->cli->values[CLI_DOCTOR_URL];

    if (stream.url == NULL) {
        return;
    }

    if (cli_doctor_stream_url(&stream) == -1) {
        cli_report_add(report, CLI_REPORT_UNKNOWN, "stream",
                       "\"%.100s\" is no URL of a site, such as "
                       "https://rent.example.com", stream.url);
        return;
    }

    tries = 1;

    while (cli_doctor_stream_try(&stream) == 1) {
        if (tries++ == STREAM_TRIES) {
            cli_report_add(report, CLI_REPORT_FAULT, "stream",
                           "nginx has ended each of %d streams with \"bye\": "
                           "its access log has the reason in $leaseloft_bye",
                           STREAM_TRIES);
            return;
        }
    }
}
