/* test_memory.c: allocation gives memory, or ends the process with one line. */
#include "engine/base/arena.h"
#include "tests/unit/unit.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void gives_memory(void)
{
    char *nothing = sx_malloc(0), *zeros = sx_calloc(3, 5), *text = sx_format("%s-%d", "a", 1);
    bool zero = true;

    CU_ASSERT_PTR_NOT_NULL(nothing);
    for (int i = 0; i < 15; i++)
        zero &= zeros[i] == 0;
    CU_ASSERT(zero);
    zeros = sx_realloc(zeros, 100);
    CU_ASSERT_EQUAL(zeros[14], 0);
    SX_ASSERT_TEXT(text, "a-1");
    free(nothing);
    free(zeros);
    free(text);
}

/* The sanitizer's malloc ends the process by itself, with words of its own. */
#ifndef SX_ARENA_SANITIZED
static void aborts_with_one_line(void)
{
    static volatile size_t too_much = SIZE_MAX / 4;
    char said[256] = "";
    ssize_t size;
    int pipes[2], status = 0;
    pid_t child;

    fflush(NULL);
    CU_ASSERT_EQUAL_FATAL(pipe(pipes), 0);
    child = fork();
    if (child == 0) {
        struct rlimit none = {0, 0};

        setrlimit(RLIMIT_CORE, &none);
        dup2(pipes[1], STDERR_FILENO);
        sx_malloc(too_much);
        _exit(0);
    }
    close(pipes[1]);
    size = read(pipes[0], said, sizeof(said) - 1);
    close(pipes[0]);
    waitpid(child, &status, 0);
    CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    SX_ASSERT_SLICE(sx_slice(said, size > 0 ? (size_t)size : 0), SX_SLICE("streamd: out of memory\n"));
}
#endif

void suite_memory(void)
{
    SX_SUITE("memory");
    SX_TEST(gives_memory);
#ifndef SX_ARENA_SANITIZED
    SX_TEST(aborts_with_one_line);
#endif
}
