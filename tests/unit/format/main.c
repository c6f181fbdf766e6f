/* main.c: the tests of engine/format. */
#include "tests/unit/unit.h"

void suite_formats(void);
void suite_json(void);
void suite_json_syntax(void);
void suite_json_text(void);
void suite_csv(void);

SX_UNIT_MAIN(suite_formats(); suite_json(); suite_json_syntax(); suite_json_text(); suite_csv())
