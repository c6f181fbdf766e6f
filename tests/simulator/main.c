/* main.c: the simulator's command line; see README.md. */
#include "tests/simulator/world.h"

#include <dirent.h>
#include <getopt.h>
#include <stdlib.h>

#ifndef SIM_TOPOLOGIES
#define SIM_TOPOLOGIES "tests/simulator/topologies"
#endif

#define FAILURES_SHOWN 5

struct simulator {
    struct sim_topology **topologies;
    uint32_t topology_count;
    const char *only; /* NULL: all topologies */
    struct sim_options options;
    uint64_t first, seeds;
    bool all_points;
    uint32_t passed, failed;
};

/* ---- Topologies ------------------------------------------------------------------------------ */

static char *read_text(const char *folder, const char *name)
{
    char *path = sx_format("%s/%s", folder, name), *text = sx_calloc(1, 65536);
    FILE *file = fopen(path, "r");

    if (file == NULL || fread(text, 1, 65535, file) == 0) {
        fprintf(stderr, "simulator: cannot read %s\n", path);
        exit(2);
    }
    fclose(file);
    free(path);
    return text;
}

static struct sim_topology *compile(const char *name, const char *text)
{
    streamd_error *error = NULL;
    struct sim_topology *topology = sim_topology_new(name, text, &error);

    if (topology == NULL) {
        fprintf(stderr, "%s", text);
        sx_error_print(error, "error", stderr);
        exit(2);
    }
    return topology;
}

static int is_topology(const struct dirent *entry) { return strstr(entry->d_name, ".stream") != NULL; }

static void load(struct simulator *s, const char *folder)
{
    struct dirent **names;
    int count = scandir(folder, &names, is_topology, alphasort);

    if (count <= 0) {
        fprintf(stderr, "simulator: no topologies in %s\n", folder);
        exit(2);
    }
    s->topologies = sx_calloc((size_t)count, sizeof(*s->topologies));
    for (int i = 0; i < count; i++) {
        char *text = read_text(folder, names[i]->d_name);

        *strstr(names[i]->d_name, ".stream") = '\0';
        if (s->only == NULL || strcmp(s->only, names[i]->d_name) == 0)
            s->topologies[s->topology_count++] = compile(names[i]->d_name, text);
        free(text);
        free(names[i]);
    }
    free(names);
}

/* ---- Running --------------------------------------------------------------------------------- */

static void run_seed(struct simulator *s, uint64_t seed, struct sim_tally *tally)
{
    bool drawn = s->only == NULL && seed % 4 == 3;
    char *text = drawn || s->topology_count == 0 ? sim_generate(seed) : NULL, *wrong;
    struct sim_topology *topology =
        text != NULL ? compile("generated", text) : s->topologies[seed % s->topology_count];

    s->options.seed = seed;
    if (s->options.verbose)
        printf("%s", topology->text);
    wrong = sim_run(topology, &s->options, tally);
    if (wrong != NULL && s->failed++ < FAILURES_SHOWN) {
        printf("FAIL %s, kill point %s, seed %llu: %s\n", topology->name, sim_point_words[s->options.point],
               (unsigned long long)seed, wrong);
        printf("     replay: simulator --kill-point %s --seed %llu%s%s%s --verbose\n",
               sim_point_words[s->options.point], (unsigned long long)seed, s->only ? " --topology " : "",
               s->only ? s->only : "", s->options.state_first ? " --plant state-first" : "");
        fflush(stdout);
    }
    s->passed += wrong == NULL;
    free(wrong);
    if (text != NULL)
        sim_topology_free(topology);
    free(text);
}

static void run_point(struct simulator *s, enum sim_point point)
{
    struct sim_tally tally = {0};

    s->options.point = point;
    for (uint64_t i = 0; i < s->seeds; i++)
        run_seed(s, s->first + i, &tally);
    printf("%-16s %llu seeds, passed %llu times, %llu kills, %llu starts, %llu steps\n",
           sim_point_words[point], (unsigned long long)tally.runs, (unsigned long long)tally.passed,
           (unsigned long long)tally.kills, (unsigned long long)tally.starts,
           (unsigned long long)tally.steps);
    fflush(stdout);
    if (point != SIM_NOWHERE && s->seeds >= 20 && tally.kills == 0) {
        printf("FAIL %s: nobody was killed there\n", sim_point_words[point]);
        s->failed++;
    }
}

/* ---- The command line ------------------------------------------------------------------------ */

static int usage(void)
{
    puts("usage: simulator [--seeds N] [--first S] [--seed S] [--kill-point NAME] [--topology NAME]\n"
         "                 [--plant state-first] [--verbose] [--topologies FOLDER]\n"
         "kill points:");
    for (int p = 0; p < SIM_POINT_COUNT; p++)
        printf("  %-16s %s\n", sim_point_words[p], sim_point_meanings[p]);
    return 2;
}

static bool find_point(struct simulator *s, const char *word)
{
    for (int p = 0; p < SIM_POINT_COUNT; p++)
        if (strcmp(sim_point_words[p], word) == 0) {
            s->options.point = (enum sim_point)p;
            s->all_points = false;
            return true;
        }
    return false;
}

int main(int argc, char **argv)
{
    static const struct option words[] = {{"seeds", required_argument, NULL, 'n'},
                                          {"first", required_argument, NULL, 'f'},
                                          {"seed", required_argument, NULL, 's'},
                                          {"kill-point", required_argument, NULL, 'k'},
                                          {"topology", required_argument, NULL, 't'},
                                          {"plant", required_argument, NULL, 'p'},
                                          {"topologies", required_argument, NULL, 'd'},
                                          {"verbose", no_argument, NULL, 'v'},
                                          {NULL, 0, NULL, 0}};
    struct simulator s = {.seeds = 100, .all_points = true};
    const char *folder = SIM_TOPOLOGIES;
    bool good = true;

    for (int c; good && (c = getopt_long(argc, argv, "", words, NULL)) != -1;)
        switch (c) {
        case 'n':
            s.seeds = strtoull(optarg, NULL, 10);
            break;
        case 's':
            s.seeds = 1;
            s.first = strtoull(optarg, NULL, 10);
            break;
        case 'f':
            s.first = strtoull(optarg, NULL, 10);
            break;
        case 'k':
            good = find_point(&s, optarg);
            break;
        case 't':
            s.only = optarg;
            break;
        case 'p':
            good = s.options.state_first = strcmp(optarg, "state-first") == 0;
            break;
        case 'd':
            folder = optarg;
            break;
        case 'v':
            s.options.verbose = true;
            break;
        default:
            good = false;
        }
    if (!good || optind != argc)
        return usage();
    load(&s, folder);
    if (s.all_points)
        for (int p = 0; p < SIM_POINT_COUNT; p++)
            run_point(&s, (enum sim_point)p);
    else
        run_point(&s, s.options.point);
    for (uint32_t i = 0; i < s.topology_count; i++)
        sim_topology_free(s.topologies[i]);
    free(s.topologies);
    printf("%u passed, %u failed\n", s.passed, s.failed);
    return s.failed != 0;
}
