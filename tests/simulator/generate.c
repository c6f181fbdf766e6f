/* generate.c: topologies drawn from a seed: stages one behind the other that keep the order of their rows. */
#include "engine/base/bytes.h"
#include "tests/simulator/world.h"

/* A stream's stage: rows keep `k`, `id` and `n`. */
static const char *const stages[] = {
    "filter n % 4 != 1",     "filter id != \"k3\"",
    "map { id, n: n + 1 }",  "map { id: id + \"\", n: n * 3 % 1000 }",
    "time @timestamp + 5ms",
};
static const char *const windows[] = {
    "",
    "window tumbling 700ms grace 100ms | ",
    "window hopping 1s every 300ms grace 0s | ",
    "window session 250ms grace 200ms | ",
    "window sliding 400ms grace 100ms | ",
};
static const char *const aggregates[] = {
    "aggregate { n: count(), sum: sum(n) }",
    "aggregate { n: count(where n % 2 == 0), max: max(n), first: first(id) }",
    "aggregate { all: collect(n, 5), distinct: count_distinct(id) }",
    "top 2 by n",
};

#define DRAWN(sim, of) (of)[sim_draw((sim), SX_COUNT(of))]

static void add_stages(struct sim *sim, struct sx_buffer *text)
{
    for (uint32_t i = sim_draw(sim, 3); i > 0; i--)
        sx_buffer_printf(text, " | %s", DRAWN(sim, stages));
}

static void add_table(struct sim *sim, struct sx_buffer *text, const char *from, uint32_t number, bool moved)
{
    uint32_t window = sim_draw(sim, SX_COUNT(windows)), aggregate = sim_draw(sim, SX_COUNT(aggregates));
    bool final = window > 0 && !moved && sim_chance(sim, 500);

    /* Which rows are late, and which come first, depends behind a repartition on what came when. */
    if (moved) {
        window = 0;
        aggregate = 0;
    }
    sx_buffer_printf(text, "table t%u = %s", number, from);
    add_stages(sim, text);
    sx_buffer_printf(text, " | group by %s | %s%s%s\n", moved ? "id" : "key", windows[window],
                     aggregates[aggregate], final ? " | emit final" : "");
    if (final || moved)
        sx_buffer_printf(text, "t%u | to topic \"out%u\"\n", number, number);
    else
        sx_buffer_printf(text, "t%u | emit all | to topic \"out%u\"\n", number, number);
}

char *sim_generate(uint64_t seed)
{
    struct sx_buffer text = {0};
    struct sim sim;
    bool moved, joined;
    uint32_t tables;

    sim_init(&sim, seed ^ 0x746f706f);
    moved = sim_chance(&sim, 250);
    joined = sim_chance(&sim, 300);
    tables = 1 + sim_draw(&sim, 3);
    sx_buffer_printf(&text, "# compare: %s\n", moved ? "last" : "order");
    sx_buffer_add_text(&text,
                       "stream a from topic \"a\" { key string as k value json { id string, n int } }\n");
    if (joined)
        sx_buffer_add_text(&text,
                           "table t from topic \"t\" { key string as k value json { name string, m int } }\n"
                           "stream s0 = a | left join t on k | map { id, n: n + (m ?? 0) }\n");
    sx_buffer_printf(&text, "stream s = %s", joined ? "s0" : "a");
    add_stages(&sim, &text);
    if (sim_chance(&sim, 300))
        sx_buffer_add_text(&text, " | dedupe by n % 50 within 400ms");
    sx_buffer_add_text(&text, "\n");
    for (uint32_t i = 0; i < tables; i++)
        add_table(&sim, &text, "s", i, moved && i == 0);
    if (!moved || sim_chance(&sim, 500))
        sx_buffer_add_text(&text, "s | map { id, n } | to topic \"rows\"\n");
    sx_buffer_add_byte(&text, '\0');
    sim_free(&sim);
    return text.data;
}
