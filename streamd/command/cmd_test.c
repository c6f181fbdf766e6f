/* cmd_test.c: run `test` blocks, and write what they expect anew. */
#include "streamd/command/command.h"
#include "streamd/command/scenario.h"

#include <stdlib.h>
#include <sys/stat.h>

struct tally {
    uint32_t passed, failed, updated;
    uint32_t batch;
    bool update;
};

/* The blocks of one file; with --update it is written anew when all have run. */
static void run_tests(struct sx_compiled *compiled, const struct sx_test *tests, const char *path,
                      struct tally *tally)
{
    struct sx_edits *edits = tally->update ? sx_edits_new(path) : NULL;
    uint32_t updated = 0;
    const char *reason;

    for (const struct sx_test *test = tests; test != NULL; test = test->next) {
        enum sx_verdict verdict = sx_scenario_run(compiled, test, tally->batch, edits);

        tally->passed += verdict == SX_VERDICT_PASSED;
        tally->failed += verdict == SX_VERDICT_FAILED;
        updated += verdict == SX_VERDICT_UPDATED;
    }
    if (updated > 0 && sx_edits_write(edits, &reason)) {
        printf("%s: expectations of %u tests are written anew; look at what changed\n", path, updated);
        tally->updated += updated;
    } else if (updated > 0) {
        fprintf(stderr, "error: cannot write %s: %s\n", path, reason);
        tally->failed += updated;
    }
    if (edits != NULL)
        sx_edits_free(edits);
}

/* A `.test` file's blocks. */
static void run_test_file(struct sx_compiled *compiled, const char *path, struct tally *tally)
{
    const struct sx_test *tests = NULL;
    streamd_error *error = NULL;
    struct sx_arena arena;
    const char *reason;
    size_t size;
    char *text = sx_read_file(path, &size, &reason);

    sx_arena_init(&arena, 0);
    if (text == NULL) {
        fprintf(stderr, "error: cannot read %s: %s\n", path, reason);
        tally->failed++;
    } else if (sx_compile_tests(text, size, path, &arena, &tests, &error) != STREAMD_OK) {
        sx_complain(error);
        tally->failed++;
    } else {
        run_tests(compiled, tests, path, tally);
    }
    free(text);
    sx_arena_free(&arena);
}

/* NAME.test beside NAME.stream, if it is there. */
static char *sibling_of(const char *path)
{
    const char *dot = strrchr(path, '.');
    char *name = sx_format("%.*s.test",
                           (int)(dot && strchr(dot, '/') == NULL ? dot - path : (long)strlen(path)), path);
    struct stat status;

    if (stat(name, &status) == 0)
        return name;
    free(name);
    return NULL;
}

static bool is_test_file(const char *path)
{
    size_t size = strlen(path);
    return size > 5 && strcmp(path + size - 5, ".test") == 0;
}

static int run(const struct sx_options *options)
{
    struct tally tally = {.update = options->values[SX_OPTION_UPDATE] != NULL};
    int code = SX_EXIT_OK;

    if (!sx_batch_option(options, &tally.batch))
        return SX_EXIT_USAGE;
    if (options->argument_count == 0 || is_test_file(options->arguments[0])) {
        fputs("usage: streamd test FILE [T.test ...]\n", stderr);
        return SX_EXIT_USAGE;
    }
    for (uint32_t i = 0; i < options->argument_count; i++) {
        const char *path = options->arguments[i];
        bool alone = i + 1 == options->argument_count || !is_test_file(options->arguments[i + 1]);
        int failed_code;
        struct sx_compiled *compiled;

        if (is_test_file(path))
            continue;
        compiled = sx_load(path, options, false, &failed_code);
        if (compiled == NULL) {
            printf("FAIL %s: it does not compile\n", path);
            tally.failed++;
            code = failed_code;
            continue;
        }
        run_tests(compiled, compiled->tests, path, &tally);
        if (alone) {
            char *sibling = sibling_of(path);
            if (sibling != NULL)
                run_test_file(compiled, sibling, &tally);
            free(sibling);
        }
        for (uint32_t j = i + 1; j < options->argument_count && is_test_file(options->arguments[j]); j++)
            run_test_file(compiled, options->arguments[j], &tally);
        sx_compiled_free(compiled);
    }
    if (tally.updated > 0)
        printf("%u passed, %u failed, %u updated\n", tally.passed, tally.failed, tally.updated);
    else
        printf("%u passed, %u failed\n", tally.passed, tally.failed);
    return tally.failed && code == SX_EXIT_OK ? SX_EXIT_FAILED : code;
}

const struct sx_command sx_command_test = {
    .name = "test",
    .usage = "FILE [T.test ...]",
    .summary = "Run the `test` blocks of files and of the .test files beside them.",
    .more =
        "Tests run through the same driver as `streamd pipe`. Several files may be given, each\n"
        "followed by its .test files; without any NAME.test beside NAME.stream is taken.\n"
        "--update replaces, in the file, expectations that do not hold by what came; so a test can begin\n"
        "with `NAME -> nothing`.\n",
    .options = " update batch ",
    .run = run,
};
