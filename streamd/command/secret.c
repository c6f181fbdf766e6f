/* secret.c: see secret.h. */
#include "streamd/command/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOKEN_VARIABLE "STREAMD_HTTP_TOKEN"
enum { TOKEN_LEAST = 16, TOKEN_MOST = 1024 };

bool sx_secret_setting(const char *name)
{
    static const char *const names[] = {"sasl.oauthbearer.config", "ssl.key.pem", "ssl_key", "ssl.ca.pem",
                                        "ssl.certificate.pem"};

    for (size_t i = 0; i < SX_COUNT(names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    /* An address, and how long something is valid, are none. */
    return strstr(name, "password") != NULL || strstr(name, ".secret") != NULL ||
           strstr(name, "private.key.pem") != NULL || strstr(name, "passphrase") != NULL;
}

static bool is_open(const struct stat *status) { return (status->st_mode & (S_IROTH | S_IWOTH)) != 0; }

bool sx_secret_is_open(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && is_open(&status);
}

static char *read_all(int fd, const char *path, char **reason)
{
    struct sx_buffer text = {0};
    ssize_t got;

    do {
        got = read(fd, sx_buffer_room(&text, 4096), 4096);
        text.size += (size_t)SX_MAX(got, 0);
    } while (got > 0 && text.size <= SX_SECRET_BYTES_MAX);
    while (text.size > 0 && (text.data[text.size - 1] == '\n' || text.data[text.size - 1] == '\r'))
        text.size--;
    if (got < 0)
        *reason = sx_format("%s cannot be read: %s", path, strerror(errno));
    else if (text.size > SX_SECRET_BYTES_MAX)
        *reason = sx_format("%s has more than %zu bytes", path, SX_SECRET_BYTES_MAX);
    else if (text.size == 0 || memchr(text.data, '\0', text.size) != NULL)
        *reason = sx_format("%s %s", path, text.size == 0 ? "is empty" : "has a zero byte in it");
    sx_buffer_add_byte(&text, '\0');
    if (*reason == NULL)
        return text.data;
    sx_buffer_free(&text);
    return NULL;
}

char *sx_secret_file(const char *path, char **reason)
{
    /* A link is followed: that is how secrets are mounted into containers. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    char *text = NULL;

    *reason = NULL;
    if (fd < 0 || fstat(fd, &status) != 0)
        *reason = sx_format("%s cannot be read: %s", path, strerror(errno));
    else if (S_ISREG(status.st_mode) && is_open(&status))
        *reason = sx_format("everybody may read %s; `chmod 600 %s` makes it yours alone", path, path);
    else
        text = read_all(fd, path, reason);
    if (fd >= 0)
        close(fd);
    return text;
}

char *sx_secret_value(const char *text, char **reason)
{
    size_t size = strlen(text);
    bool env = strncmp(text, "${env:", 6) == 0, file = strncmp(text, "${file:", 7) == 0;
    char *name, *value;

    *reason = NULL;
    if ((!env && !file) || text[size - 1] != '}')
        return sx_strdup(text);
    name = sx_format("%.*s", (int)(size - (env ? 7 : 8)), text + (env ? 6 : 7));
    if (file) {
        value = sx_secret_file(name, reason);
    } else {
        value = getenv(name) ? sx_strdup(getenv(name)) : NULL;
        if (value == NULL)
            *reason = sx_format("there is no environment variable %s", name);
    }
    free(name);
    return value;
}

static bool is_token(const char *text)
{
    size_t size = strlen(text);

    for (const char *c = text; *c; c++)
        if (*c <= ' ' || *c >= 0x7f)
            return false;
    return size >= TOKEN_LEAST && size <= TOKEN_MOST;
}

bool sx_secret_http_token(const char *path, char **token)
{
    const char *variable = getenv(TOKEN_VARIABLE);
    char *reason = NULL;

    *token = NULL;
    if (path != NULL)
        *token = sx_secret_file(path, &reason);
    else if (variable != NULL)
        *token = sx_strdup(variable);
    if (*token != NULL && !is_token(*token)) {
        reason = sx_format("%s must hold %d to %d characters without spaces", path ? path : TOKEN_VARIABLE,
                           TOKEN_LEAST, TOKEN_MOST);
        free(*token);
        *token = NULL;
    }
    if (reason != NULL)
        fprintf(stderr, "error: the token for HTTP: %s\n", reason);
    free(reason);
    return *token != NULL || (path == NULL && variable == NULL);
}
