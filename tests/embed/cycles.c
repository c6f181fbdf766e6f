/* cycles.c: an engine is started and stopped a hundred times in a process, and nothing of it stays behind. */
#include "tests/embed/check.h"

#include <dirent.h>
#include <unistd.h>

enum { CYCLES = 100, WARM = 40, GROWTH_KB = 2048 };

static const char text[] =
    "stream bids from topic \"bids\" { key string value json { price int } on error skip }\n"
    "table sums = bids | group by key | window tumbling 1s grace 0s | aggregate { total: sum(price) }\n"
    "table counts = bids | group by price | aggregate { n: count() }\n"
    "sums | to topic \"sums\"\n"
    "counts | to topic \"counts\"\n";

static int entries(const char *path)
{
    DIR *folder = opendir(path);
    int count = 0;

    CHECK(folder != NULL);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

static long resident_kb(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long all, resident;

    CHECK(file != NULL && fscanf(file, "%ld %ld", &all, &resident) == 2);
    fclose(file);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void cycle(const char *folder, int number)
{
    streamd_topology *topology = parse(text, "cycles.stream");
    streamd_engine *engine = engine_in(topology, folder, "cycles");
    streamd_writer *writer;
    streamd_reader *reader;
    streamd_error *error;
    char wanted[64];

    MUST(streamd_engine_start(engine, &error));
    MUST(streamd_reader_open(engine, "counts", STREAMD_FROM_LATEST, &reader, &error));
    MUST(streamd_writer_open(engine, &writer, &error));
    put(writer, "bids", "k", "{\"price\":3}", 1000 * number);
    put(writer, "bids", "k", "no JSON", 1000 * number);
    put(writer, "bids", "k", "{\"price\":3}", 1000 * number);
    MUST(streamd_writer_commit(writer, &error));
    snprintf(wanted, sizeof(wanted), "{\"n\":%d}", 2 * (number + 1));
    await_value(reader, wanted);
    streamd_writer_close(writer);
    streamd_reader_close(reader);
    MUST(streamd_engine_stop(engine, 30000, &error));
    streamd_engine_free(engine);
    streamd_topology_free(topology);
}

int main(int argc, char **argv)
{
    int files = 0, threads = 0;
    long memory_kb = 0;

    CHECK(argc == 2);
    for (int i = 0; i < CYCLES; i++) {
        cycle(argv[1], i);
        if (i + 1 == WARM) {
            files = entries("/proc/self/fd");
            threads = entries("/proc/self/task");
            memory_kb = resident_kb();
        }
    }
    CHECK(entries("/proc/self/fd") == files);
    CHECK(entries("/proc/self/task") == threads);
    memory_kb = resident_kb() - memory_kb;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* what they keep grows */
    CHECK(memory_kb < GROWTH_KB);
#endif
    return 0;
}
