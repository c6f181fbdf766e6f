/* declare.c: params, functions of a file, and settings. */
#include "dsl/check.h"

#include "engine/base/text.h"
#include "engine/data/decimal.h"

/* ---- Params ---------------------------------------------------------------------------------- */

/* --set name=value as a value of the param's type. */
static bool read_param(struct sx_compiler *c, const char *text, const struct sx_type *type,
                       struct sx_value *value)
{
    struct sx_slice t = sx_slice_of(sx_arena_strdup(c->arena, text));
    __int128 digits;

    switch (type->kind) {
    case SX_STRING:
        *value = sx_value_string(t);
        return true;
    case SX_INT:
        *value = sx_value_int(0);
        return sx_read_int(t, &value->i);
    case SX_DOUBLE:
        *value = sx_value_double(0);
        return sx_read_double(t, &value->d);
    case SX_DECIMAL:
        if (sx_decimal_read(t, type->precision, type->scale, &digits) != SX_DECIMAL_OK)
            return false;
        *value = sx_value_decimal(c->arena, digits);
        return true;
    case SX_BOOL:
        *value = sx_value_bool(strcmp(text, "true") == 0);
        return value->b || strcmp(text, "false") == 0;
    case SX_DURATION:
        *value = sx_value_int64(SX_DURATION, 0);
        return sx_read_duration(t, &value->i);
    case SX_TIMESTAMP:
        *value = sx_value_int64(SX_TIMESTAMP, 0);
        return sx_read_timestamp(t, &value->i);
    case SX_DATE:
        *value = sx_value_int64(SX_DATE, 0);
        return sx_read_date(t, &value->i);
    case SX_TIME:
        *value = sx_value_int64(SX_TIME, 0);
        return sx_read_time(t, &value->i);
    default:
        return false;
    }
}

void sx_declare_param(struct sx_compiler *c, const struct sx_statement *s, const char *given)
{
    struct sx_param_value *param = SX_ARENA_NEW(c->arena, struct sx_param_value);
    struct sx_scope none = {.c = c};
    const struct sx_expr *expr;

    /* Without a type it is a param with mistakes: its use is no second one. */
    param->name = s->name;
    if (sx_map_get(&c->params, sx_slice_of(s->name)) != NULL)
        sx_mistake(c, s->at, STREAMD_E_NAME, NULL, "the param `%s` is there twice", s->name);
    sx_map_put(&c->params, sx_slice_of(s->name), param);
    if (s->broken)
        return;
    if (s->value != NULL) {
        expr = sx_check(&none, s->value, s->type);
        if (expr == NULL || !sx_constant_of(c, expr, &param->value))
            return;
        if (expr->type->kind == SX_NULL) {
            sx_mistake(c, s->value->at, STREAMD_E_TYPE,
                       sx_arena_format(c->arena, "write `param %s string = null`", s->name),
                       "the type of `%s` is not known", s->name);
            return;
        }
        param->type = expr->type;
    }
    if (given != NULL && !read_param(c, given, s->type ? s->type : param->type, &param->value)) {
        sx_mistake(c, s->at, STREAMD_E_CONFIG, NULL, "`%s` is no %s for the param `%s`", given,
                   sx_type_text(s->type ? s->type : param->type, c->arena), s->name);
        param->type = NULL;
        return;
    }
    if (s->value == NULL && given == NULL) {
        sx_mistake(c, s->at, STREAMD_E_CONFIG,
                   sx_arena_format(c->arena, "give it one: --set %s=...", s->name),
                   "the param `%s` has no value", s->name);
        return;
    }
    if (s->type != NULL)
        param->type = s->type;
}

/* ---- Functions ------------------------------------------------------------------------------- */

/* Does the catalogue have a function or an aggregate of that name? */
static bool is_known_function(struct sx_compiler *c, const char *name)
{
    for (uint32_t t = 0; t < c->catalog->function_table_count; t++)
        for (uint32_t r = 0; r < c->catalog->functions[t]->count; r++)
            if (strcmp(sx_signature_of(c, c->catalog->functions[t]->rows[r].signature)->name, name) == 0)
                return true;
    for (uint32_t t = 0; t < c->catalog->aggregate_table_count; t++)
        for (uint32_t r = 0; r < c->catalog->aggregates[t]->count; r++)
            if (strcmp(sx_signature_of(c, c->catalog->aggregates[t]->rows[r].signature)->name, name) == 0)
                return true;
    return false;
}

void sx_declare_function(struct sx_compiler *c, const struct sx_statement *s)
{
    struct sx_defined *defined = SX_ARENA_NEW(c->arena, struct sx_defined);
    struct sx_binding *bindings = SX_ARENA_ARRAY(c->arena, struct sx_binding, s->parameter_count + 1);
    struct sx_scope scope = {.c = c};

    defined->name = s->name;
    defined->statement = s;
    defined->broken = s->broken;
    if (is_known_function(c, s->name))
        sx_warn(c, s->at, NULL, "`%s` hides the function of that name", s->name);
    if (sx_map_get(&c->functions, sx_slice_of(s->name)) != NULL)
        sx_mistake(c, s->at, STREAMD_E_NAME, NULL, "the function `%s` is there twice", s->name);
    sx_map_put(&c->functions, sx_slice_of(s->name), defined);
    if (s->broken)
        return;
    for (uint32_t i = 0; i < s->parameter_count; i++) {
        for (uint32_t j = 0; j < i; j++)
            if (strcmp(s->parameters[i].name, s->parameters[j].name) == 0)
                sx_mistake(c, s->parameters[i].at, STREAMD_E_NAME, NULL, "the parameter `%s` is there twice",
                           s->parameters[i].name);
        bindings[i].name = s->parameters[i].name;
        bindings[i].expr = sx_expr_new(c, SX_EXPR_VARIABLE, s->parameters[i].type, s->parameters[i].at, 0);
        bindings[i].next = scope.bindings;
        scope.bindings = &bindings[i];
    }
    /* Looked at now, so that its mistakes are found also when nothing calls it. */
    defined->open = true;
    defined->broken = sx_check(&scope, s->value, NULL) == NULL;
    defined->open = false;
}

/* ---- Settings -------------------------------------------------------------------------------- */

void sx_declare_setting(struct sx_compiler *c, const struct sx_statement *s)
{
    struct sx_scope none = {.c = c};
    struct sx_value value;

    if (s->broken)
        return;
    switch (s->setting) {
    case SX_SET_GUARANTEE:
        c->plan->guarantee = s->guarantee;
        break;
    case SX_SET_COMMIT:
        if (!sx_check_constant(&none, s->value, &sx_type_duration, &value))
            break;
        if (value.kind != SX_NULL && value.i >= 1 && value.i <= 60000)
            c->plan->commit_ms = value.i;
        else
            sx_mistake(c, s->value->at, STREAMD_E_CONFIG, NULL,
                       "the commit interval must be between 1ms and 1m");
        break;
    case SX_SET_AHEAD:
        if (!sx_check_constant(&none, s->value, &sx_type_duration, &value))
            break;
        if (value.kind != SX_NULL && value.i >= 0)
            c->plan->ahead_ms = value.i;
        else
            sx_mistake(c, s->value->at, STREAMD_E_CONFIG, NULL,
                       "how far rows may be ahead of the clock is 0s or more");
        break;
    case SX_SET_PARTITIONER:
        c->plan->any_partitioner = s->any;
        break;
    case SX_SET_ON_ERROR:
        c->plan->on_error = s->on_error;
        if (s->on_error == SX_ON_ERROR_TOPIC) {
            sx_check_topic(c, s->error_topic, s->at);
            c->plan->error_topic = sx_plan_topic(c->plan, s->error_topic, SX_TOPIC_SINK)->index;
        }
        break;
    }
}
