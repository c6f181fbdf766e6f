/* patterns.c: regular expressions, by PCRE2.
 *
 * A constant pattern is compiled once for its place in the text, with JIT; one that comes from a row is
 * compiled for that row and freed. A match that would take too long is a row error: the limits bound
 * the work that a hostile text can cause.
 */
#include "operators/functions/common.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

#define MATCH_LIMIT 100000u /* steps of matching */
#define DEPTH_LIMIT 1000u
#define HEAP_KIB 8192u
#define JIT_STACK_FIRST 65536u
#define JIT_STACK_MAX \
    (1u << 20) /* for the alternatives to come back to, one for each character of a long text */
#define PATTERN_BYTES_MAX 65536u
#define GROUPS_MAX 99u

struct pattern {
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *context;
    pcre2_jit_stack *stack; /* NULL: the machine's own has been enough so far */
    uint32_t groups;
};

/* ---- Patterns -------------------------------------------------------------------------------- */

static void release(void *site)
{
    struct pattern *pattern = site;

    pcre2_match_data_free(pattern->match);
    pcre2_match_context_free(pattern->context);
    pcre2_jit_stack_free(pattern->stack);
    pcre2_code_free(pattern->code);
    free(pattern);
}

/* NULL: the pattern is wrong, and the call has failed. */
static struct pattern *compile(struct sx_call *call, struct sx_slice text)
{
    struct pattern *pattern;
    pcre2_code *code;
    PCRE2_SIZE offset;
    int error;

    if (text.size > PATTERN_BYTES_MAX) {
        sx_call_fail(call, "the pattern is longer than %u bytes", PATTERN_BYTES_MAX);
        return NULL;
    }
    code =
        pcre2_compile((PCRE2_SPTR)(text.size ? text.data : ""), text.size, PCRE2_UTF, &error, &offset, NULL);
    if (code == NULL) {
        char message[120];

        pcre2_get_error_message(error, (PCRE2_UCHAR *)message, sizeof(message));
        sx_call_fail(call, "the pattern is wrong at its character %zu: %s", offset + 1, message);
        return NULL;
    }
    /* Where JIT cannot be had the interpreter does the same, with the same limits. */
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
    pattern = sx_calloc(1, sizeof(*pattern));
    pattern->code = code;
    pattern->match = pcre2_match_data_create_from_pattern(code, NULL);
    pattern->context = pcre2_match_context_create(NULL);
    if (pattern->match == NULL || pattern->context == NULL)
        abort(); /* as sx_malloc */
    pcre2_set_match_limit(pattern->context, MATCH_LIMIT);
    pcre2_set_depth_limit(pattern->context, DEPTH_LIMIT);
    pcre2_set_heap_limit(pattern->context, HEAP_KIB);
    pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &pattern->groups);
    return pattern;
}

static void *prepare(struct sx_call *call, const struct sx_value *const *constants, uint32_t count)
{
    if (count < 2 || constants[1] == NULL || constants[1]->kind == SX_NULL)
        return NULL;
    return compile(call, sx_value_slice(*constants[1]));
}

/* The pattern of a call: the site's, or one for this row. */
static struct pattern *take(struct sx_call *call, const struct sx_value *args)
{
    return call->site ? call->site : compile(call, sx_value_slice(args[1]));
}

static void give_back(const struct sx_call *call, struct pattern *pattern)
{
    if (pattern != call->site)
        release(pattern);
}

static int match(struct pattern *pattern, struct sx_slice s, size_t from, uint32_t options)
{
    return pcre2_match(pattern->code, (PCRE2_SPTR)(s.size ? s.data : ""), s.size, from,
                       options | PCRE2_NO_UTF_CHECK, pattern->match, pattern->context);
}

/* A larger stack than JIT has by itself, made when a text first needs it. */
static bool give_stack(struct pattern *pattern)
{
    if (pattern->stack != NULL)
        return false;
    pattern->stack = pcre2_jit_stack_create(JIT_STACK_FIRST, JIT_STACK_MAX, NULL);
    pcre2_jit_stack_assign(pattern->context, NULL, pattern->stack);
    return pattern->stack != NULL;
}

/* Matches from `from` on: 1, 0, or -1 when the call has failed. The first match on a text is from 0. */
static int match_at(struct sx_call *call, struct pattern *pattern, struct sx_slice s, size_t from,
                    uint32_t options)
{
    int rc;

    /* PCRE2's own check would look at all of the text for each match in it. */
    if (from == 0 && !sx_utf8_valid(s)) {
        sx_call_fail(call, "the text is not UTF-8");
        return -1;
    }
    rc = match(pattern, s, from, options);
    if (rc == PCRE2_ERROR_JIT_STACKLIMIT && give_stack(pattern))
        rc = match(pattern, s, from, options);
    if (rc >= 0)
        return 1;
    if (rc == PCRE2_ERROR_NOMATCH)
        return 0;
    if (rc == PCRE2_ERROR_MATCHLIMIT || rc == PCRE2_ERROR_DEPTHLIMIT || rc == PCRE2_ERROR_HEAPLIMIT ||
        rc == PCRE2_ERROR_JIT_STACKLIMIT)
        sx_call_fail(call, "the pattern takes too long on this text");
    else
        sx_call_fail(call, "matching the pattern failed (%d)", rc);
    return -1;
}

/* Group n of the match at hand; null if it took no part. */
static struct sx_value group_of(const struct pattern *pattern, struct sx_slice s, uint32_t n)
{
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(pattern->match);

    if (n > pattern->groups || at[2 * n] == PCRE2_UNSET || at[2 * n + 1] < at[2 * n])
        return SX_VALUE_NULL;
    return sx_value_string(sx_slice(s.data + at[2 * n], at[2 * n + 1] - at[2 * n]));
}

/* ---- Walking over all matches ---------------------------------------------------------------- */

struct walk {
    size_t from;       /* where to look on */
    size_t start, end; /* the match at hand */
    uint32_t options;
};

/* The next match; an empty one is not found twice. As match_at. */
static int walk_on(struct sx_call *call, struct pattern *pattern, struct sx_slice s, struct walk *w)
{
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(pattern->match);

    while (w->from <= s.size) {
        int found = match_at(call, pattern, s, w->from, w->options);

        if (found < 0)
            return -1;
        if (found) {
            w->start = at[0];
            w->end = SX_MAX(at[1], at[0]); /* \K can turn them round */
            w->from = w->end;
            w->options = w->start == w->end ? PCRE2_NOTEMPTY_ATSTART | PCRE2_ANCHORED : 0;
            return 1;
        }
        if (w->options == 0)
            return 0;
        /* Nothing but the empty match is here: go on one character later. */
        w->options = 0;
        w->from++;
        while (w->from < s.size && ((unsigned char)s.data[w->from] & 0xc0) == 0x80)
            w->from++;
    }
    return 0;
}

/* ---- Functions ------------------------------------------------------------------------------- */

static struct sx_value matches(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct pattern *pattern = take(call, args);
    int found;

    if (pattern == NULL)
        return SX_VALUE_NULL;
    found = match_at(call, pattern, sx_value_slice(args[0]), 0, 0);
    give_back(call, pattern);
    return sx_value_bool(found > 0);
}

static struct sx_value extract(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_slice s = sx_value_slice(args[0]);
    int64_t group = count > 2 ? args[2].i : 0;
    struct pattern *pattern = take(call, args);
    struct sx_value result = SX_VALUE_NULL;

    if (pattern == NULL)
        return SX_VALUE_NULL;
    if (match_at(call, pattern, s, 0, 0) > 0 && group >= 0 && group <= (int64_t)pattern->groups)
        result = group_of(pattern, s, (uint32_t)group);
    give_back(call, pattern);
    return result;
}

static struct sx_value extract_all(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_slice s = sx_value_slice(args[0]);
    int64_t group = count > 2 ? args[2].i : 0;
    struct pattern *pattern = take(call, args);
    struct sx_items items = {.call = call};
    struct walk walk = {0};

    if (pattern == NULL)
        return SX_VALUE_NULL;
    if (group >= 0 && group <= (int64_t)pattern->groups)
        while (!call->failed && walk_on(call, pattern, s, &walk) > 0)
            sx_items_add(&items, group_of(pattern, s, (uint32_t)group));
    give_back(call, pattern);
    return sx_items_array(&items);
}

static struct sx_value groups(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_slice s = sx_value_slice(args[0]);
    struct pattern *pattern = take(call, args);
    struct sx_items items = {.call = call};
    int found;

    if (pattern == NULL)
        return SX_VALUE_NULL;
    found = match_at(call, pattern, s, 0, 0);
    for (uint32_t n = 1; found > 0 && n <= pattern->groups; n++)
        sx_items_add(&items, group_of(pattern, s, n));
    give_back(call, pattern);
    return found > 0 ? sx_items_array(&items) : SX_VALUE_NULL;
}

/* `$1` and `${1}` are groups, `\$` a dollar. False: there is no such group. */
static bool add_replacement(struct sx_text *text, const struct pattern *pattern, struct sx_slice s,
                            struct sx_slice by)
{
    const char *at = by.data, *end = by.data + by.size;

    while (at < end) {
        bool braces;
        uint32_t group = 0;

        if (*at == '\\' && at + 1 < end) {
            sx_text_add_byte(text, at[1]);
            at += 2;
            continue;
        }
        braces = *at == '$' && at + 2 < end && at[1] == '{';
        if (*at != '$' || at + 1 + braces >= end || at[1 + braces] < '0' || at[1 + braces] > '9') {
            sx_text_add_byte(text, *at++);
            continue;
        }
        at += 1 + braces;
        while (at < end && *at >= '0' && *at <= '9' && group <= GROUPS_MAX)
            group = group * 10 + (uint32_t)(*at++ - '0');
        if (group > pattern->groups || (braces && (at == end || *at != '}'))) {
            sx_call_fail(text->call, "the pattern has no group %u", group);
            return false;
        }
        at += braces;
        sx_text_add_slice(text, sx_value_slice(group_of(pattern, s, group)));
    }
    return true;
}

static struct sx_value replace(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_slice s = sx_value_slice(args[0]);
    struct pattern *pattern = take(call, args);
    struct sx_text text = {.call = call};
    struct walk walk = {0};
    size_t done = 0;

    if (pattern == NULL)
        return SX_VALUE_NULL;
    while (!call->failed && !text.full && walk_on(call, pattern, s, &walk) > 0) {
        size_t from = SX_MAX(walk.start, done);

        sx_text_add(&text, s.data + done, from - done);
        if (!add_replacement(&text, pattern, s, sx_value_slice(args[2])))
            break;
        done = walk.end;
    }
    give_back(call, pattern);
    if (call->failed)
        return SX_VALUE_NULL;
    if (s.size > done)
        sx_text_add(&text, s.data + done, s.size - done);
    return sx_text_value(&text);
}

/* Empty matches part characters; at the ends of the text they part nothing. */
static struct sx_value split(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_slice s = sx_value_slice(args[0]);
    struct pattern *pattern = take(call, args);
    struct sx_items items = {.call = call};
    struct walk walk = {0};
    size_t done = 0;

    if (pattern == NULL)
        return SX_VALUE_NULL;
    while (!call->failed && walk_on(call, pattern, s, &walk) > 0) {
        if (walk.start == walk.end && (walk.start == done || walk.start == s.size))
            continue;
        sx_items_add(&items, sx_value_string(sx_slice(s.data + done, SX_MAX(walk.start, done) - done)));
        done = walk.end;
    }
    give_back(call, pattern);
    sx_items_add(&items, sx_value_string(sx_slice(s.data + done, s.size - done)));
    return sx_items_array(&items);
}

static struct sx_value count_of(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_slice s = sx_value_slice(args[0]);
    struct pattern *pattern = take(call, args);
    struct walk walk = {0};
    int64_t found = 0;

    if (pattern == NULL)
        return SX_VALUE_NULL;
    while (walk_on(call, pattern, s, &walk) > 0)
        found++;
    give_back(call, pattern);
    return sx_value_int(found);
}

static struct sx_value position(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_slice s = sx_value_slice(args[0]);
    struct pattern *pattern = take(call, args);
    int64_t at = 0;

    if (pattern == NULL)
        return SX_VALUE_NULL;
    if (match_at(call, pattern, s, 0, 0) > 0)
        at = (int64_t)sx_utf8_length(sx_slice(s.data, pcre2_get_ovector_pointer(pattern->match)[0])) + 1;
    give_back(call, pattern);
    return sx_value_int(at);
}

#define ROW(sig, text, sample, gives, function)                                                \
    {                                                                                          \
        .signature = sig, .summary = text, .example = sample, .result = gives, .fn = function, \
        .prepare = prepare, .release = release                                                 \
    }

static const struct sx_function_def rows[] = {
    ROW("matches(s string, pattern string) bool",
        "What the operator `=~` does: is there a match of the pattern in the text?",
        "matches(\"order-17\", r\"\\d+\")", "true", matches),
    ROW("regexp_like(s string, pattern string) bool", "Is there a match of the pattern in the text?",
        "regexp_like(\"order\", r\"^\\d\")", "false", matches),
    ROW("regexp_extract(s string, pattern string [, group int]) string",
        "The first match, or a group of it; null if there is none.",
        "regexp_extract(\"id=17\", r\"(\\w+)=(\\d+)\", 2)", "\"17\"", extract),
    ROW("regexp_extract_all(s string, pattern string [, group int]) array<string>",
        "All matches, or a group of each.", "regexp_extract_all(\"a1b22\", r\"\\d+\")", "[\"1\",\"22\"]",
        extract_all),
    ROW("regexp_groups(s string, pattern string) array<string>",
        "The groups of the first match; null if there is none.",
        "regexp_groups(\"17:30\", r\"(\\d+):(\\d+)\")", "[\"17\",\"30\"]", groups),
    ROW("regexp_replace(s string, pattern string, by string) string",
        "All matches replaced; `$1` in the replacement is a group.",
        "regexp_replace(\"a1b22\", r\"(\\d+)\", \"<$1>\")", "\"a<1>b<22>\"", replace),
    ROW("regexp_split(s string, pattern string) array<string>", "The pieces between the matches.",
        "regexp_split(\"a1b22c\", r\"\\d+\")", "[\"a\",\"b\",\"c\"]", split),
    ROW("regexp(s string, pattern string) bool",
        "Is there a match of the pattern in the text? As Flink calls it.", "regexp(\"order-17\", r\"\\d$\")",
        "true", matches),
    ROW("regexp_count(s string, pattern string) int", "The number of matches, which do not overlap.",
        "regexp_count(\"a1b22c333\", r\"\\d+\")", "3", count_of),
    ROW("regexp_instr(s string, pattern string) int",
        "Where the first match begins, from 1; 0 if there is none.", "regexp_instr(\"übermut\", \"m\")", "5",
        position),
    ROW("regexp_substr(s string, pattern string) string", "The first match; null if there is none.",
        "regexp_substr(\"a1b22\", r\"\\d{2,}\")", "\"22\"", extract),
};

const struct sx_function_table sx_functions_patterns = SX_ROWS_OF("patterns", rows);
