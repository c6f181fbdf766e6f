/* api.h: what is behind the opaque types of include/streamd, shared by the files of the library. */
#ifndef SX_API_H
#define SX_API_H

#include "dsl/compile.h"
#include "streamd/streamd.h"

/* What a text may use: the built-in rows, and those that a program added. */
struct streamd_catalog {
    struct sx_catalog catalog;
    struct sx_arena arena; /* the added rows */
};

/* A compiled text. It never changes; engines and drivers point into it. */
struct streamd_topology {
    struct sx_compiled *compiled;
    struct sx_arena extension; /* copies of the added rows that it uses, as a catalogue may be freed first */
};

/* The catalogue behind a pointer that may be NULL (the built-in one). */
const struct sx_catalog *sx_api_catalog(const streamd_catalog *catalog);

/* A topology around a compiled text, which it then owns. */
streamd_topology *sx_api_topology(struct sx_compiled *compiled);

#endif
