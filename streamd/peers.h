/* peers.h: the HTTP of other members, for state that is copied from them (engine/run/shipment.h).
 *
 * Which members: a list of `host:port`. Every address of a name is one, so a name that stands for all members
 * is enough; who asks may be among them, and has nothing to show. All are asked how far they are, and the
 * furthest for its rows.
 *
 * Limits   2 s to connect, 10 s without a byte; a member that cannot be reached is left out for 10 s.
 * Secrets  the token is sent to these addresses, without encryption: they are of a network that is trusted,
 *          or behind something that encrypts.
 * Threads  sx_peers_fetch: any, several at a time.
 */
#ifndef SX_PEERS_H
#define SX_PEERS_H

#include "engine/run/engine.h"

#define SX_PEERS_POSITION "Streamd-Position"

struct sx_peers;

/* `list`: `host:port,host:port`. `token`: shown to them; NULL: none. Both are copied.
 * Errors   E_CONFIG: it is no such list. */
streamd_status sx_peers_new(const char *list, const char *token, struct sx_peers **peers,
                            streamd_error **error);
void sx_peers_free(struct sx_peers *peers);
/* What an engine asks; it borrows `peers`. */
struct sx_state_source sx_peers_source(struct sx_peers *peers);

#endif
