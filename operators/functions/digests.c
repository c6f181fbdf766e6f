/* digests.c: digests of texts and bytes, as lower-case hex. */
#include "operators/functions/common.h"
#include "operators/functions/md5.h"
#include "operators/functions/sha.h"

static struct sx_value hex_of(struct sx_call *call, const unsigned char *digest, uint32_t size)
{
    struct sx_text text = {.call = call};

    sx_text_add_hex(&text, sx_slice(digest, size), "0123456789abcdef");
    return sx_text_value(&text);
}

static struct sx_value md5(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    unsigned char digest[16];

    sx_md5(sx_value_slice(args[0]), digest);
    return hex_of(call, digest, sizeof(digest));
}

/* `arg` of the row is the bits. */
static struct sx_value sha(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    unsigned char digest[SX_SHA_BYTES_MAX];

    return hex_of(call, digest, sx_sha((unsigned)(uintptr_t)call->arg, sx_value_slice(args[0]), digest));
}

static struct sx_value sha2(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    const int64_t bits = args[1].i;
    unsigned char digest[SX_SHA_BYTES_MAX];

    if (bits != 224 && bits != 256 && bits != 384 && bits != 512)
        return sx_call_fail(call, "sha2 has 224, 256, 384 or 512 bits, not %lld", (long long)bits);
    return hex_of(call, digest, sx_sha((unsigned)bits, sx_value_slice(args[0]), digest));
}

static struct sx_value crc32(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return sx_value_int(sx_crc32(sx_value_slice(args[0])));
}

#define ROW(sig, text, sample, gives, function, argument)                                      \
    {                                                                                          \
        .signature = sig, .summary = text, .example = sample, .result = gives, .fn = function, \
        .arg = (void *)(uintptr_t)(argument)                                                   \
    }
#define BYTES "(to_bytes(\"616263\", \"hex\"))"
#define MD5 "\"900150983cd24fb0d6963f7d28e17f72\""
#define SHA1 "\"a9993e364706816aba3e25717850c26c9cd0d89d\""
#define SHA224 "\"23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7\""
#define SHA256 "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\""
#define SHA384 \
    "\"cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7\""
#define SHA512                                                           \
    "\"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" \
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f\""

static const struct sx_function_def rows[] = {
    ROW("md5(s string) string", "The MD5 digest in lower-case hex.", "md5(\"abc\")", MD5, md5, 0),
    ROW("md5(b bytes) string", "The MD5 digest of bytes in lower-case hex.", "md5" BYTES, MD5, md5, 0),
    ROW("sha1(s string) string", "The SHA-1 digest in lower-case hex.", "sha1(\"abc\")", SHA1, sha, 160),
    ROW("sha1(b bytes) string", "The SHA-1 digest of bytes.", "sha1" BYTES, SHA1, sha, 160),
    ROW("sha224(s string) string", "The SHA-224 digest in lower-case hex.", "sha224(\"abc\")", SHA224, sha,
        224),
    ROW("sha224(b bytes) string", "The SHA-224 digest of bytes.", "sha224" BYTES, SHA224, sha, 224),
    ROW("sha256(s string) string", "The SHA-256 digest in lower-case hex.", "sha256(\"abc\")", SHA256, sha,
        256),
    ROW("sha256(b bytes) string", "The SHA-256 digest of bytes.", "sha256" BYTES, SHA256, sha, 256),
    ROW("sha384(s string) string", "The SHA-384 digest in lower-case hex.", "sha384(\"abc\")", SHA384, sha,
        384),
    ROW("sha384(b bytes) string", "The SHA-384 digest of bytes.", "sha384" BYTES, SHA384, sha, 384),
    ROW("sha512(s string) string", "The SHA-512 digest in lower-case hex.", "sha512(\"abc\")", SHA512, sha,
        512),
    ROW("sha512(b bytes) string", "The SHA-512 digest of bytes.", "sha512" BYTES, SHA512, sha, 512),
    ROW("sha2(s string, bits int) string", "The SHA-2 digest of 224, 256, 384 or 512 bits.",
        "sha2(\"abc\", 224)", SHA224, sha2, 0),
    ROW("crc32(s string) int", "The CRC-32 checksum, as zlib has it.", "crc32(\"123456789\")", "3421780262",
        crc32, 0),
    ROW("crc32(b bytes) int", "The CRC-32 checksum of bytes.", "crc32" BYTES, "891568578", crc32, 0),
};

const struct sx_function_table sx_functions_digests = SX_ROWS_OF("digests", rows);
