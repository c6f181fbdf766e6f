/* elsewhere.c: what people write who come from other languages, and how it is written here. */
#include "dsl/elsewhere.h"

#include "engine/base/base.h"

#include <strings.h>

struct known {
    const char *word, *hint;
};

static const char *find(const struct known *rows, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(rows[i].word, word) == 0)
            return rows[i].hint;
    return NULL;
}

const char *sx_stage_elsewhere(const char *word)
{
    static const struct known rows[] = {
        {"where", "write `filter ...`"},
        {"having", "write `filter ...` behind `aggregate`"},
        {"select", "write `map { a, b: expression }`"},
        {"project", "write `map { a, b: expression }`"},
        {"mapvalues", "write `map { a, b: expression }`"},
        {"selectkey", "write `key by ...`"},
        {"rekey", "write `key by ...`"},
        {"groupby", "write `group by ...`"},
        {"groupbykey", "write `group by key`"},
        {"count", "write `group by ... | aggregate { n: count() }`"},
        {"sum", "write `group by ... | aggregate { total: sum(...) }`"},
        {"reduce", "write `group by ... | aggregate { ... }`"},
        {"windowedby", "write `window tumbling 1m grace 0s`"},
        {"unnest", "write `flatten items as item`"},
        {"explode", "write `flatten items as item`"},
        {"flatmap", "write `flatten items as item`"},
        {"union", "write `merge NAME`"},
        {"branch", "write `split { when ... -> name  else -> name }`"},
        {"through", "write `repartition`, or `to topic \"...\"` and a source that reads it"},
        {"into", "write `to topic \"...\"`"},
        {"sink", "write `to topic \"...\"`"},
        {"distinct", "write `dedupe by ... within 1h`"},
        {"suppress", "write `emit final`"},
        {"limit", "write `top N by ...` behind a `group by`"},
        {"totable", "write `latest`"},
        {"tostream", "write `changes`"},
        {"peek", "write `to stdout` in a pipeline of its own"},
        {"print", "write `to stdout` in a pipeline of its own"},
    };

    return find(rows, SX_COUNT(rows), word);
}

const char *sx_statement_elsewhere(const char *word)
{
    static const char pipeline[] =
        "this is no SQL: begin with a stream or table, as `orders | filter amount > 1 | to topic \"large\"`";
    static const struct known rows[] = {
        {"select", pipeline},
        {"insert", pipeline},
        {"with", pipeline},
        {"from",
         "begin with the stream: `orders | ...`; a source is `stream orders from topic \"orders\" { ... }`"},
        {"create", "write `stream NAME from topic \"...\" { ... }`, or `table NAME = ...`"},
        {"let", "write `stream NAME = ...`, `table NAME = ...` or `param NAME = ...`"},
        {"var", "write `param NAME = ...`"},
        {"const", "write `param NAME = ...`"},
        {"def", "write `function name(x int) = expression`"},
        {"fn", "write `function name(x int) = expression`"},
        {"import", "write `include \"file.stream\"`"},
    };

    return find(rows, SX_COUNT(rows), word);
}

const char *sx_sign_elsewhere(char sign)
{
    switch (sign) {
    case '&':
        return "write `and`";
    case '!':
        return "write `not`";
    case ';':
        return "leave it out: a statement ends where the next one begins, and fields have commas between";
    case '?':
        return "write `if(condition, a, b)`";
    default:
        return NULL;
    }
}
