/* embedded_topics.c: the embedded log's topics: made, found, removed. */
#include "engine/log/embedded.h"

#include "engine/base/text.h"

#include <stdlib.h>

#define VERSION 1
#define PARTITIONS_MAX 100000

static const char topic_prefix[] = "log/topic/";
static const char topic_prefix_end[] = "log/topic0"; /* '0' follows '/' */
static const char next_key[] = "log/next";

/* ---- keys ------------------------------------------------------------------------------------ */

void sx_embedded_low_key(uint32_t topic, int32_t partition, struct sx_buffer *key)
{
    char *at;

    sx_buffer_add_text(key, "log/low/");
    at = sx_buffer_room(key, 8);
    sx_put_be32(at, topic);
    sx_put_be32(at + 4, (uint32_t)partition);
    key->size += 8;
}

void sx_embedded_group_key(const struct embedded *log, uint32_t topic, int32_t partition,
                           struct sx_buffer *key)
{
    char *at;

    sx_buffer_add_text(key, "log/group/");
    sx_buffer_add(key, log->application, strlen(log->application) + 1);
    at = sx_buffer_room(key, 8);
    sx_put_be32(at, topic);
    sx_put_be32(at + 4, (uint32_t)partition);
    key->size += 8;
}

static void topic_key(const char *name, struct sx_buffer *key)
{
    sx_buffer_add_text(key, topic_prefix);
    sx_buffer_add_text(key, name);
}

/* ---- a topic in memory and on disk ----------------------------------------------------------- */

static struct embedded_topic *new_topic(struct sx_slice name, int32_t partitions)
{
    struct embedded_topic *topic =
        sx_calloc(1, sizeof(*topic) + sizeof(topic->partitions[0]) * (size_t)partitions);

    topic->name = sx_calloc(1, name.size + 1);
    memcpy(topic->name, name.data, name.size);
    topic->partition_count = partitions;
    topic->users = 1;
    return topic;
}

void sx_embedded_release(struct embedded_topic *topic)
{
    if (--topic->users > 0)
        return;
    free(topic->name);
    free(topic);
}

#define TOPIC_BYTES 19

static void write_topic(const struct embedded_topic *topic, char *to)
{
    to[0] = VERSION;
    sx_put_be32(to + 1, topic->id);
    sx_put_be32(to + 5, (uint32_t)topic->partition_count);
    to[9] = (char)topic->cleanup;
    to[10] = (char)topic->internal;
    sx_put_be64(to + 11, (uint64_t)topic->retention_ms);
}

/* NULL: damaged. */
static struct embedded_topic *read_topic(struct sx_slice name, struct sx_slice value)
{
    struct embedded_topic *topic;
    uint32_t partitions;

    if (value.size != TOPIC_BYTES || value.data[0] != VERSION)
        return NULL;
    partitions = sx_get_be32(value.data + 5);
    if (partitions == 0 || partitions > PARTITIONS_MAX)
        return NULL;
    topic = new_topic(name, (int32_t)partitions);
    topic->id = sx_get_be32(value.data + 1);
    topic->cleanup = (enum sx_cleanup)value.data[9];
    topic->internal = value.data[10] != 0;
    topic->retention_ms = (int64_t)sx_get_be64(value.data + 11);
    return topic;
}

static streamd_status load_partition(struct embedded *log, struct embedded_topic *topic, int32_t partition,
                                     streamd_error **error)
{
    struct embedded_partition *p = &topic->partitions[partition];
    char from[SX_BLOCK_KEY], to[SX_BLOCK_KEY];
    struct sx_buffer key = {0};
    struct sx_buffer got = {0};
    streamd_status status;
    bool found;

    sx_embedded_low_key(topic->id, partition, &key);
    status = sx_disk_get(log->disk, SX_FAMILY_META, sx_buffer_slice(&key), &got, &found, error);
    if (status == STREAMD_OK && found && got.size == 8)
        p->low = (int64_t)sx_get_be64(got.data);
    got.size = 0;
    sx_block_key(from, topic->id, partition, p->low);
    sx_block_key(to, topic->id, partition, INT64_MAX);
    if (status == STREAMD_OK)
        status = sx_disk_last(log->disk, SX_FAMILY_LOG, sx_slice(from, sizeof(from)),
                              sx_slice(to, sizeof(to)), &got, &found, error);
    p->end = p->low;
    if (status == STREAMD_OK && found)
        p->end = sx_block_key_offset(sx_buffer_slice(&got)) + 1;
    p->next = p->end;
    sx_buffer_free(&key);
    sx_buffer_free(&got);
    return status;
}

static streamd_status load_topic(struct embedded *log, struct sx_slice name, struct sx_slice value,
                                 streamd_error **error)
{
    struct embedded_topic *topic = read_topic(name, value);
    streamd_status status = STREAMD_OK;

    if (topic == NULL)
        return sx_fail(error, STREAMD_E_CORRUPT, "what is stored of the topic %.*s is damaged",
                       (int)name.size, name.data);
    sx_map_put(&log->topics, name, topic);
    for (int32_t i = 0; i < topic->partition_count && status == STREAMD_OK; i++)
        status = load_partition(log, topic, i, error);
    return status;
}

streamd_status sx_embedded_load(struct embedded *log, streamd_error **error)
{
    struct sx_cursor *cursor =
        sx_cursor_open(log->disk, SX_FAMILY_META, sx_slice_of(topic_prefix), sx_slice_of(topic_prefix_end));
    size_t prefix = strlen(topic_prefix);
    struct sx_slice key, value;
    streamd_status status = STREAMD_OK;
    struct sx_buffer next = {0};
    bool found;

    while (status == STREAMD_OK && sx_cursor_next(cursor, &key, &value))
        status = load_topic(log, sx_slice(key.data + prefix, key.size - prefix), value, error);
    if (status == STREAMD_OK)
        status = sx_cursor_status(cursor, error);
    sx_cursor_close(cursor);
    if (status == STREAMD_OK)
        status = sx_disk_get(log->disk, SX_FAMILY_META, sx_slice_of(next_key), &next, &found, error);
    if (status == STREAMD_OK && found && next.size == 4)
        log->next_id = sx_get_be32(next.data);
    sx_buffer_free(&next);
    return status;
}

streamd_status sx_embedded_topic(struct embedded *log, const char *name, int32_t partition,
                                 struct embedded_topic **topic, streamd_error **error)
{
    *topic = sx_map_get(&log->topics, sx_slice_of(name));
    if (*topic == NULL)
        return sx_fail(error, STREAMD_E_NOTFOUND, "there is no topic %s", name);
    if (partition < 0 || partition >= (*topic)->partition_count)
        return sx_fail(error, STREAMD_E_NOTFOUND, "the topic %s has no partition %d", name, partition);
    return STREAMD_OK;
}

/* ---- creating and removing ------------------------------------------------------------------- */

static streamd_status store_topic(struct embedded *log, const struct embedded_topic *topic,
                                  streamd_error **error)
{
    struct sx_unit *unit = sx_unit_new(log->disk);
    char value[TOPIC_BYTES], next[4];
    struct sx_buffer key = {0};
    streamd_status status;

    topic_key(topic->name, &key);
    write_topic(topic, value);
    sx_put_be32(next, topic->id + 1);
    sx_unit_put(unit, SX_FAMILY_META, sx_buffer_slice(&key), sx_slice(value, sizeof(value)));
    sx_unit_put(unit, SX_FAMILY_META, sx_slice_of(next_key), sx_slice(next, sizeof(next)));
    status = sx_unit_write(unit, log->sync, error);
    sx_unit_free(unit);
    sx_buffer_free(&key);
    return status;
}

/* Under `admin`. */
static streamd_status create_topic(struct embedded *log, const struct sx_topic_spec *spec, int32_t partitions,
                                   streamd_error **error)
{
    struct embedded_topic *topic = new_topic(sx_slice_of(spec->name), partitions);
    streamd_status status;

    topic->id = log->next_id;
    topic->cleanup = spec->cleanup;
    topic->internal = spec->internal;
    topic->retention_ms = spec->retention_ms;
    status = store_topic(log, topic, error);
    if (status != STREAMD_OK) {
        sx_embedded_release(topic);
        return status;
    }
    pthread_mutex_lock(&log->lock);
    log->next_id++;
    sx_map_put(&log->topics, sx_slice_of(topic->name), topic);
    pthread_mutex_unlock(&log->lock);
    return STREAMD_OK;
}

streamd_status sx_embedded_create(struct sx_log *log, const struct sx_topic_spec *spec, streamd_error **error)
{
    struct embedded *e = embedded_of(log);
    int32_t partitions = spec->partitions > 0 ? spec->partitions : e->default_partitions;
    streamd_status status = STREAMD_OK;
    bool exists;

    if (!sx_is_topic_name(spec->name))
        return sx_fail_fatal(error, STREAMD_E_LOG, "\"%s\" cannot be a topic's name", spec->name);
    if (partitions > PARTITIONS_MAX)
        return sx_fail_fatal(error, STREAMD_E_LOG, "the topic %s cannot have %d partitions", spec->name,
                             partitions);
    pthread_mutex_lock(&e->admin);
    pthread_mutex_lock(&e->lock);
    exists = sx_map_get(&e->topics, sx_slice_of(spec->name)) != NULL;
    pthread_mutex_unlock(&e->lock);
    if (!exists)
        status = create_topic(e, spec, partitions, error);
    pthread_mutex_unlock(&e->admin);
    return status;
}

static streamd_status erase_topic(struct embedded *log, const struct embedded_topic *topic,
                                  streamd_error **error)
{
    struct sx_unit *unit = sx_unit_new(log->disk);
    struct sx_buffer from = {0};
    struct sx_buffer to = {0};
    char first[SX_BLOCK_KEY], behind[SX_BLOCK_KEY];
    streamd_status status;

    topic_key(topic->name, &from);
    sx_unit_delete(unit, SX_FAMILY_META, sx_buffer_slice(&from));
    from.size = 0;
    sx_embedded_low_key(topic->id, 0, &from);
    sx_embedded_low_key(topic->id, topic->partition_count, &to);
    sx_unit_delete_range(unit, SX_FAMILY_META, sx_buffer_slice(&from), sx_buffer_slice(&to));
    /* Other applications' offsets may stay: the id that they are kept under never comes back. */
    from.size = to.size = 0;
    sx_embedded_group_key(log, topic->id, 0, &from);
    sx_embedded_group_key(log, topic->id, topic->partition_count, &to);
    sx_unit_delete_range(unit, SX_FAMILY_META, sx_buffer_slice(&from), sx_buffer_slice(&to));
    sx_block_key(first, topic->id, 0, 0);
    sx_block_key(behind, topic->id, topic->partition_count, 0);
    sx_unit_delete_range(unit, SX_FAMILY_LOG, sx_slice(first, sizeof(first)),
                         sx_slice(behind, sizeof(behind)));
    status = sx_unit_write(unit, log->sync, error);
    sx_unit_free(unit);
    sx_buffer_free(&from);
    sx_buffer_free(&to);
    return status;
}

/* Under `admin`. Commits that began before are waited for, or they would write what has just been
 * deleted; those that begin later see that the topic is removed. */
static streamd_status remove_topic(struct embedded *log, const char *name, streamd_error **error)
{
    struct embedded_topic *topic;
    streamd_status status;

    pthread_mutex_lock(&log->lock);
    status = sx_embedded_topic(log, name, 0, &topic, error);
    if (status == STREAMD_OK) {
        topic->removed = true;
        sx_embedded_turn_wait(log, sx_embedded_turn_take(log));
        pthread_mutex_unlock(&log->lock);
        status = erase_topic(log, topic, error);
        pthread_mutex_lock(&log->lock);
        sx_embedded_turn_end(log);
        topic->removed = status == STREAMD_OK;
    }
    if (status == STREAMD_OK) {
        for (int32_t i = 0; i < topic->partition_count; i++)
            sx_embedded_wake(&topic->partitions[i]);
        sx_map_remove(&log->topics, sx_slice_of(name));
        sx_embedded_release(topic);
    }
    pthread_mutex_unlock(&log->lock);
    return status;
}

streamd_status sx_embedded_remove(struct sx_log *log, const char *topic, streamd_error **error)
{
    struct embedded *e = embedded_of(log);
    streamd_status status;

    pthread_mutex_lock(&e->admin);
    status = remove_topic(e, topic, error);
    pthread_mutex_unlock(&e->admin);
    return status;
}

/* ---- asking ---------------------------------------------------------------------------------- */

streamd_status sx_embedded_partitions(struct sx_log *log, const char *topic, int32_t *count,
                                      streamd_error **error)
{
    struct sx_topic_spec spec;
    streamd_status status = sx_embedded_describe(log, topic, &spec, error);

    if (status == STREAMD_OK)
        *count = spec.partitions;
    return status;
}

streamd_status sx_embedded_describe(struct sx_log *log, const char *topic, struct sx_topic_spec *spec,
                                    streamd_error **error)
{
    struct embedded *e = embedded_of(log);
    struct embedded_topic *found;
    streamd_status status;

    pthread_mutex_lock(&e->lock);
    status = sx_embedded_topic(e, topic, 0, &found, error);
    if (status == STREAMD_OK)
        *spec = (struct sx_topic_spec){.name = topic,
                                       .partitions = found->partition_count,
                                       .cleanup = found->cleanup,
                                       .retention_ms = found->retention_ms,
                                       .internal = found->internal};
    pthread_mutex_unlock(&e->lock);
    return status;
}

struct names {
    char **names;
    uint32_t count;
};

static void add_name(struct sx_slice name, void *topic, void *arg)
{
    struct names *to = arg;

    (void)name;
    to->names[to->count++] = sx_strdup(((struct embedded_topic *)topic)->name);
}

streamd_status sx_embedded_topics(struct sx_log *log, char ***names, uint32_t *count, streamd_error **error)
{
    struct embedded *e = embedded_of(log);
    struct names to = {0};

    (void)error;
    pthread_mutex_lock(&e->lock);
    to.names = sx_malloc(sizeof(*to.names) * SX_MAX(e->topics.count, 1));
    sx_map_each(&e->topics, add_name, &to);
    pthread_mutex_unlock(&e->lock);
    *names = to.names;
    *count = to.count;
    return STREAMD_OK;
}

streamd_status sx_embedded_watermarks(struct sx_log *log, const char *topic, int32_t partition, bool all,
                                      int64_t *low, int64_t *high, streamd_error **error)
{
    struct embedded *e = embedded_of(log);
    struct embedded_topic *found;
    streamd_status status;

    (void)all; /* nothing is ever written that is not committed */
    pthread_mutex_lock(&e->lock);
    status = sx_embedded_topic(e, topic, partition, &found, error);
    if (status == STREAMD_OK) {
        *low = found->partitions[partition].low;
        *high = found->partitions[partition].end;
    }
    pthread_mutex_unlock(&e->lock);
    return status;
}
