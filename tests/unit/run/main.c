/* main.c: the suites of unit_run. */
#include "tests/unit/unit.h"

void suite_engine(void);
void suite_outbox(void);

SX_UNIT_MAIN(suite_engine(); suite_outbox())
