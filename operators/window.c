/* window.c: bounds of time for groups: `window tumbling`, `window hopping`. A window makes no node of
 * its own: what follows it (aggregate) puts rows into windows. */
#include "operators/window.h"
#include "operators/common.h"

enum { SIZE, ADVANCE, OFFSET = ADVANCE, GRACE, RETAIN, LATE };

static const struct sx_clause tumbling_clauses[] = {
    [SIZE] = {NULL, SX_CLAUSE_DURATION, false, "The size; windows follow one another."},
    [OFFSET] = {"offset", SX_CLAUSE_DURATION, true, "Moves the windows away from the epoch."},
    [GRACE] = {"grace", SX_CLAUSE_DURATION, true,
               "How long after its end a window still takes rows; must be written."},
    [RETAIN] = {"retain", SX_CLAUSE_DURATION, true,
                "How long a window can be looked up; at least size and grace."},
    [LATE] = {"late to topic", SX_CLAUSE_TEXT, true, "Where rows go that are late for a window."},
};

static const struct sx_clause hopping_clauses[] = {
    [SIZE] = {NULL, SX_CLAUSE_DURATION, false, "The size."},
    [ADVANCE] = {"every", SX_CLAUSE_DURATION, false, "How far a window begins after the one before."},
    [GRACE] = {"grace", SX_CLAUSE_DURATION, true,
               "How long after its end a window still takes rows; must be written."},
    [RETAIN] = {"retain", SX_CLAUSE_DURATION, true,
                "How long a window can be looked up; at least size and grace."},
    [LATE] = {"late to topic", SX_CLAUSE_TEXT, true, "Where rows go that are late for a window."},
};

/* 2^53 ms is 285,000 years: far from overflow when times and sizes are added. */
#define LONGEST_MS (INT64_C(1) << 53)

static int64_t duration_of(struct sx_bind *b, uint32_t clause, int64_t least, int64_t otherwise)
{
    int64_t ms;

    if (!sx_bind_given(b, clause))
        return otherwise;
    ms = b->ops->integer(b, clause);
    if (ms < least || ms > LONGEST_MS) {
        sx_bind_fail(b, (int)clause, NULL,
                     ms < least ? "it must be at least %lld ms, and is %lld ms"
                                : "it is longer than 285,000 years (%lld, %lld ms)",
                     (long long)least, (long long)ms);
        return SX_MAX(least, 1);
    }
    return ms;
}

static void bind_window(struct sx_bind *b, enum sx_window_kind kind)
{
    const struct sx_flow *in = sx_bind_input(b);
    struct sx_window_spec *spec = SX_ARENA_NEW(b->arena, struct sx_window_spec);
    struct sx_flow *out;

    if (in->kind != SX_FLOW_GROUPS) {
        sx_bind_fail(b, -1, "write `| group by ...` before it", "`window` takes groups");
        return;
    }
    spec->kind = kind;
    spec->size_ms = duration_of(b, SIZE, 1, 1);
    spec->advance_ms = kind == SX_WINDOW_HOPPING ? duration_of(b, ADVANCE, 1, 1) : spec->size_ms;
    spec->offset_ms = kind == SX_WINDOW_TUMBLING ? duration_of(b, OFFSET, 0, 0) % spec->size_ms : 0;
    if (spec->advance_ms > spec->size_ms)
        sx_bind_fail(b, ADVANCE, "a longer one would leave gaps between the windows",
                     "the advance is longer than the window");
    if (!sx_bind_given(b, GRACE))
        sx_bind_fail(b, -1, "write `grace 0s` for none",
                     "`grace` must be written: how long late rows count is never a hidden default");
    spec->grace_ms = duration_of(b, GRACE, 0, 0);
    spec->retain_ms = duration_of(b, RETAIN, 1, spec->size_ms + spec->grace_ms);
    if (spec->retain_ms < spec->size_ms + spec->grace_ms)
        sx_bind_fail(b, RETAIN, "leave it out for just that",
                     "`retain` must be at least size and grace together");
    if (sx_bind_given(b, LATE)) {
        struct sx_topic_plan *topic = sx_plan_topic(b->plan, b->ops->text(b, LATE), SX_TOPIC_SINK);
        topic->at = b->ops->position(b, LATE);
        spec->late_topic = topic;
    }
    if (sx_bind_failed(b))
        return;
    sx_bind_warn_of_delay(b, in, GRACE, spec->grace_ms);
    sx_plan_closes(b->plan, spec->grace_ms);
    out = sx_bind_flow_like(b, in);
    out->window = spec;
    b->result = out;
}

static void bind_tumbling(struct sx_bind *b) { bind_window(b, SX_WINDOW_TUMBLING); }
static void bind_hopping(struct sx_bind *b) { bind_window(b, SX_WINDOW_HOPPING); }

#define EXAMPLE_IN                                                                    \
    "{\"topic\":\"bids\",\"key\":\"a\",\"value\":{\"price\":7},\"timestamp\":1000}\n" \
    "{\"topic\":\"bids\",\"key\":\"a\",\"value\":{\"price\":5},\"timestamp\":9000}\n" \
    "{\"topic\":\"bids\",\"key\":\"b\",\"value\":{\"price\":1},\"timestamp\":20000}\n"

const struct sx_operator_def sx_operator_window_tumbling = {
    .name = "window tumbling",
    .summary = "Put grouped rows into windows that follow one another, aligned to the epoch.",
    .takes = "groups -> groups",
    .clauses = tumbling_clauses,
    .clause_count = SX_COUNT(tumbling_clauses),
    .example = {.program = "stream bids from topic \"bids\" { key string value json { price int } }\n"
                           "table sums = bids | group by key | window tumbling 10s grace 0s\n"
                           "  | aggregate { total: sum(price) }\n"
                           "sums | emit final | to topic \"sums\"\n",
                .in = EXAMPLE_IN,
                .out = "{\"topic\":\"sums\",\"key\":\"a\",\"value\":{\"total\":12,\"window_start\":0,"
                       "\"window_end\":10000},\"timestamp\":9000,\"window\":{\"start\":0,\"end\":10000}}\n"},
    .bind = bind_tumbling,
};

const struct sx_operator_def sx_operator_window_hopping = {
    .name = "window hopping",
    .summary = "Put grouped rows into windows that begin every so often and overlap.",
    .takes = "groups -> groups",
    .clauses = hopping_clauses,
    .clause_count = SX_COUNT(hopping_clauses),
    .example = {.program = "stream bids from topic \"bids\" { key string value json { price int } }\n"
                           "table sums = bids | group by key | window hopping 10s every 5s grace 0s\n"
                           "  | aggregate { total: sum(price) }\n"
                           "sums | emit final | to topic \"sums\"\n",
                .in = EXAMPLE_IN,
                .out =
                    "{\"topic\":\"sums\",\"key\":\"a\",\"value\":{\"total\":12,\"window_start\":0,"
                    "\"window_end\":10000},\"timestamp\":9000,\"window\":{\"start\":0,\"end\":10000}}\n"
                    "{\"topic\":\"sums\",\"key\":\"a\",\"value\":{\"total\":5,\"window_start\":5000,"
                    "\"window_end\":15000},\"timestamp\":9000,\"window\":{\"start\":5000,\"end\":15000}}\n"},
    .bind = bind_hopping,
};
