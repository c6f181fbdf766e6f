/* program_ask.c: what a program says about itself. */
#include "engine/base/json.h"
#include "engine/base/text.h"
#include "engine/data/decimal.h"
#include "engine/expr/program.h"

const struct sx_type *sx_program_type(const struct sx_program *program)
{
    return program->registers[program->result].type;
}

void sx_program_columns(const struct sx_program *program, uint64_t *columns)
{
    for (uint32_t r = 0; r < program->register_count; r++)
        if (program->registers[r].source == SX_FROM_COLUMN)
            sx_bit_set(columns, program->registers[r].number);
}

bool sx_program_is_column(const struct sx_program *program, uint32_t *column)
{
    const struct sx_register_plan *result = &program->registers[program->result];

    if (result->source != SX_FROM_COLUMN || program->step_count != 0)
        return false;
    *column = result->number;
    return true;
}

bool sx_program_is_constant(const struct sx_program *program, struct sx_value *value)
{
    const struct sx_register_plan *result = &program->registers[program->result];

    if (result->source != SX_FROM_CONSTANT || program->step_count != 0)
        return false;
    *value = result->value;
    return true;
}

/* ---- Printing -------------------------------------------------------------------------------- */

static void print_value(struct sx_buffer *to, struct sx_value v, const struct sx_type *type);

/* Constants are told apart by what is printed, so all of them is. */
static void print_items(struct sx_buffer *to, struct sx_value v, const struct sx_type *type)
{
    const uint32_t count = v.kind == SX_MAP ? 2 * v.size : v.size;

    sx_buffer_add_byte(to, v.kind == SX_ARRAY ? '[' : '{');
    for (uint32_t i = 0; i < count; i++) {
        sx_buffer_add_text(to, i == 0 ? "" : v.kind == SX_MAP && i % 2 == 1 ? ": " : ", ");
        print_value(to, v.items[i],
                    v.kind == SX_STRUCT              ? type->fields[i].type
                    : v.kind == SX_MAP && i % 2 == 0 ? &sx_type_string
                                                     : type->element);
    }
    sx_buffer_add_byte(to, v.kind == SX_ARRAY ? ']' : '}');
}

static void print_value(struct sx_buffer *to, struct sx_value v, const struct sx_type *type)
{
    char text[SX_DECIMAL_BYTES];

    switch ((enum sx_kind)v.kind) {
    case SX_NULL:
        sx_buffer_add_text(to, "null");
        break;
    case SX_BOOL:
        sx_buffer_add_text(to, v.b ? "true" : "false");
        break;
    case SX_DOUBLE:
        sx_buffer_add(to, text, sx_write_double(text, v.d));
        break;
    case SX_DECIMAL:
        sx_buffer_add(to, text, sx_decimal_write(text, *v.decimal, type->scale));
        break;
    case SX_STRING:
        sx_json_write_string(to, sx_value_slice(v));
        break;
    case SX_JSON:
        sx_buffer_add(to, v.s, v.size);
        break;
    case SX_BYTES:
        for (uint32_t i = 0; i < v.size; i++)
            sx_buffer_printf(to, "%02x", (unsigned char)v.s[i]);
        break;
    case SX_ARRAY:
    case SX_MAP:
    case SX_STRUCT:
        print_items(to, v, type);
        break;
    case SX_TIMESTAMP:
        sx_add_timestamp(to, v.i);
        break;
    case SX_DATE:
        sx_add_date(to, v.i);
        break;
    case SX_TIME:
        sx_add_time(to, v.i);
        break;
    case SX_DURATION:
        sx_add_duration(to, v.i);
        break;
    case SX_INT:
        sx_buffer_add(to, text, sx_write_int(text, v.i));
        break;
    default:
        sx_buffer_printf(to, "<%u items>", v.size);
        break;
    }
}

static void print_register(const struct sx_program *program, struct sx_buffer *to, uint16_t r)
{
    const struct sx_register_plan *plan = &program->registers[r];

    switch (plan->source) {
    case SX_FROM_CONSTANT:
        print_value(to, plan->value, plan->type);
        break;
    case SX_FROM_COLUMN:
        sx_buffer_printf(to, "c%u", plan->number);
        break;
    case SX_FROM_VARIABLE:
        sx_buffer_printf(to, "v%u", plan->number);
        break;
    case SX_FROM_TIMESTAMP:
        sx_buffer_add_text(to, "@timestamp");
        break;
    default:
        sx_buffer_printf(to, "r%u", r);
        break;
    }
}

static const char *const names[] = {
#define SX_OPCODE(name, text) #name,
#include "engine/expr/opcodes.def"
#undef SX_OPCODE
};

static void print_operands(const struct sx_program *p, struct sx_buffer *to, const struct sx_step *step)
{
    static const char *const relations[] = {"==", "!=", "<", "<=", ">", ">="};

    switch ((enum sx_opcode)step->op) {
    case SX_OP_NEW:
    case SX_OP_PUSH:
    case SX_OP_POP:
    case SX_OP_TRY:
    case SX_OP_TRY_END:
    case SX_OP_TOPIC ... SX_OP_OFFSET:
    case SX_OP_WINDOW_START:
    case SX_OP_WINDOW_END:
        break;
    case SX_OP_HEADER:
        sx_buffer_add_byte(to, ' ');
        print_value(to, sx_value_string(step->text), &sx_type_string);
        break;
    case SX_OP_COMPARE_INT ... SX_OP_COMPARE_VALUE:
        sx_buffer_add_byte(to, ' ');
        print_register(p, to, step->a);
        sx_buffer_printf(to, " %s ", relations[step->relation - SX_EXPR_EQ]);
        print_register(p, to, step->b);
        break;
    case SX_OP_CALL:
    case SX_OP_ITEMS:
    case SX_OP_MAP:
    case SX_OP_APPLY:
        if (step->function != NULL)
            sx_buffer_printf(to, " %.*s", (int)strcspn(step->function->signature, "("),
                             step->function->signature);
        for (uint32_t i = 0; i < step->count; i++) {
            sx_buffer_add_byte(to, ' ');
            print_register(p, to, step->args[i]);
        }
        break;
    default:
        sx_buffer_add_byte(to, ' ');
        print_register(p, to, step->a);
        if (step->op == SX_OP_FIELD)
            sx_buffer_printf(to, " field %u", step->number);
        if (step->b != step->a) {
            sx_buffer_add_byte(to, ' ');
            print_register(p, to, step->b);
        }
        for (uint32_t i = 0; (step->op == SX_OP_IN || step->op == SX_OP_IN_SET) && i < step->count; i++) {
            sx_buffer_add_text(to, i ? ", " : " of ");
            print_register(p, to, step->args[i]);
        }
        if (step->op == SX_OP_CAST || step->op == SX_OP_RETAG) {
            sx_buffer_add_text(to, " as ");
            sx_type_print(p->registers[step->to].type, to);
        }
        if (step->jump)
            sx_buffer_printf(to, " else %u", step->jump);
        break;
    }
}

void sx_program_print(const struct sx_program *program, struct sx_buffer *to)
{
    for (uint32_t s = 0; s < program->step_count; s++) {
        const struct sx_step *step = &program->steps[s];

        sx_buffer_printf(to, "%u ", s);
        if (program->registers[step->to].source == SX_FROM_STEP && step->op != SX_OP_PUSH &&
            step->op != SX_OP_POP && step->op != SX_OP_TRY && step->op != SX_OP_SPLIT &&
            step->op != SX_OP_NARROW_AND && step->op != SX_OP_NARROW_OR)
            sx_buffer_printf(to, "r%u = ", step->to);
        sx_buffer_add_text(to, names[step->op]);
        print_operands(program, to, step);
        sx_buffer_add_byte(to, '\n');
        for (uint32_t i = 0; step->op == SX_OP_APPLY && i < step->lambdas->count; i++) {
            sx_buffer_add_text(to, "{\n");
            sx_program_print(step->lambdas->bodies[i], to);
            sx_buffer_add_text(to, "}\n");
        }
    }
    sx_buffer_add_text(to, "result ");
    print_register(program, to, program->result);
    sx_buffer_add_text(to, ": ");
    sx_type_print(sx_program_type(program), to);
    sx_buffer_add_byte(to, '\n');
}
