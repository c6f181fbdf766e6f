/* unit.h: what every unit test program shares: how suites are registered, and a few assertions.
 *
 * tests/unit/FOLDER/ is one program, unit_FOLDER. Each test_NAME.c in it exports
 *
 *     void suite_NAME(void);            adds its suite and its tests to the registry
 *
 * and main.c declares the suites and runs them:
 *
 *     SX_UNIT_MAIN(suite_arena(); suite_text())
 *
 * `unit_FOLDER` runs all, `unit_FOLDER NAME` the suites whose name holds NAME. The program returns
 * 1 if anything failed, or if nothing ran.
 */
#ifndef SX_UNIT_H
#define SX_UNIT_H

#include "engine/base/bytes.h"

#include <CUnit/Basic.h>
#include <stdlib.h>

/* main.c declares the suites itself, so that a test file needs no header of its own. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

/* Add a suite, and tests to it: SX_SUITE("text"); SX_TEST(what_is_tested). */
#define SX_SUITE(name) CU_pSuite sx_suite_ = CU_add_suite((name), NULL, NULL)
#define SX_TEST(function) CU_add_test(sx_suite_, #function, (function))

/* Bytes as text that a failure can show: what is not printable is `\xNN`. The result is one of a
 * few static buffers, so an assertion can hold two. */
static inline const char *sx_unit_show(struct sx_slice bytes)
{
    static char shown[4][1024];
    static unsigned next;
    char *text = shown[next++ % 4];
    size_t n = 0;

    for (uint32_t i = 0; i < bytes.size && n < sizeof(shown[0]) - 8; i++) {
        unsigned char c = (unsigned char)bytes.data[i];

        if (c >= ' ' && c < 0x7f && c != '\\')
            text[n++] = (char)c;
        else
            n += (size_t)snprintf(text + n, 5, "\\x%02x", c);
    }
    text[n] = '\0';
    return text;
}

static inline void sx_unit_same(const char *file, int line, struct sx_slice got, struct sx_slice expected)
{
    char message[2200];

    if (sx_slice_equal(got, expected)) {
        CU_assertImplementation(CU_TRUE, (unsigned)line, "same bytes", file, "", CU_FALSE);
        return;
    }
    snprintf(message, sizeof(message), "got `%s`, expected `%s`", sx_unit_show(got), sx_unit_show(expected));
    CU_assertImplementation(CU_FALSE, (unsigned)line, message, file, "", CU_FALSE);
}

/* The bytes of a hex text (spaces allowed), as in golden tests. */
static inline void sx_unit_hex(struct sx_buffer *to, const char *hex)
{
    for (; *hex; hex++) {
        unsigned byte;

        if (*hex == ' ')
            continue;
        if (sscanf(hex, "%2x", &byte) != 1)
            abort();
        sx_buffer_add_byte(to, (char)byte);
        hex++;
    }
}

static inline void sx_unit_same_hex(const char *file, int line, struct sx_slice got, const char *hex)
{
    struct sx_buffer expected = {0};

    sx_unit_hex(&expected, hex);
    sx_unit_same(file, line, got, sx_buffer_slice(&expected));
    sx_buffer_free(&expected);
}

/* Slice against slice; a slice against a C text; a C text against one (NULL is the text `(null)`);
 * and a slice against bytes written in hex: SX_ASSERT_HEX(slice, "01 00 2a"). */
#define SX_ASSERT_SLICE(got, expected) sx_unit_same(__FILE__, __LINE__, (got), (expected))
#define SX_ASSERT_BYTES(got, text) sx_unit_same(__FILE__, __LINE__, (got), sx_slice_of(text))
#define SX_ASSERT_HEX(got, hex) sx_unit_same_hex(__FILE__, __LINE__, (got), (hex))
#define SX_ASSERT_TEXT(got, text) sx_unit_same(__FILE__, __LINE__, sx_unit_text(got), sx_unit_text(text))

static inline struct sx_slice sx_unit_text(const char *text) { return sx_slice_of(text ? text : "(null)"); }

/* A generator for seeded tests (splitmix64): the same numbers everywhere, unlike the libc's. */
static inline uint64_t sx_unit_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15ull;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

/* Runs the registered suites, or those whose name holds `only`. */
static inline int sx_unit_run(const char *only)
{
    CU_pSuite suite = CU_get_registry()->pSuite;
    unsigned failed;

    for (; only != NULL && suite != NULL; suite = suite->pNext)
        if (strstr(suite->pName, only) == NULL)
            CU_set_suite_active(suite, CU_FALSE);
    CU_set_fail_on_inactive(CU_FALSE);
    CU_basic_set_mode(CU_BRM_NORMAL);
    CU_basic_run_tests();
    failed = CU_get_number_of_failures() + (CU_get_number_of_tests_run() == 0);
    CU_cleanup_registry();
    return failed != 0;
}

#define SX_UNIT_MAIN(suites)                           \
    int main(int argc, char **argv)                    \
    {                                                  \
        if (CU_initialize_registry() != CUE_SUCCESS)   \
            return 1;                                  \
        suites;                                        \
        return sx_unit_run(argc > 1 ? argv[1] : NULL); \
    }

#endif
