/* md5.h: the digest of RFC 1321. */
#ifndef SX_FUNCTIONS_MD5_H
#define SX_FUNCTIONS_MD5_H

#include "engine/base/bytes.h"

void sx_md5(struct sx_slice text, unsigned char digest[16]);

#endif
