/* json_scan.h: where the tokens of a JSON document stand, found 64 bytes at a time by simdjson.
 *
 * The index holds the place of every bracket, colon and comma outside strings, and of the first byte
 * of every string, number and word. simdjson has checked then that the bytes are UTF-8, that strings
 * end and that no control character is in one; whoever walks the index checks the grammar.
 *
 * We take simdjson's first stage and not its On-Demand interface: On-Demand's code is chosen when
 * it is compiled, wants 64 readable bytes behind a document and unescapes into a buffer of its own;
 * the first stage is chosen by libsimdjson for the processor that it runs on, reads nothing past the
 * end, and leaves strings where they are.
 */
#ifndef SX_JSON_SCAN_H
#define SX_JSON_SCAN_H

#include "engine/base/base.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sx_json_doc {
    const char *text;
    uint32_t size;
    const uint32_t *at; /* at[count] is `size` */
    uint32_t count;
};

/* Room for the index of one document at a time. */
struct sx_json_scanner;
struct sx_json_scanner *sx_json_scanner_new(uint32_t most_bytes); /* of a document */
void sx_json_scanner_free(struct sx_json_scanner *scanner);

/* Index `text`. doc->at lives until the next scan. False: it is empty, or not JSON;
 * sx_json_check() says what is wrong. */
bool sx_json_scan(struct sx_json_scanner *scanner, struct sx_slice text, struct sx_json_doc *doc);

#ifdef __cplusplus
}
#endif
#endif
