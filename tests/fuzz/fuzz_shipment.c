/* fuzz_shipment.c: state as another member sends it over HTTP.
 *
 *   input   how many bytes come at a time(1) | the bytes
 *
 * In pieces it is taken as in one; what is taken whole has every row that its end counts, and no byte is left
 * over.
 */
#include "engine/run/shipment.h"
#include "tests/fuzz/target.h"

#include <ftw.h>

#define CHANGELOG "app-counts-changelog"

enum { SIGNATURE = 0x01020304, HEAD_BYTES = 42 + sizeof(CHANGELOG) - 1, END_BYTES = 12 };

struct counting {
    struct sx_store store;
    uint64_t rows, bytes;
};

static bool count_row(struct sx_store *store, struct sx_unit *unit, struct sx_slice key,
                      struct sx_slice value)
{
    struct counting *c = (struct counting *)store;
    char *copy = exact_copy(key), *other = exact_copy(value);

    (void)unit;
    free(copy);
    free(other);
    c->rows++;
    c->bytes += 8 + (uint64_t)key.size + value.size;
    return key.size >= 8;
}

static const struct sx_store_ops ops = {.restore = count_row};
static const struct sx_store_plan plan = {.name = "counts", .kind = SX_STORE_KV, .changelog = CHANGELOG};

/* One for all inputs: nothing that is on it is looked at. */
static struct sx_disk *disk;
static char folder[] = "/tmp/fuzz-shipment-XXXXXX";

static int forget(const char *path, const struct stat *about, int kind, struct FTW *at)
{
    (void)about, (void)kind, (void)at;
    return remove(path);
}

static void close_disk(void)
{
    sx_disk_close(disk);
    nftw(folder, forget, 8, FTW_DEPTH | FTW_PHYS);
}

static void open_disk(void)
{
    const struct sx_disk_options options = {.memory_bytes = 1 << 20};

    MUST(mkdtemp(folder) != NULL);
    MUST(sx_disk_open(folder, &options, &disk, NULL) == STREAMD_OK);
    atexit(close_disk);
}

static bool take_all(const struct sx_slot *slot, struct counting *counting, struct sx_slice bytes,
                     uint32_t step)
{
    struct sx_slot_store store = {.store = &counting->store, .id = 1};
    struct sx_arrival *arrival = sx_arrival_new(slot, &store);
    struct sx_arrived arrived = {0};
    streamd_error *error = NULL;
    bool whole = true;

    for (uint32_t at = 0, size; at < bytes.size && whole; at += size) {
        size = SX_MIN(step, bytes.size - at);
        char *copy = exact_copy(sx_slice(bytes.data + at, size));
        whole = sx_arrival_take(arrival, sx_slice(copy, size), &error) == STREAMD_OK;
        free(copy);
    }
    whole = whole && sx_arrival_end(arrival, &arrived, &error) == STREAMD_OK;
    MUST(whole == (error == NULL));
    MUST(!whole || arrived.rows == counting->rows);
    streamd_error_free(error);
    sx_arrival_free(arrival);
    return whole;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t signature = SIGNATURE;
    struct sx_engine *engine = sx_calloc(1, sizeof(*engine));
    struct sx_worker *worker = sx_calloc(1, sizeof(*worker));
    const struct sx_slot slot = {.worker = worker, .number = 3};
    struct counting once = {.store = {.ops = &ops, .plan = &plan}}, pieces = once;
    struct input in = {data, size};
    uint32_t step = input_byte(&in) + 1u;
    struct sx_slice bytes = sx_slice((const char *)in.data, (uint32_t)in.size);
    bool whole;

    if (disk == NULL)
        open_disk();
    engine->options.disk = disk;
    engine->signatures = &signature;
    worker->engine = engine;
    whole = take_all(&slot, &once, bytes, UINT32_MAX);
    MUST(take_all(&slot, &pieces, bytes, step) == whole);
    MUST(!whole || (once.rows == pieces.rows && once.bytes + HEAD_BYTES + END_BYTES == bytes.size));
    free(worker);
    free(engine);
    return 0;
}
