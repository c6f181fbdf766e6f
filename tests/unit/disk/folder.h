/* folder.h: what the tests of engine/disk share: the folder of a test, and a disk in it. */
#ifndef SX_TEST_FOLDER_H
#define SX_TEST_FOLDER_H

#include "engine/disk/disk.h"
#include "tests/unit/unit.h"

extern char folder[64];

void fresh(void); /* an empty folder, of a new name */
void clean(void); /* removes it with all that is in it */
struct sx_disk *open_disk(bool wal);
void put(struct sx_unit *unit, enum sx_family family, const char *key, const char *value);

/* The path of the first file whose name ends, or begins, so; false: none. */
bool find(const char *ending, const char *beginning, char *path, size_t size);

#endif
