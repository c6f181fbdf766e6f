/* common.c: see common.h. */
#include "operators/common.h"

#include <stdlib.h>

struct sx_evaluator **sx_evaluators_open(const struct sx_named *items, uint32_t count)
{
    struct sx_evaluator **evaluators = sx_calloc(count + 1, sizeof(*evaluators));

    for (uint32_t i = 0; i < count; i++)
        if (items[i].program != NULL)
            evaluators[i] = sx_evaluator_new(items[i].program);
    return evaluators;
}

void sx_evaluators_close(struct sx_evaluator **evaluators, uint32_t count)
{
    for (uint32_t i = 0; evaluators != NULL && i < count; i++)
        if (evaluators[i] != NULL)
            sx_evaluator_free(evaluators[i]);
    free(evaluators);
}

bool sx_evaluate(struct sx_node *node, const struct sx_batch *batch, struct sx_evaluator *const *evaluators,
                 uint32_t count, struct sx_column *columns)
{
    struct sx_row_failures failures = {0};

    for (uint32_t i = 0; i < count; i++)
        sx_eval_column(evaluators[i], batch, node->arena, &columns[i], &failures);
    return !sx_node_reject_all(node, batch, &failures);
}

void sx_named_columns(const struct sx_named *items, uint32_t count, uint64_t *columns)
{
    for (uint32_t i = 0; i < count; i++)
        if (items[i].program != NULL)
            sx_program_columns(items[i].program, columns);
}

void sx_batch_blank(struct sx_arena *arena, struct sx_batch *batch)
{
    uint32_t words = SX_BITMAP_WORDS(batch->rows), first = batch->schema->key_count;
    struct sx_column *columns;
    bool any = false;

    for (uint32_t w = 0; w < words && batch->gone != NULL; w++)
        any |= batch->gone[w] != 0;
    if (!any)
        return;
    columns = SX_ARENA_ARRAY(arena, struct sx_column, batch->schema->count + 1);
    memcpy(columns, batch->columns, sizeof(*columns) * batch->schema->count);
    for (uint32_t c = first; c < batch->schema->count; c++) {
        uint64_t *nulls = sx_arena_alloc(arena, sizeof(*nulls) * (words + 1));

        for (uint32_t w = 0; w < words; w++)
            nulls[w] = batch->gone[w] | (columns[c].nulls != NULL ? columns[c].nulls[w] : 0);
        columns[c].nulls = nulls;
    }
    batch->columns = columns;
}

struct sx_batch sx_batch_present(struct sx_arena *arena, const struct sx_batch *batch)
{
    uint16_t *sel;
    uint32_t count = 0;

    if (batch->gone == NULL)
        return *batch;
    sel = sx_arena_alloc(arena, sizeof(*sel) * (batch->count + 1));
    for (SX_EACH_ROW(batch, i, row))
        if (!sx_bit(batch->gone, row))
            sel[count++] = (uint16_t)row;
    return sx_batch_select(batch, sel, count);
}

struct sx_batch sx_batch_current(struct sx_arena *arena, const struct sx_batch *batch)
{
    struct sx_batch current;
    uint16_t *sel;
    uint32_t count = 0;

    if (batch->outdated == NULL)
        return *batch;
    sel = sx_arena_alloc(arena, sizeof(*sel) * (batch->count + 1));
    for (SX_EACH_ROW(batch, i, row))
        if (!sx_bit(batch->outdated, row))
            sel[count++] = (uint16_t)row;
    current = sx_batch_select(batch, sel, count);
    current.outdated = NULL;
    return current;
}

struct sx_batch sx_batch_before(struct sx_arena *arena, const struct sx_batch *batch)
{
    struct sx_batch before = batch->old != NULL ? *batch->old : *batch;
    size_t bytes = sizeof(uint64_t) * (SX_BITMAP_WORDS(batch->rows) + 1);

    before.sel = batch->sel;
    before.count = batch->count;
    before.old = NULL;
    if (batch->old == NULL) {
        before.gone = sx_arena_alloc(arena, bytes);
        memset((uint64_t *)before.gone, 0xff, bytes);
    }
    return before;
}

struct sx_column *sx_columns_new(struct sx_arena *arena, const struct sx_schema *schema, uint32_t rows)
{
    struct sx_column *columns = SX_ARENA_ARRAY(arena, struct sx_column, schema->count + 1);

    for (uint32_t c = 0; c < schema->count; c++) {
        columns[c] = sx_column_new(arena, schema->fields[c].type, rows);
        sx_column_nulls(&columns[c], arena, rows);
    }
    return columns;
}

struct sx_column sx_column_gather(struct sx_arena *arena, const struct sx_column *from, const uint16_t *rows,
                                  uint32_t count)
{
    struct sx_column to;

    if (from->data == NULL) {
        to = *from;
        to.nulls = NULL;
        return to;
    }
    to = sx_column_new(arena, from->type, count);
    switch (sx_column_width(from->type->kind)) {
    case 1:
        for (uint32_t i = 0; i < count; i++)
            to.b[i] = from->b[rows[i]];
        break;
    case 8:
        for (uint32_t i = 0; i < count; i++)
            to.i[i] = from->i[rows[i]];
        break;
    default: {
        size_t width = sx_column_width(from->type->kind);
        for (uint32_t i = 0; i < count; i++)
            memcpy((char *)to.data + i * width, (const char *)from->data + rows[i] * width, width);
    }
    }
    if (from->nulls != NULL) {
        sx_column_nulls(&to, arena, count);
        for (uint32_t i = 0; i < count; i++)
            if (sx_bit(from->nulls, rows[i]))
                sx_bit_set(to.nulls, i);
    }
    return to;
}

struct sx_batch sx_batch_gather(struct sx_arena *arena, const struct sx_batch *from, const uint16_t *rows,
                                uint32_t count)
{
    struct sx_batch to = *from;
    int64_t *ts = sx_arena_alloc(arena, sizeof(*ts) * (count + 1));
    uint16_t *origin_row = sx_arena_alloc(arena, sizeof(*origin_row) * (count + 1));

    to.columns = SX_ARENA_ARRAY(arena, struct sx_column, from->schema->count + 1);
    for (uint32_t c = 0; c < from->schema->count; c++)
        to.columns[c] = sx_column_gather(arena, &from->columns[c], rows, count);
    for (uint32_t i = 0; i < count; i++) {
        ts[i] = from->ts[rows[i]];
        origin_row[i] = from->origin_row ? from->origin_row[rows[i]] : rows[i];
    }
    to.ts = ts;
    to.origin_row = origin_row;
    if (from->gone != NULL) {
        uint64_t *gone = SX_ARENA_ARRAY(arena, uint64_t, SX_BITMAP_WORDS(count) + 1);
        for (uint32_t i = 0; i < count; i++)
            if (sx_bit(from->gone, rows[i]))
                sx_bit_set(gone, i);
        to.gone = gone;
    }
    if (from->windows != NULL) {
        struct sx_window *windows = sx_arena_alloc(arena, sizeof(*windows) * (count + 1));
        for (uint32_t i = 0; i < count; i++)
            windows[i] = from->windows[rows[i]];
        to.windows = windows;
    }
    to.rows = to.count = count;
    to.sel = NULL;
    to.old = NULL;
    to.outdated = NULL;
    return to;
}

struct sx_slice sx_row_key(struct sx_node *node, const struct sx_batch *batch, uint32_t key_count,
                           uint32_t row)
{
    static const uint16_t first[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const uint16_t *fields = key_count <= SX_COUNT(first) ? first : sx_indexes(node->arena, 0, key_count);

    node->scratch.size = 0;
    sx_key_write(&node->scratch, batch, fields, key_count, row);
    return sx_buffer_slice(&node->scratch);
}

struct sx_slice sx_table_key(struct sx_node *node, const struct sx_batch *batch,
                             const struct sx_schema *schema, uint32_t row)
{
    struct sx_slice key = sx_row_key(node, batch, schema->key_count, row);
    char *at;

    if (!schema->windowed)
        return key;
    at = sx_buffer_room(&node->scratch, 16);
    sx_put_sorted64(at, batch->windows[row].start);
    sx_put_sorted64(at + 8, batch->windows[row].end);
    node->scratch.size += 16;
    return sx_buffer_slice(&node->scratch);
}

struct sx_schema *sx_schema_of(struct sx_arena *arena, const struct sx_field *fields, uint32_t count,
                               const struct sx_schema *like)
{
    struct sx_schema *schema = SX_ARENA_NEW(arena, struct sx_schema);
    struct sx_field *copy = SX_ARENA_ARRAY(arena, struct sx_field, count + 1);

    *schema = *like;
    if (count)
        memcpy(copy, fields, sizeof(*copy) * count);
    schema->fields = copy;
    schema->count = count;
    schema->key_count = schema->value_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        schema->key_count += fields[i].role == SX_ROLE_KEY;
        schema->value_count += fields[i].role == SX_ROLE_VALUE;
    }
    return schema;
}

const struct sx_from *sx_from_same(struct sx_arena *arena, const struct sx_schema *schema)
{
    struct sx_from *from = SX_ARENA_ARRAY(arena, struct sx_from, schema->count + 1);

    for (uint32_t i = 0; i < schema->count; i++)
        from[i] = (struct sx_from){.input = 0, .column = (int32_t)i};
    return from;
}

uint64_t *sx_columns_all(struct sx_arena *arena, const struct sx_schema *schema)
{
    uint64_t *columns = SX_ARENA_ARRAY(arena, uint64_t, SX_BITMAP_WORDS(schema->count) + 1);

    for (uint32_t i = 0; i < schema->count; i++)
        sx_bit_set(columns, i);
    return columns;
}

const struct sx_type **sx_schema_types(struct sx_arena *arena, const struct sx_schema *schema)
{
    const struct sx_type **types = SX_ARENA_ARRAY(arena, const struct sx_type *, schema->count + 1);

    for (uint32_t i = 0; i < schema->count; i++)
        types[i] = schema->fields[i].type;
    return types;
}

const uint16_t *sx_indexes(struct sx_arena *arena, uint32_t from, uint32_t count)
{
    uint16_t *indexes = sx_arena_alloc(arena, sizeof(*indexes) * (count + 1));

    for (uint32_t i = 0; i < count; i++)
        indexes[i] = (uint16_t)(from + i);
    return indexes;
}

void sx_stored_write(struct sx_buffer *to, const struct sx_batch *batch, const uint16_t *columns,
                     uint32_t count, uint32_t row)
{
    sx_put_le64(sx_buffer_room(to, 8), (uint64_t)batch->ts[row]);
    to->size += 8;
    sx_row_write(to, batch, columns, count, row);
}

bool sx_stored_read(struct sx_slice bytes, const struct sx_type *const *types, uint32_t count, int64_t *ts,
                    struct sx_value *values, struct sx_arena *arena)
{
    if (bytes.size < 8)
        return false;
    *ts = (int64_t)sx_get_le64(bytes.data);
    return sx_row_read(sx_slice(bytes.data + 8, bytes.size - 8), types, count, values, arena);
}

/* ---- Tables ---------------------------------------------------------------------------------- */

/* The rows before, at the same physical rows: key columns are the new row's. */
struct sx_old_rows {
    struct sx_batch batch;
    struct sx_column *columns;
    int64_t *ts;
    uint64_t *gone;
    uint32_t key_count, kept;
    const struct sx_type **types;
    struct sx_value *values;
};

struct sx_old_rows *sx_old_begin(struct sx_node *node, const struct sx_batch *batch)
{
    const struct sx_schema *schema = node->plan->schema;
    struct sx_old_rows *old = SX_ARENA_NEW(node->arena, struct sx_old_rows);

    old->key_count = schema->key_count;
    old->kept = sx_schema_kept(schema);
    old->columns = SX_ARENA_ARRAY(node->arena, struct sx_column, schema->count + 1);
    for (uint32_t c = 0; c < schema->count; c++) {
        if (c < schema->key_count) {
            old->columns[c] = batch->columns[c];
            continue;
        }
        old->columns[c] = sx_column_new(node->arena, schema->fields[c].type, batch->rows);
        sx_column_nulls(&old->columns[c], node->arena, batch->rows);
    }
    old->types = sx_schema_types(node->arena, schema) + schema->key_count;
    old->values = SX_ARENA_ARRAY(node->arena, struct sx_value, schema->count + 1);
    old->ts = SX_ARENA_ARRAY(node->arena, int64_t, batch->rows + 1);
    old->gone = SX_ARENA_ARRAY(node->arena, uint64_t, SX_BITMAP_WORDS(batch->rows) + 1);
    old->batch = *batch;
    old->batch.schema = schema;
    old->batch.columns = old->columns;
    old->batch.ts = old->ts;
    old->batch.gone = old->gone;
    old->batch.old = NULL;
    return old;
}

const struct sx_batch *sx_old_batch(const struct sx_old_rows *old) { return &old->batch; }

void sx_old_row(struct sx_old_rows *old, struct sx_node *node, uint32_t row, struct sx_slice stored)
{
    bool there = stored.data != NULL &&
                 sx_stored_read(stored, old->types, old->kept, &old->ts[row], old->values, node->arena);

    for (uint32_t v = 0; v < old->kept; v++)
        sx_column_set(&old->columns[old->key_count + v], row, there ? old->values[v] : SX_VALUE_NULL);
    if (!there)
        sx_bit_set(old->gone, row);
}

void sx_table_upsert(struct sx_node *node, const struct sx_batch *batch, const uint64_t *deleted,
                     bool known_only)
{
    const struct sx_schema *schema = node->plan->schema;
    struct sx_store *store = node->stores[0];
    const uint16_t *values = sx_indexes(node->arena, schema->key_count, sx_schema_kept(schema));
    uint16_t *sel = sx_arena_alloc(node->arena, sizeof(*sel) * (batch->count + 1));
    uint64_t *gone = NULL;
    uint32_t count = 0;
    struct sx_old_rows *old = node->plan->needs_old ? sx_old_begin(node, batch) : NULL;
    struct sx_batch out = *batch;
    struct sx_buffer value = {0};

    if (batch->gone != NULL || deleted != NULL)
        gone = SX_ARENA_ARRAY(node->arena, uint64_t, SX_BITMAP_WORDS(batch->rows) + 1);
    for (SX_EACH_ROW(batch, i, row)) {
        struct sx_slice key, before;
        bool leaves = sx_batch_is_gone(batch, row) || (deleted != NULL && sx_bit(deleted, row));

        if (sx_row_key_is_null(batch, schema->key_count, row)) {
            sx_node_drop(node, "null_key", 1);
            continue;
        }
        key = sx_table_key(node, batch, schema, row);
        if (node->plan->needs_old || leaves)
            before = sx_store_get(store, 0, key);
        /* Its texts are read later, when the store may have put another row in its place. */
        if (old != NULL)
            sx_old_row(old, node, row, sx_arena_copy(node->arena, before));
        if (leaves) {
            sx_bit_set(gone, row);
            if (before.data != NULL)
                sx_store_remove(store, 0, key);
            else if (known_only)
                continue;
        } else {
            value.size = 0;
            sx_stored_write(&value, batch, values, sx_schema_kept(schema), row);
            sx_store_put(store, 0, key, sx_buffer_slice(&value));
        }
        sel[count++] = (uint16_t)row;
    }
    sx_buffer_free(&value);
    out.schema = schema;
    out.sel = sel;
    out.count = count;
    out.gone = gone;
    out.old = old != NULL ? &old->batch : NULL;
    if (deleted != NULL)
        sx_batch_blank(node->arena, &out);
    out.outdated = NULL; /* this table has no versions: what comes last counts, whatever its time */
    sx_node_emit(node, SX_PORT_ROWS, &out);
}

const char *sx_future_text(struct sx_node *node, int64_t time_ms)
{
    struct sx_buffer text = {0};
    const char *kept;

    sx_buffer_printf(&text, "the event time ");
    sx_add_timestamp(&text, time_ms);
    sx_buffer_printf(&text, " is more than ");
    sx_add_duration(&text, node->bound->ahead_ms);
    sx_buffer_printf(&text, " ahead of the clock, which says ");
    sx_add_timestamp(&text, node->bound->wall_ms);
    sx_buffer_add_byte(&text, 0);
    kept = sx_arena_strdup(node->arena, text.data);
    sx_buffer_free(&text);
    return kept;
}
