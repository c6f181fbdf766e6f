/* eval.c: the loop over a program's steps, and the steps that steer it. */
#include "engine/expr/eval.h"

#include <stdlib.h>

/* ---- Life ------------------------------------------------------------------------------------ */

/* A value for all rows. */
static void set_constant(struct sx_register *r, const struct sx_type *type, struct sx_value value)
{
    r->constant = true;
    memset(&r->one, 0, sizeof(r->one));
    r->one_null = value.kind == SX_NULL;
    r->column.type = type;
    r->column.data = &r->one;
    r->column.nulls = r->one_null ? &r->one_null : NULL;
    if (!r->one_null)
        sx_column_set(&r->column, 0, value);
}

static void prepare_call(struct sx_evaluator *e, const struct sx_step *step)
{
    struct sx_call *call = &e->calls[step->number];
    const struct sx_program *program = e->program;
    const struct sx_value **constants;

    call->arena = &e->own;
    call->result = program->registers[step->to].type;
    call->types = step->types;
    call->arg = step->function->arg;
    if (step->function->prepare == NULL)
        return;
    constants = sx_arena_alloc(&e->own, sizeof(*constants) * (step->count + 1));
    for (uint32_t i = 0; i < step->count; i++) {
        const struct sx_register_plan *r = &program->registers[step->args[i]];

        constants[i] = r->source == SX_FROM_CONSTANT ? &r->value : NULL;
    }
    call->site = step->function->prepare(call, constants, step->count);
    call->failed = false;
}

struct sx_evaluator *sx_evaluator_new(const struct sx_program *program)
{
    struct sx_evaluator *e = sx_calloc(1, sizeof(*e));

    e->program = program;
    e->result = program->result;
    e->registers = sx_calloc(program->register_count + 1, sizeof(*e->registers));
    e->stack = sx_calloc(program->depth + 2, sizeof(*e->stack));
    e->failed = sx_calloc(program->tries + 1, sizeof(*e->failed));
    e->calls = sx_calloc(program->call_count + 1, sizeof(*e->calls));
    e->loops = sx_calloc(program->loop_count + 1, sizeof(*e->loops));
    e->args = sx_calloc(program->args + 1, sizeof(*e->args));
    sx_arena_init(&e->own, 1024);
    for (uint32_t r = 0; r < program->register_count; r++) {
        e->registers[r].column.type = program->registers[r].type;
        if (program->registers[r].source == SX_FROM_CONSTANT)
            set_constant(&e->registers[r], program->registers[r].type, program->registers[r].value);
    }
    for (uint32_t s = 0; s < program->step_count; s++)
        if (program->steps[s].op == SX_OP_CALL)
            prepare_call(e, &program->steps[s]);
        else if (program->steps[s].op == SX_OP_APPLY)
            e->loops[program->steps[s].number] = sx_loop_new(program, &program->steps[s]);
    return e;
}

static void free_buffers(struct sx_evaluator *e)
{
    for (uint32_t r = 0; r < e->program->register_count; r++) {
        free(e->registers[r].data);
        free(e->registers[r].nulls);
        e->registers[r].data = NULL;
        e->registers[r].nulls = NULL;
    }
    for (uint32_t d = 0; d < e->program->depth + 2; d++) {
        free(e->stack[d].own);
        e->stack[d].own = NULL;
    }
    for (uint32_t t = 0; t <= e->program->tries; t++) {
        free(e->failed[t]);
        e->failed[t] = NULL;
    }
}

void sx_evaluator_free(struct sx_evaluator *e)
{
    if (e == NULL)
        return;
    for (uint32_t s = 0; s < e->program->step_count; s++) {
        const struct sx_step *step = &e->program->steps[s];

        if (step->op == SX_OP_CALL && step->function->release != NULL && e->calls[step->number].site != NULL)
            step->function->release(e->calls[step->number].site);
    }
    for (uint32_t l = 0; l < e->program->loop_count; l++)
        sx_loop_free(e->loops[l]);
    free_buffers(e);
    sx_arena_free(&e->own);
    free(e->registers);
    free(e->stack);
    free(e->failed);
    free(e->calls);
    free(e->loops);
    free(e->args);
    free(e);
}

/* ---- Registers ------------------------------------------------------------------------------- */

struct sx_column *sx_eval_begin(struct sx_evaluator *e, uint16_t to)
{
    struct sx_register *r = &e->registers[to];

    if (to == e->result) {
        r->column = sx_column_new(e->arena, r->column.type, e->batch->rows);
    } else {
        if (r->data == NULL)
            r->data = sx_malloc(e->room * sx_column_width(r->column.type->kind));
        r->column.data = r->data;
    }
    r->column.nulls = NULL;
    return &r->column;
}

uint64_t *sx_eval_nulls(struct sx_evaluator *e, uint16_t to)
{
    struct sx_register *r = &e->registers[to];
    const size_t bytes = SX_BITMAP_WORDS(e->batch->rows) * sizeof(uint64_t);

    if (r->column.nulls != NULL)
        return r->column.nulls;
    if (to == e->result) {
        r->column.nulls = sx_arena_alloc(e->arena, bytes);
    } else {
        if (r->nulls == NULL)
            r->nulls = sx_malloc(SX_BITMAP_WORDS(e->room) * sizeof(uint64_t));
        r->column.nulls = r->nulls;
    }
    return memset(r->column.nulls, 0, bytes);
}

bool sx_eval_merge_nulls(struct sx_evaluator *e, uint16_t to, uint16_t a, uint16_t b)
{
    const struct sx_register *ra = &e->registers[a], *rb = &e->registers[b];
    const uint32_t words = SX_BITMAP_WORDS(e->batch->rows);
    uint64_t *nulls;

    if (SX_LIKELY(ra->column.nulls == NULL && rb->column.nulls == NULL))
        return true;
    nulls = sx_eval_nulls(e, to);
    if ((ra->constant && ra->column.nulls != NULL) || (rb->constant && rb->column.nulls != NULL)) {
        memset(nulls, 0xff, words * sizeof(*nulls));
        return false;
    }
    for (uint32_t w = 0; w < words; w++)
        nulls[w] =
            (ra->column.nulls ? ra->column.nulls[w] : 0) | (rb->column.nulls ? rb->column.nulls[w] : 0);
    return true;
}

/* ---- Failures -------------------------------------------------------------------------------- */

static void begin_scope(struct sx_evaluator *e)
{
    uint64_t **failed = &e->failed[e->scope];

    if (*failed == NULL)
        *failed = sx_malloc(SX_BITMAP_WORDS(e->room) * sizeof(uint64_t));
    memset(*failed, 0, SX_BITMAP_WORDS(e->batch->rows) * sizeof(uint64_t));
}

static void add_failure(struct sx_evaluator *e, struct sx_row_failure failure)
{
    struct sx_row_failures *to = e->failures;

    if (to->count == to->room) {
        struct sx_row_failure *items;

        to->room = to->room ? 2 * to->room : 8;
        items = sx_arena_alloc(e->arena, sizeof(*items) * to->room);
        if (to->count)
            memcpy(items, to->items, sizeof(*items) * to->count);
        to->items = items;
    }
    to->items[to->count++] = failure;
}

void sx_eval_fail_at(struct sx_evaluator *e, uint16_t to, uint32_t row, struct sx_position at,
                     const char *message)
{
    uint64_t *failed;

    sx_bit_set(sx_eval_nulls(e, to), row);
    if (e->scope == 0 && !e->any_failed) {
        begin_scope(e);
        e->any_failed = true;
    }
    failed = e->failed[e->scope];
    if (sx_bit(failed, row))
        return;
    sx_bit_set(failed, row);
    if (e->scope == 0)
        add_failure(e, (struct sx_row_failure){row, at, message});
}

void sx_eval_fail(struct sx_evaluator *e, const struct sx_step *step, uint32_t row, const char *message)
{
    sx_eval_fail_at(e, step->to, row, step->at, message);
}

/* The rows that failed since TRY are null; whatever became of them since. */
static void end_try(struct sx_evaluator *e, uint16_t to)
{
    const uint64_t *failed = e->failed[e->scope--];

    for (SX_ROWS_EACH(sx_eval_rows(e), k, row)) {
        if (sx_bit(failed, row))
            sx_bit_set(sx_eval_nulls(e, to), row);
    }
}

/* ---- Selections ------------------------------------------------------------------------------ */

static uint16_t *own_rows(struct sx_evaluator *e, uint32_t depth)
{
    if (e->stack[depth].own == NULL)
        e->stack[depth].own = sx_malloc(sizeof(uint16_t) * e->room);
    return e->stack[depth].own;
}

static void push(struct sx_evaluator *e)
{
    const struct sx_rows *rows = sx_eval_rows(e);
    struct sx_rows *above = &e->stack[++e->depth];

    above->sel = rows->sel;
    above->count = rows->count;
}

/* Push the rows where a bool is not `unless` (null counts as not). False: there are none. */
static bool narrow(struct sx_evaluator *e, const struct sx_register *a, bool unless)
{
    const struct sx_rows *rows = sx_eval_rows(e);
    uint16_t *to = own_rows(e, e->depth + 1);
    struct sx_rows *above = &e->stack[++e->depth];
    uint32_t count = 0;

    /* Every row is written and only counted if it stays: no branch to predict. */
    if (a->column.nulls == NULL && !a->constant && rows->sel == NULL) {
        for (uint32_t row = 0; row < rows->count; row++) {
            to[count] = (uint16_t)row;
            count += a->column.b[row] != unless;
        }
    } else {
        for (SX_ROWS_EACH(rows, k, row)) {
            to[count] = (uint16_t)row;
            count += sx_register_is_null(a, row) || a->column.b[sx_at(a, row)] != unless;
        }
    }
    above->sel = to;
    above->count = count;
    return count > 0;
}

/* Push the rows where a is true, and take them off the selection below. */
static bool split(struct sx_evaluator *e, const struct sx_register *a)
{
    uint16_t *rest = own_rows(e, e->depth), *taken = own_rows(e, e->depth + 1);
    struct sx_rows *below = &e->stack[e->depth], *above = &e->stack[++e->depth];
    uint32_t rest_count = 0, taken_count = 0;

    for (SX_ROWS_EACH(below, k, row)) {
        if (!sx_register_is_null(a, row) && a->column.b[sx_at(a, row)])
            taken[taken_count++] = (uint16_t)row;
        else
            rest[rest_count++] = (uint16_t)row;
    }
    below->sel = rest;
    below->count = rest_count;
    above->sel = taken;
    above->count = taken_count;
    return taken_count > 0;
}

/* Write a into `to` for the rows in hand. */
static void move(struct sx_evaluator *e, uint16_t to, const struct sx_register *a)
{
    for (SX_ROWS_EACH(sx_eval_rows(e), k, row))
        sx_eval_put(e, to, row, sx_register_get(a, row));
}

/* The same; the rows where a is null stay selected. */
static void fill(struct sx_evaluator *e, uint16_t to, const struct sx_register *a)
{
    uint16_t *rest = own_rows(e, e->depth);
    struct sx_rows *rows = &e->stack[e->depth];
    uint32_t count = 0;

    for (SX_ROWS_EACH(rows, k, row)) {
        if (sx_register_is_null(a, row))
            rest[count++] = (uint16_t)row;
        else
            sx_eval_put(e, to, row, sx_register_get(a, row));
    }
    rows->sel = rest;
    rows->count = count;
}

/* ---- Logic ----------------------------------------------------------------------------------- */

/* a was evaluated for all rows, b only for those that a did not decide: for the others b is anything, and
 * if there were none b was not even begun. `decides`: false for `and`, true for `or`. */
static void combine(struct sx_evaluator *e, const struct sx_step *step, bool decides, bool all_decided)
{
    const struct sx_register *a = &e->registers[step->a], *b = &e->registers[step->b];
    const struct sx_rows here = *sx_eval_rows(e), *rows = &here; /* not changed by what is written */
    struct sx_column *to = sx_eval_begin(e, step->to);

    if (all_decided) {
        for (SX_ROWS_EACH(rows, k, row))
            to->b[row] = decides;
        return;
    }
    if (a->column.nulls == NULL && b->column.nulls == NULL && !a->constant && !b->constant) {
        const uint8_t *as = a->column.b, *bs = b->column.b;
        uint8_t *out = to->b;

        /* Without a branch: which way it goes cannot be predicted. */
        for (SX_ROWS_EACH(rows, k, row))
            out[row] = decides ? as[row] | (bs[row] & (uint8_t)(as[row] - 1)) : as[row] & bs[row];
        return;
    }
    for (SX_ROWS_EACH(rows, k, row)) {
        const bool a_null = sx_register_is_null(a, row), b_null = sx_register_is_null(b, row);

        if ((!a_null && a->column.b[sx_at(a, row)] == decides) ||
            (!b_null && b->column.b[sx_at(b, row)] == decides))
            to->b[row] = decides;
        else if (a_null || b_null)
            sx_bit_set(sx_eval_nulls(e, step->to), row);
        else
            to->b[row] = !decides;
    }
}

static void invert(struct sx_evaluator *e, const struct sx_step *step)
{
    const struct sx_register *a = &e->registers[step->a];
    struct sx_column *to = sx_eval_begin(e, step->to);

    if (!sx_eval_merge_nulls(e, step->to, step->a, step->a))
        return;
    for (SX_ROWS_EACH(sx_eval_rows(e), k, row))
        to->b[row] = !a->column.b[sx_at(a, row)];
}

static void is_null(struct sx_evaluator *e, const struct sx_step *step)
{
    const struct sx_register *a = &e->registers[step->a];
    struct sx_column *to = sx_eval_begin(e, step->to);

    for (SX_ROWS_EACH(sx_eval_rows(e), k, row))
        to->b[row] = sx_register_is_null(a, row);
}

/* Bits that stay (another kind), or ints that become doubles. */
static void convert(struct sx_evaluator *e, const struct sx_step *step)
{
    const struct sx_register *a = &e->registers[step->a];
    struct sx_column *to = sx_eval_begin(e, step->to);

    if (!sx_eval_merge_nulls(e, step->to, step->a, step->a))
        return;
    for (SX_ROWS_EACH(sx_eval_rows(e), k, row)) {
        if (step->op == SX_OP_RETAG)
            to->i[row] = a->column.i[sx_at(a, row)];
        else
            to->d[row] = (double)a->column.i[sx_at(a, row)];
    }
}

/* ---- The loop -------------------------------------------------------------------------------- */

static void run(struct sx_evaluator *e)
{
    const struct sx_step *steps = e->program->steps;
    const uint32_t count = e->program->step_count;
    bool all_decided = false; /* from a NARROW that found no row, to the AND or OR that it jumps to */

    for (uint32_t s = 0; s < count; s++) {
        const struct sx_step *step = &steps[s];
        const struct sx_register *a = &e->registers[step->a];

        switch ((enum sx_opcode)step->op) {
        case SX_OP_ADD_INT ... SX_OP_ADD_STRING:
            sx_eval_arithmetic(e, step);
            break;
        case SX_OP_COMPARE_INT ... SX_OP_COMPARE_VALUE:
            sx_eval_compare(e, step);
            break;
        case SX_OP_IN:
        case SX_OP_IN_SET:
            sx_eval_in(e, step);
            break;
        case SX_OP_NOT:
            invert(e, step);
            break;
        case SX_OP_IS_NULL:
            is_null(e, step);
            break;
        case SX_OP_NARROW_AND:
        case SX_OP_NARROW_OR:
            all_decided = !narrow(e, a, step->op == SX_OP_NARROW_OR);
            if (all_decided)
                s = step->jump - 1;
            break;
        case SX_OP_AND:
        case SX_OP_OR:
            e->depth--;
            combine(e, step, step->op == SX_OP_OR, all_decided);
            all_decided = false;
            break;
        case SX_OP_NEW:
            sx_eval_begin(e, step->to);
            break;
        case SX_OP_PUSH:
            push(e);
            break;
        case SX_OP_POP:
            e->depth--;
            break;
        case SX_OP_SPLIT:
            if (!split(e, a))
                s = step->jump - 1;
            break;
        case SX_OP_MOVE:
            move(e, step->to, a);
            break;
        case SX_OP_FILL:
            fill(e, step->to, a);
            break;
        case SX_OP_TRY:
            e->scope++;
            begin_scope(e);
            break;
        case SX_OP_TRY_END:
            end_try(e, step->to);
            break;
        case SX_OP_RETAG:
        case SX_OP_INT_TO_DOUBLE:
            convert(e, step);
            break;
        case SX_OP_CALL:
            sx_eval_call(e, step);
            break;
        case SX_OP_APPLY:
            sx_eval_apply(e, step);
            break;
        case SX_OP_TOPIC ... SX_OP_WINDOW_END:
            sx_eval_metadata(e, step);
            break;
        default:
            sx_eval_nested(e, step);
            break;
        }
    }
}

static void load(struct sx_evaluator *e, const struct sx_value *variables)
{
    const struct sx_program *program = e->program;

    for (uint32_t i = 0; i < program->register_count; i++) {
        const struct sx_register_plan *plan = &program->registers[i];
        struct sx_register *r = &e->registers[i];

        switch (plan->source) {
        case SX_FROM_COLUMN:
            r->column = e->batch->columns[plan->number];
            break;
        case SX_FROM_VARIABLE:
            set_constant(r, plan->type, variables[plan->number]);
            break;
        case SX_FROM_TIMESTAMP:
            r->column.data = (void *)(uintptr_t)e->batch->ts; /* read only */
            break;
        default:
            break;
        }
    }
}

static int by_row(const void *a, const void *b)
{
    uint32_t x = ((const struct sx_row_failure *)a)->row, y = ((const struct sx_row_failure *)b)->row;

    return (x > y) - (x < y);
}

/* A later step may have made something of a row that failed: it is null all the same. */
static void settle_failures(struct sx_evaluator *e, uint32_t first)
{
    struct sx_row_failures *failures = e->failures;

    qsort(failures->items + first, failures->count - first, sizeof(*failures->items), by_row);
    for (uint32_t i = first; i < failures->count; i++)
        sx_bit_set(sx_eval_nulls(e, e->program->result), failures->items[i].row);
}

const struct sx_register *sx_eval_run(struct sx_evaluator *e, const struct sx_batch *batch,
                                      struct sx_rows rows, const struct sx_value *variables,
                                      struct sx_arena *arena, struct sx_row_failures *failures)
{
    const uint32_t first = failures->count;

    if (batch->rows > e->room || e->room == 0) {
        free_buffers(e);
        e->room = SX_MAX(batch->rows, SX_BATCH_ROWS);
    }
    e->batch = batch;
    e->arena = arena;
    e->failures = failures;
    e->depth = e->scope = 0;
    e->any_failed = false;
    e->stack[0].sel = rows.sel;
    e->stack[0].count = rows.count;
    load(e, variables);
    run(e);
    if (SX_UNLIKELY(e->any_failed))
        settle_failures(e, first);
    return &e->registers[e->program->result];
}

/* ---- Ways in --------------------------------------------------------------------------------- */

void sx_eval_column(struct sx_evaluator *e, const struct sx_batch *batch, struct sx_arena *arena,
                    struct sx_column *out, struct sx_row_failures *failures)
{
    const struct sx_register *r =
        sx_eval_run(e, batch, (struct sx_rows){batch->sel, batch->count, NULL}, NULL, arena, failures);

    if (!r->constant && e->program->registers[e->program->result].source != SX_FROM_TIMESTAMP) {
        *out = r->column;
        return;
    }
    *out = sx_column_new(arena, e->program->registers[e->program->result].type, batch->rows);
    if (r->constant && r->column.nulls != NULL)
        memset(sx_column_nulls(out, arena, batch->rows), 0xff,
               SX_BITMAP_WORDS(batch->rows) * sizeof(uint64_t));
    else
        for (SX_EACH_ROW(batch, i, row))
            sx_column_set(out, row, sx_register_get(r, row));
}

void sx_eval_select(struct sx_evaluator *e, const struct sx_batch *batch, struct sx_arena *arena,
                    const uint16_t **sel, uint32_t *count, struct sx_row_failures *failures)
{
    const struct sx_register *r =
        sx_eval_run(e, batch, (struct sx_rows){batch->sel, batch->count, NULL}, NULL, arena, failures);
    uint16_t *rows = sx_arena_alloc(arena, sizeof(*rows) * (batch->count + 1));
    uint32_t n = 0;

    if (r->column.nulls == NULL && !r->constant) {
        for (SX_EACH_ROW(batch, i, row)) {
            rows[n] = (uint16_t)row;
            n += r->column.b[row];
        }
    } else {
        for (SX_EACH_ROW(batch, i, row)) {
            rows[n] = (uint16_t)row;
            n += !sx_register_is_null(r, row) && r->column.b[sx_at(r, row)];
        }
    }
    *sel = rows;
    *count = n;
}

bool sx_eval_row(struct sx_evaluator *e, const struct sx_batch *batch, uint32_t row,
                 const struct sx_value *variables, struct sx_arena *arena, struct sx_value *out,
                 struct sx_row_failures *failures)
{
    const uint16_t one = (uint16_t)row;
    const struct sx_register *r =
        sx_eval_run(e, batch, (struct sx_rows){&one, 1, NULL}, variables, arena, failures);

    if (e->any_failed)
        return false;
    *out = sx_register_get(r, row);
    return true;
}
