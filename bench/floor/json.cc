// Reads the fields of a bid with simdjson On-Demand. Compiled once per FLOOR_TARGET, because
// simdjson takes On-Demand's code from what the compiler is told of the processor.
#include <simdjson.h>

#include <cstring>

extern "C" {
#include "floor.h"
}

#define JOIN2(a, b) a##b
#define JOIN(a, b) JOIN2(a, b)
#define READ JOIN(floor_read_, FLOOR_TARGET)
#define PARSER JOIN(floor_parser_, FLOOR_TARGET)

using namespace simdjson;

namespace
{

struct Parser {
    ondemand::parser parser;
    char copy[4096 + SIMDJSON_PADDING];
};

constexpr uintptr_t page_size = 4096;

} // namespace

extern "C" void *PARSER() { return new Parser; }

extern "C" int READ(void *opaque, const char *json, size_t size, int time, floor_bid *bid)
{
    auto *own = static_cast<Parser *>(opaque);

    // simdjson reads up to 64 bytes past the end. A payload lies in the fetched bytes, so what
    // follows is there to be read but at the end of the last page: those few are copied.
    if ((reinterpret_cast<uintptr_t>(json + size) & (page_size - 1)) > page_size - SIMDJSON_PADDING) {
        if (size > sizeof(own->copy) - SIMDJSON_PADDING)
            return -1;
        std::memcpy(own->copy, json, size);
        json = own->copy;
    }

    ondemand::document document;
    ondemand::object object;
    if (own->parser.iterate(padded_string_view(json, size, size + SIMDJSON_PADDING)).get(document) ||
        document.get_object().get(object) || object["auction"].get_int64().get(bid->auction) ||
        object["bidder"].get_int64().get(bid->bidder) || object["price"].get_int64().get(bid->price))
        return -1;
    return time && object["dateTime"].get_int64().get(bid->time_ms) ? -1 : 0;
}
