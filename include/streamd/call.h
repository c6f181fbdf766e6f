/* call.h: what a C callback of a topology sees: arguments, a result, kept bytes.
 *
 * A callback is called with a streamd_call for one row: it asks for the arguments by number, and says
 * what it gives by one streamd_result function. Included by builder.h and extend.h.
 *
 *     static void distance(streamd_call *call, void *arg)
 *     {
 *         double x = streamd_value_double(streamd_call_value(call, 0));
 *         double y = streamd_value_double(streamd_call_value(call, 1));
 *         streamd_result_double(call, sqrt(x * x + y * y));
 *     }
 *
 *   Life      A call, its values and what they point to end when the callback returns.
 *   Threads   One callback may run on several threads at once, with different calls: what `arg` points to
 *             is either only read or locked.
 *   Must      depend on its arguments and kept bytes alone. A row may be given again: after another row of
 *             its batch failed, after a restart. So what must be undone with the row is kept by the
 *             library (streamd_call_set_state), not behind `arg`. With constant arguments a function may
 *             be called when a text is compiled.
 *   Must not  block, sleep, call the engine that it runs in, or leave by longjmp or a C++ exception.
 */
#ifndef STREAMD_CALL_H
#define STREAMD_CALL_H

#include <streamd/streamd.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Values ---------------------------------------------------------------------------------- */

typedef enum streamd_kind {
    STREAMD_NULL = 0,
    STREAMD_BOOL = 1,
    STREAMD_INT = 2,
    STREAMD_DOUBLE = 3,
    STREAMD_DECIMAL = 4, /* exact, of its type's scale */
    STREAMD_STRING = 5, /* UTF-8 */
    STREAMD_BYTES = 6,
    STREAMD_TIMESTAMP = 7, /* ms since 1970 UTC */
    STREAMD_DATE = 8,      /* days since 1970 */
    STREAMD_TIME = 9,      /* ms of the day */
    STREAMD_DURATION = 10, /* ms */
    STREAMD_ARRAY = 11,
    STREAMD_MAP = 12,    /* string keys */
    STREAMD_STRUCT = 13, /* fields in the order of its type */
    STREAMD_JSON = 14    /* its text, without white space; never `null`, which is a null */
} streamd_kind;

/* One value of any type; it ends with the call. */
typedef struct streamd_value streamd_value;

/* The kind of a value; a null has the kind STREAMD_NULL, whatever its type. */
STREAMD_API streamd_kind streamd_value_kind(const streamd_value *value);

/* Read a plain value. What is of another kind is read as false, 0 or no bytes, but an int and a decimal as a
 * double. streamd_value_int() is for all kinds that are counted: ints, timestamps, dates, times, durations;
 * streamd_value_bytes() is for strings, bytes and the text of json.
 */
STREAMD_API bool          streamd_value_bool(const streamd_value *value);
STREAMD_API int64_t       streamd_value_int(const streamd_value *value);
STREAMD_API double        streamd_value_double(const streamd_value *value);
STREAMD_API streamd_bytes streamd_value_bytes(const streamd_value *value);

typedef struct streamd_call streamd_call;

/* The digits of a decimal, all of its scale: `-12.50`. They end with the call. */
STREAMD_API streamd_bytes streamd_value_decimal(streamd_call *call, const streamd_value *value);

/* Read a nested value: how many elements, entries or fields it has; the number-th of them; the key of an
 * entry or the name of a field. Past the end there is a null, and no bytes.
 */
STREAMD_API size_t               streamd_value_count(const streamd_value *value);
STREAMD_API const streamd_value *streamd_value_item(streamd_call *call, const streamd_value *value,
                                                    size_t number);
STREAMD_API streamd_bytes        streamd_value_name(const streamd_value *value, size_t number);

/* ---- A call ---------------------------------------------------------------------------------- */

/* The callback of a function, and of an operator (extend.h). `arg` is what it was added with. */
typedef void (*streamd_function_fn)(streamd_call *call, void *arg);

/* How many arguments there are, and the number-th from 0; past the end a null. */
STREAMD_API size_t               streamd_call_count(const streamd_call *call);
STREAMD_API const streamd_value *streamd_call_value(const streamd_call *call, size_t number);

/* Memory for the callback's own use, uninitialised; it ends with the call. Never NULL. */
STREAMD_API void *streamd_call_alloc(streamd_call *call, size_t bytes);

/* ---- Its result ------------------------------------------------------------------------------ */

/* Say what the call gives; a callback that says nothing gives null. The last word counts. Bytes are
 * copied. An int goes for a double, a decimal, a timestamp, a date, a time and a duration; text must be
 * UTF-8; the digits of a decimal, `-12.5`, are rounded half up to its scale. What else does not fit the
 * result's type is a row error, as streamd_result_error() makes one.
 */
STREAMD_API void streamd_result_null(streamd_call *call);
STREAMD_API void streamd_result_bool(streamd_call *call, bool value);
STREAMD_API void streamd_result_int(streamd_call *call, int64_t value);
STREAMD_API void streamd_result_double(streamd_call *call, double value);
STREAMD_API void streamd_result_decimal(streamd_call *call, const char *digits, size_t bytes);
STREAMD_API void streamd_result_text(streamd_call *call, const char *text, size_t bytes);
/* The text of a json; what is not valid JSON is a row error. */
STREAMD_API void streamd_result_json(streamd_call *call, const char *text, size_t bytes);
STREAMD_API void streamd_result_bytes(streamd_call *call, const void *data, size_t bytes);
STREAMD_API void streamd_result_value(streamd_call *call, const streamd_value *value);

/* Give an array, a map or a struct: between begin and end every result is an element; of a map a key, then
 * its value; of a struct its fields in order, the rest null. They nest.
 */
STREAMD_API void streamd_result_begin(streamd_call *call);
STREAMD_API void streamd_result_end(streamd_call *call);

/* Make a row error: `on error` decides what becomes of the record. `message` is copied, up to 190 bytes. */
STREAMD_API void streamd_result_error(streamd_call *call, const char *message);

#ifdef __cplusplus
}
#endif
#endif
