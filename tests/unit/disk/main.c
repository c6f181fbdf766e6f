/* main.c: the tests of engine/disk. */
#include "tests/unit/unit.h"

void disk_child(void);
void suite_disk(void);

SX_UNIT_MAIN(disk_child(); suite_disk())
