
/*
 * The master process reads the file, so that it need not be readable for the
 * others.  Errors never have a part of it.
 */


#include "ngx_leaseloft_password.h"

#include "common/redis_url.h"


/* a byte more than a password of the greatest length with its newline */
#define NGX_LEASELOFT_PASSWORD_READ  (LL_REDIS_URL_PART + 2)


static char *
ngx_leaseloft_password_fault(ngx_conf_t *cf, ngx_str_t *file, ngx_err_t err,
    char *fault)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, err,
                       "\"leaseloft_redis_password_file\": \"%V\" %s", file,
                       fault);

    return NGX_CONF_ERROR;
}


char *
ngx_leaseloft_password_slot(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ssize_t     n;
    ngx_fd_t    fd;
    ngx_err_t   err;
    ngx_str_t  *value, *file, *password;

    password = (ngx_str_t *) ((char *) conf + cmd->offset);

    if (password->data) {
        return "is duplicate";
    }

    value = cf->args->elts;
    file = &value[1];

    if (ngx_conf_full_name(cf->cycle, file, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    password->data = ngx_pcalloc(cf->pool, NGX_LEASELOFT_PASSWORD_READ);
    if (password->data == NULL) {
        return NGX_CONF_ERROR;
    }

    fd = ngx_open_file(file->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        return ngx_leaseloft_password_fault(cf, file, ngx_errno,
                                            "cannot be opened");
    }

    n = ngx_read_fd(fd, password->data, NGX_LEASELOFT_PASSWORD_READ);
    err = ngx_errno;

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_ALERT, cf, ngx_errno,
                           ngx_close_file_n " \"%V\" failed", file);
    }

    if (n == -1) {
        return ngx_leaseloft_password_fault(cf, file, err, "cannot be read");
    }

    if (n && password->data[n - 1] == '\n') {
        n--;
    }

    if (n > LL_REDIS_URL_PART) {
        return ngx_leaseloft_password_fault(cf, file, 0,
                                            "is too long for a password");
    }

    if (n == 0) {
        return ngx_leaseloft_password_fault(cf, file, 0, "has no password");
    }

    password->len = n;

    return NGX_CONF_OK;
}
