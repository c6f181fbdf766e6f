/* sha.h: the Secure Hash Algorithms (FIPS 180-4), and the CRC-32 of zlib: to compare by, no protection of
 * anything. */
#ifndef SX_FUNCTIONS_SHA_H
#define SX_FUNCTIONS_SHA_H

#include "engine/base/bytes.h"

#define SX_SHA_BYTES_MAX 64

/* `bits` is 160 (SHA-1), 224, 256, 384 or 512. Returns the bytes of the digest. */
uint32_t sx_sha(unsigned bits, struct sx_slice text, unsigned char digest[SX_SHA_BYTES_MAX]);

uint32_t sx_crc32(struct sx_slice text);

#endif
