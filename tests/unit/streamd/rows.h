/* rows.h: what the tests of the library share: texts in, records through, text out. */
#ifndef SX_TEST_STREAMD_ROWS_H
#define SX_TEST_STREAMD_ROWS_H

#define STREAMD_EXPERIMENTAL

#include "streamd/extend.h"
#include "tests/unit/unit.h"

/* A text that must compile. */
streamd_topology *parsed(const streamd_catalog *catalog, const char *text);
/* The mistakes of a text as `status line:column message` lines; "" when it compiles. Static. */
const char *mistakes_of(const streamd_catalog *catalog, const char *text);
/* The same of a chain, which is freed; with `file`, its name goes before the position. */
const char *mistakes(streamd_error *error, bool file);

/* Send records through, a line each: `topic key value`, `-` being null, at 1, 2, 3 ... seconds.
 * What reaches sinks comes back as lines `topic key value`; a
 * row that fails as `error: message`, and under `on error fail` it is the last. Static. */
const char *through(const streamd_topology *topology, const char *lines);

/* Text and DOT of describe, and JSON without the lines of the file, one after the other. The caller frees. */
char *described(const streamd_topology *topology);

#endif
