/* fuzz_expr.c: the text of an expression, compiled with all functions and run over rows.
 *
 * The first byte is the rows' seed; what follows is the expression, which stands in a stage of our own so
 * that its program can be taken. A whole batch, every other row of it, and single rows must agree in values
 * and in failures; a value is of the type that the checker found, and can be stored and shown.
 *
 * With an odd seed some strings are no UTF-8, as a row could hold that somebody else wrote into an internal
 * topic: then a value is worth nothing, but nothing may be read or written where it must not.
 */
#include "dsl/compile.h"
#include "engine/base/text.h"
#include "engine/data/decimal.h"
#include "engine/data/row.h"
#include "engine/format/json_text.h"
#include "streamd/builtin.h"
#include "tests/fuzz/target.h"

enum { ROWS = 12, PROGRAMS = 4, TEXT_MAX = 2000 };

/* What the stage `probe` saw; one target runs at a time. */
static struct {
    const struct sx_program *programs[PROGRAMS];
    const struct sx_schema *schemas[PROGRAMS];
    uint32_t count;
} seen;

static void bind_probe(struct sx_bind *b)
{
    const struct sx_program *program = b->ops->expr(b, 0, NULL, NULL);

    b->result = sx_bind_input(b);
    if (sx_bind_failed(b) || seen.count == PROGRAMS)
        return;
    seen.programs[seen.count] = program;
    seen.schemas[seen.count++] = b->result->schema;
}

static const struct sx_clause clauses[] = {{NULL, SX_CLAUSE_EXPR, false, "The expression."}};
static const struct sx_operator_def probe = {.name = "probe",
                                             .summary = "Takes the program of an expression.",
                                             .takes = "stream -> stream",
                                             .clauses = clauses,
                                             .clause_count = 1,
                                             .bind = bind_probe};

static struct sx_compiled *compile(const char *expression, int size)
{
    const struct sx_operator_def *operators[64] = {&probe};
    struct sx_catalog catalog = sx_builtin_catalog;
    struct sx_compile_options options = {.catalog = &catalog, .name = "fuzz"};
    struct sx_compiled *compiled = NULL;
    struct sx_buffer text = {0};

    for (catalog.operator_count = 1; catalog.operator_count <= sx_builtin_catalog.operator_count &&
                                     catalog.operator_count < SX_COUNT(operators);
         catalog.operator_count++)
        operators[catalog.operator_count] = sx_builtin_catalog.operators[catalog.operator_count - 1];
    catalog.operators = operators;
    sx_buffer_printf(&text,
                     "stream rows from topic \"in\" { key string as id value json { i int, j int, d double, "
                     "s string, u string, f bool, t timestamp, b bytes, a array<int>, w array<string>, "
                     "m map<string>, r { x int, y array<double> }, g array<array<int>>, "
                     "st array<{ k string, n int, xs array<double> }>, mm map<array<int>>, "
                     "p decimal(10, 2), q decimal(38, 20), ps array<decimal(5, 3)>, "
                     "o json, os array<json>, om map<json> } }\n"
                     "rows | probe (%.*s\n) | to topic \"out\"\n",
                     size, expression);
    seen.count = 0;
    if (sx_compile(text.data, text.size, &options, &compiled, NULL) != STREAMD_OK)
        seen.count = 0;
    sx_buffer_free(&text);
    return compiled;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static uint64_t pick(uint64_t *seed, uint64_t below)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (*seed >> 33) % below;
}

static struct sx_slice make_text(struct sx_arena *arena, bool broken, uint64_t *seed)
{
    static const char *const texts[] = {"",
                                        "a",
                                        "Zoë b",
                                        "2026-01-31T10:00:00Z",
                                        "{\"a\":[1,null]}",
                                        "a,b;c",
                                        "%_%",
                                        "https://a.example:80/p?q=1#f",
                                        "[1, 2]",
                                        "-12",
                                        "\\d+"};
    static const char *const wrong[] = {"\xc3",           "a\xf0\x9f", "\x80 b",
                                        "\xed\xa0\x80,x", "\"\xff",    "{\"\xe2\":1}"};
    const char *text =
        broken && pick(seed, 2) ? wrong[pick(seed, SX_COUNT(wrong))] : texts[pick(seed, SX_COUNT(texts))];

    /* Copied without its end, so that a byte read too far is seen. */
    return sx_arena_copy(arena, sx_slice_of(text));
}

/* As a value of the type json is held: compact. */
static const char *const json_texts[] = {"{}",
                                         "[]",
                                         "true",
                                         "-12.50",
                                         "\"Zo\u00eb\"",
                                         "{\"a\":[1,null,{\"b\":\"x\"}],\"b\":1e400,\"a\":2}",
                                         "[[\"2026-01-31T10:00:00Z\",9223372036854775808],{\"\":false}]"};

static struct sx_value make_value(const struct sx_type *type, struct sx_arena *arena, bool broken,
                                  uint64_t *seed)
{
    static const int64_t ints[] = {0, 1, -1, 2, 7, 60000, 1700000000000, INT64_MAX, INT64_MIN};
    static const double doubles[] = {0, -0.0, 0.5, -2.5, 1e16, 1e300, 5e-324, 1e-5};
    struct sx_value v = {.kind = (uint8_t)type->kind};
    struct sx_value *items;
    struct sx_slice text;
    __int128 digits;

    if (pick(seed, 6) == 0)
        return SX_VALUE_NULL;
    switch (type->kind) {
    case SX_BOOL:
        return sx_value_bool(pick(seed, 2));
    case SX_DECIMAL:
        digits = (__int128)ints[pick(seed, SX_COUNT(ints))] * ints[pick(seed, SX_COUNT(ints))];
        return sx_value_decimal(arena, digits % sx_decimal_ten(type->precision));
    case SX_DOUBLE:
        return sx_value_double(doubles[pick(seed, SX_COUNT(doubles))]);
    case SX_JSON:
        text = sx_arena_copy(arena, sx_slice_of(json_texts[pick(seed, SX_COUNT(json_texts))]));
        v.s = text.data;
        v.size = text.size;
        return v;
    case SX_STRING:
    case SX_BYTES:
        text = make_text(arena, broken, seed);
        v.s = text.data;
        v.size = text.size;
        return v;
    case SX_ARRAY:
    case SX_MAP:
    case SX_STRUCT:
        v.size = type->kind == SX_STRUCT ? type->field_count : (uint32_t)pick(seed, 4);
        items = SX_ARENA_ARRAY(arena, struct sx_value, (size_t)2 * v.size + 1);
        for (uint32_t k = 0; k < v.size; k++) {
            if (type->kind != SX_MAP) {
                items[k] = make_value(type->kind == SX_ARRAY ? type->element : type->fields[k].type, arena,
                                      broken, seed);
                continue;
            }
            items[k * 2] = sx_value_string(make_text(arena, broken, seed));
            items[k * 2 + 1] = make_value(type->element, arena, broken, seed);
        }
        if (type->kind == SX_MAP)
            v.size = sx_value_sort_map(items, v.size);
        v.items = items;
        return v;
    default:
        v.i = ints[pick(seed, SX_COUNT(ints))];
        return v;
    }
}

static struct sx_batch make_rows(const struct sx_schema *schema, uint64_t seed, struct sx_arena *arena)
{
    struct sx_record *records = SX_ARENA_ARRAY(arena, struct sx_record, ROWS);
    struct sx_origin *origin = SX_ARENA_NEW(arena, struct sx_origin);
    struct sx_batch batch = {.schema = schema, .rows = ROWS, .count = ROWS, .origin = origin};
    int64_t *ts = SX_ARENA_ARRAY(arena, int64_t, ROWS);
    bool broken = seed % 2 == 1;

    *origin = (struct sx_origin){.topic = "in", .partition = 1, .records = records, .count = ROWS};
    batch.columns = SX_ARENA_ARRAY(arena, struct sx_column, schema->count);
    batch.ts = ts;
    for (uint32_t c = 0; c < schema->count; c++) {
        batch.columns[c] = sx_column_new(arena, schema->fields[c].type, ROWS);
        sx_column_nulls(&batch.columns[c], arena, ROWS);
    }
    for (uint32_t row = 0; row < ROWS; row++) {
        records[row] = (struct sx_record){.timestamp = row, .offset = row};
        ts[row] = (int64_t)row * 1000;
        for (uint32_t c = 0; c < schema->count; c++) {
            struct sx_value v = make_value(schema->fields[c].type, arena, broken, &seed);

            if (v.kind == SX_NULL)
                sx_bit_set(batch.columns[c].nulls, row);
            else
                sx_column_set(&batch.columns[c], row, v);
        }
    }
    return batch;
}

/* ---- What must hold -------------------------------------------------------------------------- */

static void check_type(struct sx_value v, const struct sx_type *type)
{
    if (v.kind == SX_NULL)
        return;
    MUST(v.kind == type->kind);
    switch (type->kind) {
    case SX_DOUBLE:
        MUST(__builtin_isfinite(v.d));
        break;
    case SX_STRING:
        MUST(sx_utf8_valid(sx_value_slice(v)));
        break;
    case SX_JSON:
        MUST(sx_json_check(sx_value_slice(v), NULL));
        break;
    case SX_ARRAY:
        for (uint32_t k = 0; k < v.size; k++)
            check_type(v.items[k], type->element);
        break;
    case SX_MAP:
        for (uint32_t k = 0; k < v.size; k++) {
            check_type(v.items[k * 2], &sx_type_string);
            MUST(k == 0 || sx_value_compare(v.items[k * 2 - 2], v.items[k * 2]) < 0);
            check_type(v.items[k * 2 + 1], type->element);
        }
        break;
    case SX_STRUCT:
        MUST(v.size == type->field_count);
        for (uint32_t k = 0; k < v.size; k++)
            check_type(v.items[k], type->fields[k].type);
        break;
    default:
        break;
    }
}

static void check_stored(struct sx_value v, const struct sx_type *type, struct sx_arena *arena)
{
    struct sx_buffer bytes = {0}, json = {0};
    struct sx_value back;

    sx_row_write_values(&bytes, &v, 1);
    MUST(sx_row_read(sx_buffer_slice(&bytes), &type, 1, &back, arena));
    MUST(sx_value_equal(v, back));
    sx_json_write_value(&json, v, type);
    MUST(sx_json_check(sx_buffer_slice(&json), NULL));
    sx_buffer_free(&bytes);
    sx_buffer_free(&json);
}

static bool has_failed(const struct sx_row_failures *failures, uint32_t row)
{
    for (uint32_t i = 0; i < failures->count; i++)
        if (failures->items[i].row == row) {
            MUST(failures->items[i].message != NULL && failures->items[i].message[0] != '\0');
            return true;
        }
    return false;
}

static void run(const struct sx_program *program, const struct sx_schema *schema, uint64_t seed)
{
    const struct sx_type *type = sx_program_type(program);
    struct sx_evaluator *evaluator = sx_evaluator_new(program);
    struct sx_row_failures all_failed = {0}, some_failed = {0};
    struct sx_column all, some;
    struct sx_batch batch, half;
    struct sx_arena arena;
    uint16_t sel[ROWS / 2];

    sx_arena_init(&arena, 0);
    batch = make_rows(schema, seed, &arena);
    for (uint16_t i = 0; i < ROWS / 2; i++)
        sel[i] = (uint16_t)(i * 2 + 1);
    half = sx_batch_select(&batch, sel, ROWS / 2);
    sx_eval_column(evaluator, &batch, &arena, &all, &all_failed);
    sx_eval_column(evaluator, &half, &arena, &some, &some_failed);
    for (uint32_t row = 0; row < ROWS; row++) {
        struct sx_row_failures failed = {0};
        struct sx_value one = SX_VALUE_NULL, v = sx_column_get(&all, row);
        bool fine = sx_eval_row(evaluator, &batch, row, NULL, &arena, &one, &failed);

        MUST(fine == (failed.count == 0));
        MUST(fine == !has_failed(&all_failed, row));
        if (row % 2 == 1)
            MUST(fine == !has_failed(&some_failed, row));
        if (!fine)
            continue;
        MUST(sx_value_equal(v, one));
        if (row % 2 == 1)
            MUST(sx_value_equal(v, sx_column_get(&some, row)));
        if (seed % 2 == 0) {
            check_type(v, type);
            check_stored(v, type, &arena);
        }
    }
    sx_evaluator_free(evaluator);
    sx_arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    uint64_t seed = input_byte(&in);
    struct sx_compiled *compiled;

    if (in.size > TEXT_MAX || memchr(in.data, '\0', in.size) != NULL)
        return 0;
    compiled = compile((const char *)in.data, (int)in.size);
    for (uint32_t i = 0; i < seen.count; i++)
        run(seen.programs[i], seen.schemas[i], seed);
    sx_compiled_free(compiled);
    return 0;
}
