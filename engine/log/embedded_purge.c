/* embedded_purge.c: deleting the oldest records, by order or because their time is over.
 *
 * What is deleted is out of sight at once, by the partition's low offset; its bytes go later. */
#include "engine/log/embedded.h"

#include <stdlib.h>

/* A range deletion leaves a mark that every later read of the family must look at, so purges, which
 * come with every commit, reach the disk when as many records as this are due. */
#define DELETE_STEP 16384
/* How many blocks one look after retention goes through in one partition. */
#define TEND_BLOCKS 10000

/* One partition whose records before `low` go. Holds a use of the topic. */
struct cut {
    struct embedded_topic *topic;
    int32_t partition;
    int64_t low;
    int64_t deleted; /* as the partition has it, */
    int64_t end;     /* and this too */
    bool due;        /* the bytes go too */
};

static void add_cut(struct sx_unit *unit, const struct cut *cut)
{
    char from[SX_BLOCK_KEY], to[SX_BLOCK_KEY], low[8];
    struct sx_buffer key = {0};

    sx_embedded_low_key(cut->topic->id, cut->partition, &key);
    sx_put_be64(low, (uint64_t)cut->low);
    sx_unit_put(unit, SX_FAMILY_META, sx_buffer_slice(&key), sx_slice(low, sizeof(low)));
    sx_buffer_free(&key);
    if (!cut->due)
        return;
    /* A key is its block's last offset: a block that is still needed in part stays. */
    sx_block_key(from, cut->topic->id, cut->partition, cut->deleted);
    sx_block_key(to, cut->topic->id, cut->partition, cut->low);
    sx_unit_delete_range(unit, SX_FAMILY_LOG, sx_slice(from, sizeof(from)), sx_slice(to, sizeof(to)));
}

/* Write the cuts and show them; gives the uses of the topics back. Not synced: what a power cut
 * brings back is deleted again. */
static streamd_status make_cuts(struct embedded *log, const struct cut *cuts, uint32_t count,
                                streamd_error **error)
{
    struct sx_unit *unit = sx_unit_new(log->disk);
    streamd_status status;

    for (uint32_t i = 0; i < count; i++)
        add_cut(unit, &cuts[i]);
    status = sx_unit_write(unit, false, error);
    sx_unit_free(unit);
    pthread_mutex_lock(&log->lock);
    for (uint32_t i = 0; i < count; i++) {
        struct embedded_partition *p = &cuts[i].topic->partitions[cuts[i].partition];
        if (status == STREAMD_OK) {
            p->low = SX_MAX(p->low, cuts[i].low);
            if (cuts[i].due)
                p->deleted = SX_MAX(p->deleted, cuts[i].low);
        }
        sx_embedded_release(cuts[i].topic);
    }
    pthread_mutex_unlock(&log->lock);
    return status;
}

/* Under the lock: fill *cut, unless there is nothing to do. */
static streamd_status plan_cut(struct embedded *log, const struct sx_partition_offset *before,
                               struct cut *cut, bool *needed, streamd_error **error)
{
    struct embedded_partition *p;
    streamd_status status = sx_embedded_topic(log, before->topic, before->partition, &cut->topic, error);

    *needed = false;
    if (status != STREAMD_OK)
        return status;
    p = &cut->topic->partitions[before->partition];
    if (before->offset > p->end)
        return sx_fail(error, STREAMD_E_NOTFOUND,
                       "%s, partition %d, cannot be purged to %lld: it ends at %lld", before->topic,
                       before->partition, (long long)before->offset, (long long)p->end);
    if (before->offset <= p->low)
        return STREAMD_OK;
    cut->partition = before->partition;
    cut->low = before->offset;
    cut->deleted = p->deleted;
    cut->end = p->end;
    cut->due = cut->low - p->deleted >= DELETE_STEP;
    cut->topic->users++;
    *needed = true;
    return STREAMD_OK;
}

streamd_status sx_embedded_purge(struct sx_log *log, const struct sx_partition_offset *before, uint32_t count,
                                 streamd_error **error)
{
    struct embedded *e = embedded_of(log);
    struct cut *cuts = sx_malloc(sizeof(*cuts) * SX_MAX(count, 1));
    streamd_status status = STREAMD_OK;
    streamd_status made = STREAMD_OK;
    uint32_t cut_count = 0;

    pthread_mutex_lock(&e->lock);
    for (uint32_t i = 0; i < count && status == STREAMD_OK; i++) {
        bool needed;
        status = plan_cut(e, &before[i], &cuts[cut_count], &needed, error);
        cut_count += needed;
    }
    pthread_mutex_unlock(&e->lock);
    if (cut_count > 0)
        made = make_cuts(e, cuts, cut_count, status == STREAMD_OK ? error : NULL);
    free(cuts);
    return status != STREAMD_OK ? status : made;
}

/* ---- retention ------------------------------------------------------------------------------- */

/* Partitions with a retention, as cuts whose `low` is where they begin now. */
struct tended {
    struct cut *cuts;
    uint32_t count, room;
};

static void add_tended(struct sx_slice name, void *value, void *arg)
{
    struct embedded_topic *topic = value;
    struct tended *to = arg;

    (void)name;
    if (topic->retention_ms < 0 || topic->cleanup == SX_CLEANUP_COMPACT || topic->removed)
        return;
    for (int32_t i = 0; i < topic->partition_count; i++) {
        const struct embedded_partition *p = &topic->partitions[i];
        if (p->low == p->end)
            continue;
        if (to->count == to->room) {
            to->room = to->room ? to->room * 2 : 16;
            to->cuts = sx_realloc(to->cuts, sizeof(*to->cuts) * to->room);
        }
        to->cuts[to->count++] = (struct cut){topic, i, p->low, p->deleted, p->end, true};
        topic->users++;
    }
}

/* The offset behind the last block of those that, in a row from `cut->low` on, were appended before
 * `oldest_ms`. A damaged block ends the row: whoever reads it will say so. */
static int64_t outlived(struct embedded *log, const struct cut *cut, int64_t oldest_ms)
{
    char from[SX_BLOCK_KEY], to[SX_BLOCK_KEY];
    struct sx_slice key, value;
    struct sx_cursor *cursor;
    int64_t low = cut->low;
    int64_t append_ms;
    uint32_t count;

    sx_block_key(from, cut->topic->id, cut->partition, cut->low);
    sx_block_key(to, cut->topic->id, cut->partition, cut->end);
    cursor = sx_cursor_open(log->disk, SX_FAMILY_LOG, sx_slice(from, sizeof(from)), sx_slice(to, sizeof(to)));
    for (int i = 0; i < TEND_BLOCKS && sx_cursor_next(cursor, &key, &value); i++) {
        const char *at = value.data;
        if (!sx_block_head(&at, value.data + value.size, &count, &append_ms) || append_ms >= oldest_ms)
            break;
        low = sx_block_key_offset(key) + 1;
    }
    sx_cursor_close(cursor);
    return low;
}

void sx_embedded_tend(struct embedded *log, int64_t wall_ms)
{
    struct tended tended = {0};
    streamd_error *error = NULL;
    uint32_t kept = 0;

    pthread_mutex_lock(&log->lock);
    sx_map_each(&log->topics, add_tended, &tended);
    pthread_mutex_unlock(&log->lock);
    for (uint32_t i = 0; i < tended.count; i++) {
        struct cut cut = tended.cuts[i];
        int64_t low = outlived(log, &cut, wall_ms - cut.topic->retention_ms);
        if (low > cut.low) {
            cut.low = low;
            tended.cuts[kept++] = cut;
            continue;
        }
        pthread_mutex_lock(&log->lock);
        sx_embedded_release(cut.topic);
        pthread_mutex_unlock(&log->lock);
    }
    if (kept > 0 && make_cuts(log, tended.cuts, kept, &error) != STREAMD_OK) {
        sx_log(log->logger, SX_WARN, "records past their retention could not be deleted", "error",
               streamd_error_message(error), NULL);
        streamd_error_free(error);
    }
    free(tended.cuts);
}
