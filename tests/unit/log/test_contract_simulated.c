/* test_contract_simulated.c: the simulator's log passes the contract's suite, as the real ones do. */
#include "tests/simulator/cluster.h"
#include "tests/unit/log/contract.h"

static struct sim sim;
static struct sim_process process;

static bool simulated_open(struct sx_log_options *options)
{
    sim_init(&sim, 1);
    sim_process_init(&process, &sim, 0);
    options->bootstrap = process.address;
    return true;
}

static void simulated_close(void) { sim_free(&sim); }

void suite_contract_simulated(void);
void suite_contract_simulated(void)
{
    static const struct contract_subject subject = {.suite = "contract of the simulated log",
                                                    .def = &sim_log_def,
                                                    .open = simulated_open,
                                                    .close = simulated_close};

    suite_contract(&subject);
}
