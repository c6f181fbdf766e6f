/* digests.c: digests of texts and bytes, as lower-case hex. */
#include "operators/functions/common.h"

#include <openssl/evp.h>
#include <zlib.h>

static struct sx_value digest_of(struct sx_call *call, struct sx_slice bytes, const EVP_MD *algorithm)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    struct sx_text text = {.call = call};
    unsigned size;

    /* A machine that allows only some algorithms refuses the others here. */
    if (EVP_Digest(bytes.data, bytes.size, digest, &size, algorithm, NULL) != 1)
        return sx_call_fail(call, "this machine has no %s", EVP_MD_get0_name(algorithm));
    sx_text_add_hex(&text, sx_slice(digest, size), "0123456789abcdef");
    return sx_text_value(&text);
}

/* By the bits of the digest, and none for MD5; NULL: there is none of so many. */
static const EVP_MD *algorithm_of(int64_t bits)
{
    switch (bits) {
    case 0:
        return EVP_md5();
    case 160:
        return EVP_sha1();
    case 224:
        return EVP_sha224();
    case 256:
        return EVP_sha256();
    case 384:
        return EVP_sha384();
    case 512:
        return EVP_sha512();
    default:
        return NULL;
    }
}

/* `arg` of the row is the bits. */
static struct sx_value digest(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return digest_of(call, sx_value_slice(args[0]), algorithm_of((int64_t)(uintptr_t)call->arg));
}

static struct sx_value sha2(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    const EVP_MD *algorithm = args[1].i >= 224 ? algorithm_of(args[1].i) : NULL;

    if (algorithm == NULL)
        return sx_call_fail(call, "sha2 has 224, 256, 384 or 512 bits, not %lld", (long long)args[1].i);
    return digest_of(call, sx_value_slice(args[0]), algorithm);
}

static struct sx_value crc(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_slice bytes = sx_value_slice(args[0]);

    return sx_value_int((int64_t)crc32(0, (const Bytef *)bytes.data, bytes.size));
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
    ROW("md5(s string) string", "The MD5 digest in lower-case hex.", "md5(\"abc\")", MD5, digest, 0),
    ROW("md5(b bytes) string", "The MD5 digest of bytes in lower-case hex.", "md5" BYTES, MD5, digest, 0),
    ROW("sha1(s string) string", "The SHA-1 digest in lower-case hex.", "sha1(\"abc\")", SHA1, digest, 160),
    ROW("sha1(b bytes) string", "The SHA-1 digest of bytes.", "sha1" BYTES, SHA1, digest, 160),
    ROW("sha224(s string) string", "The SHA-224 digest in lower-case hex.", "sha224(\"abc\")", SHA224, digest,
        224),
    ROW("sha224(b bytes) string", "The SHA-224 digest of bytes.", "sha224" BYTES, SHA224, digest, 224),
    ROW("sha256(s string) string", "The SHA-256 digest in lower-case hex.", "sha256(\"abc\")", SHA256, digest,
        256),
    ROW("sha256(b bytes) string", "The SHA-256 digest of bytes.", "sha256" BYTES, SHA256, digest, 256),
    ROW("sha384(s string) string", "The SHA-384 digest in lower-case hex.", "sha384(\"abc\")", SHA384, digest,
        384),
    ROW("sha384(b bytes) string", "The SHA-384 digest of bytes.", "sha384" BYTES, SHA384, digest, 384),
    ROW("sha512(s string) string", "The SHA-512 digest in lower-case hex.", "sha512(\"abc\")", SHA512, digest,
        512),
    ROW("sha512(b bytes) string", "The SHA-512 digest of bytes.", "sha512" BYTES, SHA512, digest, 512),
    ROW("sha2(s string, bits int) string", "The SHA-2 digest of 224, 256, 384 or 512 bits.",
        "sha2(\"abc\", 224)", SHA224, sha2, 0),
    ROW("crc32(s string) int", "The CRC-32 checksum, as zlib has it.", "crc32(\"123456789\")", "3421780262",
        crc, 0),
    ROW("crc32(b bytes) int", "The CRC-32 checksum of bytes.", "crc32" BYTES, "891568578", crc, 0),
};

const struct sx_function_table sx_functions_digests = SX_ROWS_OF("digests", rows);
