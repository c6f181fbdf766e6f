// json_scan.cc: simdjson's first stage behind a C face. The only file that includes simdjson.
#include "engine/format/json_scan.h"

#include <cstdlib>
#include <memory>
#include <simdjson.h>

struct sx_json_scanner {
    std::unique_ptr<simdjson::internal::dom_parser_implementation> stage;
};

extern "C" struct sx_json_scanner *sx_json_scanner_new(uint32_t most_bytes)
{
    auto *scanner = new (std::nothrow) sx_json_scanner;

    // The depth is of the second stage, which is not ours. Out of memory: as sx_malloc() does.
    if (scanner == nullptr || simdjson::get_active_implementation()->create_dom_parser_implementation(
                                  most_bytes ? most_bytes : 1, 1, scanner->stage) != simdjson::SUCCESS)
        abort();
    return scanner;
}

extern "C" void sx_json_scanner_free(struct sx_json_scanner *scanner) { delete scanner; }

extern "C" bool sx_json_scan(struct sx_json_scanner *scanner, struct sx_slice text, struct sx_json_doc *doc)
{
    auto *stage = scanner->stage.get();

    if (text.size == 0 || stage->stage1(reinterpret_cast<const uint8_t *>(text.data), text.size,
                                        simdjson::stage1_mode::regular) != simdjson::SUCCESS)
        return false;
    doc->text = text.data;
    doc->size = text.size;
    doc->at = stage->structural_indexes.get();
    doc->count = stage->n_structural_indexes;
    return true;
}
