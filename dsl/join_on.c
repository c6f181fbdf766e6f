/* join_on.c: `on`: what must be equal for rows to join. */
#include "dsl/check_operator.h"

enum { PARTS_MAX = 32 };

/* The equalities of `a == R.x and b == R.y`; a single other expression is one side alone. */
static void split(struct sx_compiler *c, const struct sx_ast *ast, const struct sx_ast **parts,
                  uint32_t *count)
{
    if (ast->kind == SX_AST_BINARY && strcmp(ast->text, "and") == 0) {
        split(c, ast->args[0], parts, count);
        split(c, ast->args[1], parts, count);
    } else if (*count < PARTS_MAX) {
        parts[(*count)++] = ast;
    } else {
        sx_mistake(c, ast->at, STREAMD_E_SYNTAX, NULL, "a key has at most %u columns", PARTS_MAX);
    }
}

static bool is_equality(const struct sx_ast *ast)
{
    return ast->kind == SX_AST_BINARY && strcmp(ast->text, "==") == 0;
}

static bool names_right(const struct sx_ast *ast, const char *alias)
{
    return ast->kind == SX_AST_FIELD && ast->args[0]->kind == SX_AST_NAME &&
           strcmp(ast->args[0]->text, alias) == 0;
}

/* ---- A table: its key columns ---------------------------------------------------------------- */

/* Which key column of the right side a name means; -1: none, reported. */
static int right_key(struct sx_compiler *c, const struct sx_ast *ast, const struct sx_flow *right,
                     const char *alias)
{
    for (uint32_t k = 0; k < right->schema->key_count; k++)
        if (strcmp(right->schema->fields[k].name, ast->text) == 0)
            return (int)k;
    if (right->schema->key_count == 1 && strcmp(ast->text, "key") == 0)
        return 0;
    sx_mistake(c, ast->at, STREAMD_E_TYPE,
               right->schema->key_count
                   ? sx_arena_format(c->arena, "its key is `%s`", right->schema->fields[0].name)
                   : NULL,
               "`%s` is not a key column of `%s`", ast->text, alias);
    return -1;
}

/* The left expression of one part, and which key column it must be equal to. NULL: reported. */
static const struct sx_ast *part_of_table(struct sx_compiler *c, const struct sx_ast *part, bool alone,
                                          const struct sx_flow *right, const char *alias, int *key)
{
    uint32_t keys = right->schema->key_count;
    const char *first = keys ? right->schema->fields[0].name : "key";
    const struct sx_ast *other;
    bool turned;

    *key = 0;
    if (!is_equality(part)) {
        if (keys == 1 && alone)
            return part;
        sx_mistake(c, part->at, STREAMD_E_TYPE,
                   sx_arena_format(c->arena, "write `a == %s.%s`, joined by `and` if there are several",
                                   alias, first),
                   "each part of `on` must be equal to a key column of `%s`", alias);
        return NULL;
    }
    turned = names_right(part->args[0], alias);
    other = part->args[turned ? 0 : 1];
    if (!names_right(other, alias)) {
        sx_mistake(c, part->at, STREAMD_E_TYPE, sx_arena_format(c->arena, "write `a == %s.%s`", alias, first),
                   "one side of `==` must be a key column of `%s`", alias);
        return NULL;
    }
    *key = right_key(c, other, right, alias);
    return *key < 0 ? NULL : part->args[turned ? 1 : 0];
}

bool sx_compile_on_table(struct sx_compiler *c, const struct sx_ast *ast, const struct sx_flow *left,
                         const struct sx_flow *right, const char *alias, const struct sx_named **lefts,
                         const struct sx_named **rights, uint32_t *count)
{
    uint32_t keys = right->schema->key_count, parts_count = 0;
    const struct sx_ast *parts[PARTS_MAX];
    struct sx_named *items = SX_ARENA_ARRAY(c->arena, struct sx_named, keys + 1);
    struct sx_scope scope = {.c = c, .schema = left->schema};

    split(c, ast, parts, &parts_count);
    for (uint32_t i = 0; i < parts_count; i++) {
        int key;
        const struct sx_ast *own = part_of_table(c, parts[i], parts_count == 1, right, alias, &key);
        const char *name;

        if (own == NULL)
            return false;
        if (keys == 0)
            break;
        if (items[key].program != NULL) {
            sx_mistake(c, parts[i]->at, STREAMD_E_TYPE, NULL, "`%s.%s` is equal to two things", alias,
                       right->schema->fields[key].name);
            return false;
        }
        name = sx_own_name(own);
        items[key].name = name ? name : "key";
        items[key].at = own->at;
        items[key].program = sx_check_program(&scope, own, right->schema->fields[key].type, &items[key].type);
        if (items[key].program == NULL)
            return false;
    }
    for (uint32_t k = 0; k < keys; k++)
        if (items[k].program == NULL) {
            sx_mistake(c, ast->at, STREAMD_E_TYPE, NULL, "the key column `%s` of `%s` is equal to nothing",
                       right->schema->fields[k].name, alias);
            return false;
        }
    if (keys == 0) {
        sx_mistake(c, ast->at, STREAMD_E_TYPE, NULL, "`%s` has no key", alias);
        return false;
    }
    *lefts = *rights = items;
    *count = keys;
    return true;
}

/* ---- A stream: any expressions --------------------------------------------------------------- */

/* Which sides an expression names: `ALIAS.column` is the right one's, every other column the left one's.
 * A column of the left that stands on the right side is told, so that no bare name changes its meaning. */
struct sides {
    const char *alias;
    const struct sx_schema *left;
    const struct sx_ast *of_left; /* the first that names the left side; NULL: none */
    bool names_right;
};

static void look_for_sides(const struct sx_ast *ast, struct sides *found)
{
    bool ambiguous;

    if (names_right(ast, found->alias)) {
        found->names_right = true;
        return;
    }
    if (found->of_left == NULL && ast->kind == SX_AST_META)
        found->of_left = ast;
    if (found->of_left == NULL && ast->kind == SX_AST_NAME &&
        sx_schema_find(found->left, SX_SLICE_NONE, sx_slice_of(ast->text), &ambiguous) >= 0)
        found->of_left = ast;
    if (found->of_left == NULL && ast->kind == SX_AST_FIELD && ast->args[0]->kind == SX_AST_NAME &&
        sx_schema_find(found->left, sx_slice_of(ast->args[0]->text), sx_slice_of(ast->text), &ambiguous) >= 0)
        found->of_left = ast;
    for (uint32_t i = 0; i < ast->count; i++)
        look_for_sides(ast->args[i], found);
}

/* The two sides of `a == R.x`, either way round. False: reported. */
static bool sides_of(struct sx_compiler *c, const struct sx_ast *part, const struct sx_flow *left,
                     const struct sx_flow *right, const char *alias, const struct sx_ast **of)
{
    struct sides found[2] = {{alias, left->schema, NULL, false}, {alias, left->schema, NULL, false}};
    const char *hint = sx_arena_format(
        c->arena,
        "write `a == %s.%s`, joined by `and` if there are several: without `%s.` a name is the "
        "left row's",
        alias, right->schema->count ? right->schema->fields[0].name : "b", alias);
    int turned;

    if (!is_equality(part)) {
        sx_mistake(c, part->at, STREAMD_E_TYPE, hint,
                   "each part of `on` must be an equality between the two streams");
        return false;
    }
    for (int i = 0; i < 2; i++)
        look_for_sides(part->args[i], &found[i]);
    if (found[0].names_right == found[1].names_right) {
        sx_mistake(c, part->at, STREAMD_E_TYPE, hint, "one side of `==` must be columns of `%s`, and one not",
                   alias);
        return false;
    }
    turned = found[0].names_right;
    if (found[!turned].of_left != NULL) {
        sx_mistake(c, found[!turned].of_left->at, STREAMD_E_TYPE, hint,
                   "this is of the left row, and stands beside columns of `%s`", alias);
        return false;
    }
    of[0] = part->args[turned];
    of[1] = part->args[!turned];
    return true;
}

/* One equality as two programs of one type. */
static bool check_part(struct sx_compiler *c, const struct sx_ast *const *of, const struct sx_flow *left,
                       const struct sx_flow *right, struct sx_named *l, struct sx_named *r)
{
    struct sx_scope left_scope = {.c = c, .schema = left->schema};
    struct sx_scope right_scope = {.c = c, .schema = right->schema};
    const struct sx_expr *a = sx_check(&left_scope, of[0], NULL);
    const struct sx_expr *b = sx_check(&right_scope, of[1], NULL);
    const char *name = sx_own_name(of[0]), *right_name = sx_own_name(of[1]);

    if (a == NULL || b == NULL)
        return false;
    if (a->type->kind == SX_NULL || b->type->kind == SX_NULL || !sx_check_unify(&left_scope, &a, &b)) {
        sx_mistake(c, of[1]->at, STREAMD_E_TYPE, "`cast(x as T)` makes them alike",
                   "a `%s` on the left is never equal to a `%s` on the right",
                   sx_type_text(a->type, c->arena), sx_type_text(b->type, c->arena));
        return false;
    }
    *l = (struct sx_named){.name = name ? name : "key", .type = a->type, .at = of[0]->at};
    *r = (struct sx_named){.name = right_name ? right_name : l->name, .type = b->type, .at = of[1]->at};
    l->program = sx_build(c, a, NULL, 0);
    r->program = sx_build(c, b, NULL, 0);
    return l->program != NULL && r->program != NULL;
}

/* The parts in the order of a key that the side has already: then its rows may stay where they are. */
static bool order_by_key(const struct sx_flow *flow, const struct sx_named *side, uint32_t count,
                         uint32_t *order)
{
    uint64_t seen = 0;

    if (count != flow->schema->key_count)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t column;

        if (!sx_program_is_column(side[i].program, &column) || column >= count || (seen & 1ull << column))
            return false;
        seen |= 1ull << column;
        order[column] = i;
    }
    return true;
}

bool sx_compile_on_streams(struct sx_compiler *c, const struct sx_ast *ast, const struct sx_flow *left,
                           const struct sx_flow *right, const char *alias, const struct sx_named **lefts,
                           const struct sx_named **rights, uint32_t *count)
{
    const struct sx_ast *parts[PARTS_MAX], *of[2];
    struct sx_named l[PARTS_MAX], r[PARTS_MAX], *items;
    uint32_t n = 0, order[PARTS_MAX];

    right = sx_start_flow(c, right, alias);
    split(c, ast, parts, &n);
    for (uint32_t i = 0; i < n; i++) {
        if (!sides_of(c, parts[i], left, right, alias, of) || !check_part(c, of, left, right, &l[i], &r[i]))
            return false;
        for (uint32_t j = 0; j < i; j++)
            if (strcmp(l[i].name, l[j].name) == 0) {
                sx_mistake(c, l[i].at, STREAMD_E_NAME, "map one of them to another name before the join",
                           "two columns of the joined key would be called `%s`", l[i].name);
                return false;
            }
    }
    if (!order_by_key(left, l, n, order) && !order_by_key(right, r, n, order))
        for (uint32_t i = 0; i < n; i++)
            order[i] = i;
    items = SX_ARENA_ARRAY(c->arena, struct sx_named, n * 2 + 1);
    for (uint32_t i = 0; i < n; i++) {
        items[i] = l[order[i]];
        items[n + i] = r[order[i]];
    }
    *lefts = items;
    *rights = items + n;
    *count = n;
    return true;
}
