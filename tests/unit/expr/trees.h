/* trees.h: short words for writing expression trees, and a batch to run them on. */
#ifndef TEST_TREES_H
#define TEST_TREES_H

#include "engine/expr/expr.h"
#include "tests/unit/unit.h"

extern struct sx_arena arena; /* of the test at hand */

typedef const struct sx_expr *tree;

tree node(enum sx_expr_op op, const struct sx_type *type, uint32_t count, ...);
tree constant(const struct sx_type *type, struct sx_value value);
tree column(const struct sx_type *type, uint32_t number);
tree variable(const struct sx_type *type, uint32_t number);

static inline struct sx_value text(const char *s) { return sx_value_string(sx_slice_of(s)); }

static inline tree I(int64_t i) { return constant(&sx_type_int, sx_value_int(i)); }
static inline tree D(double d) { return constant(&sx_type_double, sx_value_double(d)); }
static inline tree B(bool b) { return constant(&sx_type_bool, sx_value_bool(b)); }
static inline tree S(const char *s) { return constant(&sx_type_string, text(s)); }
static inline tree N(const struct sx_type *type) { return constant(type, SX_VALUE_NULL); }

/* The batch: columns 0 int, 1 double, 2 string, 3 bool, 4 int that is null in odd rows, 5 array<int> of up to
 * five elements, with nulls in it and for it. */
enum { C_INT, C_DOUBLE, C_STRING, C_BOOL, C_NULLS, C_ARRAY, C_COUNT };
extern const struct sx_type int_array;
struct sx_batch test_batch(uint32_t rows);

/* The program of a tree; fails the test when it cannot be built. */
const struct sx_program *program_of(tree t);
/* One row's value; a failed row gives kind 255 and its message in `failure`. */
struct sx_value at_row(tree t, const struct sx_batch *batch, uint32_t row);
extern const char *failure;

/* Run by main. */
void test_operators(void);
void test_logic(void);
void test_programs(void);
void test_random(void);
void test_casts(void);
void test_signatures(void);

#endif
