/* through.c: see through.h. As much of HTTP/1.1 as our own server speaks. */
#include "streamd/command/through.h"

#include "engine/base/text.h"
#include "streamd/http.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct sx_through {
    FILE *stream;
    unsigned code;
    bool chunked;
    int64_t left; /* of the chunk, or of the whole */
    bool ended;
};

static int connect_to(const char *folder)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int at = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1;

    if (at < 0)
        return -1;
    /* A socket's name has only 107 bytes; a folder's path may be longer. */
    snprintf(name.sun_path, sizeof(name.sun_path), "/proc/self/fd/%d/%s", at, SX_HTTP_SOCKET);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&name, sizeof(name)) != 0) {
        close(fd);
        fd = -1;
    }
    close(at);
    return fd;
}

bool sx_through_there(const char *folder)
{
    int fd = connect_to(folder);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static void add_escaped(struct sx_buffer *to, const char *text)
{
    for (const char *c = text; *c; c++) {
        if ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
            strchr("._-", *c) != NULL)
            sx_buffer_add_byte(to, *c);
        else
            sx_buffer_printf(to, "%%%02X", (unsigned char)*c);
    }
}

static bool cut_off(void)
{
    fputs("error: the streamd that holds the directory broke off its answer\n", stderr);
    return false;
}

static bool read_head(struct sx_through *t)
{
    char *line = NULL, *value;
    size_t room = 0;
    bool ok = getline(&line, &room, t->stream) > 0 && sscanf(line, "HTTP/1.1 %u", &t->code) == 1;

    while (ok && (ok = getline(&line, &room, t->stream) > 0) && line[0] != '\r' && line[0] != '\n') {
        value = strchr(line, ':');
        if (value == NULL)
            continue;
        *value++ = '\0';
        value += strspn(value, " ");
        value[strcspn(value, "\r\n")] = '\0';
        if (strcasecmp(line, "Transfer-Encoding") == 0)
            t->chunked = strcasecmp(value, "chunked") == 0;
        else if (strcasecmp(line, "Content-Length") == 0)
            ok = sx_read_int(sx_slice_of(value), &t->left) && t->left >= 0;
    }
    free(line);
    return ok || cut_off();
}

struct sx_through *sx_through_send(const char *folder, const char *topic, const char *query,
                                   struct sx_slice body)
{
    int fd = connect_to(folder);
    struct sx_buffer head = {0};
    struct sx_through *t;

    if (fd < 0) {
        fprintf(stderr, "error: the streamd that holds %s cannot be reached: %s\n", folder, strerror(errno));
        return NULL;
    }
    t = sx_calloc(1, sizeof(*t));
    t->stream = fdopen(fd, "r+");
    sx_buffer_add_text(&head, body.data ? "POST /topics/" : "GET /topics/");
    add_escaped(&head, topic);
    sx_buffer_printf(&head, "?%s HTTP/1.1\r\nHost: localhost\r\n", query);
    if (body.data != NULL)
        sx_buffer_printf(&head, "Content-Length: %u\r\n", body.size);
    sx_buffer_add_text(&head, "\r\n");
    fwrite(head.data, 1, head.size, t->stream);
    if (body.data != NULL)
        fwrite(body.data, 1, body.size, t->stream);
    sx_buffer_free(&head);
    /* What is refused early may be answered before all of it was taken. */
    fflush(t->stream);
    if (!read_head(t)) {
        sx_through_close(t);
        return NULL;
    }
    return t;
}

/* The next chunk's size. */
static bool next_chunk(struct sx_through *t)
{
    char line[64];

    if (fgets(line, sizeof(line), t->stream) != NULL && line[0] == '\r' &&
        fgets(line, sizeof(line), t->stream) == NULL)
        return cut_off();
    if (feof(t->stream) || ferror(t->stream))
        return cut_off();
    t->left = strtoll(line, NULL, 16);
    t->ended = t->left == 0;
    return true;
}

ssize_t sx_through_read(struct sx_through *t, char *to, size_t room)
{
    size_t got;

    if (t->left == 0 && !t->ended && t->chunked && !next_chunk(t))
        return -1;
    if (t->left == 0)
        return 0;
    got = fread(to, 1, SX_MIN(room, (size_t)t->left), t->stream);
    t->left -= (int64_t)got;
    return got > 0 ? (ssize_t)got : (cut_off(), -1);
}

bool sx_through_rest(struct sx_through *t, struct sx_buffer *to)
{
    ssize_t got;

    while ((got = sx_through_read(t, sx_buffer_room(to, 4096), 4096)) > 0)
        to->size += (size_t)got;
    return got == 0;
}

unsigned sx_through_code(const struct sx_through *t) { return t->code; }

void sx_through_close(struct sx_through *t)
{
    if (t == NULL)
        return;
    fclose(t->stream);
    free(t);
}
