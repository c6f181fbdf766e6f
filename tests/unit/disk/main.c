/* main.c: the tests of engine/disk. */
#include "tests/unit/unit.h"

void disk_child(void);
void suite_disk(void);
void suite_cuts(void);

SX_UNIT_MAIN(disk_child(); suite_disk(); suite_cuts())
