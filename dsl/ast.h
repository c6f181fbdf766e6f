/* ast.h: the tree of a text. In an arena; nothing is resolved in it. */
#ifndef SX_AST_H
#define SX_AST_H

#include "dsl/lexer.h"
#include "engine/graph/operator.h"

enum sx_ast_kind {
    SX_AST_ERROR, /* a mistake that was reported */
    SX_AST_NULL,
    SX_AST_BOOL,      /* integer */
    SX_AST_INT,       /* integer */
    SX_AST_DOUBLE,    /* real */
    SX_AST_DECIMAL,   /* text */
    SX_AST_STRING,    /* text */
    SX_AST_DURATION,  /* integer */
    SX_AST_SIZE,      /* integer */
    SX_AST_TIMESTAMP, /* integer */
    SX_AST_DATE,      /* integer */
    SX_AST_TIME,      /* integer */
    SX_AST_NAME,      /* text */
    SX_AST_META,      /* text; @header: args[0] */
    SX_AST_FIELD,     /* args[0] . text */
    SX_AST_INDEX,     /* args[0] [ args[1] ] */
    SX_AST_NEGATE,
    SX_AST_NOT,
    SX_AST_BINARY,  /* text: the sign or word */
    SX_AST_IS_NULL, /* negated: is not null */
    SX_AST_IN,      /* args[0], then the members, or one array; negated */
    SX_AST_BETWEEN, /* args[0..2]; negated */
    SX_AST_LIKE,    /* args[0], pattern, escape if any; negated */
    SX_AST_CASE,    /* when, then, ..., else if has_else */
    SX_AST_CALL,    /* text, args, where */
    SX_AST_CAST,    /* args[0], type */
    SX_AST_ARRAY,
    SX_AST_STRUCT, /* names, args */
    SX_AST_MAP,    /* key, value, ... */
    SX_AST_LAMBDA, /* names, `size` of them; args[0] */
    SX_AST_STAR    /* in a projection: `*`, or `text.*` */
};

struct sx_ast {
    enum sx_ast_kind kind;
    struct sx_position at;
    const char *text;
    uint32_t size; /* of text */
    bool quoted;
    bool negated;
    bool has_else;
    int64_t integer;
    double real;
    uint32_t height; /* of the tree below it */
    uint32_t count;
    struct sx_ast **args;
    const char **names;
    struct sx_position *names_at; /* of a lambda's parameters */
    struct sx_ast *where;
    const struct sx_type *type;
};

/* `name: expr`, `expr as name`, `when expr -> name`. */
struct sx_ast_item {
    struct sx_position at; /* of the name, or of the expression */
    const char *name;      /* NULL: none */
    struct sx_ast *expr;   /* NULL: else */
    const char **except;   /* of a star */
    uint32_t except_count;
};

/* A field of a declared value or key. */
struct sx_ast_field {
    struct sx_position at;
    const char *name;
    const struct sx_type *type;
    bool not_null;
    const char *path;
    struct sx_ast *preset;
};

/* `json { ... }`, `csv { ... } delimiter ";"`, `int`, `windowed string size 30s`. */
struct sx_ast_format {
    struct sx_position at;
    const char *name; /* NULL: not written */
    bool windowed, session;
    int64_t window_ms;
    bool has_fields;
    struct sx_ast_field *fields;
    uint32_t field_count;
    const struct sx_type *type; /* json T */
    const char *delimiter;
    bool header;
    const char *as;
};

/* The body of a source or a sink. */
struct sx_ast_body {
    struct sx_position at;
    struct sx_ast_format key, value;
    struct sx_ast *time, *partition;
    struct sx_ast_item *headers;
    uint32_t header_count;
    int64_t idle_ms;
    struct sx_position idle_at;
    bool start_latest;
    enum sx_on_gap on_gap;
    struct sx_position gap_at;
    enum sx_on_error on_error;
    const char *error_topic;
    struct sx_position error_at;
};

/* One clause of a stage, as written. */
struct sx_ast_clause {
    bool given;
    struct sx_position at;
    struct sx_ast *expr;       /* EXPR, and what a number, text or name was written as */
    struct sx_ast_item *items; /* lists */
    uint32_t count;
    struct sx_ast_body *body;
};

struct sx_ast_stage {
    struct sx_position at;
    const struct sx_operator_def *op; /* NULL: unknown, reported */
    struct sx_ast_clause *clauses;    /* op->clause_count */
};

enum sx_statement_kind {
    SX_STATEMENT_SOURCE,   /* stream, table, global table from topic */
    SX_STATEMENT_PIPELINE, /* stream x = ..., table x = ..., or unnamed */
    SX_STATEMENT_SET,
    SX_STATEMENT_PARAM,
    SX_STATEMENT_FUNCTION,
    SX_STATEMENT_TEST
};

struct sx_statement {
    enum sx_statement_kind kind;
    struct sx_position at;  /* of the name, if it has one */
    const char *name;       /* NULL: unnamed */
    enum sx_flow_kind flow; /* stream, table, global */
    bool any_flow;          /* a definition of a builder: stream or table, whatever it is */
    const char **topics;    /* source */
    struct sx_position *topics_at;
    uint32_t topic_count;
    const char *pattern;      /* source: of `topics matching`, instead of topics; at topics_at[0] */
    struct sx_ast *versioned; /* source: the length of the history, or NULL */
    enum sx_medium medium;    /* source: not the log, then topics[0] is a path, a cron expression, or "" */
    const char *zone;         /* of a schedule; NULL: not written */
    struct sx_ast_body *body; /* source; a schedule has none */
    const char *from;         /* pipeline: the name it starts from */
    struct sx_position from_at;
    struct sx_ast_stage *stages;
    uint32_t stage_count;
    const struct sx_type *type; /* param: declared type, or NULL */
    struct sx_ast *value;       /* set, param: value; function: body */
    enum sx_setting {
#define SX_SETTING(id, words, form, preset, help) SX_SET_##id,
#include "dsl/settings.def"
#undef SX_SETTING
    } setting;
    bool guarantee; /* exactly once */
    bool any;       /* partitioner */
    enum sx_on_error on_error;
    const char *error_topic;
    struct sx_ast_field *parameters; /* function */
    uint32_t parameter_count;
    struct sx_test *test;
    bool broken;       /* it has a mistake that was reported */
    const char *words; /* its text, one space between tokens; NULL: a builder made it */
    struct sx_statement *next;
};

struct sx_ast_file {
    const char *application; /* NULL: not written */
    struct sx_position application_at;
    struct sx_statement *first, **last;
};

#endif
