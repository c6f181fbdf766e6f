#include "tests/unit/streamd/rows.h"
void suite_restored(void) {}
