/* main.c: the tests of state. */
#include "tests/unit/unit.h"

void suite_pool(void);

SX_UNIT_MAIN(suite_pool())
