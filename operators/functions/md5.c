/* md5.c: RFC 1321. For the function md5 only: it is no protection of anything. */
#include "operators/functions/md5.h"

#include <math.h>

static uint32_t turn(uint32_t x, unsigned by) { return x << by | x >> (32 - by); }

static void block(uint32_t state[4], const unsigned char *data, const uint32_t sines[64])
{
    static const uint8_t turns[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], words[16];

    memcpy(words, data, sizeof(words)); /* little-endian, as this machine */
    for (unsigned i = 0; i < 64; i++) {
        uint32_t f, old_d = d;
        unsigned g;

        if (i < 16) {
            f = (b & c) | (~b & d);
            g = i;
        } else if (i < 32) {
            f = (d & b) | (~d & c);
            g = (5 * i + 1) % 16;
        } else if (i < 48) {
            f = b ^ c ^ d;
            g = (3 * i + 5) % 16;
        } else {
            f = c ^ (b | ~d);
            g = 7 * i % 16;
        }
        d = c;
        c = b;
        b += turn(a + f + sines[i] + words[g], turns[i / 16][i % 4]);
        a = old_d;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
}

void sx_md5(struct sx_slice text, unsigned char digest[16])
{
    uint32_t state[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}, sines[64];
    unsigned char last[128] = {0};
    uint32_t whole = text.size / 64 * 64, rest = text.size - whole;
    uint32_t padded = rest < 56 ? 64 : 128;

    for (unsigned i = 0; i < 64; i++)
        sines[i] = (uint32_t)(uint64_t)(fabs(sin(i + 1)) * 4294967296.0);
    for (uint32_t at = 0; at < whole; at += 64)
        block(state, (const unsigned char *)text.data + at, sines);
    if (rest)
        memcpy(last, text.data + whole, rest);
    last[rest] = 0x80;
    sx_put_le64(last + padded - 8, (uint64_t)text.size * 8);
    for (uint32_t at = 0; at < padded; at += 64)
        block(state, last + at, sines);
    memcpy(digest, state, 16);
}
