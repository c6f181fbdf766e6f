/* eval.h: what the kernels share: the evaluator, the selection in hand, nulls and failures.
 * Private to engine/expr.
 *
 * Registers that are not the result have buffers of the evaluator's own, made once; the result's
 * memory is the batch's. Strings and nested values are always in the batch's arena.
 */
#ifndef SX_EVAL_H
#define SX_EVAL_H

#include "engine/expr/program.h"

struct sx_register {
    struct sx_column column;
    bool constant; /* one value, at index 0, for all rows */
    union {        /* where that value is */
        int64_t i;
        double d;
        uint8_t b;
        struct sx_slice s;
        struct sx_value v;
    } one;
    uint64_t one_null;
    void *data; /* own buffers, `room` rows; NULL: not yet */
    uint64_t *nulls;
};

struct sx_rows {
    const uint16_t *sel; /* NULL: 0..count-1 */
    uint32_t count;
    uint16_t *own; /* room for a narrowed selection; NULL: not yet */
};

struct sx_loop; /* what a step over the elements of arrays keeps (lambda.c) */

struct sx_evaluator {
    const struct sx_program *program;
    uint32_t result; /* the register whose memory is the batch's; UINT32_MAX: none */
    struct sx_register *registers;
    struct sx_rows *stack; /* selections: stack[depth] is in hand */
    uint64_t **failed;     /* rows that failed, by error scope */
    struct sx_call *calls;
    struct sx_loop **loops;
    struct sx_value *args;
    struct sx_arena own; /* of prepare */
    uint32_t room;       /* rows of all buffers */

    /* While it runs: */
    const struct sx_batch *batch;
    struct sx_arena *arena;
    struct sx_row_failures *failures;
    uint32_t depth, scope;
    bool any_failed; /* in the outermost scope */
};

#define SX_ROWS_EACH(rows, k, row)                                       \
    uint32_t k = 0, row = 0;                                             \
    k < (rows)->count && (row = (rows)->sel ? (rows)->sel[k] : k, true); \
    k++

static inline const struct sx_rows *sx_eval_rows(const struct sx_evaluator *e) { return &e->stack[e->depth]; }

/* The index of a row in a register. */
static inline uint32_t sx_at(const struct sx_register *r, uint32_t row) { return r->constant ? 0 : row; }

static inline bool sx_register_is_null(const struct sx_register *r, uint32_t row)
{
    return sx_column_is_null(&r->column, sx_at(r, row));
}

static inline struct sx_value sx_register_get(const struct sx_register *r, uint32_t row)
{
    return sx_column_get(&r->column, sx_at(r, row));
}

/* Make register `to` ready to be written: data of any content, no nulls. */
struct sx_column *sx_eval_begin(struct sx_evaluator *e, uint16_t to);
/* The bitmap of a register that is being written, clear when new. */
uint64_t *sx_eval_nulls(struct sx_evaluator *e, uint16_t to);
/* `to` is null where a or b is (the same register twice for one operand). False: it is null
 * everywhere, and there is nothing left to do. */
bool sx_eval_merge_nulls(struct sx_evaluator *e, uint16_t to, uint16_t a, uint16_t b);
/* Write one row, null or not. */
static inline void sx_eval_put(struct sx_evaluator *e, uint16_t to, uint32_t row, struct sx_value v)
{
    struct sx_column *column = &e->registers[to].column;

    if (v.kind == SX_NULL) {
        sx_bit_set(sx_eval_nulls(e, to), row);
        return;
    }
    if (column->nulls != NULL)
        sx_bit_clear(column->nulls, row);
    sx_column_set(column, row, v);
}

/* The row fails at this step: null in `to`, and counted once. `message` is static or in the arena. */
void sx_eval_fail(struct sx_evaluator *e, const struct sx_step *step, uint32_t row, const char *message);

void sx_eval_fail_at(struct sx_evaluator *e, uint16_t to, uint32_t row, struct sx_position at,
                     const char *message);

/* Run the program for these rows. The register with the result is the evaluator's until the next run. */
const struct sx_register *sx_eval_run(struct sx_evaluator *e, const struct sx_batch *batch,
                                      struct sx_rows rows, const struct sx_value *variables,
                                      struct sx_arena *arena, struct sx_row_failures *failures);

struct sx_loop *sx_loop_new(const struct sx_program *program, const struct sx_step *step);
void sx_loop_free(struct sx_loop *loop);

/* The rows of a register as values, `stride` apart. */
void sx_box(const struct sx_register *r, const struct sx_rows *rows, struct sx_value *to, uint32_t stride);

/* Values into a column: which kind it is, is asked once and not for each. EACH is the head of a loop, in
 * which FROM is the place of a value, and AT the row it goes to; ON_NULL is done for a null one. */
#define SX_UNBOX(COLUMN, EACH, FROM, AT, ON_NULL)                     \
    do {                                                              \
        struct sx_column *const to_ = (COLUMN);                       \
        const enum sx_kind kind_ = to_->type->kind;                   \
                                                                      \
        if (sx_kind_is_int64(kind_) || kind_ == SX_DOUBLE)            \
            for (EACH) {                                              \
                const struct sx_value *from_ = (FROM);                \
                                                                      \
                if (SX_UNLIKELY(from_->kind == SX_NULL))              \
                    ON_NULL;                                          \
                else                                                  \
                    to_->i[AT] = from_->i; /* the bits of a double */ \
            }                                                         \
        else if (sx_kind_is_slice(kind_))                             \
            for (EACH) {                                              \
                const struct sx_value *from_ = (FROM);                \
                                                                      \
                if (SX_UNLIKELY(from_->kind == SX_NULL))              \
                    ON_NULL;                                          \
                else                                                  \
                    to_->s[AT] = sx_slice(from_->s, from_->size);     \
            }                                                         \
        else                                                          \
            for (EACH) {                                              \
                const struct sx_value *from_ = (FROM);                \
                                                                      \
                if (SX_UNLIKELY(from_->kind == SX_NULL))              \
                    ON_NULL;                                          \
                else                                                  \
                    sx_column_set(to_, AT, *from_);                   \
            }                                                         \
    } while (0)

/* The kernels, by file. */
void sx_eval_arithmetic(struct sx_evaluator *e, const struct sx_step *step);
void sx_eval_compare(struct sx_evaluator *e, const struct sx_step *step);
void sx_eval_in(struct sx_evaluator *e, const struct sx_step *step);
void sx_eval_nested(struct sx_evaluator *e, const struct sx_step *step);
void sx_eval_call(struct sx_evaluator *e, const struct sx_step *step);
void sx_eval_apply(struct sx_evaluator *e, const struct sx_step *step);
void sx_eval_metadata(struct sx_evaluator *e, const struct sx_step *step);

#endif
