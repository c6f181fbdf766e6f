/* api.h: what is behind the opaque types of include/streamd, shared by the files of the library. */
#ifndef SX_API_H
#define SX_API_H

#include "dsl/compile.h"
#include "streamd/streamd.h"

#include <stdatomic.h>

/* What a text may use: the built-in rows, and those that a program added (api_extend.c). Counted, as
 * topologies keep the rows that they use. */
struct streamd_catalog {
    struct sx_catalog catalog;
    struct sx_arena arena; /* the added rows, which never move */
    struct streamd_extension *rows;
    const streamd_catalog *base; /* a builder's: what it was made with; kept */
    atomic_uint references;
};

/* A compiled text. It never changes; engines and drivers point into it. */
struct streamd_topology {
    struct sx_compiled *compiled;
    const streamd_catalog *catalog; /* kept; NULL: the built-in one */
};

/* A catalogue of its own behind another one, which may be NULL. */
streamd_catalog *sx_api_catalog_beside(const streamd_catalog *base);
/* One more user of a catalogue; streamd_catalog_free() is one less. Gives it back; NULL stays NULL. */
const streamd_catalog *sx_api_catalog_keep(const streamd_catalog *catalog);
void sx_api_catalog_release(const streamd_catalog *catalog);

/* The catalogue behind a pointer that may be NULL (the built-in one). */
const struct sx_catalog *sx_api_catalog(const streamd_catalog *catalog);

/* A topology around a compiled text, which it then owns; the catalogue it keeps. */
streamd_topology *sx_api_topology(struct sx_compiled *compiled, const streamd_catalog *catalog);

#endif
