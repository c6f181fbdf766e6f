/* join_subscribers.c: the right side of a foreign-key join: subscriptions come, and answers go. */
#include "operators/join_foreign.h"

struct subscribers_state {
    struct sx_view *right;
};

/* The run of one batch. */
struct answering {
    const struct sx_foreign_plan *plan;
    struct sx_subscribers subscribers;
    struct sx_rows rows;
    struct sx_value *key; /* of a left row */
    const struct sx_type **key_types;
};

static void begin(struct answering *a, const struct sx_foreign_plan *plan, struct sx_node *node,
                  const struct sx_batch *batch)
{
    *a = (struct answering){.plan = plan,
                            .subscribers = {.node = node, .store = node->stores[0]},
                            .rows = {.node = node, .schema = plan->answer, .cause = batch},
                            .key = SX_ARENA_ARRAY(node->arena, struct sx_value, plan->left->key_count + 1),
                            .key_types = sx_schema_types(node->arena, plan->left)};
}

static void end(struct answering *a)
{
    sx_buffer_free(&a->subscribers.key);
    sx_buffer_free(&a->subscribers.value);
    if (a->rows.count)
        sx_rows_emit(&a->rows);
}

/* Tell a subscriber the right row `row` of `right`, or that there is none. */
static void answer(struct answering *a, const struct sx_subscriber *to, const struct sx_batch *right,
                   uint32_t row, bool there, int64_t ts)
{
    uint32_t keys = a->plan->left->key_count, count = a->plan->right->key_count + a->plan->right->value_count;
    uint32_t at;

    if (!sx_key_read(to->key, a->key_types, keys, a->key, a->rows.node->arena))
        return;
    at = sx_rows_add(&a->rows, row, ts);
    for (uint32_t k = 0; k < keys; k++)
        sx_rows_set(&a->rows, at, k, a->key[k]);
    sx_rows_set(&a->rows, at, keys + SX_ANSWER_HASH, to->hash);
    sx_rows_set(&a->rows, at, keys + SX_ANSWER_PARTITION, sx_value_int(to->partition));
    for (uint32_t c = 0; c < count && there; c++)
        sx_rows_set(&a->rows, at, keys + SX_ANSWER_COLUMNS + c, sx_column_get(&right->columns[c], row));
    if (!there)
        sx_bit_set(a->rows.gone, at);
}

/* Subscriptions, with the right rows of their keys. */
static void take(struct answering *a, struct sx_node *node, const struct sx_batch *batch,
                 const struct sx_batch *right)
{
    uint32_t right_keys = a->plan->right->key_count, left_keys = a->plan->left->key_count;
    uint32_t base = right_keys + left_keys;
    struct sx_batch lefts = *batch;

    lefts.columns = batch->columns + right_keys;
    for (SX_EACH_ROW(batch, i, row)) {
        bool there = !sx_batch_is_gone(right, row);
        int64_t ts = there ? SX_MAX(batch->ts[row], right->ts[row]) : batch->ts[row];
        struct sx_subscriber subscriber = {
            .hash = sx_column_get(&batch->columns[base + SX_SUBSCRIPTION_HASH], row),
            .partition = (int32_t)batch->columns[base + SX_SUBSCRIPTION_PARTITION].i[row],
            .ts = batch->ts[row]};
        struct sx_slice key;

        if (sx_row_key_is_null(batch, right_keys, row))
            continue;
        key = sx_arena_copy(node->arena, sx_row_key(node, batch, right_keys, row));
        subscriber.key = sx_arena_copy(node->arena, sx_row_key(node, &lefts, left_keys, row));
        switch (batch->columns[base + SX_SUBSCRIPTION_WHAT].i[row]) {
        case SX_SUBSCRIBE:
            sx_subscribers_put(&a->subscribers, key, &subscriber);
            answer(a, &subscriber, right, row, there, ts);
            break;
        case SX_LEAVE:
            sx_subscribers_remove(&a->subscribers, key, subscriber.key);
            break;
        case SX_LEAVE_ANSWER:
            sx_subscribers_remove(&a->subscribers, key, subscriber.key);
            answer(a, &subscriber, right, row, false, ts);
            break;
        default:
            break;
        }
    }
}

/* Changes of the right table: all who refer to a row hear of it, also when what is deleted is not there. */
static void spread(struct answering *a, struct sx_node *node, const struct sx_batch *batch)
{
    for (SX_EACH_ROW(batch, i, row)) {
        bool there = !sx_batch_is_gone(batch, row);
        struct sx_subscriber *all;
        uint32_t count;

        count = sx_subscribers_all(
            &a->subscribers,
            sx_arena_copy(node->arena, sx_row_key(node, batch, a->plan->right->key_count, row)), &all);
        for (uint32_t n = 0; n < count; n++)
            answer(a, &all[n], batch, row, there, SX_MAX(all[n].ts, batch->ts[row]));
    }
}

static void open(const void *p, void *s, struct sx_node *node)
{
    ((struct subscribers_state *)s)->right =
        sx_view_open(((const struct sx_foreign_plan *)p)->right_view, node);
}

static void close(const void *p, void *s, struct sx_node *node)
{
    sx_view_close(((struct subscribers_state *)s)->right);
}

static void process(const void *p, void *s, struct sx_node *node, uint32_t input,
                    const struct sx_batch *batch)
{
    struct sx_batch current = sx_batch_current(node->arena, batch), right;
    struct answering a;

    begin(&a, p, node, batch);
    if (input == 0) {
        sx_view_read(((struct subscribers_state *)s)->right, node, batch, NULL, &right);
        take(&a, node, batch, &right);
    } else {
        spread(&a, node, &current);
    }
    end(&a);
}

const struct sx_operator_def sx_operator_join_subscribers = {
    .name = "join subscribers",
    .summary = "The right side of a foreign-key join: it answers those who refer to its rows.",
    .takes = "subscriptions, table -> answers",
    .internal = true,
    .state_bytes = sizeof(struct subscribers_state),
    .open = open,
    .process = process,
    .close = close,
};
