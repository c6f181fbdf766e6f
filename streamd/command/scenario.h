/* scenario.h: one `test` block: its steps run through the driver, and what came is put beside what was
 * expected.
 *
 *   cmd_test --> scenario ---- driver: records in, rows out
 *     (files)      |  `------- scenario_text: rows as the language writes them, and how two differ
 *                  `---------- scenario_update: expectations written anew (--update)
 */
#ifndef SX_SCENARIO_H
#define SX_SCENARIO_H

#include "dsl/compile.h"

/* ---- Running ----------------------------------------------------------------------------------- */

enum sx_verdict {
    SX_VERDICT_PASSED,
    SX_VERDICT_FAILED, /* why is on standard output */
    SX_VERDICT_UPDATED /* it would have failed, but for the expectations that are written anew */
};

struct sx_edits;

/* Run one block. `edits`: where expectations that do not hold are put right; NULL: they fail. `batch`: so
 * many records of a topic at most go in at once; more than 1: rows are compared when all have come. */
enum sx_verdict sx_scenario_run(struct sx_compiled *compiled, const struct sx_test *test, uint32_t batch,
                                struct sx_edits *edits);

/* ---- Rows as text ------------------------------------------------------------------------------ */

/* Key, value (both JSON) and what stands behind them. */
struct sx_row_text {
    const char *key, *value;
    bool exact; /* the value is a whole one: `{ =... }` */
    bool has_time, has_window;
    int64_t ts;
    struct sx_window window;
    bool has_headers;
    const struct sx_header *headers; /* values are valid UTF-8 */
    uint32_t header_count;
};

/* Append `KEY VALUE [@ TIME] [window FROM..TO] [headers { ... }]`. `like`: JSON; of an object only the fields
 * that it has too; NULL: all, but the ends of a window that is said behind it. */
void sx_row_text_add(struct sx_buffer *to, const struct sx_row_text *row, const char *like);

/* JSON texts are the same value; not `exact`: `got` may have more fields. */
bool sx_json_matches(const char *want, const char *got, bool exact);

/* Append in which fields two values differ: `orders: 2, not 1; revenue: missing, not 3.0`. Nothing, if
 * they are not both objects. */
void sx_json_differences(struct sx_buffer *to, const char *want, const char *got, bool exact);

/* ---- Writing expectations anew ----------------------------------------------------------------- */

/* Changes to the text of one file, kept until they are written all at once. */
struct sx_edits *sx_edits_new(const char *path);
void sx_edits_free(struct sx_edits *edits);

/* Put `text` in place of a step; "": take it out, with its line if nothing else is on it. */
void sx_edits_replace(struct sx_edits *edits, const struct sx_step *step, const char *text);
/* Put a line behind a step, indented as the step is; several go in the order of the calls. */
void sx_edits_insert(struct sx_edits *edits, const struct sx_step *step, const char *text);

/* Write the file, through one beside it. False: *reason (static or errno's) says why not; the file is as it
 * was. */
bool sx_edits_write(struct sx_edits *edits, const char **reason);

#endif
