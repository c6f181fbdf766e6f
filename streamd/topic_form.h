/* topic_form.h: how the records of a topic look to a topology: by its sources first, then its sinks. */
#ifndef SX_TOPIC_FORM_H
#define SX_TOPIC_FORM_H

#include "dsl/compile.h"
#include "engine/format/record_json.h"

/* The first source that reads the topic, by its name before by a pattern; NULL: none. */
const struct sx_source_spec *sx_source_of_topic(const struct sx_compiled *compiled, const char *topic);
struct sx_record_form sx_form_of_source(const struct sx_source_spec *source); /* NULL: of no known form */
struct sx_record_form sx_form_of_sink(const struct sx_topic_plan *topic);
struct sx_record_form sx_form_of_topic(const struct sx_compiled *compiled, const char *topic);

#endif
