/* api_topology.c: topologies of the public header: texts to plans, and plans to text. */
#include "streamd/api.h"
#include "streamd/builtin.h"

#include <stdlib.h>

const struct sx_catalog *sx_api_catalog(const streamd_catalog *catalog)
{
    return catalog ? &catalog->catalog : &sx_builtin_catalog;
}

streamd_topology *sx_api_topology(struct sx_compiled *compiled, const streamd_catalog *catalog)
{
    streamd_topology *topology = sx_calloc(1, sizeof(*topology));

    topology->compiled = compiled;
    topology->catalog = sx_api_catalog_keep(catalog);
    return topology;
}

streamd_status streamd_topology_parse_with(const streamd_catalog *catalog, const char *text,
                                           size_t text_bytes, const char *name, const streamd_param *params,
                                           size_t param_count, streamd_topology **topology,
                                           streamd_error **error)
{
    const char **names = sx_calloc(param_count + 1, 2 * sizeof(*names));
    struct sx_compile_options options = {.catalog = sx_api_catalog(catalog),
                                         .name = name ? name : "topology",
                                         .param_names = names,
                                         .param_values = names + param_count,
                                         .param_count = (uint32_t)param_count};
    struct sx_compiled *compiled = NULL;
    streamd_status status;

    if (error != NULL)
        *error = NULL;
    for (size_t p = 0; p < param_count; p++) {
        names[p] = params[p].name;
        names[param_count + p] = params[p].value;
    }
    status = text_bytes > INT32_MAX
                 ? sx_fail(error, STREAMD_E_ARGUMENT, "a topology's text is shorter than 2 GiB")
                 : sx_compile(text, text_bytes, &options, &compiled, error);
    free(names);
    if (status == STREAMD_OK)
        *topology = sx_api_topology(compiled, catalog);
    return status;
}

streamd_status streamd_topology_parse(const streamd_catalog *catalog, const char *text, size_t text_bytes,
                                      const char *name, streamd_topology **topology, streamd_error **error)
{
    return streamd_topology_parse_with(catalog, text, text_bytes, name, NULL, 0, topology, error);
}

void streamd_topology_free(streamd_topology *topology)
{
    if (topology == NULL)
        return;
    sx_compiled_free(topology->compiled);
    sx_api_catalog_release(topology->catalog);
    free(topology);
}

const char *streamd_topology_application(const streamd_topology *topology)
{
    return topology->compiled->plan->application;
}

const streamd_error *streamd_topology_warnings(const streamd_topology *topology)
{
    return topology->compiled->plan->warnings;
}

streamd_status streamd_topology_describe(const streamd_topology *topology, streamd_describe_as as,
                                         streamd_buffer **buffer, streamd_error **error)
{
    const struct sx_plan *plan = topology->compiled->plan;
    struct sx_buffer text = {0};

    if (error != NULL)
        *error = NULL;
    switch (as) {
    case STREAMD_DESCRIBE_TEXT:
        sx_plan_print_text(plan, &text);
        break;
    case STREAMD_DESCRIBE_DOT:
        sx_plan_print_dot(plan, &text);
        break;
    case STREAMD_DESCRIBE_JSON:
        sx_plan_print_json(plan, &text);
        break;
    default:
        return sx_fail(error, STREAMD_E_ARGUMENT, "%d is no way to describe a topology", (int)as);
    }
    *buffer = sx_public_buffer(&text);
    return STREAMD_OK;
}
