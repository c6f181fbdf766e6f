/* main.c: the public library. */
#include "tests/unit/unit.h"

void suite_builder(void);
void suite_extend(void);
void suite_operator(void);
void suite_restored(void);

SX_UNIT_MAIN(suite_builder(); suite_extend(); suite_operator(); suite_restored())
