/* main.c: the suites of engine/data. */
#include "tests/unit/unit.h"

void suite_column(void);
void suite_damage(void);
void suite_decimal(void);
void suite_key(void);
void suite_row(void);
void suite_schema(void);
void suite_type(void);
void suite_value(void);

SX_UNIT_MAIN(suite_column(); suite_damage(); suite_decimal(); suite_key(); suite_row(); suite_schema();
             suite_type(); suite_value())
