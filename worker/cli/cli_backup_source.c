
/*
 * Finds the append-only files: where they are, by CONFIG GET, and whether they
 * are on this machine, by the addresses of the connection as Redis sees them.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_backup_source.h"


#define SOURCE_ADDR  128


/* the value of a name in the reply to CONFIG GET, or "" */
static const char *
cli_backup_source_value(const redisReply *config, const char *name)
{
    size_t  i;

    for (i = 0; i + 1 < config->elements; i += 2) {
        if (strcmp(cli_redis_text(config, i), name) == 0) {
            return cli_redis_text(config, i + 1);
        }
    }

    return "";
}


/* copies " NAME=HOST:PORT" of CLIENT INFO, without the port */
static void
cli_backup_source_host(const char *info, const char *name, char *dst,
    size_t size)
{
    char        *port;
    const char  *p;

    dst[0] = '\0';
    p = strstr(info, name);

    if (p) {
        p += strlen(name);
        (void) snprintf(dst, size, "%.*s", (int) strcspn(p, " \r\n"), p);

        port = strrchr(dst, ':');
        if (port) {
            *port = '\0';
        }
    }
}


static int
cli_backup_source_loopback(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strcmp(host, "[::1]") == 0
           || strcmp(host, "::1") == 0;
}


/*
 * A connection within one machine has loopback addresses, or the same one at
 * both ends.
 */
int
cli_backup_source_is_local(cli_t *cli)
{
    int          local;
    char         peer[SOURCE_ADDR], own[SOURCE_ADDR];
    args_t       args = ARGS_INIT;
    redisReply  *reply;

    if (cli->redis.url.kind == LL_REDIS_URL_UNIX) {
        return 1;
    }

    args_lit(&args, "CLIENT");
    args_lit(&args, "INFO");

    reply = cli_redis_call(cli, &args);
    args_free(&args);

    if (reply == NULL) {
        return -1;
    }

    cli_backup_source_host(reply->str ? reply->str : "", " addr=", peer,
                           sizeof(peer));
    cli_backup_source_host(reply->str ? reply->str : "", " laddr=", own,
                           sizeof(own));
    freeReplyObject(reply);

    local = cli_backup_source_loopback(peer) && cli_backup_source_loopback(own);
    return local || (peer[0] && strcmp(peer, own) == 0);
}


/* the settings: a reply to CONFIG GET, or NULL after an error message */
static redisReply *
cli_backup_source_config(cli_t *cli)
{
    args_t       args = ARGS_INIT;
    redisReply  *reply;

    args_lit(&args, "CONFIG");
    args_lit(&args, "GET");
    args_lit(&args, "appendonly");
    args_lit(&args, "dir");
    args_lit(&args, "appenddirname");
    args_lit(&args, "appendfilename");
    args_lit(&args, "auto-aof-rewrite-percentage");

    reply = cli_redis_try(cli, &args);
    args_free(&args);

    if (reply == NULL) {
        (void) cli_fail("cannot find the append-only files: %s%s", cli->why,
                        cli->result == CONN_LOST
                        ? "" : " (needs CONFIG GET, CONFIG SET and INFO)");
    }

    return reply;
}


static int
cli_backup_source_take(cli_backup_source_t *source, const redisReply *config)
{
    const char  *dir, *name, *file, *percentage;

    dir = cli_backup_source_value(config, "dir");
    name = cli_backup_source_value(config, "appenddirname");
    file = cli_backup_source_value(config, "appendfilename");
    percentage = cli_backup_source_value(config, "auto-aof-rewrite-percentage");

    if (strcmp(cli_backup_source_value(config, "appendonly"), "yes") != 0) {
        return cli_fail("Redis writes no append-only files: set \"appendonly "
                        "yes\""), -1;
    }

    if (dir[0] != '/' || name[0] == '\0' || file[0] == '\0'
        || percentage[0] == '\0'
        || snprintf(source->path, sizeof(source->path), "%s/%s", dir, name)
           >= (int) sizeof(source->path)
        || snprintf(source->directory, sizeof(source->directory), "%s", name)
           >= (int) sizeof(source->directory)
        || snprintf(source->file, sizeof(source->file), "%s", file)
           >= (int) sizeof(source->file)
        || snprintf(source->manifest, sizeof(source->manifest), "%s.manifest",
                    file)
           >= (int) sizeof(source->manifest))
    {
        return cli_fail("Redis does not say where its append-only files are"),
               -1;
    }

    source->percentage = strtoll(percentage, NULL, 10);

    return 0;
}


redisReply *
cli_backup_source_info(cli_t *cli, const char *section)
{
    args_t       args = ARGS_INIT;
    redisReply  *reply;

    args_lit(&args, "INFO");
    args_adds(&args, section);

    reply = cli_redis_call(cli, &args);
    args_free(&args);

    if (reply && reply->str == NULL) {
        (void) cli_fail("Redis sent a malformed reply");
        freeReplyObject(reply);
        return NULL;
    }

    return reply;
}


long long
cli_backup_source_number(const redisReply *info, const char *name)
{
    char  value[64];

    cli_redis_value(info->str, '\n', name, value, sizeof(value));

    return strtoll(value, NULL, 10);
}


int
cli_backup_source_find(cli_t *cli, cli_backup_source_t *source)
{
    int          rc;
    char         server[64];
    redisReply  *reply;

    rc = cli_backup_source_is_local(cli);

    if (rc != 1) {
        return rc == -1 ? -1 : (cli_fail("Redis is on another machine: run the "
                                         "command there, where the "
                                         "append-only files are"), -1);
    }

    reply = cli_backup_source_config(cli);

    if (reply == NULL) {
        return -1;
    }

    rc = cli_backup_source_take(source, reply);
    freeReplyObject(reply);

    if (rc != 0) {
        return -1;
    }

    reply = cli_backup_source_info(cli, "server");

    if (reply == NULL) {
        return -1;
    }

    cli_redis_value(reply->str, '\n', "run_id", source->run_id,
                    sizeof(source->run_id));
    cli_redis_value(reply->str, '\n', "server_name", server, sizeof(server));
    freeReplyObject(reply);

    /* only Valkey has a name; neither loads all that the other one writes */

    source->program = strcmp(server, "valkey") == 0 ? "valkey-server"
                                                    : "redis-server";

    return 0;
}
