/* topic_name.c: what may be the name of a topic. */
#include "engine/base/text.h"

#define NAME_BYTES_MAX 249

bool sx_is_topic_name(const char *name)
{
    size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

    return name[size] == '\0' && size >= 1 && size <= NAME_BYTES_MAX && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0;
}
