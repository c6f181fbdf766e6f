/* test_casts.c: casts and signatures. */
#include "tests/unit/expr/trees.h"

static const char *message;

static struct sx_value cast(struct sx_value v, const struct sx_type *from, const struct sx_type *to)
{
    struct sx_value out = {0};

    message = NULL;
    if (!sx_value_cast(v, from, to, &arena, &out, &message))
        out.kind = 255;
    return out;
}

static void to_text(struct sx_value v, const struct sx_type *from, const char *expected)
{
    struct sx_value out = cast(v, from, &sx_type_string);

    CU_ASSERT(out.kind == SX_STRING && sx_slice_equal(sx_value_slice(out), sx_slice_of(expected)));
    if (out.kind == SX_STRING && !sx_slice_equal(sx_value_slice(out), sx_slice_of(expected)))
        fprintf(stderr, "got %.*s, expected %s\n", (int)out.size, out.s, expected);
}

static void texts(void)
{
    to_text(sx_value_int(-5), &sx_type_int, "-5");
    to_text(sx_value_double(15), &sx_type_double, "15.0");
    to_text(sx_value_bool(true), &sx_type_bool, "true");
    to_text(sx_value_int64(SX_TIMESTAMP, 10), &sx_type_timestamp, "1970-01-01T00:00:00.010Z");
    to_text(sx_value_int64(SX_DATE, 1), &sx_type_date, "1970-01-02");
    to_text(sx_value_int64(SX_DURATION, 5400000), &sx_type_duration, "1h30m");
    CU_ASSERT_EQUAL(cast(text("42"), &sx_type_string, &sx_type_int).i, 42);
    CU_ASSERT_EQUAL(cast(text("4.5"), &sx_type_string, &sx_type_int).kind, 255);
    CU_ASSERT_STRING_EQUAL(message, "cannot cast \"4.5\" to int");
    CU_ASSERT_EQUAL(cast(text("42 "), &sx_type_string, &sx_type_int).kind, 255);
    CU_ASSERT_EQUAL(cast(text(""), &sx_type_string, &sx_type_int).kind, 255);
    CU_ASSERT_EQUAL(cast(text("1e3"), &sx_type_string, &sx_type_double).d, 1000.0);
    CU_ASSERT_EQUAL(cast(text("1e999"), &sx_type_string, &sx_type_double).kind, 255);
    CU_ASSERT_EQUAL(cast(text("TRUE"), &sx_type_string, &sx_type_bool).b, true);
    CU_ASSERT_EQUAL(cast(text("yes"), &sx_type_string, &sx_type_bool).kind, 255);
    CU_ASSERT_EQUAL(cast(text("1970-01-01T00:00:01Z"), &sx_type_string, &sx_type_timestamp).i, 1000);
    CU_ASSERT_EQUAL(cast(sx_value_bytes(SX_SLICE("\xff")), &sx_type_bytes, &sx_type_string).kind, 255);
    CU_ASSERT_EQUAL(cast(sx_value_bytes(SX_SLICE("ok")), &sx_type_bytes, &sx_type_string).kind, SX_STRING);
}

static void numbers(void)
{
    CU_ASSERT_EQUAL(cast(sx_value_double(-2.9), &sx_type_double, &sx_type_int).i, -2);
    CU_ASSERT_EQUAL(cast(sx_value_double(9.3e18), &sx_type_double, &sx_type_int).kind, 255);
    CU_ASSERT_EQUAL(cast(sx_value_double(-0x1p63), &sx_type_double, &sx_type_int).i, INT64_MIN);
    CU_ASSERT_EQUAL(cast(sx_value_int(3), &sx_type_int, &sx_type_double).d, 3.0);
    CU_ASSERT_EQUAL(cast(sx_value_int(3), &sx_type_int, &sx_type_timestamp).kind, SX_TIMESTAMP);
    CU_ASSERT_EQUAL(cast(sx_value_int64(SX_DURATION, 3), &sx_type_duration, &sx_type_int).kind, SX_INT);
    CU_ASSERT_EQUAL(cast(sx_value_int64(SX_TIMESTAMP, -1), &sx_type_timestamp, &sx_type_date).i, -1);
    CU_ASSERT_EQUAL(cast(sx_value_int64(SX_TIMESTAMP, -1), &sx_type_timestamp, &sx_type_time).i, 86399999);
    CU_ASSERT_EQUAL(cast(SX_VALUE_NULL, &sx_type_null, &sx_type_int).kind, SX_NULL);
    CU_ASSERT(!sx_cast_exists(&sx_type_double, &sx_type_timestamp));
    CU_ASSERT(!sx_cast_exists(&sx_type_duration, &sx_type_timestamp));
}

static void nested(void)
{
    const struct sx_type_field from_fields[] = {{"a", &sx_type_int, false}, {"b", &sx_type_string, false}};
    const struct sx_type_field to_fields[] = {{"b", &sx_type_string, false}, {"a", &sx_type_double, false}};
    const struct sx_type *from = sx_type_struct(&arena, from_fields, 2);
    const struct sx_type *to = sx_type_struct(&arena, to_fields, 2);
    const struct sx_value items[] = {sx_value_int(1), text("x")};
    struct sx_value v = {.items = items, .size = 2, .kind = SX_STRUCT}, out;

    CU_ASSERT(sx_cast_exists(from, to));
    out = cast(v, from, to);
    CU_ASSERT(out.size == 2 && out.items[0].kind == SX_STRING && out.items[1].d == 1.0);
    CU_ASSERT(!sx_cast_exists(sx_type_struct(&arena, from_fields, 1), to));
    v = (struct sx_value){.items = items, .size = 1, .kind = SX_ARRAY};
    out = cast(v, sx_type_array(&arena, &sx_type_int), sx_type_array(&arena, &sx_type_double));
    CU_ASSERT(out.size == 1 && out.items[0].kind == SX_DOUBLE);
    CU_ASSERT(sx_cast_exists(sx_type_array(&arena, &sx_type_null), sx_type_array(&arena, &sx_type_int)));
    CU_ASSERT(!sx_cast_exists(sx_type_array(&arena, &sx_type_int), sx_type_map(&arena, &sx_type_int)));
}

void test_casts(void)
{
    texts();
    numbers();
    nested();
}

/* ---- Signatures ------------------------------------------------------------------------------ */

/* What a call gives, as text; "-" when it does not fit. */
static const char *match(const char *signature, uint32_t count, const struct sx_type *a,
                         const struct sx_type *b, const struct sx_type *c, uint32_t *cost)
{
    const struct sx_type *types[] = {a, b, c}, *wanted[3], *result;
    struct sx_signature s;

    if (sx_signature_parse(signature, &arena, &s, NULL) != STREAMD_OK)
        return "?";
    if (!sx_signature_match(&s, types, count, &arena, &result, wanted, cost))
        return "-";
    return sx_type_text(result, &arena);
}

void test_signatures(void)
{
    static const char *const wrong[] = {"f",
                                        "f()",
                                        "f(x) int",
                                        "f(x int int",
                                        "f(x int,) int",
                                        "f(x int [, y int) int",
                                        "f(x int..., y int) int",
                                        "f(x int [, y int], z int) int",
                                        "f(x int) int x",
                                        "f(x array<int) int",
                                        ""};
    const struct sx_type *ints = sx_type_array(&arena, &sx_type_int);
    const struct sx_type *doubles = sx_type_array(&arena, &sx_type_double);
    const struct sx_type *i = &sx_type_int, *d = &sx_type_double, *s = &sx_type_string, *n = &sx_type_null;
    struct sx_signature signature;
    uint32_t cost;

    for (size_t w = 0; w < SX_COUNT(wrong); w++)
        CU_ASSERT_EQUAL(sx_signature_parse(wrong[w], &arena, &signature, NULL), STREAMD_E_SYNTAX);
    CU_ASSERT_EQUAL(sx_signature_parse("instr(s string, sub string [, start int [, nth int]]) int", &arena,
                                       &signature, NULL),
                    STREAMD_OK);
    CU_ASSERT_EQUAL(signature.count, 4);
    CU_ASSERT(!signature.parameters[1].optional && signature.parameters[2].optional &&
              signature.parameters[3].optional);
    CU_ASSERT_STRING_EQUAL(signature.name, "instr");
    CU_ASSERT_STRING_EQUAL(signature.parameters[3].name, "nth");

    CU_ASSERT_STRING_EQUAL(match("pi() double", 0, n, n, n, &cost), "double");
    CU_ASSERT_STRING_EQUAL(match("f(x double) double", 1, i, n, n, &cost), "double");
    CU_ASSERT_EQUAL(cost, 1);
    CU_ASSERT_STRING_EQUAL(match("f(x int) double", 1, d, n, n, &cost), "-");
    CU_ASSERT_STRING_EQUAL(match("f(x int [, y int]) int", 1, i, n, n, &cost), "int");
    CU_ASSERT_STRING_EQUAL(match("f(x int [, y int]) int", 3, i, i, i, &cost), "-");
    CU_ASSERT_STRING_EQUAL(match("f(x int, y int) int", 1, i, i, i, &cost), "-");
    CU_ASSERT_STRING_EQUAL(match("f(x T...) T", 3, i, d, i, &cost), "double");
    CU_ASSERT_EQUAL(cost, 2);
    CU_ASSERT_STRING_EQUAL(match("f(x T...) T", 3, n, s, n, &cost), "string");
    CU_ASSERT_STRING_EQUAL(match("f(x T...) T", 2, i, s, n, &cost), "-");
    CU_ASSERT_STRING_EQUAL(match("f(x T...) T", 0, i, s, n, &cost), "-");
    CU_ASSERT_STRING_EQUAL(match("f(a array<T>, x T) array<T>", 2, ints, i, n, &cost), "array<int>");
    CU_ASSERT_EQUAL(cost, 0);
    CU_ASSERT_STRING_EQUAL(match("f(a array<T>, x T) array<T>", 2, ints, d, n, &cost), "array<double>");
    CU_ASSERT_STRING_EQUAL(match("f(a array<T>, x T) array<T>", 2, ints, s, n, &cost), "-");
    CU_ASSERT_STRING_EQUAL(match("f(a array<T>, b array<T>) T", 2, ints, doubles, n, &cost), "double");
    CU_ASSERT_STRING_EQUAL(match("f(a array<T>) T", 1, s, n, n, &cost), "-");
    CU_ASSERT_STRING_EQUAL(match("f(x any) string", 1, ints, n, n, &cost), "string");
    CU_ASSERT_STRING_EQUAL(match("f(x T, y U) map<U>", 2, i, s, n, &cost), "map<string>");
    CU_ASSERT_STRING_EQUAL(match("f(x string) string", 1, n, n, n, &cost), "string");
}
