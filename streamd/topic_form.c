/* topic_form.c: see topic_form.h. */
#include "streamd/topic_form.h"

static bool takes_by_pattern(const struct sx_plan *plan, const struct sx_source_spec *source,
                             const char *topic)
{
    for (uint32_t t = 0; t < plan->topic_count && source->pattern != NULL; t++)
        if (plan->topics[t]->pattern != NULL &&
            strcmp(plan->topics[t]->pattern->text, source->pattern->text) == 0)
            return sx_topic_takes(plan, plan->topics[t], topic);
    return false;
}

const struct sx_source_spec *sx_source_of_topic(const struct sx_compiled *compiled, const char *topic)
{
    for (uint32_t s = 0; s < compiled->source_count; s++)
        for (uint32_t t = 0; t < compiled->sources[s]->topic_count; t++)
            if (strcmp(compiled->sources[s]->topics[t], topic) == 0)
                return compiled->sources[s];
    for (uint32_t s = 0; s < compiled->source_count; s++)
        if (takes_by_pattern(compiled->plan, compiled->sources[s], topic))
            return compiled->sources[s];
    return NULL;
}

struct sx_record_form sx_form_of_source(const struct sx_source_spec *source)
{
    if (source == NULL)
        return (struct sx_record_form){0};
    return (struct sx_record_form){.key_format = source->key_format,
                                   .key_plan = source->key_plan,
                                   .value_format = source->value_format,
                                   .value_plan = source->value_plan,
                                   .key_windowed = source->key_window_ms != 0,
                                   .key_window_ms = source->key_window_ms};
}

struct sx_record_form sx_form_of_sink(const struct sx_topic_plan *topic)
{
    return (struct sx_record_form){.key_format = topic->sink_key_format,
                                   .key_plan = topic->sink_key_plan,
                                   .value_format = topic->sink_value_format,
                                   .value_plan = topic->sink_value_plan,
                                   .key_windowed = topic->sink_key_windowed,
                                   .key_window_ms = topic->sink_key_window_ms};
}

struct sx_record_form sx_form_of_topic(const struct sx_compiled *compiled, const char *topic)
{
    struct sx_record_form form = sx_form_of_source(sx_source_of_topic(compiled, topic));

    for (uint32_t t = 0; form.value_format == NULL && t < compiled->plan->topic_count; t++)
        if (strcmp(compiled->plan->topics[t]->name, topic) == 0)
            form = sx_form_of_sink(compiled->plan->topics[t]);
    return form;
}
