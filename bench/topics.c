/* Topics for a run: `recreate` makes them empty, `forget` removes an application's own. */
#include "kafka.h"
#include "partition.h"

#include <string.h>

int main(int argc, char **argv)
{
    if (argc != 4 || (strcmp(argv[1], "recreate") && strcmp(argv[1], "forget")))
        bench_die("usage: bench_topics recreate BOOTSTRAP TOPIC | forget BOOTSTRAP PREFIX");

    rd_kafka_t *client = bench_client(RD_KAFKA_PRODUCER, argv[2], NULL);
    const char *name = argv[3];
    if (!strcmp(argv[1], "recreate"))
        bench_topics_recreate(client, &name, 1, BENCH_PARTITIONS);
    else
        bench_topics_forget(client, name);
    rd_kafka_destroy(client);
    return 0;
}
