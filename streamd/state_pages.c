/* state_pages.c: GET /state/STORE?slot=N, the rows of a store for a member that is new to the slot: the bytes
 * of engine/run/shipment.h. Its header `Streamd-Position` says how far they are; HEAD asks for that alone. */
#include "streamd/http_server.h"
#include "streamd/peers.h"

#include "engine/base/text.h"
#include "engine/run/shipment.h"

#include <stdlib.h>

struct sending {
    struct sx_http *http;
    struct sx_shipment *shipment;
    struct sx_buffer text; /* not yet given: from `given` on */
    size_t given;
};

static void free_sending(void *arg)
{
    struct sending *s = arg;

    if (s->shipment != NULL)
        sx_shipment_close(s->shipment);
    sx_http_leave(s->http);
    sx_buffer_free(&s->text);
    free(s);
}

/* One who gets no end knows that rows are missing. */
static ssize_t give(void *arg, uint64_t position, char *to, size_t room)
{
    struct sending *s = arg;
    size_t size;

    (void)position;
    if (s->given == s->text.size) {
        s->given = s->text.size = 0;
        if (atomic_load(&s->http->stopping) || atomic_load(&s->http->paused) ||
            sx_shipment_read(s->shipment, &s->text, NULL) != STREAMD_OK)
            return MHD_CONTENT_READER_END_WITH_ERROR;
        if (s->text.size == 0)
            return MHD_CONTENT_READER_END_OF_STREAM;
    }
    size = SX_MIN(room, s->text.size - s->given);
    memcpy(to, s->text.data + s->given, size);
    s->given += size;
    return (ssize_t)size;
}

static enum MHD_Result respond(const struct sx_http_request *request, struct sending *s)
{
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 64 * 1024, give, s, free_sending);
    enum MHD_Result result;
    char position[24];

    if (response == NULL) {
        free_sending(s);
        return MHD_NO;
    }
    snprintf(position, sizeof(position), "%lld", (long long)sx_shipment_position(s->shipment));
    MHD_add_response_header(response, SX_PEERS_POSITION, position);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/octet-stream");
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    result = MHD_queue_response(request->connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

enum MHD_Result sx_page_state(const struct sx_http_request *request)
{
    const char *text = sx_http_argument(request, "slot");
    streamd_error *error = NULL;
    struct sending *s;
    int64_t slot;

    if (text == NULL || !sx_read_int(sx_slice_of(text), &slot) || slot < 0 || slot > INT16_MAX)
        return sx_http_refuse(request, MHD_HTTP_BAD_REQUEST, "slot is the number of a partition, from 0");
    if (!sx_http_enter(request->http)) /* until the answer is given, which is later than the request's end */
        return sx_http_refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE, "the state is not open");
    s = sx_calloc(1, sizeof(*s));
    s->http = request->http;
    if (sx_shipment_open(s->http->options.engine, request->rest, (int32_t)slot, &s->shipment, &error) ==
        STREAMD_OK)
        return respond(request, s);
    free_sending(s);
    return sx_http_fail(request, error);
}
