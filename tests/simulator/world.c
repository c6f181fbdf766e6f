/* world.c: machines that run an engine each, in steps whose order the seed decides. */
#include "tests/simulator/world.h"

#include "engine/run/global.h"
#include "engine/run/worker.h"
#include "streamd/builtin.h"
#include "tests/simulator/sim_disk.h"

#include <stdlib.h>

#define MACHINES 3
#define KILLS 3
#define STEPS_MAX 200000  /* then it is stuck */
#define FAULTY_STEPS 4000 /* then faults end, so that the run can */
#define LOOK_EVERY 50     /* steps */
#define IDLE_MS 150       /* time goes on faster while nobody has anything to do */
#define RENEW_MS 5000     /* offsets that do not move are committed again */
#define PAUSE_MS 14000    /* longer than a session and than a transaction may last */

struct machine {
    struct sim_process process;
    struct sx_disk *disk;
    struct sx_engine *engine; /* NULL: it is down */
    int64_t up_ms, on_ms;     /* not started, or not stepped, before */
};

struct world {
    struct sim sim;
    const struct sim_topology *topology;
    const struct sim_options *options;
    struct machine machines[MACHINES];
    uint32_t machine_count, threads, kills_left;
    bool embedded; /* the log is the embedded one, on the disk of the one machine */
    struct sx_log_def embedded_def;
    int64_t commit_ms;
    size_t cache_bytes;
    struct sx_logger *logger;
    struct sim_tally tally;
    uint32_t idle; /* steps since somebody was busy */
    char *wrong;
};

/* ---- Topologies ------------------------------------------------------------------------------ */

struct sim_topology *sim_topology_new(const char *name, const char *text, streamd_error **error)
{
    struct sim_topology *topology = sx_calloc(1, sizeof(*topology));
    struct sx_compile_options options = {.catalog = &sx_builtin_catalog, .name = name, .application = "app"};
    const char *waits;

    topology->name = sx_strdup(name);
    topology->text = sx_strdup(text);
    topology->compare = strncmp(text, "# compare: last", 15) == 0 ? SIM_BY_LAST : SIM_BY_ORDER;
    if (sx_compile(topology->text, strlen(text), &options, &topology->compiled, error) != STREAMD_OK) {
        sim_topology_free(topology);
        return NULL;
    }
    topology->several = topology->compiled->source_count > 1;
    waits = strstr(text, "# waits: ");
    topology->waits_ms = waits != NULL ? strtoll(waits + strlen("# waits: "), NULL, 10) * 1000 : 0;
    return topology;
}

void sim_topology_free(struct sim_topology *topology)
{
    if (topology == NULL)
        return;
    sx_compiled_free(topology->compiled);
    free(topology->name);
    free(topology->text);
    free(topology);
}

/* ---- Starting and ending --------------------------------------------------------------------- */

static void find_wrong(struct world *world, char *wrong)
{
    if (world->wrong == NULL)
        world->wrong = wrong;
    else
        free(wrong);
}

/* The next kill, if there is to be one. */
static void arm(struct world *world)
{
    static const uint32_t within[SIM_POINT_COUNT] = {[SIM_ANYWHERE] = 500,
                                                     [SIM_AT_OPENING] = 20,
                                                     [SIM_IN_RESTORE] = 4,
                                                     [SIM_IN_WORK] = 150,
                                                     [SIM_IN_REBALANCE] = 4};
    struct sim_kill *kill = &world->sim.kill;

    kill->after = UINT32_MAX;
    if (world->kills_left == 0)
        return;
    world->kills_left--;
    kill->point = world->options->point;
    /* A restore needs somebody who has something to restore. */
    if (kill->point == SIM_IN_RESTORE && world->sim.kills == 0)
        kill->point = SIM_AFTER_COMMIT;
    kill->after = sim_draw(&world->sim, within[kill->point] ? within[kill->point] : 6);
}

/* The engine is gone without a last word; what the disk keeps is luck. */
static void crash(struct world *world, struct machine *machine)
{
    uint32_t unflushed = sim_disk_unflushed(machine->disk), luck = sim_draw(&world->sim, 10);

    machine->process.dead = true;
    if (machine->engine != NULL)
        sx_engine_free(machine->engine);
    machine->engine = NULL;
    if (luck == 0 && !world->embedded)
        sim_disk_wipe(machine->disk);
    else
        sim_disk_crash(machine->disk, luck < 4                       ? unflushed
                                      : luck < 7 && !world->embedded ? 0
                                                                     : sim_draw(&world->sim, unflushed + 1));
    machine->up_ms = world->sim.now_ms + (sim_chance(&world->sim, 300) ? sim_draw(&world->sim, PAUSE_MS) : 0);
    if (!world->embedded)
        find_wrong(world, sim_disk_check(&world->sim, machine->disk));
    arm(world);
}

/* What ended an engine, or kept it from starting. */
static void ended(struct world *world, struct machine *machine, streamd_error *error)
{
    bool expected = machine->process.dead || error == NULL || streamd_error_is_retriable(error) ||
                    streamd_error_status(error) == STREAMD_E_FENCED ||
                    streamd_error_status(error) == STREAMD_E_STORE;

    if (!expected)
        find_wrong(world,
                   sx_format("process %u failed: %s", machine->process.number, streamd_error_message(error)));
    sim_say(&world->sim, "process %u ends: %s", machine->process.number,
            error != NULL ? streamd_error_message(error) : "no reason");
    streamd_error_free(error);
    crash(world, machine);
}

static void start(struct world *world, struct machine *machine)
{
    struct sx_engine_options options = {
        .plan = world->topology->compiled->plan,
        .log_def = world->embedded ? &world->embedded_def : &sim_log_def,
        .disk = machine->disk,
        .threads = world->threads,
        .guarantee = SX_EXACTLY_ONCE,
        .commit_ms = world->commit_ms,
        .renew_ms = RENEW_MS,
        .cache_bytes = world->cache_bytes,
        .clock = &world->sim.clock,
        .logger = world->logger,
        .standard_input = -1,
        .standard_output = -1,
        .log = {.bootstrap = machine->process.address, .id = machine->process.id, .default_partitions = 1},
    };
    streamd_error *error = NULL;

    sim_say(&world->sim, "process %u starts", machine->process.number);
    world->tally.starts++;
    machine->process.dead = false;
    machine->engine = sx_engine_new(&options);
    if (sx_engine_begin(machine->engine, &error) != STREAMD_OK) {
        ended(world, machine, error);
        return;
    }
    if (sx_coordinator_begin(machine->engine) != STREAMD_OK)
        ended(world, machine, sx_engine_error(machine->engine));
}

/* As by a signal: the last commit, then the group is left. */
static void stop(struct world *world, struct machine *machine)
{
    streamd_error *error;

    sim_say(&world->sim, "process %u stops", machine->process.number);
    sx_coordinator_end(machine->engine);
    error = sx_engine_error(machine->engine);
    if (error != NULL || machine->process.dead) {
        ended(world, machine, error);
        return;
    }
    sx_engine_free(machine->engine);
    machine->engine = NULL;
    machine->up_ms = world->sim.now_ms + sim_draw(&world->sim, 2000);
    if (!world->embedded)
        find_wrong(world, sim_disk_check(&world->sim, machine->disk));
}

/* ---- Steps ----------------------------------------------------------------------------------- */

/* Something that happens to a machine from outside. */
static void happen(struct world *world, struct machine *machine)
{
    struct sim *sim = &world->sim;

    if (!sim->faulty || !sim_chance(sim, 3))
        return;
    if (sim_chance(sim, 500)) {
        if (machine->engine != NULL)
            stop(world, machine);
        return;
    }
    machine->on_ms = sim->now_ms + PAUSE_MS;
    sim_say(sim, "process %u hangs", machine->process.number);
}

static void step(struct world *world, struct machine *machine)
{
    struct sx_engine *engine = machine->engine;
    uint32_t actor = sim_draw(&world->sim, world->threads + 2);
    int wait_ms;

    if (actor < world->threads)
        wait_ms = sx_worker_step(&engine->workers[actor]);
    else if (actor == world->threads)
        wait_ms = sx_coordinator_step(engine);
    else
        wait_ms = sx_global_step(engine->global);
    world->tally.steps++;
    world->idle = wait_ms == 0 && actor < world->threads ? 0 : world->idle + 1;
    if (machine->process.dead || sx_engine_state(engine) == STREAMD_ENGINE_FAILED)
        ended(world, machine, sx_engine_error(engine));
}

static bool partition_done(struct sim *sim, const struct sim_topic *topic, int32_t p)
{
    const struct sim_partition *partition = &topic->partitions[p];
    int64_t from = SX_MAX(sim_offset_get(sim, topic->name, p), partition->low);

    if (sim_stable(sim, partition) < partition->end)
        return false;
    for (; from < partition->end; from++)
        if (sim_is_visible(&partition->records[from]))
            return false;
    return true;
}

/* All that tasks read is processed and committed. Where time goes on without input, so do notices of it
 * through repartitions, and only the input counts. */
static bool is_done(struct world *world)
{
    const struct sx_plan *plan = world->topology->compiled->plan;
    bool waits = world->topology->waits_ms > 0, done = waits || world->sim.transactions == NULL;

    if (world->embedded) /* what is waited for is longer than it takes to read all */
        return world->machines[0].engine != NULL && (waits || sx_engine_at_end(world->machines[0].engine));
    for (uint32_t n = 0; n < plan->node_count && done; n++) {
        const struct sx_entry_plan *entry = plan->nodes[n]->entry;

        for (uint32_t t = 0; entry != NULL && !entry->global && t < entry->topic_count && done; t++) {
            const struct sim_topic *topic = sim_topic_find(&world->sim, plan->topics[entry->topics[t]]->name);

            if (waits && (plan->topics[entry->topics[t]]->roles & SX_TOPIC_REPARTITION))
                continue;
            done = topic != NULL;
            for (int32_t p = 0; done && p < topic->count; p++)
                done = partition_done(&world->sim, topic, p);
        }
    }
    return done;
}

static void turn(struct world *world)
{
    struct sim *sim = &world->sim;
    struct machine *machine = &world->machines[sim_draw(sim, world->machine_count)];
    uint32_t actors = world->machine_count * (world->threads + 2);

    happen(world, machine);
    if (machine->engine == NULL && machine->up_ms <= sim->now_ms)
        start(world, machine);
    else if (machine->engine != NULL && machine->on_ms <= sim->now_ms)
        step(world, machine);
    else
        world->idle++;
    sim_tick(sim, world->idle > actors * 3 ? sim_draw(sim, IDLE_MS) : sim_draw(sim, 3));
}

/* ---- Runs ------------------------------------------------------------------------------------ */

static void print_line(enum sx_level level, const char *line, void *arg) { puts(line); }

static struct sim_faults draw_faults(struct sim *sim, bool several)
{
    /* Which input is next must not depend on what was fetched in time, where there are several. */
    return (struct sim_faults){.fetch_error = sim_draw(sim, 4),
                               .fetch_empty = several ? 0 : sim_draw(sim, 300),
                               .fetch_short = sim_draw(sim, 1000),
                               .write_full = sim_draw(sim, 20),
                               .write_early = sim_draw(sim, 300),
                               .commit_refused = sim_draw(sim, 60),
                               .commit_unknown = sim_draw(sim, 80),
                               .request_error = sim_draw(sim, 20),
                               .late_marker = sim_draw(sim, 1000),
                               .compaction = sim_draw(sim, 20),
                               .disk_write = sim_chance(sim, 300) ? sim_draw(sim, 6) : 0,
                               .disk_read = sim_chance(sim, 200) ? sim_draw(sim, 3) : 0};
}

static void fill_embedded(struct world *world, int32_t partitions)
{
    struct sim input;

    sim_init(&input, 0);
    sim_input_make(&input, world->topology, world->options->seed, partitions);
    if (!sim_embedded_fill(world->machines[0].disk, &input))
        find_wrong(world, sx_format("the embedded log does not take its input"));
    sim_free(&input);
}

static void begin(struct world *world, const struct sim_topology *topology, const struct sim_options *options,
                  bool faulty)
{
    struct sim shape; /* the same for both runs */
    int32_t partitions;

    *world = (struct world){.topology = topology, .options = options};
    sim_init(&shape, options->seed ^ 0x7368617065);
    sim_init(&world->sim, options->seed * 2 + faulty);
    world->embedded_def = sim_embedded_def();
    world->embedded = faulty && options->point == SIM_ON_EMBEDDED;
    partitions = 1 + (int32_t)sim_draw(&shape, 3);
    if (!world->embedded)
        sim_input_make(&world->sim, topology, options->seed, partitions);
    sim_free(&shape);
    world->sim.verbose = options->verbose && faulty;
    if (world->sim.verbose)
        world->logger = sx_logger_new(print_line, NULL, SX_INFO, false);
    world->machine_count = faulty && !world->embedded ? 1 + sim_draw(&world->sim, MACHINES) : 1;
    world->threads = faulty ? 1 + sim_draw(&world->sim, 2) : 1;
    world->commit_ms = 1 + sim_draw(&world->sim, 60);
    world->cache_bytes = sim_chance(&world->sim, 500) ? 512 : 1 << 20;
    for (uint32_t m = 0; m < world->machine_count; m++) {
        struct machine *machine = &world->machines[m];

        sim_process_init(&machine->process, &world->sim, m);
        machine->process.is_static = faulty && sim_chance(&world->sim, 300);
        machine->process.state_first = faulty && options->state_first;
        machine->disk = sim_disk_new(&machine->process);
        machine->up_ms = world->sim.now_ms + (m ? sim_draw(&world->sim, 1000) : 0);
    }
    if (world->embedded)
        fill_embedded(world, partitions);
    world->sim.faulty = faulty;
    if (faulty)
        world->sim.faults = draw_faults(&world->sim, topology->several);
    world->kills_left = faulty && options->point != SIM_NOWHERE ? 1 + sim_draw(&world->sim, KILLS) : 0;
    arm(world);
}

static void run(struct world *world)
{
    int64_t since_ms = world->sim.now_ms;
    bool done = false;

    for (uint32_t i = 0; !done && world->wrong == NULL; i++) {
        turn(world);
        if (i == FAULTY_STEPS) {
            world->sim.faulty = false;
            since_ms = world->sim.now_ms;
        }
        if (i == STEPS_MAX)
            find_wrong(world, sx_format("it does not come to its end"));
        if (i % LOOK_EVERY != 0)
            continue;
        if (!is_done(world))
            since_ms = world->sim.now_ms;
        else if (world->sim.now_ms - since_ms >= world->topology->waits_ms) {
            /* It waits once with faults, and once without. */
            done = !world->sim.faulty || world->topology->waits_ms == 0;
            world->sim.faulty = false;
            since_ms = world->sim.now_ms;
        }
    }
    /* Long enough for all that hung or was down to have come back. */
    if (world->wrong == NULL && !world->embedded && world->topology->waits_ms > 2 * PAUSE_MS &&
        world->sim.now_ms - sim_offset_oldest_ms(&world->sim) > 2 * PAUSE_MS)
        find_wrong(world, sx_format("an offset was not committed again, and a broker forgets it"));
    world->sim.faulty = false;
    world->sim.kill.after = UINT32_MAX;
    for (uint32_t m = 0; m < world->machine_count; m++)
        if (world->machines[m].engine != NULL && world->wrong == NULL)
            stop(world, &world->machines[m]);
    if (world->embedded)
        sim_embedded_collect(world->machines[0].disk, &world->sim, world->topology->compiled->plan);
}

static void end(struct world *world)
{
    for (uint32_t m = 0; m < world->machine_count; m++) {
        if (world->machines[m].engine != NULL) {
            world->machines[m].process.dead = true;
            sx_engine_free(world->machines[m].engine);
        }
        sx_disk_close(world->machines[m].disk);
    }
    sx_logger_free(world->logger);
    sim_free(&world->sim);
    free(world->wrong);
}

static void add_up(struct sim_tally *tally, const struct world *world)
{
    tally->runs++;
    tally->steps += world->tally.steps;
    tally->starts += world->tally.starts;
    tally->kills += world->sim.kills;
    tally->passed += world->sim.passed[world->options->point];
}

char *sim_run(const struct sim_topology *topology, const struct sim_options *options, struct sim_tally *tally)
{
    struct world *clean = sx_malloc(sizeof(*clean)), *faulty = sx_malloc(sizeof(*faulty));
    char *wrong;

    begin(clean, topology, options, false);
    begin(faulty, topology, options, true);
    run(clean);
    wrong = clean->wrong != NULL ? sx_format("without faults: %s", clean->wrong) : NULL;
    if (wrong == NULL)
        run(faulty);
    if (wrong == NULL && faulty->wrong != NULL)
        wrong = sx_strdup(faulty->wrong);
    if (wrong == NULL)
        wrong = sim_difference(topology, &clean->sim, &faulty->sim);
    if (wrong != NULL && options->verbose) {
        puts("the input:");
        sim_print(topology, &clean->sim, SX_TOPIC_SOURCE);
        puts("the output without faults:");
        sim_print(topology, &clean->sim, SX_TOPIC_SINK);
        puts("the output with faults:");
        sim_print(topology, &faulty->sim, SX_TOPIC_SINK);
    }
    add_up(tally, faulty);
    end(clean);
    end(faulty);
    free(clean);
    free(faulty);
    return wrong;
}
