
#include "ngx_leaseloft_presence.h"

#include "common/version.h"


/* workers drop what is older than a minute; this is the bound without them */
#define NGX_LEASELOFT_PRESENCE_MAX  "1000"


void
ngx_leaseloft_presence_send(ngx_leaseloft_process_t *process,
    ngx_leaseloft_link_t *link)
{
    char       key[LL_KEY_MAX];
    u_char     queues[NGX_INT_T_LEN], pid[NGX_INT64_LEN];
    ngx_str_t  argv[14];

    ngx_str_set(&argv[0], "XADD");
    argv[1].len = ll_keys_nginx(key);
    argv[1].data = (u_char *) key;
    ngx_str_set(&argv[2], "MAXLEN");
    ngx_str_set(&argv[3], "~");
    ngx_str_set(&argv[4], NGX_LEASELOFT_PRESENCE_MAX);
    ngx_str_set(&argv[5], "*");
    ngx_str_set(&argv[6], "name");
    argv[7] = process->name;
    ngx_str_set(&argv[8], "version");
    ngx_str_set(&argv[9], LEASELOFT_VERSION);
    ngx_str_set(&argv[10], "queues");
    argv[11].data = queues;
    argv[11].len = ngx_sprintf(queues, "%ui", process->conf->queues) - queues;
    ngx_str_set(&argv[12], "pid");
    argv[13].data = pid;
    argv[13].len = ngx_sprintf(pid, "%P", ngx_pid) - pid;

    (void) ngx_leaseloft_link_command(link, 14, argv, NULL, NULL);
}
