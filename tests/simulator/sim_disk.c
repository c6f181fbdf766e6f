/* sim_disk.c: see sim_disk.h. */
#include "tests/simulator/sim_disk.h"

#include "engine/base/bytes.h"
#include "tests/simulator/cluster.h"

#include <stdlib.h>

struct row {
    struct sx_slice key, value; /* one piece of memory, the key's */
};

/* Sorted by key. */
struct rows {
    struct row *rows;
    uint32_t count, room;
};

/* An operation in a unit: kind 1 | family 1 | size 4, key | size 4, value. */
enum { OP_PUT, OP_DELETE, OP_DELETE_RANGE };

struct sx_unit {
    struct sx_disk *disk;
    struct sx_buffer ops;
    uint32_t count;
};

struct sx_disk {
    struct sim_process *process;
    struct rows live[SX_FAMILY_COUNT], flushed[SX_FAMILY_COUNT];
    struct sx_buffer *units; /* since the flush */
    uint32_t unit_count, unit_room;
};

/* ---- Rows ------------------------------------------------------------------------------------ */

/* The first row that is not before the key. */
static uint32_t find(const struct rows *rows, struct sx_slice key)
{
    uint32_t from = 0, to = rows->count;

    while (from < to) {
        uint32_t middle = from + (to - from) / 2;

        if (sx_slice_compare(rows->rows[middle].key, key) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static bool is_at(const struct rows *rows, uint32_t i, struct sx_slice key)
{
    return i < rows->count && sx_slice_equal(rows->rows[i].key, key);
}

static struct row new_row(struct sx_slice key, struct sx_slice value)
{
    char *bytes = sx_malloc((size_t)key.size + value.size);

    if (key.size)
        memcpy(bytes, key.data, key.size);
    if (value.size)
        memcpy(bytes + key.size, value.data, value.size);
    return (struct row){sx_slice(bytes, key.size), sx_slice(bytes + key.size, value.size)};
}

static void put(struct rows *rows, struct sx_slice key, struct sx_slice value)
{
    uint32_t i = find(rows, key);

    if (is_at(rows, i, key)) {
        free((char *)rows->rows[i].key.data);
    } else {
        if (rows->count == rows->room) {
            rows->room = rows->room ? rows->room * 2 : 32;
            rows->rows = sx_realloc(rows->rows, sizeof(*rows->rows) * rows->room);
        }
        memmove(&rows->rows[i + 1], &rows->rows[i], sizeof(*rows->rows) * (rows->count - i));
        rows->count++;
    }
    rows->rows[i] = new_row(key, value);
}

static void delete_between(struct rows *rows, uint32_t from, uint32_t to)
{
    if (from >= to)
        return;
    for (uint32_t i = from; i < to; i++)
        free((char *)rows->rows[i].key.data);
    memmove(&rows->rows[from], &rows->rows[to], sizeof(*rows->rows) * (rows->count - to));
    rows->count -= to - from;
}

static void empty(struct rows *rows)
{
    delete_between(rows, 0, rows->count);
    free(rows->rows);
    *rows = (struct rows){0};
}

static struct sx_slice take(const char **at)
{
    uint32_t size = sx_get_be32(*at);
    struct sx_slice bytes = sx_slice(*at + 4, size);

    *at += 4 + (size_t)size;
    return bytes;
}

static void apply(struct rows *families, struct sx_slice ops)
{
    const char *at = ops.data, *end = at + ops.size;

    while (at < end) {
        int kind = at[0];
        struct rows *rows = &families[(int)at[1]];
        struct sx_slice first, second;

        at += 2;
        first = take(&at);
        second = take(&at);
        if (kind == OP_PUT)
            put(rows, first, second);
        else if (kind == OP_DELETE_RANGE)
            delete_between(rows, find(rows, first), find(rows, second));
        else if (is_at(rows, find(rows, first), first))
            delete_between(rows, find(rows, first), find(rows, first) + 1);
    }
}

/* ---- Disks ----------------------------------------------------------------------------------- */

struct sx_disk *sim_disk_new(struct sim_process *process)
{
    struct sx_disk *disk = sx_calloc(1, sizeof(*disk));

    disk->process = process;
    return disk;
}

/* The first units become part of what is flushed. */
static void flush(struct sx_disk *disk, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        apply(disk->flushed, sx_buffer_slice(&disk->units[i]));
        sx_buffer_free(&disk->units[i]);
    }
    disk->unit_count -= count;
    if (disk->unit_count)
        memmove(disk->units, disk->units + count, sizeof(*disk->units) * disk->unit_count);
}

void sim_disk_crash(struct sx_disk *disk, uint32_t keep)
{
    flush(disk, SX_MIN(keep, disk->unit_count));
    for (uint32_t i = 0; i < disk->unit_count; i++)
        sx_buffer_free(&disk->units[i]);
    disk->unit_count = 0;
    for (int f = 0; f < SX_FAMILY_COUNT; f++) {
        empty(&disk->live[f]);
        for (uint32_t i = 0; i < disk->flushed[f].count; i++)
            put(&disk->live[f], disk->flushed[f].rows[i].key, disk->flushed[f].rows[i].value);
    }
}

uint32_t sim_disk_unflushed(const struct sx_disk *disk) { return disk->unit_count; }

void sim_disk_wipe(struct sx_disk *disk)
{
    sim_disk_crash(disk, 0);
    for (int f = 0; f < SX_FAMILY_COUNT; f++) {
        empty(&disk->live[f]);
        empty(&disk->flushed[f]);
    }
}

void sx_disk_close(struct sx_disk *disk)
{
    sim_disk_wipe(disk);
    free(disk->units);
    free(disk);
}

streamd_status sx_disk_open(const char *folder, const struct sx_disk_options *options, struct sx_disk **disk,
                            streamd_error **error)
{
    return sx_fail(error, STREAMD_E_STATE, "a simulated disk is made by sim_disk_new()");
}

const char *sx_disk_folder(const struct sx_disk *disk) { return "simulated"; }

streamd_status sx_disk_flush(struct sx_disk *disk, streamd_error **error)
{
    if (disk->process->dead)
        return sim_dead(error);
    flush(disk, disk->unit_count);
    return STREAMD_OK;
}

void sx_disk_stats(struct sx_disk *disk, struct sx_disk_stats *stats) { *stats = (struct sx_disk_stats){0}; }

/* ---- Reading --------------------------------------------------------------------------------- */

static streamd_status read_status(const struct sx_disk *disk, streamd_error **error)
{
    struct sim *sim = disk->process->sim;

    if (!sim_fault(sim, sim->faults.disk_read))
        return STREAMD_OK;
    sim_say(sim, "process %u: a read of the disk fails", disk->process->number);
    return sx_fail(error, STREAMD_E_STORE, "a block cannot be read");
}

streamd_status sx_disk_get(struct sx_disk *disk, enum sx_family family, struct sx_slice key,
                           struct sx_buffer *to, bool *found, streamd_error **error)
{
    const struct rows *rows = &disk->live[family];
    uint32_t i = find(rows, key);

    *found = is_at(rows, i, key);
    if (*found)
        sx_buffer_add_slice(to, rows->rows[i].value);
    return read_status(disk, error);
}

streamd_status sx_disk_last(struct sx_disk *disk, enum sx_family family, struct sx_slice from,
                            struct sx_slice to, struct sx_buffer *to_key, bool *found, streamd_error **error)
{
    const struct rows *rows = &disk->live[family];
    uint32_t end = to.data != NULL ? find(rows, to) : rows->count;

    *found = end > find(rows, from);
    if (*found)
        sx_buffer_add_slice(to_key, rows->rows[end - 1].key);
    return read_status(disk, error);
}

streamd_status sx_disk_any(struct sx_disk *disk, enum sx_family family, struct sx_slice prefix, bool *any,
                           streamd_error **error)
{
    const struct rows *rows = &disk->live[family];
    uint32_t i = find(rows, prefix);

    *any = i < rows->count && rows->rows[i].key.size >= prefix.size &&
           memcmp(rows->rows[i].key.data, prefix.data, prefix.size) == 0;
    return read_status(disk, error);
}

/* A snapshot: a copy. */
struct sx_cursor {
    const struct sx_disk *disk;
    struct rows rows;
    uint32_t next;
};

struct sx_cursor *sx_cursor_open(struct sx_disk *disk, enum sx_family family, struct sx_slice from,
                                 struct sx_slice to)
{
    struct sx_cursor *cursor = sx_calloc(1, sizeof(*cursor));
    const struct rows *rows = &disk->live[family];
    uint32_t begin = find(rows, from), end = to.data != NULL ? find(rows, to) : rows->count;

    cursor->disk = disk;
    if (begin >= end)
        return cursor;
    cursor->rows.room = cursor->rows.count = end - begin;
    cursor->rows.rows = sx_malloc(sizeof(*cursor->rows.rows) * cursor->rows.count);
    for (uint32_t i = begin; i < end; i++)
        cursor->rows.rows[i - begin] = new_row(rows->rows[i].key, rows->rows[i].value);
    return cursor;
}

bool sx_cursor_next(struct sx_cursor *cursor, struct sx_slice *key, struct sx_slice *value)
{
    if (cursor->next == cursor->rows.count)
        return false;
    *key = cursor->rows.rows[cursor->next].key;
    *value = cursor->rows.rows[cursor->next++].value;
    return true;
}

void sx_cursor_seek(struct sx_cursor *cursor, struct sx_slice key)
{
    cursor->next = find(&cursor->rows, key);
}

streamd_status sx_cursor_status(const struct sx_cursor *cursor, streamd_error **error)
{
    return read_status(cursor->disk, error);
}

void sx_cursor_close(struct sx_cursor *cursor)
{
    empty(&cursor->rows);
    free(cursor);
}

/* ---- Units ----------------------------------------------------------------------------------- */

struct sx_unit *sx_unit_new(struct sx_disk *disk)
{
    struct sx_unit *unit = sx_calloc(1, sizeof(*unit));

    unit->disk = disk;
    return unit;
}

void sx_unit_free(struct sx_unit *unit)
{
    if (unit == NULL)
        return;
    sx_buffer_free(&unit->ops);
    free(unit);
}

static void add_bytes(struct sx_buffer *to, struct sx_slice bytes)
{
    char size[4];

    sx_put_be32(size, bytes.size);
    sx_buffer_add(to, size, sizeof(size));
    sx_buffer_add_slice(to, bytes);
}

static void add(struct sx_unit *unit, int kind, enum sx_family family, struct sx_slice first,
                struct sx_slice second)
{
    sx_buffer_add_byte(&unit->ops, (char)kind);
    sx_buffer_add_byte(&unit->ops, (char)family);
    add_bytes(&unit->ops, first);
    add_bytes(&unit->ops, second);
    unit->count++;
}

void sx_unit_put(struct sx_unit *unit, enum sx_family family, struct sx_slice key, struct sx_slice value)
{
    add(unit, OP_PUT, family, key, value);
}

void sx_unit_delete(struct sx_unit *unit, enum sx_family family, struct sx_slice key)
{
    add(unit, OP_DELETE, family, key, SX_SLICE_NONE);
}

void sx_unit_delete_range(struct sx_unit *unit, enum sx_family family, struct sx_slice from,
                          struct sx_slice to)
{
    add(unit, OP_DELETE_RANGE, family, from, to);
}

uint32_t sx_unit_count(const struct sx_unit *unit) { return unit->count; }
size_t sx_unit_bytes(const struct sx_unit *unit) { return unit->ops.size; }

void sx_unit_clear(struct sx_unit *unit)
{
    unit->ops.size = 0;
    unit->count = 0;
}

streamd_status sx_unit_write(struct sx_unit *unit, bool sync, streamd_error **error)
{
    struct sx_disk *disk = unit->disk;
    struct sim *sim = disk->process->sim;
    bool dies;

    if (sim_dies(disk->process, SIM_ANYWHERE))
        return sim_dead(error);
    if (sim_fault(sim, sim->faults.disk_write)) {
        sim_say(sim, "process %u: a write to the disk fails", disk->process->number);
        return sx_fail(error, STREAMD_E_STORE, "no space is left");
    }
    if (disk->unit_count == disk->unit_room) {
        disk->unit_room = disk->unit_room ? disk->unit_room * 2 : 16;
        disk->units = sx_realloc(disk->units, sizeof(*disk->units) * disk->unit_room);
    }
    dies = sim_dies(disk->process, SIM_ON_EMBEDDED);
    if (dies && sim_chance(sim, 500))
        return sim_dead(error);
    apply(disk->live, sx_buffer_slice(&unit->ops));
    disk->units[disk->unit_count++] = unit->ops;
    unit->ops = (struct sx_buffer){0};
    unit->count = 0;
    return dies ? sim_dead(error) : STREAMD_OK;
}
