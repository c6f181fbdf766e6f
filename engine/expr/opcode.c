/* opcode.c: which step an operator is, by the kinds of its operands. */
#include "engine/expr/program.h"

static enum sx_opcode numeric_op(enum sx_expr_op op, bool is_double)
{
    switch (op) {
    case SX_EXPR_ADD:
        return is_double ? SX_OP_ADD_DOUBLE : SX_OP_ADD_INT;
    case SX_EXPR_SUB:
        return is_double ? SX_OP_SUB_DOUBLE : SX_OP_SUB_INT;
    case SX_EXPR_MUL:
        return is_double ? SX_OP_MUL_DOUBLE : SX_OP_MUL_INT;
    case SX_EXPR_DIV:
        return is_double ? SX_OP_DIV_DOUBLE : SX_OP_DIV_INT;
    default:
        return is_double ? SX_OP_MOD_DOUBLE : SX_OP_MOD_INT;
    }
}

bool sx_opcode_arithmetic(enum sx_expr_op op, enum sx_kind x, enum sx_kind y, enum sx_opcode *found)
{
    if (x == SX_STRING && y == SX_STRING && op == SX_EXPR_ADD) {
        *found = SX_OP_ADD_STRING;
        return true;
    }
    if (x == SX_DATE && y == SX_DATE && op == SX_EXPR_SUB) {
        *found = SX_OP_DAYS_BETWEEN;
        return true;
    }
    if (x == SX_DATE && y == SX_DURATION && (op == SX_EXPR_ADD || op == SX_EXPR_SUB)) {
        *found = op == SX_EXPR_ADD ? SX_OP_ADD_DATE : SX_OP_SUB_DATE;
        return true;
    }
    if (x == SX_DOUBLE && y == SX_DOUBLE) {
        *found = numeric_op(op, true);
        return true;
    }
    if (x == SX_DECIMAL && y == SX_DECIMAL) {
        *found = (enum sx_opcode)(SX_OP_ADD_DECIMAL + (op - SX_EXPR_ADD));
        return true;
    }
    if (!sx_kind_is_int64(x) || !sx_kind_is_int64(y) || x == SX_DATE || y == SX_DATE)
        return false;
    *found = numeric_op(op, false);
    return true;
}

bool sx_opcode_negation(enum sx_kind kind, enum sx_opcode *found)
{
    *found = kind == SX_DOUBLE ? SX_OP_NEG_DOUBLE : kind == SX_DECIMAL ? SX_OP_NEG_DECIMAL : SX_OP_NEG_INT;
    return kind == SX_DOUBLE || kind == SX_DECIMAL || sx_kind_is_int64(kind);
}

enum sx_opcode sx_opcode_comparison(enum sx_kind kind)
{
    if (sx_kind_is_int64(kind))
        return SX_OP_COMPARE_INT;
    if (sx_kind_is_slice(kind))
        return SX_OP_COMPARE_SLICE;
    return kind == SX_DOUBLE    ? SX_OP_COMPARE_DOUBLE
           : kind == SX_BOOL    ? SX_OP_COMPARE_BOOL
           : kind == SX_DECIMAL ? SX_OP_COMPARE_DECIMAL
                                : SX_OP_COMPARE_VALUE;
}
