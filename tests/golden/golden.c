/* golden.c: the stored forms of this version as text that people can read, and back; see README.md here.
 *
 *   golden values FILE         the lines of FILE anew: expressions encoded, and what the bytes of FILE give
 *   golden records FILE        the same for records of changelogs and repartitions, and for windowed keys
 *   golden dump FOLDER         all that a directory of streamd holds
 *   golden load FOLDER FILE    a directory that holds what FILE says
 *
 * A line that is printed as it stands in FILE was written and read as ever.
 */
#include "dsl/compile.h"
#include "engine/data/row.h"
#include "engine/disk/disk.h"
#include "engine/format/windowed_key.h"
#include "engine/run/changelog.h"
#include "streamd/builtin.h"

#include <stdlib.h>

static const char *const families[SX_FAMILY_COUNT] = {"META", "KV", "WINDOW", "SESSION", "LOG"};

static void fail(const char *what, const char *line)
{
    fprintf(stderr, "golden: %s: %s\n", what, line);
    exit(1);
}

/* ---- Hex ------------------------------------------------------------------------------------- */

static void print_hex(struct sx_slice bytes)
{
    for (uint32_t i = 0; i < bytes.size; i++)
        printf("%02x", (unsigned char)bytes.data[i]);
    if (bytes.size == 0)
        putchar('-');
}

static struct sx_slice read_hex(const char *text, struct sx_arena *arena)
{
    size_t size = strcmp(text, "-") == 0 ? 0 : strlen(text) / 2;
    char *bytes = sx_arena_alloc(arena, size + SX_PADDING);

    for (size_t i = 0; i < size; i++) {
        unsigned byte;

        if (sscanf(text + 2 * i, "%2x", &byte) != 1)
            fail("no hex", text);
        bytes[i] = (char)byte;
    }
    return sx_slice(bytes, size);
}

/* Bytes as text, what is not printable as a point: to be read, not to be parsed. */
static void print_shown(struct sx_slice bytes)
{
    for (uint32_t i = 0; i < bytes.size; i++)
        putchar(bytes.data[i] > ' ' && bytes.data[i] < 0x7f ? bytes.data[i] : '.');
}

/* ---- Lines ----------------------------------------------------------------------------------- */

enum { FIELDS = 8 };

/* Cut `a | b | c` in place. */
static uint32_t cut(char *line, char *fields[FIELDS])
{
    uint32_t count = 0;

    for (char *at = line; at != NULL && count < FIELDS;) {
        char *bar = strstr(at, " | ");

        fields[count++] = at;
        if (bar != NULL)
            *bar = '\0';
        at = bar ? bar + 3 : NULL;
    }
    return count;
}

/* Call fn with the fields of each line; remarks and empty lines are printed as they are. */
static int each_line(const char *path, void (*fn)(char **fields, uint32_t count, struct sx_arena *arena))
{
    FILE *file = fopen(path, "r");
    struct sx_arena arena;
    char *line = NULL;
    size_t room = 0;
    ssize_t size;

    if (file == NULL)
        fail("cannot read", path);
    sx_arena_init(&arena, 0);
    while ((size = getline(&line, &room, file)) >= 0) {
        char *fields[FIELDS];

        if (line[0] == '#' || line[0] == '\n') {
            fputs(line, stdout);
            continue;
        }
        line[strcspn(line, "\n")] = '\0';
        fn(fields, cut(line, fields), &arena);
        sx_arena_reset(&arena);
    }
    free(line);
    fclose(file);
    sx_arena_free(&arena);
    return 0;
}

/* ---- Values: EXPRESSION | TYPE | ROW | KEY | read from ROW | read from KEY ------------------- */

static void print_value(struct sx_value value, const struct sx_type *type)
{
    struct sx_buffer text = {0};

    if (value.kind == SX_NULL)
        sx_buffer_add_text(&text, "null");
    else
        sx_json_write_value(&text, value, type);
    printf("%.*s", (int)text.size, text.data);
    sx_buffer_free(&text);
}

static void value_line(char **fields, uint32_t count, struct sx_arena *arena)
{
    struct sx_buffer row = {0}, key = {0}, name = {0};
    const struct sx_type *type;
    struct sx_value value, back;
    streamd_error *error = NULL;
    struct sx_slice row_bytes, key_bytes;

    if (sx_compile_constant(fields[0], &sx_builtin_catalog, arena, &value, &type, &error) != STREAMD_OK)
        fail(streamd_error_message(error), fields[0]);
    sx_row_write_values(&row, &value, 1);
    sx_key_write_values(&key, &value, 1);
    sx_type_print(type, &name);
    printf("%s | %.*s | ", fields[0], (int)name.size, name.data);
    print_hex(sx_buffer_slice(&row));
    fputs(" | ", stdout);
    print_hex(sx_buffer_slice(&key));
    fputs(" | ", stdout);
    /* What is read are the bytes of the file, if it has any yet. */
    row_bytes = count > 2 ? read_hex(fields[2], arena) : sx_buffer_slice(&row);
    key_bytes = count > 3 ? read_hex(fields[3], arena) : sx_buffer_slice(&key);
    if (!sx_row_read(row_bytes, &type, 1, &back, arena))
        fail("the row cannot be read", fields[0]);
    print_value(back, type);
    fputs(" | ", stdout);
    if (!sx_key_read(key_bytes, &type, 1, &back, arena))
        fail("the key cannot be read", fields[0]);
    print_value(back, type);
    putchar('\n');
    sx_buffer_free(&row);
    sx_buffer_free(&key);
    sx_buffer_free(&name);
}

/* ---- Records: KIND | what it is made of ... | BYTES | read from BYTES ------------------------ */

static void print_bytes(const struct sx_buffer *made, char **fields, uint32_t count, uint32_t at,
                        struct sx_arena *arena, struct sx_slice *read)
{
    *read = count > at ? read_hex(fields[at], arena) : sx_buffer_slice(made);
    print_hex(sx_buffer_slice(made));
    fputs(" | ", stdout);
}

static void changelog_line(char **fields, uint32_t count, struct sx_arena *arena)
{
    static const char *const kinds[] = {"damaged", "newer", "row", "gone", "other", "signature"};
    bool row = strcmp(fields[0], "changelog row") == 0;
    uint32_t hash = row ? (uint32_t)strtoul(fields[1], NULL, 16) : 0;
    struct sx_record record = {.key = row ? SX_SLICE("12345678key") : sx_changelog_signature_key()};
    struct sx_buffer made = {0};
    struct sx_slice value;
    enum sx_changelog_kind kind;

    if (row)
        sx_changelog_write_row(&made, hash, read_hex(fields[2], arena));
    else
        sx_changelog_write_signature(&made, sx_slice_of(fields[2]));
    printf("%s | %s | %s | ", fields[0], fields[1], fields[2]);
    print_bytes(&made, fields, count, 3, arena, &record.value);
    kind = sx_changelog_read(&record, hash, &value);
    printf("%s ", kinds[kind]);
    if (row)
        print_hex(value);
    else
        printf("%.*s", (int)value.size, value.data);
    putchar('\n');
    sx_buffer_free(&made);
}

/* Of size 10 s, or a session. */
static void windowed_key_line(char **fields, uint32_t count, struct sx_arena *arena)
{
    bool session = strcmp(fields[0], "session key") == 0;
    struct sx_window window = {0};
    struct sx_buffer made = {0};
    struct sx_slice key;
    const char *wrong;

    if (sscanf(fields[2], "%ld..%ld", &window.start, &window.end) != 2)
        fail("no window", fields[2]);
    sx_buffer_add_text(&made, fields[1]);
    sx_windowed_key_add(&made, window, session);
    printf("%s | %s | %s | ", fields[0], fields[1], fields[2]);
    print_bytes(&made, fields, count, 3, arena, &key);
    wrong = sx_windowed_key_take(&key, session ? -1 : 10000, &window);
    if (wrong != NULL)
        fail(wrong, fields[1]);
    printf("%.*s %lld..%lld\n", (int)key.size, key.data, (long long)window.start, (long long)window.end);
    sx_buffer_free(&made);
}

/* Event time that went on upstream of a repartition. */
static void notice_line(char **fields, uint32_t count, struct sx_arena *arena)
{
    struct sx_notice notice = {(uint32_t)strtoul(fields[1], NULL, 10), strtoll(fields[2], NULL, 10)};
    struct sx_buffer made = {0};
    struct sx_slice bytes;

    sx_notice_write(sx_buffer_room(&made, SX_NOTICE_BYTES), &notice);
    made.size = SX_NOTICE_BYTES;
    printf("%s | %s | %s | ", fields[0], fields[1], fields[2]);
    print_bytes(&made, fields, count, 3, arena, &bytes);
    if (!sx_notice_read(bytes, &notice))
        fail("the notice cannot be read", fields[3]);
    printf("partition %u, %lld ms\n", notice.partition, (long long)notice.time_ms);
    sx_buffer_free(&made);
}

static void record_line(char **fields, uint32_t count, struct sx_arena *arena)
{
    if (count < 3)
        fail("too few fields", fields[0]);
    if (strncmp(fields[0], "changelog ", 10) == 0)
        changelog_line(fields, count, arena);
    else if (strcmp(fields[0], "window key") == 0 || strcmp(fields[0], "session key") == 0)
        windowed_key_line(fields, count, arena);
    else if (strcmp(fields[0], "notice") == 0)
        notice_line(fields, count, arena);
    else
        fail("no such kind", fields[0]);
}

/* ---- Directories: FAMILY | KEY | VALUE | both as text ---------------------------------------- */

static struct sx_disk *open_disk(const char *folder)
{
    struct sx_disk_options options = {.wal = true, .memory_bytes = 16 << 20};
    struct sx_disk *disk = NULL;
    streamd_error *error = NULL;

    if (sx_disk_open(folder, &options, &disk, &error) != STREAMD_OK)
        fail(streamd_error_message(error), folder);
    return disk;
}

static int dump(const char *folder)
{
    struct sx_disk *disk = open_disk(folder);
    struct sx_slice key, value;

    for (int family = 0; family < SX_FAMILY_COUNT; family++) {
        struct sx_cursor *cursor = sx_cursor_open(disk, (enum sx_family)family, SX_SLICE(""), SX_SLICE_NONE);

        while (sx_cursor_next(cursor, &key, &value)) {
            printf("%s | ", families[family]);
            print_hex(key);
            fputs(" | ", stdout);
            print_hex(value);
            fputs(" | ", stdout);
            print_shown(key);
            fputs(" = ", stdout);
            print_shown(value);
            putchar('\n');
        }
        sx_cursor_close(cursor);
    }
    sx_disk_close(disk);
    return 0;
}

static struct sx_unit *loading;

static void load_line(char **fields, uint32_t count, struct sx_arena *arena)
{
    for (int family = 0; family < SX_FAMILY_COUNT; family++)
        if (count >= 3 && strcmp(fields[0], families[family]) == 0) {
            sx_unit_put(loading, (enum sx_family)family, read_hex(fields[1], arena),
                        read_hex(fields[2], arena));
            return;
        }
    fail("no such family", fields[0]);
}

static int load(const char *folder, const char *path)
{
    struct sx_disk *disk = open_disk(folder);
    streamd_error *error = NULL;

    loading = sx_unit_new(disk);
    each_line(path, load_line);
    if (sx_unit_write(loading, true, &error) != STREAMD_OK)
        fail(streamd_error_message(error), folder);
    sx_unit_free(loading);
    sx_disk_close(disk);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "values") == 0)
        return each_line(argv[2], value_line);
    if (argc == 3 && strcmp(argv[1], "records") == 0)
        return each_line(argv[2], record_line);
    if (argc == 3 && strcmp(argv[1], "dump") == 0)
        return dump(argv[2]);
    if (argc == 4 && strcmp(argv[1], "load") == 0)
        return load(argv[2], argv[3]);
    fail("usage", "golden values|records FILE, dump FOLDER, load FOLDER FILE");
    return 1;
}
