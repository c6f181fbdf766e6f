/* sha.c: see sha.h. One table serves both word sizes: the constants of 32 bits are the upper halves of those
 * of 64. */
#include "operators/functions/sha.h"

#include <string.h>

#define BLOCK_MAX 128

/* The first 64 bits behind the point of the cube roots of the first 80 primes. */
static const uint64_t cube_roots[80] = {
    0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc, 0x3956c25bf348b538,
    0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118, 0xd807aa98a3030242, 0x12835b0145706fbe,
    0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2, 0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235,
    0xc19bf174cf692694, 0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
    0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5, 0x983e5152ee66dfab,
    0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4, 0xc6e00bf33da88fc2, 0xd5a79147930aa725,
    0x06ca6351e003826f, 0x142929670a0e6e70, 0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed,
    0x53380d139d95b3df, 0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
    0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30, 0xd192e819d6ef5218,
    0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8, 0x19a4c116b8d2d0c8, 0x1e376c085141ab53,
    0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8, 0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373,
    0x682e6ff3d6b2b8a3, 0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
    0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b, 0xca273eceea26619c,
    0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178, 0x06f067aa72176fba, 0x0a637dc5a2c898a6,
    0x113f9804bef90dae, 0x1b710b35131c471b, 0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc,
    0x431d67c49c100d4c, 0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
};

/* The same of the square roots of the first 16 primes: where SHA-512 begins, then SHA-384. */
static const uint64_t square_roots[16] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
    0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17, 0x152fecd8f70e5939,
    0x67332667ffc00b31, 0x8eb44a8768581511, 0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4,
};

static uint32_t turn32(uint32_t x, unsigned by) { return x >> by | x << (32 - by); }
static uint64_t turn64(uint64_t x, unsigned by) { return x >> by | x << (64 - by); }

/* ---- Blocks ---------------------------------------------------------------------------------- */

static void block_160(uint32_t h[5], const unsigned char *data)
{
    static const uint32_t constants[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
    uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], w[80];

    for (unsigned i = 0; i < 80; i++) {
        uint32_t f, next;

        w[i] = i < 16 ? sx_get_be32(data + 4 * (size_t)i)
                      : turn32(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 31);
        f = i < 20 ? (b & c) | (~b & d) : i >= 40 && i < 60 ? (b & c) | (b & d) | (c & d) : b ^ c ^ d;
        next = turn32(a, 27) + f + e + constants[i / 20] + w[i];
        e = d;
        d = c;
        c = turn32(b, 2);
        b = a;
        a = next;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}

static void block_256(uint32_t h[8], const unsigned char *data)
{
    uint32_t v[8], w[64];

    memcpy(v, h, sizeof(v));
    for (unsigned i = 0; i < 64; i++) {
        uint32_t one, two;

        if (i < 16) {
            w[i] = sx_get_be32(data + 4 * (size_t)i);
        } else {
            one = turn32(w[i - 15], 7) ^ turn32(w[i - 15], 18) ^ w[i - 15] >> 3;
            two = turn32(w[i - 2], 17) ^ turn32(w[i - 2], 19) ^ w[i - 2] >> 10;
            w[i] = w[i - 16] + one + w[i - 7] + two;
        }
        one = v[7] + (turn32(v[4], 6) ^ turn32(v[4], 11) ^ turn32(v[4], 25)) +
              ((v[4] & v[5]) ^ (~v[4] & v[6])) + (uint32_t)(cube_roots[i] >> 32) + w[i];
        two = (turn32(v[0], 2) ^ turn32(v[0], 13) ^ turn32(v[0], 22)) +
              ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof(*v));
        v[4] += one;
        v[0] = one + two;
    }
    for (unsigned i = 0; i < 8; i++)
        h[i] += v[i];
}

static void block_512(uint64_t h[8], const unsigned char *data)
{
    uint64_t v[8], w[80];

    memcpy(v, h, sizeof(v));
    for (unsigned i = 0; i < 80; i++) {
        uint64_t one, two;

        if (i < 16) {
            w[i] = sx_get_be64(data + 8 * (size_t)i);
        } else {
            one = turn64(w[i - 15], 1) ^ turn64(w[i - 15], 8) ^ w[i - 15] >> 7;
            two = turn64(w[i - 2], 19) ^ turn64(w[i - 2], 61) ^ w[i - 2] >> 6;
            w[i] = w[i - 16] + one + w[i - 7] + two;
        }
        one = v[7] + (turn64(v[4], 14) ^ turn64(v[4], 18) ^ turn64(v[4], 41)) +
              ((v[4] & v[5]) ^ (~v[4] & v[6])) + cube_roots[i] + w[i];
        two = (turn64(v[0], 28) ^ turn64(v[0], 34) ^ turn64(v[0], 39)) +
              ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof(*v));
        v[4] += one;
        v[0] = one + two;
    }
    for (unsigned i = 0; i < 8; i++)
        h[i] += v[i];
}

/* ---- Digests --------------------------------------------------------------------------------- */

struct state {
    unsigned bits;
    union {
        uint32_t of32[8];
        uint64_t of64[8];
    };
};

static void begin(struct state *s)
{
    static const uint32_t of_160[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};

    if (s->bits == 160)
        memcpy(s->of32, of_160, sizeof(of_160));
    for (unsigned i = 0; i < 8 && s->bits != 160; i++) {
        if (s->bits > 256)
            s->of64[i] = square_roots[s->bits == 512 ? i : 8 + i];
        else
            s->of32[i] = s->bits == 256 ? (uint32_t)(square_roots[i] >> 32) : (uint32_t)square_roots[8 + i];
    }
}

static void take_block(struct state *s, const unsigned char *data)
{
    if (s->bits == 160)
        block_160(s->of32, data);
    else if (s->bits <= 256)
        block_256(s->of32, data);
    else
        block_512(s->of64, data);
}

uint32_t sx_sha(unsigned bits, struct sx_slice text, unsigned char digest[SX_SHA_BYTES_MAX])
{
    const uint32_t size = bits <= 256 ? BLOCK_MAX / 2 : BLOCK_MAX;
    const uint32_t whole = text.size / size * size, rest = text.size - whole;
    const uint32_t padded = rest + 1 + size / 8 <= size ? size : 2 * size;
    unsigned char last[2 * BLOCK_MAX] = {0};
    struct state s = {.bits = bits};

    begin(&s);
    for (uint32_t at = 0; at < whole; at += size)
        take_block(&s, (const unsigned char *)text.data + at);
    if (rest)
        memcpy(last, text.data + whole, rest);
    last[rest] = 0x80;
    sx_put_be64(last + padded - 8, (uint64_t)text.size * 8);
    for (uint32_t at = 0; at < padded; at += size)
        take_block(&s, last + at);
    for (unsigned i = 0; i < 8; i++) {
        if (bits > 256)
            sx_put_be64(digest + 8 * (size_t)i, s.of64[i]);
        else
            sx_put_be32(digest + 4 * (size_t)i, s.of32[i]);
    }
    return bits / 8;
}

uint32_t sx_crc32(struct sx_slice text)
{
    uint32_t crc = 0xffffffff;

    for (uint32_t i = 0; i < text.size; i++) {
        crc ^= (unsigned char)text.data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}
