/* memory.c: allocation that does not fail. See base.h for why it aborts instead. */
#include "engine/base/base.h"

#include <stdarg.h>
#include <stdlib.h>

static void *checked(void *memory)
{
    /* fputs to an unbuffered stream asks for no memory. */
    if (SX_UNLIKELY(memory == NULL)) {
        fputs("streamd: out of memory\n", stderr);
        abort();
    }
    return memory;
}

/* Asking for 0 bytes gives a pointer too, so that NULL never has to be thought about. */
void *sx_malloc(size_t bytes) { return checked(malloc(bytes ? bytes : 1)); }
void *sx_calloc(size_t count, size_t bytes) { return checked(calloc(count ? count : 1, bytes ? bytes : 1)); }
void *sx_realloc(void *old, size_t bytes) { return checked(realloc(old, bytes ? bytes : 1)); }
char *sx_strdup(const char *text) { return checked(strdup(text)); }

char *sx_format(const char *format, ...)
{
    va_list args;
    char *text = NULL;

    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    return checked(text);
}
