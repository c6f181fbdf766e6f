/* test_aggregates.c: add, retract, merge and results, through the stored form as an operator does it: the
 * state is bytes that are copied away after every step. */
#include "engine/base/text.h"
#include "operators/aggregates/run.h"
#include "tests/unit/unit.h"

#define SX_AGGREGATES(name) extern const struct sx_aggregate_table sx_aggregates_##name;
#include "operators/aggregates/aggregates.def"
#undef SX_AGGREGATES

static const struct sx_aggregate_table *const families[] = {
#define SX_AGGREGATES(name) &sx_aggregates_##name,
#include "operators/aggregates/aggregates.def"
#undef SX_AGGREGATES
};

static struct sx_arena arena; /* of types and expected texts */

/* One aggregate over one group. */
struct group {
    const struct sx_aggregate_def *def;
    struct sx_call call;
    const struct sx_type *types[2], *wanted[2], *result;
    uint32_t arg_count;
    struct sx_arena batch;
    char *fixed;
    struct sx_buffer variable;
    char error[192];
};

static struct group *open_group(const char *name, uint32_t arg_count, const struct sx_type *a,
                                const struct sx_type *b)
{
    struct group *g = sx_calloc(1, sizeof(*g));
    uint32_t best = UINT32_MAX, cost;

    g->types[0] = a;
    g->types[1] = b;
    g->arg_count = arg_count;
    for (size_t f = 0; f < SX_COUNT(families); f++) {
        for (uint32_t i = 0; i < families[f]->count; i++) {
            const struct sx_aggregate_def *def = &families[f]->rows[i];
            const struct sx_type *result, *wanted[2];
            struct sx_signature s;

            if (sx_signature_parse(def->signature, &arena, &s, NULL) == STREAMD_OK &&
                strcmp(s.name, name) == 0 &&
                sx_signature_match(&s, g->types, arg_count, &arena, &result, wanted, &cost) && cost < best) {
                best = cost;
                g->def = def;
                g->result = result;
                memcpy(g->wanted, wanted, sizeof(wanted));
            }
        }
    }
    CU_ASSERT_PTR_NOT_NULL_FATAL(g->def);
    sx_arena_init(&g->batch, 0);
    g->fixed = sx_calloc(1, g->def->fixed_bytes + 8);
    g->call = (struct sx_call){.result = g->result, .types = g->wanted, .arg = g->def->arg};
    return g;
}

static void close_group(struct group *g)
{
    sx_arena_free(&g->batch);
    sx_buffer_free(&g->variable);
    free(g->fixed);
    free(g);
}

static struct sx_aggregate_state begin(struct group *g)
{
    g->call.arena = &g->batch;
    return (struct sx_aggregate_state){g->fixed, sx_buffer_slice(&g->variable)};
}

/* The batch ends: what the state points to must survive only as its bytes. */
static void end(struct group *g, const struct sx_aggregate_state *state)
{
    struct sx_buffer kept = {0};

    sx_buffer_add_slice(&kept, state->variable);
    sx_buffer_free(&g->variable);
    g->variable = kept;
    CU_ASSERT(g->def->variable || kept.size == 0);
    memcpy(g->error, g->call.message, sizeof(g->error));
    sx_arena_reset(&g->batch);
}

static bool step(struct group *g, bool back, struct sx_value a, struct sx_value b)
{
    struct sx_aggregate_state state = begin(g);
    struct sx_value args[] = {a, b};
    bool failed;

    if (g->arg_count && a.kind == SX_NULL && !(g->def->flags & SX_AGGREGATE_NULLS))
        return true;
    if (g->arg_count && a.kind == SX_INT && g->wanted[0]->kind == SX_DOUBLE)
        args[0] = sx_value_double((double)a.i);
    (back ? g->def->retract : g->def->add)(&g->call, &state, args, g->arg_count);
    failed = g->call.failed;
    g->call.failed = false;
    end(g, &state);
    return !failed;
}

static void merge(struct group *to, const struct group *from)
{
    struct sx_aggregate_state state = begin(to);
    const struct sx_aggregate_state later = {from->fixed, sx_buffer_slice(&from->variable)};

    to->def->merge(&to->call, &state, &later);
    CU_ASSERT(!to->call.failed);
    end(to, &state);
}

/* The result as text. */
static void print(struct sx_buffer *to, struct sx_value v)
{
    char number[SX_NUMBER_BYTES];

    switch ((enum sx_kind)v.kind) {
    case SX_NULL:
        sx_buffer_add_text(to, "null");
        break;
    case SX_BOOL:
        sx_buffer_add_text(to, v.b ? "true" : "false");
        break;
    case SX_DOUBLE:
        sx_buffer_add(to, number, sx_write_double(number, v.d));
        break;
    case SX_STRING:
        sx_buffer_add_slice(to, sx_value_slice(v));
        break;
    case SX_ARRAY:
    case SX_MAP:
        sx_buffer_add_byte(to, '[');
        for (uint32_t i = 0; i < v.size * (v.kind == SX_MAP ? 2 : 1); i++) {
            if (i)
                sx_buffer_add_byte(to, v.kind == SX_MAP && i % 2 ? ':' : ',');
            print(to, v.items[i]);
        }
        sx_buffer_add_byte(to, ']');
        break;
    default:
        sx_buffer_add(to, number, sx_write_int(number, v.i));
        break;
    }
}

static void expect(const char *file, int line, struct group *g, const char *expected)
{
    struct sx_aggregate_state state = begin(g);
    struct sx_buffer text = {0};

    print(&text, g->def->result_of(&g->call, &state));
    sx_unit_same(file, line, sx_buffer_slice(&text), sx_slice_of(expected));
    sx_buffer_free(&text);
}

#define EXPECT(group, text) expect(__FILE__, __LINE__, (group), (text))

static struct sx_value I(int64_t i) {
    return sx_value_int(i);
} static struct sx_value D(double d) {
    return sx_value_double(d);
} static struct sx_value S(const char *s) {
    return sx_value_string(sx_slice_of(s));
}

/* Values from a text: `5 9 - 1` are ints, `-` is null; letters are strings. `<9` takes 9 back. */
static void
feed(struct group *g, const char *text, struct sx_value second)
{
    while (*text) {
        bool back = *text == '<';
        struct sx_value v = SX_VALUE_NULL;
        size_t size;

        text += back;
        size = strcspn(text, " ");
        if (size == 1 && *text == '-')
            v = SX_VALUE_NULL;
        else if (g->types[0] && g->types[0]->kind == SX_STRING)
            v = sx_value_string(sx_slice(text, strcmp(text, "''") == 0 ? 0 : size));
        else if (g->types[0] && g->types[0]->kind == SX_DOUBLE)
            v = D(strtod(text, NULL));
        else if (g->types[0] && g->types[0]->kind == SX_BOOL)
            v = sx_value_bool(*text == 't');
        else
            v = sx_value_int64(g->types[0] ? g->types[0]->kind : SX_INT, strtoll(text, NULL, 10));
        CU_ASSERT(step(g, back, v, second));
        text += size + (text[size] == ' ');
    }
}

struct line {
    const char *name;
    const struct sx_type *type; /* NULL: no argument */
    int64_t limit;              /* 0: no second argument */
    const char *rows, *result;
    const char *later, *merged; /* a later session, and the result of both; NULL: no merge */
};

static void check_line(const struct line *l)
{
    uint32_t count = l->type ? 1 + (l->limit != 0) : 0;
    struct group *g = open_group(l->name, count, l->type, &sx_type_int), *later;

    feed(g, l->rows, I(l->limit));
    EXPECT(g, l->result);
    if (l->later != NULL) {
        later = open_group(l->name, count, l->type, &sx_type_int);
        feed(later, l->later, I(l->limit));
        merge(g, later);
        EXPECT(g, l->merged);
        close_group(later);
    }
    close_group(g);
}

static void lines(void)
{
    const struct sx_type *i = &sx_type_int, *d = &sx_type_double, *s = &sx_type_string, *b = &sx_type_bool;
    const struct line all[] = {
        {"count", NULL, 0, "", "0", "1 2", "2"},
        {"count", i, 0, "1 - 3", "2", "- 4", "3"},
        {"count", i, 0, "1 2 <1", "1", NULL, NULL},
        {"sum", i, 0, "", "null", "1", "1"},
        {"sum", i, 0, "- -", "null", NULL, NULL},
        {"sum", i, 0, "1 2 - 4", "7", "", "7"},
        {"sum", i, 0, "1 2 <1 <2", "null", NULL, NULL},
        {"sum", d, 0, "0.1 0.2", "0.30000000000000004", "1", "1.3"},
        {"sum", d, 0, "0.5 1e16 -1e16", "0.5", NULL, NULL},
        {"sum", d, 0, "1e16 0.5 -1e16", "0.5", NULL, NULL},
        {"sum", d, 0, "1e16 0.5", "10000000000000000.0", "-1e16", "0.5"},
        {"sum", d, 0, "0.1 0.2 <0.1 <0.2", "null", NULL, NULL},
        {"sum", &sx_type_duration, 0, "5 6", "11", NULL, NULL},
        {"avg", i, 0, "", "null", NULL, NULL},
        {"avg", i, 0, "1 2", "1.5", "6", "3.0"},
        {"avg", i, 0, "9223372036854775807 9223372036854775807", "9223372036854776000.0", NULL, NULL},
        {"avg", i, 0, "1 2 <1", "2.0", NULL, NULL},
        {"avg", d, 0, "1.5 2.5 <1.5", "2.5", "3.5", "3.0"},
        {"min", i, 0, "5 -3 - 9", "-3", "-4", "-4"},
        {"max", i, 0, "-5 -3 -", "-3", "", "-3"},
        {"max", i, 0, "", "null", "4", "4"},
        {"min", d, 0, "2.5 -1", "-1.0", "7", "-1.0"},
        {"max", &sx_type_timestamp, 0, "5 7 6", "7", "6", "7"},
        {"min", b, 0, "true false", "false", NULL, NULL},
        {"min", s, 0, "", "null", "b", "b"},
        {"min", s, 0, "b a c", "a", "''", ""},
        {"max", s, 0, "''", "", "b", "b"},
        {"first", i, 0, "- 7 8", "7", "1", "7"},
        {"last", i, 0, "7 8 -", "8", "1", "1"},
        {"first", s, 0, "''", "", "x", ""},
        {"last", s, 0, "a b", "b", "", "b"},
        {"first", i, 2, "7 8 9", "[7,8]", "1", "[7,8]"},
        {"first", i, 3, "7", "[7]", "1 2 3", "[7,1,2]"},
        {"last", i, 2, "7 8 9", "[8,9]", "1", "[9,1]"},
        {"last", i, 2, "", "null", "4", "[4]"},
        {"any", b, 0, "false - true", "true", NULL, NULL},
        {"any", b, 0, "", "null", "false", "false"},
        {"any", b, 0, "true false <true", "false", NULL, NULL},
        {"all", b, 0, "true - true", "true", "false", "false"},
        {"collect", i, 0, "", "[]", "1", "[1]"},
        {"collect", i, 0, "3 - 1 3", "[3,1,3]", "9", "[3,1,3,9]"},
        {"collect", i, 2, "3 1 3", "[3,1]", "9", "[3,1]"},
        {"collect", i, 0, "3 1 3 <3", "[3,1]", NULL, NULL},
        {"collect", s, 0, "a '' b", "[a,'',b]", NULL, NULL},
        {"collect_set", i, 0, "3 1 3", "[3,1]", "9 1", "[3,1,9]"},
        {"collect_set", s, 2, "a b c", "[a,b]", NULL, NULL},
        {"count_distinct", i, 0, "", "0", "1", "1"},
        {"count_distinct", i, 0, "3 1 3 -3", "3", "1 9", "4"},
        {"count_distinct", s, 0, "b a b aa", "3", NULL, NULL},
        {"topk", i, 3, "5 9 1 9 7", "[9,9,7]", "8", "[9,9,8]"},
        {"topk", i, 3, "", "[]", "1", "[1]"},
        {"topk", s, 2, "a c b", "[c,b]", NULL, NULL},
        {"topk_distinct", i, 2, "5 9 9 7", "[9,7]", "8 9", "[9,8]"},
        {"histogram", s, 0, "a b a", "[a:2,b:1]", "b", "[a:2,b:2]"},
        {"histogram", s, 0, "a b a <b", "[a:2]", NULL, NULL},
        {"histogram", i, 0, "7 7", "[7:2]", NULL, NULL},
        {"histogram", s, 0, "", "[]", NULL, NULL},
        {"var", d, 0, "", "null", NULL, NULL},
        {"var", d, 0, "4", "null", "6", "2.0"},
        {"var", d, 0, "2 4 4 4 5 5 7 9", "4.571428571428571", NULL, NULL},
        {"var", d, 0, "1 2 3 100 <100", "1.0", NULL, NULL},
        {"stddev", d, 0, "2 4 6", "2.0", NULL, NULL},
        {"stddev", i, 0, "2 4 6", "2.0", "8", "2.581988897471611"},
    };

    sx_arena_init(&arena, 0);
    for (size_t n = 0; n < SX_COUNT(all); n++)
        check_line(&all[n]);
    sx_arena_free(&arena);
}

static void pairs(void)
{
    struct group *g, *later;

    sx_arena_init(&arena, 0);
    g = open_group("max_by", 2, &sx_type_string, &sx_type_int);
    later = open_group("max_by", 2, &sx_type_string, &sx_type_int);
    EXPECT(g, "null");
    step(g, false, S("a"), I(5));
    step(g, false, S("b"), I(5));
    step(g, false, S("c"), SX_VALUE_NULL);
    EXPECT(g, "a");
    step(later, false, S("z"), I(5));
    merge(g, later);
    EXPECT(g, "a");
    step(later, false, S("y"), I(6));
    merge(g, later);
    EXPECT(g, "y");
    close_group(g);
    close_group(later);

    g = open_group("min_by", 2, &sx_type_int, &sx_type_double);
    step(g, false, I(1), D(2.5));
    step(g, false, I(2), D(-2.5));
    step(g, false, I(3), D(-2.5));
    EXPECT(g, "2");
    close_group(g);

    g = open_group("correlation", 2, &sx_type_double, &sx_type_double);
    step(g, false, D(1), D(1));
    EXPECT(g, "null");
    step(g, false, D(2), D(-1));
    EXPECT(g, "-1.0");
    step(g, false, D(3), SX_VALUE_NULL);
    EXPECT(g, "-1.0");
    later = open_group("correlation", 2, &sx_type_double, &sx_type_double);
    step(later, false, D(1), D(5));
    merge(later, g);
    EXPECT(later, "-0.7559289460184545");
    close_group(g);
    close_group(later);
    sx_arena_free(&arena);
}

static void failures(void)
{
    struct group *g;

    sx_arena_init(&arena, 0);
    g = open_group("sum", 1, &sx_type_int, NULL);
    CU_ASSERT(step(g, false, I(INT64_MAX), I(0)));
    CU_ASSERT(!step(g, false, I(1), I(0)));
    SX_ASSERT_TEXT(g->error, "integer overflow in sum");
    close_group(g);
    g = open_group("sum", 1, &sx_type_double, NULL);
    CU_ASSERT(step(g, false, D(1e308), I(0)));
    CU_ASSERT(!step(g, false, D(1e308), I(0)));
    close_group(g);
    g = open_group("collect", 2, &sx_type_int, &sx_type_int);
    CU_ASSERT(!step(g, false, I(1), I(0)));
    SX_ASSERT_TEXT(g->error, "how many values to keep must be a positive number");
    close_group(g);
    g = open_group("histogram", 1, sx_type_array(&arena, &sx_type_int), NULL);
    CU_ASSERT(!step(g, false, (struct sx_value){.items = NULL, .size = 0, .kind = SX_ARRAY}, I(0)));
    close_group(g);
    sx_arena_free(&arena);
}

/* Estimates are near the truth, for few values and many, and after a merge. */
static void estimates(void)
{
    static const int64_t sizes[] = {1, 10, 500, 6000, 200000};
    struct group *g, *later;
    uint64_t random = 7;

    sx_arena_init(&arena, 0);
    for (size_t n = 0; n < SX_COUNT(sizes); n++) {
        struct sx_aggregate_state state;
        struct sx_value v;

        g = open_group("approx_count_distinct", 1, &sx_type_int, NULL);
        later = open_group("approx_count_distinct", 1, &sx_type_int, NULL);
        EXPECT(g, "null");
        for (int64_t i = 0; i < 2 * sizes[n]; i++)
            step(i % 2 ? g : later, false, I(i % sizes[n]), I(0));
        merge(g, later);
        state = begin(g);
        v = g->def->result_of(&g->call, &state);
        CU_ASSERT(v.i >= sizes[n] * 93 / 100 && v.i <= sizes[n] * 107 / 100 + 1);
        close_group(g);
        close_group(later);
    }
    for (int part = 0; part <= 4; part++) {
        const double p = part == 4 ? 0.99 : part / 3.0;
        struct sx_aggregate_state state;
        struct sx_value v;

        g = open_group("percentile", 2, &sx_type_double, &sx_type_double);
        later = open_group("percentile", 2, &sx_type_double, &sx_type_double);
        EXPECT(g, "null");
        for (int i = 0; i < 20000; i++)
            step(i % 3 ? g : later, false, D((double)(sx_unit_random(&random) % 100000)), D(p));
        merge(g, later);
        state = begin(g);
        v = g->def->result_of(&g->call, &state);
        CU_ASSERT(v.kind == SX_DOUBLE && v.d >= p * 100000 - 1500 && v.d <= p * 100000 + 1500);
        CU_ASSERT(g->variable.size <= 201 * 16);
        close_group(g);
        close_group(later);
    }
    g = open_group("percentile", 2, &sx_type_double, &sx_type_double);
    step(g, false, D(8), D(0.5));
    EXPECT(g, "8.0");
    step(g, false, D(2), D(0.5));
    EXPECT(g, "5.0");
    step(g, false, D(1), D(0.5));
    EXPECT(g, "2.0");
    CU_ASSERT(!step(g, false, D(1), D(1.5)));
    close_group(g);
    sx_arena_free(&arena);
}

/* What a page and a compiler need of every row. */
static void rows(void)
{
    sx_arena_init(&arena, 0);
    for (size_t f = 0; f < SX_COUNT(families); f++) {
        for (uint32_t i = 0; i < families[f]->count; i++) {
            const struct sx_aggregate_def *def = &families[f]->rows[i];
            struct sx_signature s;

            CU_ASSERT_EQUAL(sx_signature_parse(def->signature, &arena, &s, NULL), STREAMD_OK);
            CU_ASSERT(def->summary && def->example && def->example_rows && def->result);
            CU_ASSERT(def->add && def->result_of && def->merge);
            CU_ASSERT_EQUAL(def->retract == NULL, def->cannot_retract != NULL);
            CU_ASSERT(def->fixed_bytes % 8 == 0 && (def->fixed_bytes > 0 || def->variable));
        }
    }
    sx_arena_free(&arena);
}

/* Min and max of an int are in a fixed place; only other types need the run. */
static void fixed(void)
{
    struct group *g;

    sx_arena_init(&arena, 0);
    g = open_group("max", 1, &sx_type_int, NULL);
    CU_ASSERT(!g->def->variable);
    close_group(g);
    g = open_group("max", 1, &sx_type_string, NULL);
    CU_ASSERT(g->def->variable);
    close_group(g);
    sx_arena_free(&arena);
}

void suite_aggregates(void)
{
    SX_SUITE("aggregates");

    SX_TEST(rows);
    SX_TEST(fixed);
    SX_TEST(lines);
    SX_TEST(pairs);
    SX_TEST(failures);
    SX_TEST(estimates);
}
