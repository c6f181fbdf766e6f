/* test_error.c: statuses, chains, and what a person gets to read. */
#include "tests/unit/unit.h"

#include <stdlib.h>

static void statuses(void)
{
    SX_ASSERT_TEXT(streamd_status_name(STREAMD_OK), "OK");
    SX_ASSERT_TEXT(streamd_status_name(STREAMD_E_TYPE), "E_TYPE");
    SX_ASSERT_TEXT(streamd_status_text(STREAMD_E_TYPE), "types do not fit");
    CU_ASSERT_PTR_NOT_NULL(streamd_status_name((streamd_status)-9999));
    CU_ASSERT_PTR_NOT_NULL(streamd_status_text((streamd_status)12345));
    SX_ASSERT_TEXT(streamd_version(), "0.1.0");
}

static void failing_says_what_to_do(void)
{
    streamd_error *error = NULL, *copy = NULL;

    CU_ASSERT_EQUAL(sx_fail(NULL, STREAMD_E_LOG, "unseen"), STREAMD_E_LOG);
    CU_ASSERT_EQUAL(sx_fail(&error, STREAMD_E_LOG, "topic %s", "t"), STREAMD_E_LOG);
    CU_ASSERT_EQUAL(streamd_error_status(error), STREAMD_E_LOG);
    SX_ASSERT_TEXT(streamd_error_message(error), "topic t");
    CU_ASSERT_FALSE(streamd_error_is_retriable(error));
    CU_ASSERT_FALSE(streamd_error_is_fatal(error));
    CU_ASSERT_EQUAL(streamd_error_line(error), 0);
    CU_ASSERT_PTR_NULL(sx_error_file(error));
    CU_ASSERT_PTR_NULL(streamd_error_next(error));
    streamd_error_free(error);
    sx_fail_retriable(&error, STREAMD_E_MOVED, "moved");
    CU_ASSERT(streamd_error_is_retriable(error) && !streamd_error_is_fatal(error));
    sx_error_append(&copy, sx_error_copy(error));
    streamd_error_free(error);
    sx_fail_fatal(&error, STREAMD_E_FENCED, "fenced");
    CU_ASSERT(streamd_error_is_fatal(error) && !streamd_error_is_retriable(error));
    sx_error_append(&copy, sx_error_copy(error));
    streamd_error_free(error);
    CU_ASSERT(streamd_error_is_retriable(copy) && !streamd_error_is_fatal(copy));
    CU_ASSERT(streamd_error_is_fatal(streamd_error_next(copy)));
    streamd_error_free(copy);
    streamd_error_free(NULL);
}

static void chains(void)
{
    streamd_error *chain = NULL, *copy;
    struct sx_position at = {.file = "a.stream", .line = 3, .column = 4, .length = 2};

    sx_error_append(&chain, sx_error_at(STREAMD_E_NAME, at, "line", "hint", "first"));
    sx_error_append(&chain, sx_error_at(STREAMD_E_TYPE, at, NULL, NULL, "second"));
    copy = sx_error_copy(chain);
    streamd_error_free(chain);
    SX_ASSERT_TEXT(streamd_error_message(copy), "first");
    CU_ASSERT_EQUAL(streamd_error_line(copy), 3);
    CU_ASSERT_EQUAL(streamd_error_column(copy), 4);
    SX_ASSERT_TEXT(sx_error_file(copy), "a.stream");
    SX_ASSERT_TEXT(sx_error_hint(copy), "hint");
    CU_ASSERT_EQUAL(streamd_error_status(streamd_error_next(copy)), STREAMD_E_TYPE);
    SX_ASSERT_TEXT(streamd_error_message(streamd_error_next(copy)), "second");
    CU_ASSERT_PTR_NULL(streamd_error_next(streamd_error_next(copy)));
    streamd_error_free(copy);
}

/* What is printed for a mistake of `length` bytes at `column` of `line`. */
static void check_printed(const char *line, unsigned column, unsigned length, const char *hint,
                          const char *expected)
{
    struct sx_position at = {.file = "a.stream", .line = 12, .column = column, .length = length};
    streamd_error *error = sx_error_at(STREAMD_E_NAME, at, line, hint, "wrong");
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    sx_error_print(error, "error", out);
    fclose(out);
    SX_ASSERT_TEXT(text, expected);
    free(text);
    streamd_error_free(error);
}

static void printing(void)
{
    check_printed("filter custmer", 8, 7, "did you mean `customer`?",
                  "a.stream:12:8: error: wrong\n"
                  "   12 | filter custmer\n"
                  "      |        ^~~~~~~\n"
                  "  hint: did you mean `customer`?\n");
    check_printed(NULL, 8, 7, NULL, "a.stream:12:8: error: wrong\n");
}

static void the_caret_counts_characters(void)
{
    check_printed("\"äöü\" + x", 12, 1, NULL,
                  "a.stream:12:12: error: wrong\n"
                  "   12 | \"äöü\" + x\n"
                  "      |         ^\n");
    check_printed("a == \"ü€\"", 6, 7, NULL,
                  "a.stream:12:6: error: wrong\n"
                  "   12 | a == \"ü€\"\n"
                  "      |      ^~~~\n");
}

static void the_caret_stays_at_the_line(void)
{
    check_printed("ab", 2, 100, NULL, "a.stream:12:2: error: wrong\n   12 | ab\n      |  ^\n");
    check_printed("ab", 3, 0, NULL, "a.stream:12:3: error: wrong\n   12 | ab\n      |   ^\n");
    check_printed("ab", 90, 5, NULL, "a.stream:12:90: error: wrong\n   12 | ab\n      |   ^\n");
    check_printed("", 1, 1, NULL, "a.stream:12:1: error: wrong\n   12 | \n      | ^\n");
}

static void nothing_steers_the_terminal(void)
{
    /* A tab is one space; an escape, a C1 control and a byte that is no UTF-8 are written out. */
    check_printed("\t\x1b[2J x", 7, 1, NULL,
                  "a.stream:12:7: error: wrong\n"
                  "   12 |  \\x1b[2J x\n"
                  "      |          ^\n");
    check_printed("\xc2\x9b\xff x", 5, 1, NULL,
                  "a.stream:12:5: error: wrong\n"
                  "   12 | \\xc2\\x9b\\xff x\n"
                  "      |              ^\n");
}

static void without_a_position(void)
{
    streamd_error *error = NULL;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    sx_fail(&error, STREAMD_E_LOG, "line\none");
    sx_error_print(error, "warning", out);
    fclose(out);
    SX_ASSERT_TEXT(text, "warning: line\\x0aone\n");
    free(text);
    streamd_error_free(error);
}

void suite_error(void)
{
    SX_SUITE("error");
    SX_TEST(statuses);
    SX_TEST(failing_says_what_to_do);
    SX_TEST(chains);
    SX_TEST(printing);
    SX_TEST(the_caret_counts_characters);
    SX_TEST(the_caret_stays_at_the_line);
    SX_TEST(nothing_steers_the_terminal);
    SX_TEST(without_a_position);
}
