/*
 * decompress.h: gzip, Zstandard, bzip2 and xz as one stream of bytes.
 *
 * All may hold several members, streams or frames after one another; zstd also skippable ones. What
 * comes out is bounded by the room the caller gives, so that a small file that unpacks to terabytes
 * costs time and no memory; what the formats may ask for themselves is bounded too.
 */
#pragma once
#include <glib.h>

enum compression {
    COMPRESSION_NONE,
    COMPRESSION_GZIP, /* RFC 1952 */
    COMPRESSION_ZSTD, /* RFC 8878 */
    COMPRESSION_BZIP2,
    COMPRESSION_XZ,
    COMPRESSIONS
};

#define COMPRESSION_MAGIC_SIZE 6

/* By the first bytes; what is shorter than COMPRESSION_MAGIC_SIZE may be compressed all the same.
 */
enum compression compression_of(const guint8 *bytes, gsize length);

/* Loads the library, before a process is confined. ENTENTE_ERROR_SYSTEM when it is not installed.
 */
gboolean decompress_prepare(enum compression compression, GError **error);

struct decompressor;
struct decompressor *decompressor_new(enum compression compression, GError **error);
void decompressor_free(struct decompressor *decompressor);
typedef struct decompressor decompressor_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(decompressor_t, decompressor_free)

/* Moves along both: `in` is used up from the front, `out` is filled from the front. */
struct decompress_step {
    const guint8 *in;
    gsize in_left;
    guint8 *out;
    gsize out_left;
    gboolean is_last; /* no input will follow that of this step */
};

/*
 * Goes on until the input is used up or the room is full. ENTENTE_ERROR_INPUT when the input is not
 * what it says; what was written by then is good.
 */
gboolean decompress(struct decompressor *decompressor, struct decompress_step *step,
                    GError **error);

/* Whether the input so far is whole: nothing begun is missing. */
gboolean decompressor_is_whole(const struct decompressor *decompressor);

/* For the files of the formats: what each has. */
struct decompress_format {
    const char *name;
    gboolean (*prepare)(GError **error);
    gpointer (*begin)(GError **error);
    void (*end)(gpointer state);
    /* One call of the library; sets `whole`. FALSE: the input is broken. */
    gboolean (*step)(gpointer state, struct decompress_step *step, gboolean *whole, GError **error);
};
extern const struct decompress_format decompress_gzip, decompress_zstd, decompress_bzip2,
    decompress_xz;
