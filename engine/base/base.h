/* base.h: the few words that every file uses: attributes, sizes, slices, allocation, errors.
 *
 * Memory   sx_malloc() and its kin never return NULL. librdkafka and RocksDB, below us, abort
 *          when memory runs out, so nothing above them could survive it either; for exactly-once
 *          an abort is a kill -9, which loses nothing.
 * Errors   A function that can fail returns a streamd_status (0 or negative) and takes a last
 *          argument `streamd_error **error`, which may be NULL. sx_fail() fills it and returns
 *          the status, so the usual line is `return sx_fail(error, STREAMD_E_LOG, "...", ...)`.
 */
#ifndef SX_BASE_H
#define SX_BASE_H

#include "streamd/streamd.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SX_PRINTF(text, first) __attribute__((format(printf, text, first)))
#define SX_UNUSED __attribute__((unused))
#define SX_LIKELY(x) __builtin_expect(!!(x), 1)
#define SX_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define SX_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SX_MIN(a, b) ((a) < (b) ? (a) : (b))
#define SX_MAX(a, b) ((a) > (b) ? (a) : (b))

/* ---- Memory ---------------------------------------------------------------------------------- */

void *sx_malloc(size_t bytes);
void *sx_calloc(size_t count, size_t bytes);
void *sx_realloc(void *old, size_t bytes);
char *sx_strdup(const char *text);
/* The caller frees the text with free(). */
char *sx_format(const char *format, ...) SX_PRINTF(1, 2);

/* ---- Slices: bytes that somebody else owns --------------------------------------------------- */

/* `data` may be NULL only when `size` is 0. A missing value is said elsewhere (a null bit), except
 * where a comment allows data == NULL to mean "none". */
struct sx_slice {
    const char *data;
    uint32_t size;
};

#define SX_SLICE_NONE ((struct sx_slice){NULL, 0})
#define SX_SLICE(literal) ((struct sx_slice){(literal), (uint32_t)(sizeof(literal) - 1)})

static inline struct sx_slice sx_slice(const void *data, size_t size)
{
    struct sx_slice s = {(const char *)data, (uint32_t)size};
    return s;
}

static inline struct sx_slice sx_slice_of(const char *text) { return sx_slice(text, strlen(text)); }

static inline bool sx_slice_equal(struct sx_slice a, struct sx_slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* By bytes, the shorter first when one begins the other. */
static inline int sx_slice_compare(struct sx_slice a, struct sx_slice b)
{
    uint32_t common = SX_MIN(a.size, b.size);
    int order = common ? memcmp(a.data, b.data, common) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

/* ---- Errors ---------------------------------------------------------------------------------- */

/* Where in a `.stream` file; line and column count from 1, line 0 is "nowhere". */
struct sx_position {
    const char *file; /* borrowed from whoever compiles, until the plan is freed */
    uint32_t line;
    uint32_t column;
    uint32_t length; /* of what is wrong, in bytes, for the caret's tail */
};

/* Set *error (if error is not NULL) to a new error with this message, and return `status`. */
streamd_status sx_fail(streamd_error **error, streamd_status status, const char *format, ...) SX_PRINTF(3, 4);
/* As sx_fail, for what comes and goes by itself (retriable) or ends the engine (fatal). */
streamd_status sx_fail_retriable(streamd_error **error, streamd_status status, const char *format, ...)
    SX_PRINTF(3, 4);
streamd_status sx_fail_fatal(streamd_error **error, streamd_status status, const char *format, ...)
    SX_PRINTF(3, 4);

/* An error with a position in a `.stream` file. `source_line` is the text of that line and `hint`
 * a suggestion; both may be NULL and are copied. */
streamd_error *sx_error_at(streamd_status status, struct sx_position at, const char *source_line,
                           const char *hint, const char *message);
/* Put `more` (a chain) at the end of *chain. Takes `more`. */
void sx_error_append(streamd_error **chain, streamd_error *more);
streamd_error *sx_error_copy(const streamd_error *error); /* the whole chain */
const char *sx_error_file(const streamd_error *error);    /* NULL: no position */
const char *sx_error_hint(const streamd_error *error);    /* NULL: none */
/* The source line (data NULL: none), and how many of its bytes are wrong. */
struct sx_slice sx_error_source(const streamd_error *error, uint32_t *length);
/* The first error of a chain as `streamd` prints it: `file:line:column: error: message`, the source
 * line and the caret, the hint; without a position `error: message`. `kind` is "error" or "warning".
 * Control characters are escaped, so a record's bytes in a message cannot steer a terminal. */
void sx_error_print(const streamd_error *error, const char *kind, FILE *out);

#ifdef __cplusplus
}
#endif
#endif
