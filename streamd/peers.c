/* peers.c: see peers.h. */
#include "streamd/peers.h"

#include "engine/base/text.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>

enum { CONNECT_MS = 2000, SILENT_S = 10, AWAY_MS = 10000, URL_BYTES = 1024 };

/* A member that could not be reached. */
struct away {
    struct away *next;
    int64_t until_ms;
    char address[];
};

struct sx_peers {
    char *list, *token_header;
    pthread_mutex_t lock;
    struct away *away; /* lock */
};

/* ---- Who is away ----------------------------------------------------------------------------- */

static bool is_away(struct sx_peers *peers, const char *address)
{
    int64_t now_ms = sx_now_ms(&sx_clock_system);
    bool found = false;

    pthread_mutex_lock(&peers->lock);
    for (struct away **at = &peers->away; *at != NULL;) {
        struct away *one = *at;

        if (one->until_ms > now_ms) {
            found |= strcmp(one->address, address) == 0;
            at = &one->next;
            continue;
        }
        *at = one->next;
        free(one);
    }
    pthread_mutex_unlock(&peers->lock);
    return found;
}

static void note_away(struct sx_peers *peers, const char *address)
{
    struct away *one = sx_malloc(sizeof(*one) + strlen(address) + 1);

    memcpy(one->address, address, strlen(address) + 1);
    one->until_ms = sx_now_ms(&sx_clock_system) + AWAY_MS;
    pthread_mutex_lock(&peers->lock);
    one->next = peers->away;
    peers->away = one;
    pthread_mutex_unlock(&peers->lock);
}

/* ---- One request ----------------------------------------------------------------------------- */

struct asking {
    struct sx_peers *peers;
    const char *store;
    int32_t slot;
    const atomic_bool *stop;
    sx_bytes_fn fn;
    void *fn_arg;
    CURL *curl;
    struct curl_slist *headers;
    int64_t position; /* that the answer's header says; -1: none */
    bool refused;     /* by fn */
    long code;
};

static size_t take_header(char *data, size_t size, size_t count, void *arg)
{
    static const char name[] = SX_PEERS_POSITION ":";
    struct asking *a = arg;
    size_t bytes = size * count, at = sizeof(name) - 1;
    int64_t position;

    if (bytes > at && strncasecmp(data, name, at) == 0) {
        while (at < bytes && data[at] == ' ')
            at++;
        while (bytes > at && (data[bytes - 1] == '\r' || data[bytes - 1] == '\n'))
            bytes--;
        if (sx_read_int(sx_slice(data + at, (uint32_t)(bytes - at)), &position))
            a->position = position;
    }
    return size * count;
}

static size_t take_body(char *data, size_t size, size_t count, void *arg)
{
    struct asking *a = arg;
    long code = 0;

    curl_easy_getinfo(a->curl, CURLINFO_RESPONSE_CODE, &code);
    if (code != 200)
        return size * count; /* the text of a refusal */
    if (!a->fn(sx_slice(data, (uint32_t)(size * count)), a->fn_arg)) {
        a->refused = true;
        return CURL_WRITEFUNC_ERROR;
    }
    return size * count;
}

/* Also called now and then when nothing comes. */
static int look_at_stop(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    return atomic_load((const atomic_bool *)arg);
}

static CURLcode ask(struct asking *a, const char *address, bool head)
{
    char url[URL_BYTES];
    char *store = curl_easy_escape(a->curl, a->store, 0);
    CURLcode result;

    snprintf(url, sizeof(url), "http://%s/state/%s?slot=%d", address, store != NULL ? store : "", a->slot);
    curl_free(store);
    a->position = -1;
    a->code = 0;
    curl_easy_setopt(a->curl, CURLOPT_URL, url);
    curl_easy_setopt(a->curl, CURLOPT_NOBODY, (long)head);
    if (!head)
        curl_easy_setopt(a->curl, CURLOPT_HTTPGET, 1L);
    result = curl_easy_perform(a->curl);
    curl_easy_getinfo(a->curl, CURLINFO_RESPONSE_CODE, &a->code);
    if (result == CURLE_COULDNT_CONNECT || result == CURLE_OPERATION_TIMEDOUT)
        note_away(a->peers, address);
    return result;
}

static bool open_asking(struct asking *a)
{
    CURL *curl = a->curl = curl_easy_init();

    if (curl == NULL)
        return false;
    if (a->peers->token_header != NULL)
        a->headers = curl_slist_append(NULL, a->peers->token_header);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, a->headers);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* whatever the environment says: these are neighbours */
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)SILENT_S);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, a);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, a);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look_at_stop);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, (void *)a->stop);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    return true;
}

/* ---- All of them ----------------------------------------------------------------------------- */

/* How far each address is that the name stands for; the furthest so far is kept in `best`. */
static void ask_name(struct asking *a, const char *host, const char *port, int64_t *furthest, char **best)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *all = NULL;

    if (getaddrinfo(host, port, &hints, &all) != 0)
        return;
    for (struct addrinfo *one = all; one != NULL && !atomic_load(a->stop); one = one->ai_next) {
        char number[INET6_ADDRSTRLEN], *address;

        if (getnameinfo(one->ai_addr, one->ai_addrlen, number, sizeof(number), NULL, 0, NI_NUMERICHOST) != 0)
            continue;
        address = sx_format(one->ai_family == AF_INET6 ? "[%s]:%s" : "%s:%s", number, port);
        if (!is_away(a->peers, address) && ask(a, address, true) == CURLE_OK && a->code == 200 &&
            a->position > *furthest) {
            *furthest = a->position;
            free(*best);
            *best = sx_strdup(address);
        } else if (a->code == 401 || a->code == 403) {
            a->refused = true;
        }
        free(address);
    }
    freeaddrinfo(all);
}

static char *find_furthest(struct asking *a)
{
    char *list = sx_strdup(a->peers->list), *rest = list, *best = NULL;
    int64_t furthest = -1;

    for (char *one; (one = strsep(&rest, ",")) != NULL;) {
        char *port = strrchr(one, ':');

        *port++ = '\0';
        if (one[0] == '[' && port - one > 2 && port[-2] == ']') {
            port[-2] = '\0';
            one++;
        }
        ask_name(a, one, port, &furthest, &best);
    }
    free(list);
    return best;
}

static streamd_status fetch(void *arg, const char *store, int32_t slot, const atomic_bool *stop,
                            sx_bytes_fn fn, void *fn_arg, char **from, streamd_error **error)
{
    struct asking a = {.peers = arg, .store = store, .slot = slot, .stop = stop, .fn = fn, .fn_arg = fn_arg};
    streamd_status status = STREAMD_OK;
    CURLcode result;

    *from = NULL;
    if (!open_asking(&a))
        return sx_fail(error, STREAMD_E_TIMEOUT, "no request can be made");
    *from = find_furthest(&a);
    if (*from == NULL) {
        status = a.refused ? sx_fail(error, STREAMD_E_CONFIG,
                                     "the members of --state-from refuse to show their state: give "
                                     "all the same --http-token-file")
                           : sx_fail(error, STREAMD_E_NOTFOUND, "no member has state of it");
    } else {
        result = ask(&a, *from, false);
        if (result != CURLE_OK || a.code != 200)
            status = sx_fail(error, STREAMD_E_TIMEOUT, "the copy broke off: %s",
                             result != CURLE_OK ? curl_easy_strerror(result) : "it is not there any more");
    }
    curl_slist_free_all(a.headers);
    curl_easy_cleanup(a.curl);
    return status;
}

/* ---- Life ------------------------------------------------------------------------------------ */

static bool is_list(const char *list)
{
    char *copy = sx_strdup(list), *rest = copy;
    bool good = true;

    for (char *one; (one = strsep(&rest, ",")) != NULL;) {
        const char *colon = strrchr(one, ':');

        good &= colon != NULL && colon > one && colon[1] != '\0' &&
                strspn(colon + 1, "0123456789") == strlen(colon + 1) && strpbrk(one, "/ @") == NULL;
    }
    free(copy);
    return good;
}

streamd_status sx_peers_new(const char *list, const char *token, struct sx_peers **peers,
                            streamd_error **error)
{
    struct sx_peers *p;

    if (!is_list(list))
        return sx_fail(error, STREAMD_E_CONFIG, "`%s` is no list of HOST:PORT, with commas between them",
                       list);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return sx_fail(error, STREAMD_E_STATE, "libcurl cannot be set up");
    p = sx_calloc(1, sizeof(*p));
    p->list = sx_strdup(list);
    p->token_header = token != NULL ? sx_format("Authorization: Bearer %s", token) : NULL;
    pthread_mutex_init(&p->lock, NULL);
    *peers = p;
    return STREAMD_OK;
}

void sx_peers_free(struct sx_peers *peers)
{
    if (peers == NULL)
        return;
    while (peers->away != NULL) {
        struct away *one = peers->away;

        peers->away = one->next;
        free(one);
    }
    pthread_mutex_destroy(&peers->lock);
    free(peers->token_header);
    free(peers->list);
    free(peers);
    curl_global_cleanup();
}

struct sx_state_source sx_peers_source(struct sx_peers *peers)
{
    return (struct sx_state_source){fetch, peers};
}
