/* window.c: bounds of time for groups: `window tumbling` and the like. A window makes no node of its own:
 * what follows it (aggregate) puts rows into windows. */
#include "operators/window.h"
#include "operators/windowing.h"

enum { SIZE, SECOND, AFTER_SECOND, AFTER_SIZE = SECOND };

/* What every window has, from the clause `grace` on. */
enum { GRACE, RETAIN, LATE };
#define COMMON                                                                             \
    {"grace", SX_CLAUSE_DURATION, true,                                                    \
     "How long after its end a window still takes rows; must be "                          \
     "written."},                                                                          \
        {"retain", SX_CLAUSE_DURATION, true,                                               \
         "How long a window can be looked up; at least size and grace."},                  \
    {                                                                                      \
        "late to topic", SX_CLAUSE_TEXT, true, "Where rows go that are late for a window." \
    }

static const struct sx_clause tumbling_clauses[] = {
    [SIZE] = {NULL, SX_CLAUSE_DURATION, false, "The size; windows follow one another."},
    [SECOND] = {"offset", SX_CLAUSE_DURATION, true, "Moves the windows away from the epoch."},
    COMMON};

static const struct sx_clause hopping_clauses[] = {
    [SIZE] = {NULL, SX_CLAUSE_DURATION, false, "The size."},
    [SECOND] = {"every", SX_CLAUSE_DURATION, false, "How far a window begins after the one before."},
    COMMON};

static const struct sx_clause sliding_clauses[] = {
    [SIZE] = {NULL, SX_CLAUSE_DURATION, false, "How far apart two rows of a window are at most."}, COMMON};

static const struct sx_clause session_clauses[] = {
    [SIZE] = {NULL, SX_CLAUSE_DURATION, false, "How far apart two rows may be that follow one another."},
    COMMON};

/* The zone comes first: it has a word, so it may stand anywhere. */
static const struct sx_clause calendar_clauses[] = {
    [SIZE] = {"in", SX_CLAUSE_TEXT, false, "The time zone: `in \"Europe/Paris\"`."}, COMMON};

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

/* The clauses from `common` on, and the result. */
static void bind_common(struct sx_bind *b, struct sx_window_spec *spec, uint32_t common)
{
    const struct sx_flow *in = sx_bind_input(b);
    struct sx_flow *out;

    if (!sx_bind_given(b, common + GRACE))
        sx_bind_fail(b, -1, "write `grace 0s` for none",
                     "`grace` must be written: how long late rows count is never a hidden default");
    spec->grace_ms = duration_of(b, common + GRACE, 0, 0);
    spec->retain_ms = duration_of(b, common + RETAIN, 1, spec->size_ms + spec->grace_ms);
    if (spec->retain_ms < spec->size_ms + spec->grace_ms)
        sx_bind_fail(b, (int)(common + RETAIN), "leave it out for just that",
                     "`retain` must be at least size and grace together");
    if (sx_bind_given(b, common + LATE)) {
        struct sx_topic_plan *topic = sx_plan_topic(b->plan, b->ops->text(b, common + LATE), SX_TOPIC_SINK);
        topic->at = b->ops->position(b, (int)(common + LATE));
        spec->late_topic = topic;
    }
    if (sx_bind_failed(b))
        return;
    sx_bind_warn_of_delay(b, in, common + GRACE, spec->grace_ms);
    sx_plan_closes(b->plan, spec->grace_ms);
    out = sx_bind_flow_like(b, in);
    out->window = spec;
    b->result = out;
}

/* NULL: there are no groups to put into windows. */
static struct sx_window_spec *new_spec(struct sx_bind *b, enum sx_window_kind kind)
{
    struct sx_window_spec *spec;

    if (sx_bind_input(b)->kind != SX_FLOW_GROUPS) {
        sx_bind_fail(b, -1, "write `| group by ...` before it", "`window` takes groups");
        return NULL;
    }
    spec = SX_ARENA_NEW(b->arena, struct sx_window_spec);
    spec->kind = kind;
    return spec;
}

static void bind_sized(struct sx_bind *b, enum sx_window_kind kind, uint32_t common)
{
    struct sx_window_spec *spec = new_spec(b, kind);

    if (spec == NULL)
        return;
    spec->size_ms = duration_of(b, SIZE, 1, 1);
    spec->advance_ms = kind == SX_WINDOW_HOPPING ? duration_of(b, SECOND, 1, 1) : spec->size_ms;
    spec->offset_ms = kind == SX_WINDOW_TUMBLING ? duration_of(b, SECOND, 0, 0) % spec->size_ms : 0;
    if (spec->advance_ms > spec->size_ms)
        sx_bind_fail(b, SECOND, "a longer one would leave gaps between the windows",
                     "the advance is longer than the window");
    bind_common(b, spec, common);
}

static void bind_tumbling(struct sx_bind *b) { bind_sized(b, SX_WINDOW_TUMBLING, AFTER_SECOND); }
static void bind_hopping(struct sx_bind *b) { bind_sized(b, SX_WINDOW_HOPPING, AFTER_SECOND); }
static void bind_sliding(struct sx_bind *b) { bind_sized(b, SX_WINDOW_SLIDING, AFTER_SIZE); }
static void bind_session(struct sx_bind *b) { bind_sized(b, SX_WINDOW_SESSION, AFTER_SIZE); }

static void bind_calendar(struct sx_bind *b, enum sx_calendar_unit unit)
{
    struct sx_window_spec *spec = new_spec(b, SX_WINDOW_CALENDAR);
    struct sx_calendar *calendar;
    struct sx_zone *zone;
    const char *name;

    if (spec == NULL)
        return;
    name = b->ops->text(b, SIZE);
    if (sx_bind_failed(b))
        return;
    zone = sx_zone_open(sx_slice_of(name));
    if (zone == NULL) {
        sx_bind_fail(b, SIZE, "zones are named as in `Europe/Paris`, `UTC`, `+02:00`",
                     "there is no time zone \"%s\"", name);
        return;
    }
    calendar = SX_ARENA_NEW(b->arena, struct sx_calendar);
    calendar->unit = unit;
    calendar->zone = sx_zone_keep(zone, b->arena);
    spec->calendar = calendar;
    spec->size_ms = spec->advance_ms = sx_calendar_longest_ms(unit);
    bind_common(b, spec, AFTER_SIZE);
}

static void bind_day(struct sx_bind *b) { bind_calendar(b, SX_CALENDAR_DAY); }
static void bind_week(struct sx_bind *b) { bind_calendar(b, SX_CALENDAR_WEEK); }
static void bind_month(struct sx_bind *b) { bind_calendar(b, SX_CALENDAR_MONTH); }
static void bind_quarter(struct sx_bind *b) { bind_calendar(b, SX_CALENDAR_QUARTER); }
static void bind_year(struct sx_bind *b) { bind_calendar(b, SX_CALENDAR_YEAR); }

static void bind_same(struct sx_bind *b)
{
    const struct sx_flow *in = sx_bind_input(b);
    struct sx_window_spec *spec = new_spec(b, SX_WINDOW_NONE);
    struct sx_flow *out;

    if (spec == NULL)
        return;
    if (in->regrouped == NULL) {
        sx_bind_fail(b, -1, "it keeps the rows of a windowed table of this file in their windows",
                     "the rows that are grouped are in no window");
        return;
    }
    *spec = *in->regrouped;
    spec->same = true;
    spec->late_topic = NULL;
    sx_plan_closes(b->plan, spec->grace_ms);
    out = sx_bind_flow_like(b, in);
    out->window = spec;
    b->result = out;
}

/* ---- For the aggregate ----------------------------------------------------------------------- */

const struct sx_windowing *sx_window_kind_of(const struct sx_window_spec *spec)
{
    return spec->same                        ? &sx_windowing_same
           : spec->kind == SX_WINDOW_SESSION ? &sx_windowing_session
           : spec->kind == SX_WINDOW_SLIDING ? &sx_windowing_sliding
                                             : &sx_windowing_aligned;
}

struct listing {
    const struct sx_window_spec *spec;
    int64_t from, to;
    sx_window_fn fn;
    void *arg;
};

static void list_window(struct sx_window window, void *arg)
{
    const struct listing *listing = arg;

    if (window.start >= listing->from && window.start < listing->to)
        listing->fn(window, listing->arg);
}

static bool list_segment(int64_t segment, struct sx_slice key, struct sx_slice value, void *arg)
{
    const struct listing *listing = arg;

    sx_window_kind_of(listing->spec)->list(listing->spec, segment, value, list_window, arg);
    return true;
}

streamd_status sx_window_each_of(const struct sx_window_spec *spec, struct sx_store *store,
                                 struct sx_slice key, int64_t from, int64_t to, sx_window_fn fn, void *arg,
                                 streamd_error **error)
{
    const struct sx_windowing *windowing = sx_window_kind_of(spec);
    struct listing listing = {spec, from, to, fn, arg};
    struct sx_buffer scratch = {0};
    streamd_status status;

    status = sx_store_peek(store, windowing->list_key(&scratch, key),
                           SX_MAX(windowing->by_start ? from : INT64_MIN, SX_SEGMENT_META + 1),
                           windowing->by_start ? to : INT64_MAX, list_segment, &listing, error);
    sx_buffer_free(&scratch);
    return status;
}

struct each {
    const struct sx_window_spec *spec;
    struct sx_slice key;
    sx_window_group_fn fn;
    void *arg;
};

static void each_window(struct sx_window window, void *arg)
{
    const struct each *each = arg;

    each->fn(each->key, window, each->arg);
}

static bool each_list(int64_t segment, struct sx_slice key, struct sx_slice value, void *arg)
{
    const struct sx_windowing *windowing = sx_window_kind_of(((struct each *)arg)->spec);
    struct each *each = arg;

    if (windowing->list_mark != 0 && (key.size == 0 || key.data[0] != windowing->list_mark))
        return true; /* a group itself, or when it closes */
    each->key = windowing->list_mark ? sx_slice(key.data + 1, key.size - 1) : key;
    windowing->list(each->spec, segment, value, each_window, each);
    return true;
}

void sx_window_each(const struct sx_window_spec *spec, struct sx_store *store, sx_window_group_fn fn,
                    void *arg)
{
    struct each each = {.spec = spec, .fn = fn, .arg = arg};

    sx_store_each(store, SX_SEGMENT_META + 1, INT64_MAX, each_list, &each);
}

/* All but offset and grace. */
static void print_shape(const struct sx_window_spec *spec, struct sx_buffer *to)
{
    static const char *const names[] = {[SX_WINDOW_TUMBLING] = "tumbling ",
                                        [SX_WINDOW_HOPPING] = "hopping ",
                                        [SX_WINDOW_SLIDING] = "sliding ",
                                        [SX_WINDOW_SESSION] = "session "};

    if (spec->same)
        sx_buffer_add_text(to, "same: ");
    if (spec->kind == SX_WINDOW_CALENDAR) {
        sx_buffer_printf(to, "%s in %s", sx_calendar_unit_name(spec->calendar->unit),
                         sx_zone_name(spec->calendar->zone));
    } else {
        sx_buffer_add_text(to, names[spec->kind]);
        sx_add_duration(to, spec->size_ms);
    }
    if (spec->kind == SX_WINDOW_HOPPING) {
        sx_buffer_add_text(to, " every ");
        sx_add_duration(to, spec->advance_ms);
    }
}

void sx_window_print(const struct sx_window_spec *spec, struct sx_buffer *to)
{
    print_shape(spec, to);
    sx_buffer_add_text(to, " grace ");
    sx_add_duration(to, spec->grace_ms);
}

void sx_window_fingerprint(const struct sx_window_spec *spec, struct sx_buffer *to)
{
    print_shape(spec, to);
    if (spec->offset_ms) {
        sx_buffer_add_text(to, " offset ");
        sx_add_duration(to, spec->offset_ms);
    }
    /* How wide the segments of these are follows from the grace too. */
    if (spec->kind == SX_WINDOW_SLIDING || spec->kind == SX_WINDOW_SESSION || spec->same) {
        sx_buffer_add_text(to, " grace ");
        sx_add_duration(to, spec->grace_ms);
    }
}

/* ---- The rows -------------------------------------------------------------------------------- */

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

#define PROGRAM(WINDOW)                                                         \
    "stream bids from topic \"bids\" { key string value json { price int } }\n" \
    "table sums = bids | group by key | window " WINDOW "\n"                    \
    "  | aggregate { total: sum(price) }\n"                                     \
    "sums | emit final | to topic \"sums\"\n"
#define OUT(TOTAL, TIME, START, END)                                                           \
    "{\"topic\":\"sums\",\"key\":\"a\",\"value\":{\"total\":" TOTAL ",\"window_start\":" START \
    ",\"window_end\":" END "},\"timestamp\":" TIME ",\"window\":{\"start\":" START ",\"end\":" END "}}\n"

const struct sx_operator_def sx_operator_window_sliding = {
    .name = "window sliding",
    .summary = "Put grouped rows into windows that end at each row and begin behind each row, as Kafka "
               "Streams' sliding windows; both ends inclusive.",
    .takes = "groups -> groups",
    .clauses = sliding_clauses,
    .clause_count = SX_COUNT(sliding_clauses),
    .example = {.program = PROGRAM("sliding 10s grace 0s"),
                .in = EXAMPLE_IN,
                .out = OUT("12", "9000", "0", "10000") OUT("5", "9000", "1001", "11001")},
    .bind = bind_sliding,
};

const struct sx_operator_def sx_operator_window_session = {
    .name = "window session",
    .summary = "Put grouped rows into sessions, which end when no row comes for longer than the gap.",
    .takes = "groups -> groups",
    .clauses = session_clauses,
    .clause_count = SX_COUNT(session_clauses),
    .example = {.program = PROGRAM("session 10s grace 0s"),
                .in = EXAMPLE_IN,
                .out = OUT("12", "9000", "1000", "9000")},
    .bind = bind_session,
};

#define OUT_B(TOTAL, TIME, START, END)                                                         \
    "{\"topic\":\"sums\",\"key\":\"b\",\"value\":{\"total\":" TOTAL ",\"window_start\":" START \
    ",\"window_end\":" END "},\"timestamp\":" TIME ",\"window\":{\"start\":" START ",\"end\":" END "}}\n"
#define CALENDAR(NAME, TEXT, START, END)                                                                    \
    {                                                                                                       \
        .name = "window " #NAME, .summary = TEXT, .takes = "groups -> groups", .clauses = calendar_clauses, \
        .clause_count = SX_COUNT(calendar_clauses),                                                         \
        .example = {.program = PROGRAM(#NAME " in \"Europe/Paris\" grace 0s"),                              \
                    .in = EXAMPLE_IN "{\"topic\":\"bids\",\"key\":\"b\",\"value\":{\"price\":1},"           \
                                     "\"timestamp\":31600000000}\n",                                        \
                    .out = OUT("12", "9000", START, END) OUT_B("1", "20000", START, END)},                  \
        .bind = bind_##NAME                                                                                 \
    }

const struct sx_operator_def sx_operator_window_day =
    CALENDAR(day, "Put grouped rows into the days of a time zone, of 23 or 25 hours where clocks are moved.",
             "-3600000", "82800000");
const struct sx_operator_def sx_operator_window_week =
    CALENDAR(week, "Put grouped rows into the weeks of a time zone, which begin on Monday.", "-262800000",
             "342000000");
const struct sx_operator_def sx_operator_window_month =
    CALENDAR(month, "Put grouped rows into the months of a time zone.", "-3600000", "2674800000");
const struct sx_operator_def sx_operator_window_quarter = CALENDAR(
    quarter, "Put grouped rows into the quarters of a year of a time zone.", "-3600000", "7772400000");
const struct sx_operator_def sx_operator_window_year =
    CALENDAR(year, "Put grouped rows into the years of a time zone.", "-3600000", "31532400000");

#define VISIT(KEY, TIME) \
    "{\"topic\":\"visits\",\"key\":\"" KEY "\",\"value\":{\"shop\":\"s\"},\"timestamp\":" TIME "}\n"

const struct sx_operator_def sx_operator_window_same = {
    .name = "window same",
    .summary =
        "Keep the rows of a windowed table that are grouped in the windows that they are in; grace and "
        "closing are those of that table.",
    .takes = "groups -> groups",
    .example = {.program =
                    "stream visits from topic \"visits\" { key string value json { shop string } }\n"
                    "table guests = visits | group by shop, guest: key | window tumbling 10s grace 0s\n"
                    "  | aggregate { visits: count() }\n"
                    "table shops = guests | group by shop | window same\n"
                    "  | aggregate { guests: count(), visits: sum(visits) }\n"
                    "shops | emit final | to topic \"shops\"\n",
                .in = VISIT("ada", "1000") VISIT("bob", "2000") VISIT("ada", "9000") VISIT("ada", "10000"),
                .out = "{\"topic\":\"shops\",\"key\":\"s\",\"value\":{\"guests\":2,\"visits\":3,"
                       "\"window_start\":0,\"window_end\":10000},\"timestamp\":9000,"
                       "\"window\":{\"start\":0,\"end\":10000}}\n"},
    .bind = bind_same,
};
