/* topic_pattern.c: see topic_pattern.h. */
#include "operators/functions/topic_pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define MATCH_LIMIT 100000u /* steps of matching: names are short, so only a hostile pattern needs more */

static void *from_arena(PCRE2_SIZE size, void *arena) { return sx_arena_alloc(arena, size); }
static void not_freed(void *memory, void *arena) {}

static bool matches(const struct sx_topic_pattern *pattern, const char *name)
{
    pcre2_match_data *match = pcre2_match_data_create_from_pattern(pattern->code, NULL);
    pcre2_match_context *context = pcre2_match_context_create(NULL);
    bool found = false;

    if (match != NULL && context != NULL) {
        pcre2_set_match_limit(context, MATCH_LIMIT);
        found = pcre2_match(pattern->code, (PCRE2_SPTR)name, strlen(name), 0, 0, match, context) >= 0;
    }
    pcre2_match_data_free(match);
    pcre2_match_context_free(context);
    return found;
}

const struct sx_topic_pattern *sx_topic_pattern_new(struct sx_arena *arena, const char *text,
                                                    const char **message)
{
    struct sx_topic_pattern *pattern = SX_ARENA_NEW(arena, struct sx_topic_pattern);
    pcre2_general_context *memory = pcre2_general_context_create(from_arena, not_freed, arena);
    pcre2_compile_context *context = pcre2_compile_context_create(memory);
    int error = 0;
    PCRE2_SIZE offset = 0;

    pcre2_set_compile_extra_options(context, PCRE2_EXTRA_MATCH_LINE);
    pattern->text = sx_arena_strdup(arena, text);
    pattern->matches = matches;
    pattern->code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, 0, &error, &offset, context);
    if (pattern->code == NULL) {
        char what[120];

        pcre2_get_error_message(error, (PCRE2_UCHAR *)what, sizeof(what));
        *message =
            sx_arena_format(arena, "the pattern is wrong at its character %zu: %s", (size_t)offset + 1, what);
        return NULL;
    }
    return pattern;
}
