/* logger.c: see logger.h. */
#include "engine/base/logger.h"

#include "engine/base/bytes.h"
#include "engine/base/clock.h"
#include "engine/base/text.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>

struct sx_logger {
    sx_log_fn fn;
    void *arg;
    enum sx_level most;
    bool json;
    pthread_mutex_t lock; /* one line at a time */
};

static const char *const level_names[] = {"error", "warn", "info", "debug"};

struct sx_logger *sx_logger_new(sx_log_fn fn, void *arg, enum sx_level most, bool json)
{
    struct sx_logger *logger = sx_calloc(1, sizeof(*logger));

    *logger = (struct sx_logger){.fn = fn, .arg = arg, .most = most, .json = json};
    pthread_mutex_init(&logger->lock, NULL);
    return logger;
}

void sx_logger_free(struct sx_logger *logger)
{
    if (logger == NULL)
        return;
    pthread_mutex_destroy(&logger->lock);
    free(logger);
}

/* Bytes of the valid UTF-8 character at `at`; 0: there is none. */
static size_t character(const char *at, size_t left)
{
    unsigned char c = (unsigned char)*at;
    size_t size = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

    return size <= left && sx_utf8_valid(sx_slice(at, size)) ? size : 0;
}

/* Text between quotes, with what could forge a line or a field escaped, as JSON does it. */
static void add_quoted(struct sx_buffer *to, const char *text)
{
    size_t left = strlen(text), size;

    sx_buffer_add_byte(to, '"');
    for (; left > 0; text += size, left -= size) {
        unsigned char c = (unsigned char)*text;

        size = character(text, left);
        if (size == 0) {
            sx_buffer_add_text(to, "\\ufffd");
            size = 1;
        } else if (c == '"' || c == '\\') {
            sx_buffer_add_byte(to, '\\');
            sx_buffer_add_byte(to, (char)c);
        } else if (c < ' ' || c == 0x7f) {
            sx_buffer_printf(to, "\\u%04x", c);
        } else if (c == 0xc2 && (unsigned char)text[1] < 0xa0) { /* the control characters past ASCII */
            sx_buffer_printf(to, "\\u%04x", (unsigned char)text[1]);
        } else {
            sx_buffer_add(to, text, size);
        }
    }
    sx_buffer_add_byte(to, '"');
}

/* A word stands as it is; all else is quoted. */
static void add_value(struct sx_buffer *to, const char *text)
{
    bool word = *text != '\0';

    for (const char *c = text; *c && word; c++)
        word = *c > ' ' && *c < 0x7f && *c != '"' && *c != '=' && *c != '\\';
    if (word)
        sx_buffer_add_text(to, text);
    else
        add_quoted(to, text);
}

void sx_log(struct sx_logger *logger, enum sx_level level, const char *event, ...)
{
    struct sx_buffer line = {0};
    const char *key, *value;
    va_list fields;

    if (logger == NULL || level > logger->most)
        return;
    if (logger->json)
        sx_buffer_add_text(&line, "{\"time\":\"");
    sx_add_timestamp(&line, sx_wall_ms(&sx_clock_system));
    if (logger->json) {
        sx_buffer_printf(&line, "\",\"level\":\"%s\",\"event\":", level_names[level]);
        add_quoted(&line, event);
    } else {
        sx_buffer_printf(&line, " %-5s %s", level_names[level], event);
    }
    va_start(fields, event);
    while ((key = va_arg(fields, const char *)) != NULL && (value = va_arg(fields, const char *)) != NULL) {
        if (logger->json) {
            sx_buffer_add_byte(&line, ',');
            add_quoted(&line, key);
            sx_buffer_add_byte(&line, ':');
            add_quoted(&line, value);
        } else {
            sx_buffer_printf(&line, " %s=", key);
            add_value(&line, value);
        }
    }
    va_end(fields);
    if (logger->json)
        sx_buffer_add_byte(&line, '}');
    sx_buffer_add_byte(&line, '\0');
    pthread_mutex_lock(&logger->lock);
    logger->fn(level, line.data, logger->arg);
    pthread_mutex_unlock(&logger->lock);
    sx_buffer_free(&line);
}
