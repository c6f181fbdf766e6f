/* batch.h: up to 1,024 rows of one partition in order, as columns.
 *
 *   batch ─┬─ schema        names and types; the key columns come first
 *          ├─ columns[]     one per field: data[0..rows) and a null bitmap
 *          ├─ sel[0..count) the rows that are in it, ascending; NULL: all of 0..rows
 *          ├─ ts[rows]      event time
 *          ├─ gone          bitmap: the row's value is null (in a table: the row is deleted)
 *          ├─ window[rows]  only if schema->windowed
 *          ├─ old           only on tables, and only if the reader asked: the row before
 *          ├─ outdated      bitmap, only of versioned tables: the key has a newer row
 *          └─ origin        the source records the rows come from
 *
 * A filter only narrows `sel`; a map adds columns and shares the others. So an index into a column
 * is a physical row, always one of sel[]. Everything lives until the batch ends (fetched message or
 * batch arena); nobody keeps a pointer. A batch is read-only for those it is given to.
 */
#ifndef SX_BATCH_H
#define SX_BATCH_H

#include "engine/data/value.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SX_BATCH_ROWS 1024
#define SX_BITMAP_WORDS(rows) (((rows) + 63) / 64)

static inline bool sx_bit(const uint64_t *bits, uint32_t i) { return bits[i >> 6] >> (i & 63) & 1; }
static inline void sx_bit_set(uint64_t *bits, uint32_t i) { bits[i >> 6] |= 1ull << (i & 63); }
static inline void sx_bit_clear(uint64_t *bits, uint32_t i) { bits[i >> 6] &= ~(1ull << (i & 63)); }

struct sx_column {
    const struct sx_type *type;
    uint64_t *nulls; /* bit set: null. NULL: no row is null */
    union {
        void *data;
        int64_t *i; /* int, timestamp, date, time, duration */
        double *d;
        uint8_t *b;         /* bool: 0 or 1 */
        struct sx_slice *s; /* string, bytes */
        struct sx_value *v; /* array, map, struct, decimal, json */
    };
};

/* Where a column stands in a schema. */
enum sx_role {
    SX_ROLE_KEY,     /* one of the record's key columns */
    SX_ROLE_VALUE,   /* one of the record's value columns */
    SX_ROLE_READABLE /* can be named in expressions, but is not part of the value: a joined table's
                      * key, say */
};

struct sx_field {
    const char *name;
    const char *qualifier; /* the stream, table or alias it came from, until the next map; or NULL */
    const struct sx_type *type;
    enum sx_role role;
    bool not_null;  /* declared so; advice for warnings, not relied on */
    bool joined_on; /* the left column of a join's `on`: its bare name is never the other side's */
};

struct sx_schema {
    const struct sx_field *fields; /* key columns first, then value, then readable ones */
    uint32_t count;
    uint32_t key_count;
    uint32_t value_count;
    bool is_table;
    bool windowed;
    int64_t window_ms; /* windowed: the size of every window; -1: sessions; 0: it varies */
    bool has_metadata; /* @topic @partition @offset @header are still those of the source record */
};

/* Columns that a table's store keeps of a row, behind its key: also those that can only be read, since
 * whoever looks at the row again may read them. */
static inline uint32_t sx_schema_kept(const struct sx_schema *schema)
{
    return schema->count - schema->key_count;
}

struct sx_window {
    int64_t start, end; /* end: exclusive, but of sessions and sliding windows inclusive */
};

struct sx_header {
    struct sx_slice name;
    struct sx_slice value; /* data NULL: a null value */
};

/* One record as a log gives or takes it. */
struct sx_record {
    struct sx_slice key;   /* data NULL: null */
    struct sx_slice value; /* data NULL: null */
    int64_t timestamp;     /* ms since 1970; -1: none */
    int64_t offset;
    const struct sx_header *headers;
    uint32_t header_count;
};

/* The source records of a batch, one per physical row at the source. */
struct sx_origin {
    const char *topic;
    int32_t partition;
    const struct sx_record *records;
    uint32_t count;
    bool repartitioned; /* of a repartition topic: each says which source record it came from */
};

struct sx_batch {
    const struct sx_schema *schema;
    struct sx_column *columns; /* schema->count; a column that nothing reads has data == NULL */
    uint32_t rows;             /* physical */
    uint32_t count;            /* selected */
    const uint16_t *sel;       /* NULL: 0..rows-1, and count == rows */
    const int64_t *ts;
    const uint64_t *gone; /* NULL: none */
    const struct sx_window *windows;
    const struct sx_batch *old; /* same physical rows; its `gone`: there was no row before. Its ts is
                                 * the old row's. Columns may be fewer-null; may be NULL */
    const uint64_t *outdated;   /* NULL: none */
    const struct sx_origin *origin;
    const uint16_t *origin_row; /* physical row -> record of origin; NULL: the same index */
};

/* for (SX_EACH_ROW(batch, i, row)) visits the selected rows; `row` is the physical index. */
#define SX_EACH_ROW(batch, i, row)                                          \
    uint32_t i = 0, row = 0;                                                \
    i < (batch)->count && (row = (batch)->sel ? (batch)->sel[i] : i, true); \
    i++

static inline bool sx_column_is_null(const struct sx_column *column, uint32_t row)
{
    return column->nulls != NULL && sx_bit(column->nulls, row);
}

static inline bool sx_batch_is_gone(const struct sx_batch *batch, uint32_t row)
{
    return batch->gone != NULL && sx_bit(batch->gone, row);
}

static inline const struct sx_record *sx_batch_record(const struct sx_batch *batch, uint32_t row)
{
    return &batch->origin->records[batch->origin_row ? batch->origin_row[row] : row];
}

/* A column with room for `rows` rows, data uninitialised, nulls NULL. */
struct sx_column sx_column_new(struct sx_arena *arena, const struct sx_type *type, uint32_t rows);
/* Bytes of one element of `data` for this kind. */
size_t sx_column_width(enum sx_kind kind);
/* Make sure there is a bitmap (all clear when new). `rows`: as given to sx_column_new. */
uint64_t *sx_column_nulls(struct sx_column *column, struct sx_arena *arena, uint32_t rows);
/* Box and unbox one row. Setting a null needs the bitmap to be there. */
struct sx_value sx_column_get(const struct sx_column *column, uint32_t row);
void sx_column_set(struct sx_column *column, uint32_t row, struct sx_value value);

/* A batch like `from` with another selection. `sel` must live as long as the batch. */
struct sx_batch sx_batch_select(const struct sx_batch *from, const uint16_t *sel, uint32_t count);

/* A physical row as a batch of its own, whose row 0 it is: what works through it makes room for one row, not
 * for all that it came among. Values stay where they are. */
struct sx_batch sx_batch_row(struct sx_arena *arena, const struct sx_batch *from, uint32_t row);

/* The index of a field, or -1; `qualifier` may be NULL. *ambiguous: how many match beyond one. */
int sx_schema_find(const struct sx_schema *schema, struct sx_slice qualifier, struct sx_slice name,
                   bool *ambiguous);
void sx_schema_print(const struct sx_schema *schema, struct sx_buffer *to);

#ifdef __cplusplus
}
#endif
#endif
