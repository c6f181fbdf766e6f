/* contract.h: what log.h promises, as a suite that any kind of log must pass. */
#ifndef SX_TEST_CONTRACT_H
#define SX_TEST_CONTRACT_H

#include "engine/log/log.h"

/* How to open the log under test. `open` fills all that the kind needs; `close` undoes it. */
struct contract_subject {
    const char *suite; /* its name */
    const struct sx_log_def *def;
    bool (*open)(struct sx_log_options *options);
    void (*close)(void);
};

/* Register the suite for this log. Static: it is kept. At most 4. */
void suite_contract(const struct contract_subject *subject);

#endif
