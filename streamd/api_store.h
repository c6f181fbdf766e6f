/* api_store.h: opening a table for those who look into it, over an engine or a driver. */
#ifndef SX_API_STORE_H
#define SX_API_STORE_H

#include "engine/format/record_json.h"
#include "engine/run/engine.h"
#include "streamd/api.h"

/* sx_engine_look() of an engine, or what does the same. */
typedef streamd_status (*sx_api_look_fn)(void *source, const uint32_t *stores, uint32_t count,
                                         sx_stores_fn fn, void *arg, bool *all, streamd_error **error);

/* Errors   E_NOTFOUND: no table of that name; E_ARGUMENT: one that cannot be looked into. */
streamd_status sx_api_store_open(const streamd_topology *topology, const char *name, sx_api_look_fn look,
                                 void *source, streamd_store **store, streamd_error **error);

/* How the table's keys and values look. True: its rows are by window. */
bool sx_api_store_form(const streamd_store *store, struct sx_record_form *form);

#endif
