/* api_extend.c: include/streamd/extend.h: catalogues, and the functions and aggregates that a program
 * adds to them. Operators are in api_operator.c. */
#include "streamd/extension.h"

#include "engine/base/text.h"
#include "streamd/builtin.h"

#include <stdlib.h>

#define STATE_BYTES_MAX 65536
#define STARTED_BYTES 8 /* before a state with a start: 0 until it has run */
#define AGGREGATE_ARGS_MAX 4

/* ---- Catalogues ------------------------------------------------------------------------------ */

streamd_catalog *sx_api_catalog_beside(const streamd_catalog *base)
{
    const struct sx_catalog *from = sx_api_catalog(base);
    streamd_catalog *c = sx_calloc(1, sizeof(*c));

    sx_arena_init(&c->arena, 4096);
    c->catalog = *from;
    c->base = sx_api_catalog_keep(base);
    c->references = 1;
    return c;
}

const streamd_catalog *sx_api_catalog_keep(const streamd_catalog *catalog)
{
    if (catalog != NULL)
        atomic_fetch_add(&((streamd_catalog *)catalog)->references, 1);
    return catalog;
}

void sx_api_catalog_release(const streamd_catalog *catalog)
{
    streamd_catalog *c = (streamd_catalog *)catalog;

    if (c == NULL || atomic_fetch_sub(&c->references, 1) > 1)
        return;
    for (struct streamd_extension *e = c->rows; e != NULL; e = e->next)
        if (e->on_free != NULL)
            e->on_free(e->arg);
    sx_api_catalog_release(c->base);
    sx_arena_free(&c->arena);
    free(c);
}

streamd_catalog *streamd_catalog_new(void) { return sx_api_catalog_beside(NULL); }
void streamd_catalog_free(streamd_catalog *catalog) { sx_api_catalog_release(catalog); }

void streamd_extension_on_free(streamd_extension *e, void (*fn)(void *arg)) { e->on_free = fn; }

void streamd_extension_take_nulls(streamd_extension *e)
{
    e->function.flags |= SX_FUNCTION_NULLS;
    e->aggregate.def.flags |= SX_AGGREGATE_NULLS;
}

/* ---- Signatures ------------------------------------------------------------------------------ */

/* Up to what ends a parameter; the comma of `decimal(10,2)` does not. */
static size_t parameter_size(const char *at)
{
    size_t size = 0;

    for (int open = 0; at[size] != '\0' && (open > 0 || strchr(",[])", at[size]) == NULL); size++)
        open += (at[size] == '(') - (at[size] == ')');
    return size;
}

/* A parameter without a name, `(double)`, gets one: the rows of the engine have names. */
static const char *with_names(struct sx_arena *arena, const char *signature)
{
    struct sx_buffer text = {0};
    const char *at = strchr(signature, '('), *copy;
    uint32_t number = 0;

    if (at == NULL)
        return signature;
    sx_buffer_add(&text, signature, (size_t)(at + 1 - signature));
    for (at++; *at != '\0' && *at != ')';) {
        size_t size;

        if (strchr(" ,[]", *at) != NULL) {
            sx_buffer_add_byte(&text, *at++);
            continue;
        }
        size = parameter_size(at);
        while (size > 0 && at[size - 1] == ' ')
            size--;
        number++;
        if (memchr(at, ' ', size) == NULL)
            sx_buffer_printf(&text, "x%u ", number);
        sx_buffer_add(&text, at, size);
        at += size;
    }
    sx_buffer_add(&text, at, strlen(at));
    copy = sx_arena_strndup(arena, text.data, text.size);
    sx_buffer_free(&text);
    return copy;
}

/* A name that a text could call: not a word of expressions, not what the compiler does itself. */
static bool is_callable(const char *name)
{
    static const char *const taken[] = {"and",  "or",   "not",  "in",   "is",   "null",    "true", "false",
                                        "case", "when", "then", "else", "end",  "between", "like", "as",
                                        "if",   "try",  "now",  "fold", "cast", "map",     "where"};

    for (size_t i = 0; i < SX_COUNT(taken); i++)
        if (strcmp(name, taken[i]) == 0)
            return false;
    return !(name[0] >= '0' && name[0] <= '9');
}

static bool same_parameters(const struct sx_signature *a, const struct sx_signature *b)
{
    if (strcmp(a->name, b->name) != 0 || a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (strcmp(a->parameters[i].type, b->parameters[i].type) != 0)
            return false;
    return true;
}

/* Is there a row that takes the same? Rows of the engine are right, so reading them cannot fail. */
static bool is_there(const struct sx_catalog *c, int kind, const struct sx_signature *signature)
{
    uint32_t tables = kind == SX_ADDED_FUNCTION ? c->function_table_count : c->aggregate_table_count;
    struct sx_arena arena;
    struct sx_signature other;
    bool found = false;

    sx_arena_init(&arena, 0);
    for (uint32_t t = 0; t < tables && !found; t++) {
        uint32_t rows = kind == SX_ADDED_FUNCTION ? c->functions[t]->count : c->aggregates[t]->count;

        for (uint32_t r = 0; r < rows && !found; r++) {
            const char *text = kind == SX_ADDED_FUNCTION ? c->functions[t]->rows[r].signature
                                                         : c->aggregates[t]->rows[r].signature;
            found = sx_signature_parse(text, &arena, &other, NULL) == STREAMD_OK &&
                    same_parameters(&other, signature);
        }
    }
    sx_arena_free(&arena);
    return found;
}

static streamd_status check_types(const struct sx_signature *s, const char *text, streamd_error **error)
{
    static const char *const types[] = {"bool", "int",       "double", "string", "bytes",
                                        "date", "timestamp", "time",   "any",    "duration"};
    const char *unknown = sx_signature_unknown(s), *near;

    if (unknown == NULL)
        return STREAMD_OK;
    if (unknown == s->result && (strcmp(unknown, "any") == 0 || (unknown[0] <= 'Z' && unknown[1] == '\0')))
        return sx_fail(error, STREAMD_E_TYPE, "the result `%s` does not follow from the parameters: %s",
                       unknown, text);
    near = strcmp(unknown, "float") == 0 ? "double" : sx_nearest(unknown, types, SX_COUNT(types));
    if (near != NULL)
        return sx_fail(error, STREAMD_E_TYPE, "`%s` is no type of a signature, did you mean `%s`?: %s",
                       unknown, near, text);
    return sx_fail(error, STREAMD_E_TYPE, "`%s` is no type of a signature: %s", unknown, text);
}

static streamd_status check(const streamd_catalog *catalog, const struct streamd_extension *e,
                            const char *text, streamd_error **error)
{
    streamd_status status = check_types(&e->signature, text, error);

    if (status != STREAMD_OK || e->kind == SX_ADDED_OPERATOR)
        return status;
    if (!is_callable(e->signature.name))
        return sx_fail(error, STREAMD_E_NAME, "nothing can be called `%s`", e->signature.name);
    if (is_there(&catalog->catalog, e->kind, &e->signature))
        return sx_fail(error, STREAMD_E_NAME, "there is a `%s` that takes the same types", e->signature.name);
    return STREAMD_OK;
}

struct streamd_extension *sx_extension_new(streamd_catalog *catalog, const char *signature, int kind,
                                           streamd_status *status, streamd_error **error)
{
    struct streamd_extension *e;

    if (error != NULL)
        *error = NULL;
    if (catalog == NULL || signature == NULL) {
        *status = sx_fail(error, STREAMD_E_ARGUMENT, "the catalogue or the signature is missing");
        return NULL;
    }
    e = SX_ARENA_NEW(&catalog->arena, struct streamd_extension);
    e->catalog = catalog;
    e->kind = kind;
    signature = with_names(&catalog->arena, signature);
    e->function.signature = e->aggregate.def.signature = sx_arena_strdup(&catalog->arena, signature);
    *status = sx_signature_parse(signature, &catalog->arena, &e->signature, error);
    if (*status == STREAMD_OK)
        *status = check(catalog, e, signature, error);
    return *status == STREAMD_OK ? e : NULL;
}

/* One more pointer at the end of a list, which may be in use as it is. */
static const void *longer(struct sx_arena *arena, const void *items, uint32_t *count, const void *item)
{
    const void **more = SX_ARENA_ARRAY(arena, const void *, *count + 1);

    if (*count)
        memcpy(more, items, sizeof(*more) * *count);
    more[(*count)++] = item;
    return more;
}

void sx_extension_add(struct streamd_extension *e, streamd_function_fn fn, void *arg, streamd_extension **out)
{
    streamd_catalog *c = e->catalog;
    struct sx_catalog *rows = &c->catalog;

    e->fn = fn;
    e->arg = arg;
    e->next = c->rows;
    c->rows = e;
    if (e->kind == SX_ADDED_FUNCTION)
        rows->functions = longer(&c->arena, rows->functions, &rows->function_table_count, &e->functions);
    else if (e->kind == SX_ADDED_AGGREGATE)
        rows->aggregates =
            longer(&c->arena, rows->aggregates, &rows->aggregate_table_count, &e->aggregate.table);
    else
        rows->operators = longer(&c->arena, rows->operators, &rows->operator_count, &e->op.def);
    if (out != NULL)
        *out = e;
}

/* ---- Functions ------------------------------------------------------------------------------- */

static struct sx_value function_called(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    const struct streamd_extension *e = call->arg;
    struct streamd_value boxes[SX_CALL_ARGS_MAX];
    streamd_call c;
    struct sx_value result;

    sx_call_begin(&c, call->arena, call->result, boxes, args, call->types, count);
    e->fn(&c, e->arg);
    result = sx_call_end(&c);
    return c.failed ? sx_call_fail(call, "%s", c.message) : result;
}

streamd_status streamd_catalog_add_function(streamd_catalog *catalog, const char *signature,
                                            streamd_function_fn fn, void *arg, streamd_extension **extension,
                                            streamd_error **error)
{
    streamd_status status;
    struct streamd_extension *e = sx_extension_new(catalog, signature, SX_ADDED_FUNCTION, &status, error);

    if (e == NULL)
        return status;
    if (fn == NULL)
        return sx_fail(error, STREAMD_E_ARGUMENT, "the function has no callback: %s", signature);
    e->function.summary = "A function of the program.";
    e->function.fn = function_called;
    e->function.arg = e;
    e->functions = (struct sx_function_table){.family = "program", .rows = &e->function, .count = 1};
    sx_extension_add(e, fn, arg, extension);
    return STREAMD_OK;
}

/* ---- Aggregates ------------------------------------------------------------------------------ */

/* The callbacks' part of a state, begun if need be. */
static void *state_of(const struct streamd_extension *e, void *fixed)
{
    char *state = fixed;

    if (e->aggregate.start == NULL)
        return state;
    if (*(int64_t *)fixed == 0) {
        *(int64_t *)fixed = 1;
        e->aggregate.start(state + STARTED_BYTES, e->arg);
    }
    return state + STARTED_BYTES;
}

static void stepped(streamd_step_fn fn, struct sx_call *call, struct sx_aggregate_state *state,
                    const struct sx_value *args, uint32_t count)
{
    const struct streamd_extension *e = call->arg;
    struct streamd_value boxes[AGGREGATE_ARGS_MAX];
    streamd_call c;

    sx_call_begin(&c, call->arena, NULL, boxes, args, call->types, count);
    c.state = state->variable;
    fn(&c, state_of(e, state->fixed), e->arg);
    sx_call_end(&c);
    if (c.failed)
        sx_call_fail(call, "%s", c.message);
    else
        state->variable = c.state;
}

static void added(struct sx_call *call, struct sx_aggregate_state *state, const struct sx_value *args,
                  uint32_t count)
{
    stepped(((const struct streamd_extension *)call->arg)->aggregate.step, call, state, args, count);
}

static void retracted(struct sx_call *call, struct sx_aggregate_state *state, const struct sx_value *args,
                      uint32_t count)
{
    stepped(((const struct streamd_extension *)call->arg)->aggregate.retract, call, state, args, count);
}

static void merged(struct sx_call *call, struct sx_aggregate_state *state,
                   const struct sx_aggregate_state *from)
{
    const struct streamd_extension *e = call->arg;
    void *other = sx_arena_zero(call->arena, e->aggregate.def.fixed_bytes + 1);
    streamd_call c;

    memcpy(other, from->fixed, e->aggregate.def.fixed_bytes); /* start may have to run in it */
    sx_call_begin(&c, call->arena, NULL, NULL, NULL, NULL, 0);
    c.state = state->variable;
    c.other_state = from->variable;
    e->aggregate.merge(&c, state_of(e, state->fixed), state_of(e, other), e->arg);
    sx_call_end(&c);
    if (c.failed)
        sx_call_fail(call, "%s", c.message);
    else
        state->variable = c.state;
}

static struct sx_value result_of(struct sx_call *call, const struct sx_aggregate_state *state)
{
    const struct streamd_extension *e = call->arg;
    void *fixed = state->fixed;
    struct sx_value result;
    streamd_call c;

    if (e->aggregate.start != NULL) { /* which may have to run, and a result changes nothing */
        fixed = sx_arena_zero(call->arena, e->aggregate.def.fixed_bytes);
        memcpy(fixed, state->fixed, e->aggregate.def.fixed_bytes);
    }
    sx_call_begin(&c, call->arena, call->result, NULL, NULL, NULL, 0);
    c.state = state->variable;
    e->aggregate.result(&c, state_of(e, fixed), e->arg);
    result = sx_call_end(&c);
    return c.failed ? sx_call_fail(call, "%s", c.message) : result;
}

streamd_status streamd_catalog_add_aggregate(streamd_catalog *catalog, const char *signature,
                                             size_t state_bytes, streamd_step_fn step,
                                             streamd_result_fn result, void *arg,
                                             streamd_extension **extension, streamd_error **error)
{
    streamd_status status;
    struct streamd_extension *e = sx_extension_new(catalog, signature, SX_ADDED_AGGREGATE, &status, error);

    if (e == NULL)
        return status;
    if (step == NULL || result == NULL)
        return sx_fail(error, STREAMD_E_ARGUMENT, "the aggregate has no step or no result: %s", signature);
    if (state_bytes > STATE_BYTES_MAX)
        return sx_fail(error, STREAMD_E_ARGUMENT,
                       "a state has at most %d bytes; keep bytes beside it instead", STATE_BYTES_MAX);
    if (e->signature.count > AGGREGATE_ARGS_MAX)
        return sx_fail(error, STREAMD_E_ARGUMENT, "an aggregate takes at most %d arguments: %s",
                       AGGREGATE_ARGS_MAX, signature);
    e->aggregate.step = step;
    e->aggregate.result = result;
    e->aggregate.state_bytes = (uint32_t)state_bytes;
    e->aggregate.def.summary = "An aggregate of the program.";
    e->aggregate.def.fixed_bytes = e->aggregate.state_bytes;
    e->aggregate.def.arg = e;
    e->aggregate.def.add = added;
    e->aggregate.def.cannot_retract = "the program gave it no callback that takes a row back";
    e->aggregate.def.result_of = result_of;
    e->aggregate.table =
        (struct sx_aggregate_table){.family = "program", .rows = &e->aggregate.def, .count = 1};
    sx_extension_add(e, NULL, arg, extension);
    return STREAMD_OK;
}

void streamd_aggregate_on_start(streamd_extension *e, streamd_start_fn fn)
{
    e->aggregate.start = fn;
    e->aggregate.def.fixed_bytes = e->aggregate.state_bytes + (fn ? STARTED_BYTES : 0);
}

void streamd_aggregate_on_retract(streamd_extension *e, streamd_step_fn fn)
{
    e->aggregate.retract = fn;
    e->aggregate.def.retract = fn ? retracted : NULL;
}

void streamd_aggregate_on_merge(streamd_extension *e, streamd_merge_fn fn)
{
    e->aggregate.merge = fn;
    e->aggregate.def.merge = fn ? merged : NULL;
}

void streamd_aggregate_keep_bytes(streamd_extension *e) { e->aggregate.def.variable = true; }

/* ---- Kept bytes ------------------------------------------------------------------------------ */

static streamd_bytes bytes_of(struct sx_slice slice) { return (streamd_bytes){slice.data, slice.size}; }

streamd_bytes streamd_call_state(const streamd_call *call)
{
    return call->state.size || call->op ? bytes_of(call->state) : (streamd_bytes){NULL, 0};
}

streamd_bytes streamd_call_other_state(const streamd_call *call) { return bytes_of(call->other_state); }

void streamd_call_set_state(streamd_call *call, const void *data, size_t bytes)
{
    if (bytes > INT32_MAX) {
        sx_call_failed(call, "the callback keeps more than 2 GiB");
        return;
    }
    call->state = data ? sx_arena_copy(call->arena, sx_slice(data, bytes)) : SX_SLICE_NONE;
    call->state_changed = true;
}
