/* windowing.h: what the kinds of windows have in common, for aggregate.c and the files of the kinds:
 * aligned.c (tumbling, hopping, calendar), sliding.c, session.c. */
#ifndef SX_OPERATORS_WINDOWING_H
#define SX_OPERATORS_WINDOWING_H

#include "operators/expiry.h"
#include "operators/groups.h"
#include "operators/sink.h"
#include "operators/window.h"

struct sx_aggregator_plan {
    struct sx_groups_plan groups;
    const struct sx_window_spec *window; /* NULL: none */
    const struct sx_windowing *windowing;
    uint32_t window_column;              /* `window same`: of the rows, the start; then the end */
    const struct sx_sink_plan *late;     /* where late rows go, or NULL */
    const struct sx_expiry_plan *expiry; /* `ttl` follows; else NULL */
};

struct sx_aggregator_state {
    struct sx_groups *groups;
    struct sx_sink_state late;
    struct sx_buffer *buffers; /* SX_AGGREGATE_BUFFERS, for building keys and values */
    bool has_readers, has_final_readers;
    struct sx_expiry expiry;
    int64_t stream_time; /* of this operator; INT64_MIN: no row yet */
    int64_t next_close;  /* what is before it is closed, and was sent */
    /* Calendar windows are dear to find: the one of the last row, and the first that is open. */
    struct sx_window last, first_open;
};

enum { SX_AGGREGATE_BUFFERS = 3 };

/* A batch on its way through. */
struct sx_aggregating {
    const struct sx_aggregator_plan *plan;
    struct sx_aggregator_state *state;
    struct sx_node *node;
    const struct sx_batch *batch;
    struct sx_results *results; /* NULL: nobody reads */
    bool want_old;
};

typedef void (*sx_window_fn)(struct sx_window window, void *arg);

/* A kind of windows. */
struct sx_windowing {
    const char *name;
    /* What lies before it is closed at this stream time: starts of windows; of sessions, ends. */
    int64_t (*open_from)(const struct sx_aggregator_plan *plan, struct sx_aggregator_state *state);
    /* Add a row to its group in each window that takes it; stream time is that of the row already.
     * False: it was rejected. */
    bool (*add)(struct sx_aggregating *a, uint32_t row, struct sx_slice key);
    /* Send what closed in [state->next_close, open_from), and forget what is past its retention.
     * Returns what next_close becomes. */
    int64_t (*close)(struct sx_aggregating *a, uint32_t row, int64_t open_from);
    /* The stored group of a key in a window; `scratch` is for building its place. */
    struct sx_slice (*find)(const struct sx_window_spec *spec, struct sx_store *store,
                            struct sx_buffer *scratch, struct sx_slice key, const struct sx_window *window);
    /* Where in a segment it says in which windows there is a group of the key; and these windows. */
    struct sx_slice (*list_key)(struct sx_buffer *scratch, struct sx_slice key);
    char list_mark; /* with which list_key begins; 0: it is the group's key */
    void (*list)(const struct sx_window_spec *spec, int64_t segment, struct sx_slice value, sx_window_fn fn,
                 void *arg);
    bool by_start; /* a segment is a window's start */
    /* Which aggregates it can take: NULL, or why not; may be NULL. */
    const char *(*refuses)(const struct sx_aggregate_use *use);
};
const struct sx_windowing *sx_window_kind_of(const struct sx_window_spec *spec);
static inline struct sx_slice sx_window_find(const struct sx_window_spec *spec, struct sx_store *store,
                                             struct sx_buffer *scratch, struct sx_slice key,
                                             const struct sx_window *window)
{
    return sx_window_kind_of(spec)->find(spec, store, scratch, key, window);
}
/* The windows that start in [from, to) in which there is a group of the key, in no order. The store is only
 * looked into. */
streamd_status sx_window_each_of(const struct sx_window_spec *spec, struct sx_store *store,
                                 struct sx_slice key, int64_t from, int64_t to, sx_window_fn fn, void *arg,
                                 streamd_error **error);
/* All groups that the store has, in no order. */
typedef void (*sx_window_group_fn)(struct sx_slice key, struct sx_window window, void *arg);
void sx_window_each(const struct sx_window_spec *spec, struct sx_store *store, sx_window_group_fn fn,
                    void *arg);
extern const struct sx_windowing sx_windowing_aligned, sx_windowing_sliding, sx_windowing_session,
    sx_windowing_same;

/* `count` windows refused the row, `first` is the first of them. */
void sx_aggregate_refuse(struct sx_aggregating *a, uint32_t row, uint32_t count,
                         const struct sx_window *first);

#endif
