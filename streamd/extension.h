/* extension.h: a row that a program added to a catalogue. Between api_extend.c and api_operator.c. */
#ifndef SX_EXTENSION_H
#define SX_EXTENSION_H

#define STREAMD_EXPERIMENTAL

#include "streamd/api.h"
#include "streamd/callback.h"
#include "streamd/extend.h"

struct streamd_extension {
    struct streamd_extension *next;
    streamd_catalog *catalog;
    struct sx_signature signature;
    streamd_function_fn fn; /* of a function, an operator */
    void *arg;
    void (*on_free)(void *arg);
    /* One of these, by kind: */
    enum { SX_ADDED_FUNCTION, SX_ADDED_AGGREGATE, SX_ADDED_OPERATOR } kind;
    struct sx_function_def function;
    struct sx_function_table functions; /* a table of that one row, as rows never move */
    struct {
        struct sx_aggregate_def def;
        struct sx_aggregate_table table;
        streamd_step_fn step, retract;
        streamd_result_fn result;
        streamd_start_fn start;
        streamd_merge_fn merge;
        uint32_t state_bytes; /* the callbacks' part of def.fixed_bytes */
    } aggregate;
    struct {
        struct sx_operator_def def;
        struct sx_clause arguments;
        const struct sx_type *columns; /* a struct */
        bool keeps_input;              /* the input's columns come first */
        bool keeps_state;
    } op;
};

/* A row for the catalogue, with its signature read and checked; NULL: it is wrong, *error says how. It is
 * not in the catalogue yet. */
struct streamd_extension *sx_extension_new(streamd_catalog *catalog, const char *signature, int kind,
                                           streamd_status *status, streamd_error **error);
/* Put it into the list of its kind. `out` may be NULL. */
void sx_extension_add(struct streamd_extension *extension, streamd_function_fn fn, void *arg,
                      streamd_extension **out);

#endif
