/* lambda.c: functions with lambdas, over the elements of many rows at once.
 *
 *   rows      [1, 2, 3]  null  []  [4, 5]        and what the lambda reads from its row, r
 *   runs      1 2 3                4 5
 *   elements  1  2  3  4  5                      columns, at most as long as a batch
 *             r0 r0 r0 r3 r3                     that the body's program runs over
 *
 * What the body gives goes back to the rows run by run; an array that does not fit is continued in the next
 * round. `reduce` needs the value so far, so its elements are the rows: round i takes element i of each row
 * that has one. */
#include "engine/expr/eval.h"

#include <stdlib.h>

#define ROOM SX_BATCH_ROWS

/* Consecutive elements of a row. */
struct run {
    const struct sx_value *items; /* the first of them */
    uint32_t row;
    uint32_t at, count; /* in the columns */
    bool first, last;   /* of the row */
};

struct sx_loop {
    const struct sx_step *step;
    struct sx_evaluator *bodies[2];
    uint32_t parameters, column_count;
    struct sx_column *columns; /* parameters, captures; data NULL: no body reads it */
    uint64_t **nulls;          /* their bitmaps */
    struct run *runs;
    uint16_t *sel; /* of reduce: the rows that go on */
    uint32_t run_count, filled;
    uint32_t stride; /* values of an element: 2 of a map's */

    /* Of the row in hand, which may have begun in an earlier round: */
    struct sx_value *out;   /* where its next element goes */
    struct sx_value *begin; /* and its first one went */
    bool failed, decided, any_null;
};

/* ---- Life ------------------------------------------------------------------------------------ */

static void add_column(struct sx_loop *loop, uint32_t c, const struct sx_type *type)
{
    if (loop->columns[c].data != NULL)
        return;
    loop->columns[c].type = type;
    loop->columns[c].data = sx_malloc(ROOM * sx_column_width(type->kind));
    loop->nulls[c] = sx_malloc(SX_BITMAP_WORDS(ROOM) * sizeof(uint64_t));
}

struct sx_loop *sx_loop_new(const struct sx_program *program, const struct sx_step *step)
{
    const struct sx_lambdas *lambdas = step->lambdas;
    struct sx_loop *loop = sx_calloc(1, sizeof(*loop));

    loop->step = step;
    loop->parameters = lambdas->parameters;
    loop->column_count = lambdas->parameters + lambdas->capture_count;
    loop->columns = sx_calloc(loop->column_count + 1, sizeof(*loop->columns));
    loop->nulls = sx_calloc(loop->column_count + 1, sizeof(*loop->nulls));
    loop->runs = sx_malloc(ROOM * sizeof(*loop->runs));
    loop->sel = sx_malloc(ROOM * sizeof(*loop->sel));
    loop->stride = program->registers[step->args[0]].type->kind == SX_MAP ? 2 : 1;
    for (uint32_t b = 0; b < lambdas->count; b++) {
        const struct sx_program *body = lambdas->bodies[b];

        loop->bodies[b] = sx_evaluator_new(body);
        loop->bodies[b]->result = UINT32_MAX; /* taken at once, so it needs no memory of the batch's */
        for (uint32_t r = 0; r < body->register_count; r++)
            if (body->registers[r].source == SX_FROM_COLUMN)
                add_column(loop, body->registers[r].number, body->registers[r].type);
    }
    if (step->function->over == SX_OVER_REDUCE)
        add_column(loop, 0, program->registers[step->to].type);
    return loop;
}

void sx_loop_free(struct sx_loop *loop)
{
    if (loop == NULL)
        return;
    for (uint32_t c = 0; c < loop->column_count; c++) {
        free(loop->columns[c].data);
        free(loop->nulls[c]);
    }
    for (uint32_t b = 0; b < loop->step->lambdas->count; b++)
        sx_evaluator_free(loop->bodies[b]);
    free(loop->columns);
    free(loop->nulls);
    free(loop->runs);
    free(loop->sel);
    free(loop);
}

/* ---- Values into columns, and back ------------------------------------------------------------ */

static void set_null(struct sx_loop *loop, uint32_t c, uint32_t at)
{
    struct sx_column *column = &loop->columns[c];

    if (column->nulls == NULL)
        column->nulls = memset(loop->nulls[c], 0, SX_BITMAP_WORDS(ROOM) * sizeof(uint64_t));
    sx_column_set(column, at, SX_VALUE_NULL);
}

static void put(struct sx_loop *loop, uint32_t c, uint32_t at, struct sx_value v)
{
    if (v.kind == SX_NULL)
        set_null(loop, c, at);
    else
        sx_column_set(&loop->columns[c], at, v);
}

/* `count` values, `stride` apart; 0: one for all. */
static void unbox(struct sx_loop *loop, uint32_t c, uint32_t at, const struct sx_value *from, uint32_t stride,
                  uint32_t count)
{
    SX_UNBOX(&loop->columns[c], uint32_t k = 0; k < count;
             k++, &from[(size_t)k * stride], at + k, set_null(loop, c, at + k));
}

/* ---- A round ---------------------------------------------------------------------------------- */

/* What the body gave for an element, and where the failures stand that belong to it or come later. */
struct outcome {
    const struct sx_register *given[2];
    struct sx_row_failures failures[2];
    uint32_t next[2]; /* failure */
};

static void run_bodies(struct sx_evaluator *e, struct sx_loop *loop, struct sx_rows rows, uint32_t all,
                       struct outcome *outcome)
{
    const struct sx_batch batch = {.columns = loop->columns, .rows = all, .count = rows.count};

    for (uint32_t b = 0; b < loop->step->lambdas->count && rows.count > 0; b++)
        outcome->given[b] = sx_eval_run(loop->bodies[b], &batch, rows, NULL, e->arena, &outcome->failures[b]);
}

static void fail(struct sx_evaluator *e, struct sx_loop *loop, uint32_t row,
                 const struct sx_row_failure *failure)
{
    loop->failed = true;
    sx_eval_fail_at(e, loop->step->to, row, failure->at, failure->message);
}

/* A failure of an element is its row's. */
static void take_failures(struct sx_evaluator *e, struct sx_loop *loop, const struct run *run,
                          struct outcome *o)
{
    for (uint32_t b = 0; b < loop->step->lambdas->count; b++)
        for (; o->next[b] < o->failures[b].count; o->next[b]++) {
            const struct sx_row_failure *failure = &o->failures[b].items[o->next[b]];

            if (failure->row >= run->at + run->count)
                break;
            fail(e, loop, run->row, failure);
        }
}

static bool is_true(const struct sx_register *r, uint32_t at)
{
    return !sx_register_is_null(r, at) && r->column.b[sx_at(r, at)];
}

static void keep(struct sx_loop *loop, const struct run *run, const struct sx_register *given)
{
    for (uint32_t k = 0; k < run->count; k++)
        if (is_true(given, run->at + k)) {
            memcpy(loop->out, run->items + (size_t)k * loop->stride, sizeof(*loop->out) * loop->stride);
            loop->out += loop->stride;
        }
}

/* As `or` and `and`: what stands behind the element that decides does not matter, and cannot fail. */
static void decide(struct sx_evaluator *e, struct sx_loop *loop, const struct run *run, struct outcome *o,
                   bool decides)
{
    const struct sx_row_failures *failures = &o->failures[0];
    uint32_t *next = &o->next[0];

    for (uint32_t at = run->at; at < run->at + run->count && !loop->decided && !loop->failed; at++) {
        if (*next < failures->count && failures->items[*next].row == at)
            fail(e, loop, run->row, &failures->items[*next]);
        else if (sx_register_is_null(o->given[0], at))
            loop->any_null = true;
        else
            loop->decided = o->given[0]->column.b[sx_at(o->given[0], at)] == decides;
    }
    while (*next < failures->count && failures->items[*next].row < run->at + run->count)
        ++*next;
}

static void finish_row(struct sx_evaluator *e, struct sx_loop *loop, uint32_t row)
{
    const bool is_map = loop->stride == 2, any = loop->step->function->over == SX_OVER_ANY;
    struct sx_value v = {.items = loop->begin,
                         .size = (uint32_t)(loop->out - loop->begin) / loop->stride,
                         .kind = is_map ? SX_MAP : SX_ARRAY};

    switch (loop->step->function->over) {
    case SX_OVER_TRANSFORM:
        for (uint32_t i = 0; is_map && i < v.size; i++) {
            if (loop->begin[(size_t)2 * i].kind == SX_NULL) {
                sx_eval_fail(e, loop->step, row, "a key of a map is null");
                return;
            }
        }
        if (is_map)
            v.size = sx_value_sort_map(loop->begin, v.size);
        break;
    case SX_OVER_ANY:
    case SX_OVER_ALL:
        v = loop->decided ? sx_value_bool(any) : loop->any_null ? SX_VALUE_NULL : sx_value_bool(!any);
        break;
    default:
        break;
    }
    sx_eval_put(e, loop->step->to, row, v);
}

/* Run the bodies over what is gathered, and give the runs what is theirs. */
static void finish_round(struct sx_evaluator *e, struct sx_loop *loop)
{
    const enum sx_over over = loop->step->function->over;
    const struct sx_rows elements = {NULL, loop->filled, NULL};
    struct outcome outcome = {0};

    run_bodies(e, loop, elements, loop->filled, &outcome);
    for (uint32_t b = 0; over == SX_OVER_TRANSFORM && b < loop->step->lambdas->count && loop->filled; b++)
        sx_box(outcome.given[b], &elements, loop->out + b, loop->stride);
    for (uint32_t r = 0; r < loop->run_count; r++) {
        const struct run *run = &loop->runs[r];

        if (run->first) {
            loop->begin = loop->out;
            loop->failed = loop->decided = loop->any_null = false;
        }
        if (over == SX_OVER_ANY || over == SX_OVER_ALL)
            decide(e, loop, run, &outcome, over == SX_OVER_ANY);
        else
            take_failures(e, loop, run, &outcome);
        if (over == SX_OVER_TRANSFORM)
            loop->out += (size_t)run->count * loop->stride;
        else if (over == SX_OVER_FILTER && run->count)
            keep(loop, run, outcome.given[0]);
        if (run->last && !loop->failed)
            finish_row(e, loop, run->row);
    }
    loop->run_count = loop->filled = 0;
    for (uint32_t c = 0; c < loop->column_count; c++)
        loop->columns[c].nulls = NULL;
}

static void gather_captures(struct sx_evaluator *e, struct sx_loop *loop, const struct run *run)
{
    const uint16_t *captures = loop->step->args + sx_over_values(loop->step->function->over);

    for (uint32_t c = loop->parameters; c < loop->column_count; c++) {
        struct sx_value v = sx_register_get(&e->registers[captures[c - loop->parameters]], run->row);

        unbox(loop, c, run->at, &v, 0, run->count);
    }
}

static void gather_row(struct sx_evaluator *e, struct sx_loop *loop, uint32_t row, struct sx_value whole)
{
    uint32_t from = 0;

    do {
        struct run *run = &loop->runs[loop->run_count++];

        *run = (struct run){whole.items + (size_t)from * loop->stride,      row,       loop->filled,
                            SX_MIN(whole.size - from, ROOM - loop->filled), from == 0, false};
        for (uint32_t c = 0; c < loop->parameters; c++)
            if (loop->columns[c].data != NULL)
                unbox(loop, c, run->at, run->items + c, loop->stride, run->count);
        gather_captures(e, loop, run);
        loop->filled += run->count;
        from += run->count;
        run->last = from == whole.size;
        if (loop->filled == ROOM || loop->run_count == ROOM)
            finish_round(e, loop);
    } while (from < whole.size);
}

/* ---- Reduce ------------------------------------------------------------------------------------ */

/* The value so far becomes what the body gave. */
static void go_on(struct sx_loop *loop, const struct sx_register *given, uint32_t count)
{
    struct sx_column *acc = &loop->columns[0];
    const uint16_t *sel = loop->sel;

    if (given->constant || given->column.nulls != NULL || acc->nulls != NULL ||
        sx_column_width(acc->type->kind) != sizeof(*acc->i))
        for (uint32_t k = 0; k < count; k++)
            put(loop, 0, sel[k], sx_register_get(given, sel[k]));
    else
        for (uint32_t k = 0; k < count; k++)
            acc->i[sel[k]] = given->column.i[sel[k]];
}

/* Round `i` for the rows that are selected: element i of each. Returns how many have another one. */
static uint32_t reduce_round(struct sx_evaluator *e, struct sx_loop *loop, uint32_t i, uint32_t count)
{
    const uint16_t *sel = loop->sel;
    struct outcome o = {0};
    uint32_t left = 0;

    for (uint32_t c = 1; c < loop->parameters; c++) {
        const size_t part = (size_t)i * loop->stride + c - 1;

        loop->columns[c].nulls = NULL;
        if (loop->columns[c].data != NULL)
            SX_UNBOX(&loop->columns[c], uint32_t k = 0; k < count;
                     k++, &loop->runs[sel[k]].items[part], sel[k], set_null(loop, c, sel[k]));
    }
    run_bodies(e, loop, (struct sx_rows){loop->sel, count, NULL}, loop->run_count, &o);
    go_on(loop, o.given[0], count);
    for (uint32_t k = 0; k < count; k++) {
        const uint16_t at = loop->sel[k];
        struct run *run = &loop->runs[at];

        if (o.next[0] < o.failures[0].count && o.failures[0].items[o.next[0]].row == at) {
            fail(e, loop, run->row, &o.failures[0].items[o.next[0]++]);
            run->last = true;
            continue;
        }
        loop->sel[left] = at;
        left += run->count > i + 1;
    }
    return left;
}

/* The rows that are gathered, a run each. */
static void reduce(struct sx_evaluator *e, struct sx_loop *loop)
{
    const struct sx_register *initial = &e->registers[loop->step->args[1]];
    uint32_t count = 0;

    for (uint32_t r = 0; r < loop->run_count; r++) {
        struct run of_row = loop->runs[r];

        of_row.count = 1; /* its captures stand once */
        gather_captures(e, loop, &of_row);
        put(loop, 0, r, sx_register_get(initial, of_row.row));
        if (loop->runs[r].count > 0)
            loop->sel[count++] = (uint16_t)r;
    }
    for (uint32_t i = 0; count > 0; i++)
        count = reduce_round(e, loop, i, count);
    for (uint32_t r = 0; r < loop->run_count; r++)
        if (!loop->runs[r].last)
            sx_eval_put(e, loop->step->to, loop->runs[r].row, sx_column_get(&loop->columns[0], r));
    loop->run_count = 0;
    for (uint32_t c = 0; c < loop->column_count; c++)
        loop->columns[c].nulls = NULL;
}

static void reduce_row(struct sx_evaluator *e, struct sx_loop *loop, uint32_t row, struct sx_value whole)
{
    /* `last` stays false unless it fails. */
    loop->runs[loop->run_count] = (struct run){whole.items, row, loop->run_count, whole.size, true, false};
    if (++loop->run_count == ROOM)
        reduce(e, loop);
}

/* ---- The step ---------------------------------------------------------------------------------- */

/* Room for what transform and filter give, of all rows: as many elements as there are. */
static struct sx_value *make_room(struct sx_evaluator *e, const struct sx_loop *loop,
                                  const struct sx_register *a)
{
    size_t count = 0;

    for (SX_ROWS_EACH(sx_eval_rows(e), k, row))
        if (!sx_register_is_null(a, row))
            count += a->column.v[sx_at(a, row)].size;
    return sx_arena_alloc(e->arena, sizeof(struct sx_value) * (count * loop->stride + 1));
}

void sx_eval_apply(struct sx_evaluator *e, const struct sx_step *step)
{
    const enum sx_over over = step->function->over;
    const struct sx_register *a = &e->registers[step->args[0]];
    struct sx_loop *loop = e->loops[step->number];

    sx_eval_begin(e, step->to);
    if (over == SX_OVER_TRANSFORM || over == SX_OVER_FILTER)
        loop->out = make_room(e, loop, a);
    for (SX_ROWS_EACH(sx_eval_rows(e), k, row)) {
        const struct sx_value whole = sx_register_get(a, row);

        if (whole.kind == SX_NULL)
            sx_eval_put(e, step->to, row, whole);
        else if (over == SX_OVER_REDUCE)
            reduce_row(e, loop, row, whole);
        else
            gather_row(e, loop, row, whole);
    }
    if (loop->run_count > 0 && over == SX_OVER_REDUCE)
        reduce(e, loop);
    else if (loop->run_count > 0)
        finish_round(e, loop);
}
