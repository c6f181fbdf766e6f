/* main.c: the suites of operators/functions. */
#include "tests/unit/functions/words.h"

SX_UNIT_MAIN(suite_rows(); suite_strings(); suite_numbers(); suite_nested(); suite_times())
