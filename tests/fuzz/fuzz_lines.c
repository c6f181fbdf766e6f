/* fuzz_lines.c: lines of NDJSON, as `produce` and POST take them. What is taken is written as `consume` shows
 * it, and that line says the same record again; but for undecoded bytes, which need not be of the format.
 *
 * The first byte chooses how keys and values are encoded; what follows is the line.
 */
#include "streamd/topic_line.h"
#include "tests/fuzz/target.h"

/* `key string value json {...}`, text, or bytes of no known form. */
static struct sx_record_form form_of(uint8_t choice, struct sx_arena *arena)
{
    static const char *const names[] = {"string", "json", "bytes", "int", "double"};
    static const struct sx_type *const types[] = {&sx_type_string, &sx_type_string, &sx_type_bytes,
                                                  &sx_type_int, &sx_type_double};
    struct sx_record_form form = {0};
    const struct sx_format_def **defs[] = {&form.key_format, &form.value_format};
    const void **plans[] = {&form.key_plan, &form.value_plan};

    for (unsigned side = 0; side < 2; side++) {
        unsigned which = (side ? choice / 8u : choice) % 8;
        struct sx_format_field field;
        struct sx_format_spec spec = {.fields = &field, .field_count = 1, .whole = true};
        void *plan;

        if (which >= SX_COUNT(names))
            continue;
        field = (struct sx_format_field){.name = "v", .type = types[which]};
        *defs[side] = sx_format_find(names[which]);
        MUST((*defs[side])->bind(&spec, arena, &plan, NULL) == STREAMD_OK);
        *plans[side] = plan;
    }
    return form;
}

static void same(struct sx_slice a, struct sx_slice b)
{
    MUST((a.data == NULL) == (b.data == NULL));
    MUST(sx_slice_equal(a, b));
}

static void check_back(struct sx_topic_lines *lines, const struct sx_record *record, int32_t partition,
                       struct sx_arena *arena)
{
    struct sx_buffer line = {0};
    struct sx_record back;
    int32_t where;
    const char *message = NULL;

    sx_record_line_write(&line, lines->topic, partition, record, &lines->form, NULL, arena);
    MUST(line.size > 0 && line.data[line.size - 1] == '\n');
    MUST(memchr(line.data, '\n', line.size - 1) == NULL);
    MUST(sx_topic_line(lines, sx_buffer_slice(&line), 5, &back, &where, arena, &message));
    MUST(where == partition && back.timestamp == record->timestamp);
    MUST(back.header_count == record->header_count);
    same(record->key, back.key);
    same(record->value, back.value);
    for (uint32_t i = 0; i < back.header_count; i++) {
        same(record->headers[i].name, back.headers[i].name);
        same(record->headers[i].value, back.headers[i].value);
    }
    sx_buffer_free(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    struct sx_topic_lines lines = {.topic = "t", .partitions = 3};
    struct sx_record record;
    struct sx_arena arena;
    uint8_t choice = input_byte(&in);
    char *text = exact_copy(sx_slice(in.data, in.size));
    const char *message = NULL;
    struct sx_record_line line;
    int32_t partition;

    sx_arena_init(&arena, 0);
    lines.form = form_of(choice, &arena);
    if (sx_topic_line(&lines, sx_slice(text, in.size), 5, &record, &partition, &arena, &message)) {
        MUST(partition >= 0 && partition < lines.partitions);
        MUST(sx_record_line_read(sx_slice(text, in.size), &line, &arena, &message));
        if (!line.raw)
            check_back(&lines, &record, partition, &arena);
    } else {
        MUST(message != NULL && message[0] != '\0');
    }
    sx_arena_free(&arena);
    free(text);
    return 0;
}
