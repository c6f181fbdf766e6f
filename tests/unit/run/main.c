/* main.c: the suites of unit_run. */
#include "tests/unit/unit.h"

void suite_engine(void);
void suite_outbox(void);
void suite_standby_place(void);

SX_UNIT_MAIN(suite_engine(); suite_outbox(); suite_standby_place())
