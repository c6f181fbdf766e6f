/* http.c: listening, limits, and which page a request is for. */
#include "streamd/http_server.h"

#include "engine/base/document.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { FOLLOWER_TRIES = 50, FOLLOWER_MS = 20 };

/* ---- Answers --------------------------------------------------------------------------------- */

const char *sx_http_argument(const struct sx_http_request *request, const char *name)
{
    const char *value = NULL;

    if (MHD_lookup_connection_value_n(request->connection, MHD_GET_ARGUMENT_KIND, name, strlen(name), &value,
                                      NULL) == MHD_NO)
        return NULL;
    return value ? value : "";
}

static enum MHD_Result send_response(struct MHD_Connection *connection, unsigned code, const char *type,
                                     struct MHD_Response *response)
{
    enum MHD_Result result;

    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    /* A connection is one request: so each has the same time, however many come. */
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    if (code == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD, POST");
    if (code == MHD_HTTP_UNAUTHORIZED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer realm=\"streamd\"");
    result = MHD_queue_response(connection, code, response);
    MHD_destroy_response(response);
    return result;
}

enum MHD_Result sx_http_answer(const struct sx_http_request *request, unsigned code, const char *type,
                               struct sx_buffer *text)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(text->size, text->data ? text->data : "",
                                        text->data ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);

    *text = (struct sx_buffer){0};
    return response ? send_response(request->connection, code, type, response) : MHD_NO;
}

enum MHD_Result sx_http_refuse(const struct sx_http_request *request, unsigned code, const char *format, ...)
{
    json_t *document = json_object();
    struct sx_buffer text = {0};
    char message[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    sx_document_set(document, "error", sx_document_text(message));
    sx_document_write(&text, document, false);
    return sx_http_answer(request, code, "application/json", &text);
}

enum MHD_Result sx_http_fail(const struct sx_http_request *request, streamd_error *error)
{
    streamd_status status = streamd_error_status(error);
    unsigned code = status == STREAMD_E_NOTFOUND ? MHD_HTTP_NOT_FOUND
                    : sx_disk_was_full(error)    ? MHD_HTTP_INSUFFICIENT_STORAGE
                    : status == STREAMD_E_TIMEOUT || status == STREAMD_E_FENCED || status == STREAMD_E_STORE
                        ? MHD_HTTP_SERVICE_UNAVAILABLE
                        : MHD_HTTP_INTERNAL_SERVER_ERROR;
    enum MHD_Result result = sx_http_refuse(request, code, "%s", streamd_error_message(error));

    streamd_error_free(error);
    return result;
}

/* ---- Routes ---------------------------------------------------------------------------------- */

static const struct route {
    const char *path;
    bool rest;  /* a name follows */
    bool local; /* shows or takes records: for this machine only */
    enum MHD_Result (*get)(const struct sx_http_request *request);
    enum MHD_Result (*post)(const struct sx_http_request *request);
} routes[] = {
    {"/metrics", false, false, sx_page_metrics, NULL},
    {"/health", false, false, sx_page_health, NULL},
    {"/topology", false, false, sx_page_topology, NULL},
    {"/topics/", true, true, sx_page_topic_read, sx_page_topic_write},
    {"/stores", false, true, sx_page_stores, NULL},
    {"/stores/", true, true, sx_page_store, NULL},
    {"/state/", true, true, sx_page_state, NULL},
};

static const struct route *find_route(const char *path, const char **rest)
{
    for (size_t i = 0; i < SX_COUNT(routes); i++) {
        size_t size = strlen(routes[i].path);

        *rest = path + size;
        if (strncmp(path, routes[i].path, size) == 0 && (**rest != '\0') == routes[i].rest &&
            strchr(*rest, '/') == NULL)
            return &routes[i];
    }
    return NULL;
}

static bool through_socket(const struct sx_http_request *request)
{
    const union MHD_ConnectionInfo *from =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

    return from != NULL && from->client_addr != NULL && from->client_addr->sa_family == AF_UNIX;
}

/* An IPv4 address of loopback, with or without a port; 127.example.com is none. */
static bool is_loopback_address(const char *host)
{
    char address[INET_ADDRSTRLEN];
    struct in_addr parsed;

    snprintf(address, sizeof(address), "%.*s", (int)strcspn(host, ":"), host);
    return inet_pton(AF_INET, address, &parsed) == 1 && ntohl(parsed.s_addr) >> 24 == IN_LOOPBACKNET;
}

/* Without a token records are for those on this machine: who comes through the socket, or to a loopback
 * address under a name that no page of another site can have made to point here. */
static bool is_local(const struct sx_http_request *request)
{
    const char *host =
        MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);

    return through_socket(request) ||
           (request->http->loopback &&
            (host == NULL || host[0] == '[' || is_loopback_address(host) || strcmp(host, "localhost") == 0 ||
             strncmp(host, "localhost:", 10) == 0));
}

/* How long it takes does not tell how much of a wrong token is right. */
static bool shows_token(const struct sx_http_request *request)
{
    static const char scheme[] = "Bearer ";
    const char *token = request->http->options.token;
    const char *shown =
        MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    size_t size;
    volatile unsigned char differ = 0;

    if (token == NULL || shown == NULL || strncasecmp(shown, scheme, sizeof(scheme) - 1) != 0)
        return false;
    shown += sizeof(scheme) - 1;
    size = strlen(token);
    if (strlen(shown) != size)
        return false;
    for (size_t i = 0; i < size; i++)
        differ |= (unsigned char)(token[i] ^ shown[i]);
    return differ == 0;
}

/* Who asks may do this. False: *code and the text say what is missing. */
static bool may(const struct sx_http_request *request, bool writes, unsigned *code, const char **why)
{
    bool has_token = request->http->options.token != NULL;

    if (through_socket(request) || shows_token(request) || (is_local(request) && !(writes && has_token)))
        return true;
    *code = has_token ? MHD_HTTP_UNAUTHORIZED : MHD_HTTP_FORBIDDEN;
    *why = has_token ? "show the token of --http-token-file, as `Authorization: Bearer TOKEN`"
                     : "records are shown on a loopback address only, or with --http-token-file";
    return false;
}

static enum MHD_Result refuse_paused(const struct sx_http_request *request)
{
    char *why = sx_http_why(request->http);
    enum MHD_Result result = sx_http_refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE,
                                            "it is stopped for now: %s", why ? why : "try again");

    free(why);
    return result;
}

static enum MHD_Result answer(const struct sx_http_request *complete, const char *path, const char *method)
{
    struct sx_http_request request = *complete;
    const struct route *route = find_route(path, &request.rest);
    bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0, post = strcmp(method, "POST") == 0;
    const char *why;
    unsigned code;

    if (route == NULL)
        return sx_http_refuse(
            &request, MHD_HTTP_NOT_FOUND,
            "there is /metrics, /health, /topology, /topics/NAME, /stores, /stores/TABLE and /state/STORE");
    if (route->local && !may(&request, !get, &code, &why))
        return sx_http_refuse(&request, code, "%s", why);
    if (route->local && !request.inside)
        return refuse_paused(&request);
    if (get)
        return route->get(&request);
    if (!post || route->post == NULL)
        return sx_http_refuse(&request, MHD_HTTP_METHOD_NOT_ALLOWED, "this page takes GET%s",
                              route->post ? " and POST" : "");
    /* A page of another site, open in a browser here, could else write into topics. */
    if (MHD_lookup_connection_value(request.connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ORIGIN) != NULL)
        return sx_http_refuse(&request, MHD_HTTP_FORBIDDEN, "pages of a browser cannot write records");
    return route->post(&request);
}

/* ---- A request as it comes ------------------------------------------------------------------- */

struct coming {
    struct sx_buffer body;
    bool too_large;
};

static void complete(struct sx_http *http, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct sx_http_guest *guest = info ? info->socket_context : NULL;

    pthread_mutex_lock(&http->lock);
    if (guest != NULL)
        guest->due_ms = 0;
    pthread_mutex_unlock(&http->lock);
    /* From now on the time is ours, or that of a client that takes its answer. */
    MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, 60u);
}

static enum MHD_Result handle(void *arg, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version, const char *data, size_t *size,
                              void **state)
{
    struct sx_http *http = arg;
    struct sx_http_request request = {.http = http, .connection = connection};
    struct coming *coming = *state;
    enum MHD_Result result;

    (void)version;
    if (coming == NULL) {
        *state = sx_calloc(1, sizeof(*coming));
        return MHD_YES;
    }
    if (*size > 0) {
        coming->too_large |= *size > SX_HTTP_BODY_BYTES - coming->body.size;
        if (!coming->too_large)
            sx_buffer_add(&coming->body, data, *size);
        *size = 0;
        return MHD_YES;
    }
    complete(http, connection);
    atomic_fetch_add(&http->requests, 1);
    if (coming->too_large)
        return sx_http_refuse(&request, MHD_HTTP_CONTENT_TOO_LARGE, "a request may have %u bytes",
                              SX_HTTP_BODY_BYTES);
    request.body = sx_buffer_slice(&coming->body);
    request.inside = sx_http_enter(http);
    result = answer(&request, path, method);
    if (request.inside)
        sx_http_leave(http);
    return result;
}

static void handled(void *arg, struct MHD_Connection *connection, void **state,
                    enum MHD_RequestTerminationCode code)
{
    struct coming *coming = *state;

    (void)arg;
    (void)connection;
    (void)code;
    if (coming != NULL)
        sx_buffer_free(&coming->body);
    free(coming);
    *state = NULL;
}

/* ---- The time a request has ------------------------------------------------------------------ */

static void notice(void *arg, struct MHD_Connection *connection, void **context,
                   enum MHD_ConnectionNotificationCode code)
{
    struct sx_http *http = arg;
    struct sx_http_guest *guest = *context;

    pthread_mutex_lock(&http->lock);
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        guest = sx_calloc(1, sizeof(*guest));
        guest->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        guest->due_ms = sx_now_ms(&sx_clock_system) + SX_HTTP_REQUEST_MS;
        guest->after = http->guests;
        if (guest->after != NULL)
            guest->after->before = guest;
        http->guests = guest;
        *context = guest;
        pthread_cond_signal(&http->changed);
    } else if (guest != NULL) {
        if (guest->before != NULL)
            guest->before->after = guest->after;
        else
            http->guests = guest->after;
        if (guest->after != NULL)
            guest->after->before = guest->before;
        free(guest);
        *context = NULL;
    }
    pthread_mutex_unlock(&http->lock);
}

/* Cut off those that are late; the library's own timeout is for silence only, and a byte now and then is
 * none. Under the lock. Returns when to look again, 0: nobody is due. */
static int64_t cut_off(struct sx_http *http, int64_t now_ms)
{
    int64_t next = 0;

    for (struct sx_http_guest *g = http->guests; g != NULL; g = g->after) {
        if (g->due_ms == 0)
            continue;
        if (g->due_ms <= now_ms) {
            shutdown(g->fd, SHUT_RDWR);
            g->due_ms = 0;
        } else if (next == 0 || g->due_ms < next) {
            next = g->due_ms;
        }
    }
    return next;
}

static void *watch(void *arg)
{
    struct sx_http *http = arg;

    pthread_mutex_lock(&http->lock);
    while (!http->ends) {
        int64_t next = cut_off(http, sx_now_ms(&sx_clock_system));
        struct timespec until = {.tv_sec = next / 1000, .tv_nsec = next % 1000 * 1000000};

        if (next == 0)
            pthread_cond_wait(&http->changed, &http->lock);
        else
            pthread_cond_timedwait(&http->changed, &http->lock, &until);
    }
    pthread_mutex_unlock(&http->lock);
    return NULL;
}

/* ---- Listening ------------------------------------------------------------------------------- */

/* `host:port` or `[host]:port`, in numbers or a name. */
static bool split(const char *address, char *host, size_t room, char **port)
{
    size_t size = strlen(address);
    char *colon;

    if (size >= room)
        return false;
    memcpy(host, address, size + 1);
    colon = strrchr(host, ':');
    if (colon == NULL || colon[1] == '\0')
        return false;
    *colon = '\0';
    *port = colon + 1;
    if (host[0] == '[' && colon[-1] == ']') {
        colon[-1] = '\0';
        memmove(host, host + 1, strlen(host));
    }
    return host[0] != '\0' && strspn(*port, "0123456789") == strlen(*port);
}

static int bind_to(const struct addrinfo *to)
{
    int fd = socket(to->ai_family, to->ai_socktype | SOCK_CLOEXEC, 0), on = 1;

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, to->ai_addr, to->ai_addrlen) == 0 && listen(fd, SX_HTTP_CONNECTIONS) == 0)
        return fd;
    on = errno;
    close(fd);
    errno = on;
    return -1;
}

static char *name_of(int fd)
{
    struct sockaddr_storage at;
    socklen_t size = sizeof(at);
    char host[64], port[16];

    if (getsockname(fd, (struct sockaddr *)&at, &size) != 0 ||
        getnameinfo((struct sockaddr *)&at, size, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return sx_strdup("?");
    return sx_format(strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

static streamd_status listen_on(struct sx_http *http, int *fd, streamd_error **error)
{
    struct addrinfo wanted = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *to = NULL;
    const char *address = http->options.address;
    char host[256], *port;

    if (!split(address, host, sizeof(host), &port) || getaddrinfo(host, port, &wanted, &to) != 0)
        return sx_fail(error, STREAMD_E_CONFIG, "`%s` is no address as 127.0.0.1:9464", address);
    *fd = bind_to(to);
    if (*fd < 0 && errno == EADDRINUSE && http->options.or_free) {
        freeaddrinfo(to);
        if (getaddrinfo(host, "0", &wanted, &to) != 0)
            return sx_fail(error, STREAMD_E_CONFIG, "`%s` is no address as 127.0.0.1:9464", address);
        *fd = bind_to(to);
    }
    freeaddrinfo(to);
    if (*fd < 0)
        return sx_fail(error, STREAMD_E_STATE, "%s cannot be listened on: %s", address, strerror(errno));
    http->address = name_of(*fd);
    http->loopback = strncmp(http->address, "127.", 4) == 0 || strncmp(http->address, "[::1]", 5) == 0;
    return STREAMD_OK;
}

/* The path of the socket by way of the open folder, as a socket's name has only 107 bytes. */
static void socket_name(const struct sx_http *http, struct sockaddr_un *name)
{
    *name = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(name->sun_path, sizeof(name->sun_path), "/proc/self/fd/%d/%s", http->folder, SX_HTTP_SOCKET);
}

static streamd_status listen_in(struct sx_http *http, int *fd, streamd_error **error)
{
    struct sockaddr_un name;
    int why;

    *fd = -1;
    http->folder = open(http->options.folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (http->folder >= 0)
        *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*fd >= 0) {
        socket_name(http, &name);
        /* Whoever left it is gone: the directory is held by us. */
        unlinkat(http->folder, SX_HTTP_SOCKET, 0);
        /* Nobody else may connect, not even before the mode is set. */
        if (fchmod(*fd, 0600) == 0 && bind(*fd, (struct sockaddr *)&name, sizeof(name)) == 0 &&
            fchmodat(http->folder, SX_HTTP_SOCKET, 0600, 0) == 0 && listen(*fd, SX_HTTP_CONNECTIONS) == 0)
            return STREAMD_OK;
    }
    why = errno;
    if (*fd >= 0)
        close(*fd);
    return sx_fail(error, STREAMD_E_STATE, "the socket %s/%s cannot be made: %s", http->options.folder,
                   SX_HTTP_SOCKET, strerror(why));
}

static struct MHD_Daemon *serve(struct sx_http *http, int fd)
{
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0, NULL, NULL, handle,
        http, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, SX_HTTP_CONNECTIONS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)SX_HTTP_HEAD_BYTES, MHD_OPTION_CONNECTION_TIMEOUT,
        SX_HTTP_REQUEST_MS / 1000u, MHD_OPTION_THREAD_STACK_SIZE, (size_t)(1024 * 1024),
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED, handled, NULL,
        MHD_OPTION_NOTIFY_CONNECTION, notice, http, MHD_OPTION_END);

    if (daemon == NULL)
        close(fd);
    return daemon;
}

streamd_status sx_http_start(const struct sx_http_options *options, struct sx_http **made,
                             streamd_error **error)
{
    struct sx_http *http = sx_calloc(1, sizeof(*http));
    pthread_condattr_t monotonic;
    streamd_status status = STREAMD_OK;
    int fd;

    http->options = *options;
    http->folder = -1;
    http->started_ms = sx_now_ms(&sx_clock_system);
    pthread_mutex_init(&http->writing, NULL);
    pthread_mutex_init(&http->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&http->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (options->address != NULL) {
        status = listen_on(http, &fd, error);
        if (status == STREAMD_OK && (http->port = serve(http, fd)) == NULL)
            status = sx_fail(error, STREAMD_E_STATE, "%s cannot be served", http->address);
    }
    if (status == STREAMD_OK && options->folder != NULL) {
        status = listen_in(http, &fd, error);
        if (status == STREAMD_OK && (http->socket = serve(http, fd)) == NULL)
            status = sx_fail(error, STREAMD_E_STATE, "the socket cannot be served");
    }
    if (status == STREAMD_OK) {
        http->watches = pthread_create(&http->watcher, NULL, watch, http) == 0;
        if (!http->watches)
            status = sx_fail(error, STREAMD_E_STATE, "a thread could not be started");
    }
    if (status == STREAMD_OK)
        *made = http;
    else
        sx_http_stop(http);
    return status;
}

void sx_http_stop(struct sx_http *http)
{
    if (http == NULL)
        return;
    atomic_store(&http->stopping, true);
    if (http->folder >= 0)
        unlinkat(http->folder, SX_HTTP_SOCKET, 0);
    /* Those that follow a topic see `stopping` and end their answers; the library would cut them off. */
    for (int tries = 0; tries < FOLLOWER_TRIES && atomic_load(&http->followers) > 0; tries++)
        poll(NULL, 0, FOLLOWER_MS);
    if (http->port != NULL)
        MHD_stop_daemon(http->port);
    if (http->socket != NULL)
        MHD_stop_daemon(http->socket);
    if (http->watches) {
        pthread_mutex_lock(&http->lock);
        http->ends = true;
        pthread_cond_signal(&http->changed);
        pthread_mutex_unlock(&http->lock);
        pthread_join(http->watcher, NULL);
    }
    if (http->folder >= 0)
        close(http->folder);
    pthread_cond_destroy(&http->changed);
    pthread_mutex_destroy(&http->lock);
    pthread_mutex_destroy(&http->writing);
    free(http->address);
    free(http->why);
    free(http);
}

const char *sx_http_address(const struct sx_http *http) { return http->address; }
