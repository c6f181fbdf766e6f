/* api_builder.c: include/streamd/builder.h: each call becomes a stage of dsl/compile.h, and each name or
 * sink a pipeline. */
#include "streamd/builder.h"

#include "engine/base/text.h"
#include "streamd/extension.h"

#include <stdlib.h>

#define STAGES_MAX 1000 /* in a row */
#define PIECES_MAX 12

/* A place in a pipeline: what it starts from, and the stages up to here. Groups are the same. */
struct streamd_stream {
    streamd_builder *builder;
    const char *from;
    struct streamd_stream *before;    /* one stage before; NULL: this is the start */
    const struct sx_ast_stage *stage; /* NULL at the start */
    bool used;                        /* something goes on from here */
    struct streamd_stream *next;      /* all of the builder */
};

struct streamd_group {
    struct streamd_stream stream;
};

struct streamd_builder {
    struct sx_builder *builder; /* NULL: finished */
    streamd_catalog *catalog;
    struct sx_arena arena;
    struct streamd_stream *streams, **last;
    unsigned callbacks;
};

/* ---- A builder ------------------------------------------------------------------------------- */

streamd_builder *streamd_builder_new(const streamd_catalog *catalog, const char *application)
{
    streamd_builder *b = sx_calloc(1, sizeof(*b));

    b->catalog = sx_api_catalog_beside(catalog);
    sx_arena_init(&b->arena, 4096);
    b->last = &b->streams;
    b->builder = sx_builder_new(application ? application : "streamd", sx_api_catalog(b->catalog));
    sx_builder_in_order(b->builder);
    return b;
}

void streamd_builder_free(streamd_builder *b)
{
    if (b == NULL)
        return;
    sx_builder_free(b->builder);
    sx_api_catalog_release(b->catalog);
    sx_arena_free(&b->arena);
    free(b);
}

streamd_catalog *streamd_builder_catalog(streamd_builder *b) { return b->catalog; }

static void wrong(streamd_builder *b, const char *where, const char *message)
{
    if (b->builder != NULL)
        sx_builder_fail(b->builder, STREAMD_E_ARGUMENT, where, message);
}

void streamd_builder_text(streamd_builder *b, const char *text)
{
    if (text == NULL)
        wrong(b, "text", "the text is NULL");
    else if (b->builder != NULL)
        sx_builder_text(b->builder, "text", text, strlen(text));
}

/* ---- Streams --------------------------------------------------------------------------------- */

static streamd_stream *add_stream(streamd_builder *b, const char *from)
{
    struct streamd_group *s = SX_ARENA_NEW(&b->arena, struct streamd_group);

    s->stream.builder = b;
    s->stream.from = from;
    *b->last = &s->stream;
    b->last = &s->stream.next;
    return &s->stream;
}

static streamd_stream *start(streamd_builder *b, const char *name)
{
    return add_stream(b, sx_arena_strdup(&b->arena, name));
}

static streamd_stream *stream_of(streamd_group *group) { return group ? &group->stream : NULL; }
static streamd_group *group_of(streamd_stream *stream)
{
    return (streamd_group *)stream; /* every place is made as one */
}

static const char *where_of(const streamd_stream *s, const struct sx_piece *pieces)
{
    /* The whole stage may be the caller's. */
    const char *words = pieces[0].kind == SX_PIECE_TEXT ? "stage" : pieces[0].text;
    const char *brace = strstr(words, " {");

    return sx_arena_format(&s->builder->arena, "%s | %.*s", s->from,
                           (int)(brace ? (size_t)(brace - words) : strlen(words)), words);
}

/* A piece that cannot be had, which was said. */
static const char said[] = "";

/* Behind a stream, a stage of pieces; one of them may be NULL by mistake. */
static streamd_stream *add(streamd_stream *s, const struct sx_piece *pieces, uint32_t count)
{
    streamd_stream *next;
    streamd_builder *b;

    if (s == NULL || s->builder->builder == NULL)
        return s;
    b = s->builder;
    s->used = true;
    next = add_stream(b, s->from);
    next->before = s;
    for (uint32_t i = 0; i < count; i++) {
        if (pieces[i].text == NULL)
            wrong(b, where_of(s, pieces), "an argument is NULL");
        if (pieces[i].text == NULL || pieces[i].text == said)
            return next;
    }
    next->stage = sx_builder_stage(b->builder, where_of(s, pieces), pieces, count);
    return next;
}

#define WORDS(text) ((struct sx_piece){SX_PIECE_WORDS, (text)})
#define TEXT(text) ((struct sx_piece){SX_PIECE_TEXT, (text)})
#define NAME(text) ((struct sx_piece){SX_PIECE_NAME, (text)})
#define STRING(text) ((struct sx_piece){SX_PIECE_STRING, (text)})
#define ADD(stream, ...)                                  \
    add((stream), (const struct sx_piece[]){__VA_ARGS__}, \
        sizeof((const struct sx_piece[]){__VA_ARGS__}) / sizeof(struct sx_piece))

/* Compile the pipeline that ends here. */
static void close_pipeline(streamd_stream *s, const char *name)
{
    const struct sx_ast_stage *stages[STAGES_MAX];
    uint32_t count = 0, at = STAGES_MAX;

    for (streamd_stream *x = s; x != NULL; x = x->before) {
        x->used = true;
        if (x->before == NULL)
            break;
        if (x->stage == NULL) /* a call with a NULL, which was said */
            return;
        if (at == 0) {
            wrong(s->builder, s->from, "a pipeline has more than 1000 stages; name a part of it");
            return;
        }
        stages[--at] = x->stage;
        count++;
    }
    sx_builder_pipeline(s->builder->builder, name, s->from, stages + at, count);
}

streamd_stream *streamd_stream_name(streamd_stream *s, const char *name)
{
    if (s == NULL || s->builder->builder == NULL)
        return s;
    if (name == NULL || name[0] == '\0') {
        s->used = true;
        wrong(s->builder, s->from, "the name of a definition is missing");
        return s;
    }
    close_pipeline(s, name);
    return start(s->builder, name);
}

void streamd_to(streamd_stream *s, const char *topic, const char *body)
{
    s = body ? ADD(s, WORDS("to topic"), STRING(topic), WORDS("{"), TEXT(body), WORDS("}"))
             : ADD(s, WORDS("to topic"), STRING(topic));
    if (s != NULL && s->builder->builder != NULL)
        close_pipeline(s, NULL);
}

void streamd_stream_split(streamd_stream *s, const char *cases)
{
    s = ADD(s, WORDS("split {"), TEXT(cases), WORDS("}"));
    if (s != NULL && s->builder->builder != NULL)
        close_pipeline(s, NULL);
}

streamd_stream *streamd_builder_find(streamd_builder *b, const char *name)
{
    if (name == NULL)
        wrong(b, "find", "the name is NULL");
    return start(b, name ? name : "");
}

/* ---- Sources --------------------------------------------------------------------------------- */

static streamd_stream *source(streamd_builder *b, enum sx_flow_kind kind, const char *name,
                              const char *const *topics, size_t count, const char *body)
{
    bool ok = b->builder != NULL && name != NULL && body != NULL && topics != NULL && count > 0;

    for (size_t t = 0; ok && t < count; t++)
        ok = topics[t] != NULL;
    if (!ok)
        wrong(b, name ? name : "source", "the name, the topic or the body of a source is NULL");
    else
        sx_builder_source(b->builder, kind, name, topics, (uint32_t)count, body);
    return start(b, name ? name : "");
}

streamd_stream *streamd_builder_stream(streamd_builder *b, const char *name, const char *topic,
                                       const char *body)
{
    return source(b, SX_FLOW_STREAM, name, &topic, 1, body);
}

streamd_stream *streamd_builder_table(streamd_builder *b, const char *name, const char *topic,
                                      const char *body)
{
    return source(b, SX_FLOW_TABLE, name, &topic, 1, body);
}

streamd_stream *streamd_builder_global_table(streamd_builder *b, const char *name, const char *topic,
                                             const char *body)
{
    return source(b, SX_FLOW_GLOBAL, name, &topic, 1, body);
}

streamd_stream *streamd_builder_stream_of(streamd_builder *b, const char *name, const char *const *topics,
                                          size_t topic_count, const char *body)
{
    return source(b, SX_FLOW_STREAM, name, topics, topic_count, body);
}

/* ---- Callbacks ------------------------------------------------------------------------------- */

/* The pieces of a call of `fn`, NAME ( arguments ), and how many. `array`: it gives elements of `type`. */
static uint32_t call_pieces(streamd_stream *s, const char *type, bool array, const char *arguments,
                            streamd_function_fn fn, void *arg, struct sx_piece *pieces)
{
    streamd_builder *b = s->builder;
    streamd_error *error = NULL;
    const char *name = sx_arena_format(&b->arena, "callback_%u", ++b->callbacks);
    const char *signature = sx_arena_format(&b->arena, "%s(%s) %s%s%s", name, arguments ? "any..." : "",
                                            array ? "array<" : "", type ? type : "", array ? ">" : "");
    uint32_t count = 0;

    if (type == NULL ||
        streamd_catalog_add_function(b->catalog, signature, fn, arg, NULL, &error) != STREAMD_OK) {
        wrong(b, s->from, error ? streamd_error_message(error) : "the type of a callback's result is NULL");
        streamd_error_free(error);
        pieces[count++] = WORDS(said);
        return count;
    }
    pieces[count++] = WORDS(name);
    pieces[count++] = WORDS("(");
    if (arguments != NULL)
        pieces[count++] = TEXT(arguments);
    pieces[count++] = WORDS(")");
    return count;
}

static streamd_stream *add_call(streamd_stream *s, const struct sx_piece *before, uint32_t before_count,
                                const char *type, bool array, const char *arguments, streamd_function_fn fn,
                                void *arg, const struct sx_piece *behind, uint32_t behind_count)
{
    struct sx_piece pieces[PIECES_MAX];
    uint32_t count = before_count;

    if (s == NULL || s->builder->builder == NULL)
        return s;
    memcpy(pieces, before, sizeof(*before) * before_count);
    count += call_pieces(s, type, array, arguments, fn, arg, pieces + count);
    if (behind_count)
        memcpy(pieces + count, behind, sizeof(*behind) * behind_count);
    return add(s, pieces, count + behind_count);
}

#define PIECES(...)                         \
    (const struct sx_piece[]){__VA_ARGS__}, \
        sizeof((const struct sx_piece[]){__VA_ARGS__}) / sizeof(struct sx_piece)

streamd_stream *streamd_stream_filter_fn(streamd_stream *s, const char *arguments, streamd_function_fn fn,
                                         void *arg)
{
    return add_call(s, PIECES(WORDS("filter")), "bool", false, arguments, fn, arg, NULL, 0);
}

streamd_stream *streamd_stream_map_fn(streamd_stream *s, const char *columns, const char *name,
                                      const char *type, const char *arguments, streamd_function_fn fn,
                                      void *arg)
{
    if (columns == NULL)
        return add_call(s, PIECES(WORDS("map {"), NAME(name), WORDS(":")), type, false, arguments, fn, arg,
                        PIECES(WORDS("}")));
    return add_call(s, PIECES(WORDS("map {"), TEXT(columns), WORDS(","), NAME(name), WORDS(":")), type, false,
                    arguments, fn, arg, PIECES(WORDS("}")));
}

streamd_stream *streamd_stream_key_by_fn(streamd_stream *s, const char *name, const char *type,
                                         const char *arguments, streamd_function_fn fn, void *arg)
{
    return add_call(s, PIECES(WORDS("key by"), NAME(name), WORDS(":")), type, false, arguments, fn, arg, NULL,
                    0);
}

streamd_stream *streamd_stream_time_fn(streamd_stream *s, const char *arguments, streamd_function_fn fn,
                                       void *arg)
{
    return add_call(s, PIECES(WORDS("time")), "timestamp", false, arguments, fn, arg, NULL, 0);
}

streamd_stream *streamd_stream_flatten_fn(streamd_stream *s, const char *name, const char *type,
                                          const char *arguments, streamd_function_fn fn, void *arg)
{
    return add_call(s, PIECES(WORDS("flatten")), type, true, arguments, fn, arg,
                    PIECES(WORDS("as"), NAME(name)));
}

streamd_group *streamd_stream_group_by_fn(streamd_stream *s, const char *name, const char *type,
                                          const char *arguments, streamd_function_fn fn, void *arg)
{
    return group_of(add_call(s, PIECES(WORDS("group by"), NAME(name), WORDS(":")), type, false, arguments, fn,
                             arg, NULL, 0));
}

/* ---- Stages ---------------------------------------------------------------------------------- */

streamd_stream *streamd_stream_filter(streamd_stream *s, const char *condition)
{
    return ADD(s, WORDS("filter"), TEXT(condition));
}

streamd_stream *streamd_stream_map(streamd_stream *s, const char *columns)
{
    return ADD(s, WORDS("map {"), TEXT(columns), WORDS("}"));
}

streamd_stream *streamd_stream_key_by(streamd_stream *s, const char *keys)
{
    return ADD(s, WORDS("key by"), TEXT(keys));
}

streamd_stream *streamd_stream_time(streamd_stream *s, const char *time)
{
    return ADD(s, WORDS("time"), TEXT(time));
}

streamd_stream *streamd_stream_flatten(streamd_stream *s, const char *arrays)
{
    return ADD(s, WORDS("flatten"), TEXT(arrays));
}

streamd_stream *streamd_stream_dedupe(streamd_stream *s, const char *by, const char *within)
{
    return ADD(s, WORDS("dedupe by"), TEXT(by), WORDS("within"), TEXT(within));
}

streamd_stream *streamd_stream_delay_until(streamd_stream *s, const char *until)
{
    return ADD(s, WORDS("delay until"), TEXT(until));
}

streamd_stream *streamd_stream_stage(streamd_stream *s, const char *stage) { return ADD(s, TEXT(stage)); }

/* The name by which another pipeline is meant. */
static const char *name_of(streamd_stream *s, streamd_stream *other, const char *stage)
{
    if (s == NULL)
        return said;
    if (other == NULL || other->builder != s->builder) {
        wrong(s->builder, stage,
              other ? "the other stream is of another builder" : "the other stream is NULL");
        return said;
    }
    other->used = true;
    if (other->before == NULL)
        return other->from;
    wrong(s->builder, stage, "the other stream has no name: streamd_stream_name() gives it one");
    return said;
}

streamd_stream *streamd_stream_merge(streamd_stream *s, streamd_stream *const *others, size_t other_count)
{
    struct sx_piece *pieces;
    uint32_t count = 0;

    if (s == NULL)
        return NULL;
    pieces = SX_ARENA_ARRAY(&s->builder->arena, struct sx_piece, other_count * 2 + 2);
    pieces[count++] = WORDS("merge");
    for (size_t i = 0; i < other_count; i++) {
        if (i)
            pieces[count++] = WORDS(",");
        pieces[count++] = NAME(name_of(s, others[i], "merge"));
    }
    return add(s, pieces, count);
}

static streamd_stream *join(streamd_stream *s, const char *words, streamd_stream *other, const char *clauses)
{
    const char *name = name_of(s, other, words);

    return clauses ? ADD(s, WORDS(words), NAME(name), TEXT(clauses)) : ADD(s, WORDS(words), NAME(name));
}

streamd_stream *streamd_stream_join(streamd_stream *s, streamd_stream *other, const char *clauses)
{
    return join(s, "join", other, clauses);
}

streamd_stream *streamd_stream_left_join(streamd_stream *s, streamd_stream *other, const char *clauses)
{
    return join(s, "left join", other, clauses);
}

streamd_stream *streamd_stream_outer_join(streamd_stream *s, streamd_stream *other, const char *clauses)
{
    return join(s, "outer join", other, clauses);
}

streamd_group *streamd_stream_group_by(streamd_stream *s, const char *keys)
{
    return group_of(ADD(s, WORDS("group by"), TEXT(keys)));
}

streamd_group *streamd_group_window(streamd_group *group, const char *window)
{
    return group_of(ADD(stream_of(group), WORDS("window"), TEXT(window)));
}

streamd_stream *streamd_group_aggregate(streamd_group *group, const char *columns)
{
    return ADD(stream_of(group), WORDS("aggregate {"), TEXT(columns), WORDS("}"));
}

streamd_stream *streamd_group_top(streamd_group *group, const char *top)
{
    return ADD(stream_of(group), WORDS("top"), TEXT(top));
}

streamd_stream *streamd_stream_latest(streamd_stream *s, const char *delete_when)
{
    return delete_when ? ADD(s, WORDS("latest delete when"), TEXT(delete_when)) : ADD(s, WORDS("latest"));
}

streamd_stream *streamd_stream_changes(streamd_stream *table) { return ADD(table, WORDS("changes")); }

streamd_stream *streamd_stream_emit(streamd_stream *table, const char *emit)
{
    return ADD(table, WORDS("emit"), TEXT(emit));
}

streamd_stream *streamd_stream_repartition(streamd_stream *s, unsigned partitions)
{
    if (partitions == 0)
        return ADD(s, WORDS("repartition"));
    return s ? ADD(s, WORDS("repartition"), WORDS(sx_arena_format(&s->builder->arena, "%u", partitions))) : s;
}

/* ---- The end --------------------------------------------------------------------------------- */

streamd_status streamd_builder_finish(streamd_builder *b, streamd_topology **topology, streamd_error **error)
{
    struct sx_compiled *compiled = NULL;
    streamd_status status;

    if (error != NULL)
        *error = NULL;
    if (b->builder == NULL)
        return sx_fail(error, STREAMD_E_STATE, "the builder is finished");
    /* What nobody goes on from is a pipeline that ends nowhere, as it would be in a text. */
    for (streamd_stream *s = b->streams; s != NULL; s = s->next)
        if (s->before != NULL && !s->used)
            close_pipeline(s, NULL);
    status = sx_builder_finish(b->builder, &compiled, error);
    sx_builder_free(b->builder);
    b->builder = NULL;
    if (status == STREAMD_OK)
        *topology = sx_api_topology(compiled, b->catalog);
    return status;
}
