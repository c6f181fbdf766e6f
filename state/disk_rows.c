/* disk_rows.c: see disk_rows.h. */
#include "state/disk_rows.h"

void sx_disk_rows_prefix(char prefix[SX_DISK_ROWS_PREFIX], uint32_t id, int32_t slot)
{
    sx_put_be32(prefix, id);
    sx_put_be16(prefix + 4, (uint16_t)slot);
}

enum sx_family sx_disk_rows_family(enum sx_store_kind kind)
{
    return kind == SX_STORE_WINDOW ? SX_FAMILY_WINDOW : SX_FAMILY_KV;
}

void sx_disk_rows_wipe(struct sx_unit *unit, enum sx_store_kind kind, uint32_t id, int32_t slot)
{
    char from[SX_DISK_ROWS_PREFIX], to[SX_DISK_ROWS_PREFIX];

    sx_disk_rows_prefix(from, id, slot);
    sx_disk_rows_prefix(to, id, slot + 1);
    sx_unit_delete_range(unit, sx_disk_rows_family(kind), sx_slice(from, sizeof(from)),
                         sx_slice(to, sizeof(to)));
}

struct sx_cursor *sx_disk_rows_walk(struct sx_disk *disk, enum sx_store_kind kind, uint32_t id, int32_t slot)
{
    char from[SX_DISK_ROWS_PREFIX], to[SX_DISK_ROWS_PREFIX];

    sx_disk_rows_prefix(from, id, slot);
    sx_disk_rows_prefix(to, id, slot + 1);
    return sx_cursor_open(disk, sx_disk_rows_family(kind), sx_slice(from, sizeof(from)),
                          sx_slice(to, sizeof(to)));
}

bool sx_disk_rows_next(struct sx_cursor *rows, struct sx_slice *key, struct sx_slice *value)
{
    if (!sx_cursor_next(rows, key, value))
        return false;
    *key = sx_slice(key->data + SX_DISK_ROWS_PREFIX, key->size - SX_DISK_ROWS_PREFIX);
    return true;
}
