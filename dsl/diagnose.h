/* diagnose.h: what is wrong with a text, and where. All mistakes are kept, in order of position. */
#ifndef SX_DIAGNOSE_H
#define SX_DIAGNOSE_H

#include "engine/base/arena.h"

/* A text being compiled: the file, or one that it includes. */
struct sx_text {
    const char *name;
    const char *data;
    size_t size;
    struct sx_text *next;
};

struct sx_diagnostic {
    streamd_status status;
    struct sx_position at;
    const char *message;
    const char *hint; /* NULL: none */
    uint32_t number;  /* in order of discovery */
};

struct sx_diagnostics {
    struct sx_arena *arena;
    struct sx_text *texts; /* for source lines */
    struct sx_diagnostic *items;
    uint32_t count, room;
    uint32_t error_count;
    bool in_order; /* as they were found, not by position: there are many texts, one after the other */
};

#define SX_ERRORS_MAX 50 /* a file with more mistakes than that is something else than a topology */

/* Add a mistake. The second one at the same place is left out: it follows from the first. `hint` may be
 * NULL. */
void sx_diagnose(struct sx_diagnostics *d, streamd_status status, struct sx_position at, const char *hint,
                 const char *format, ...) SX_PRINTF(5, 6);

/* A chain with all of them, by file and position (or in_order); NULL if there is none. */
streamd_error *sx_diagnostics_chain(const struct sx_diagnostics *d);

#endif
