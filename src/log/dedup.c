#include "log/dedup.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "entente/dedup/1"
#define MAGIC_SIZE 16
#define PAGE 4096u
#define BITS_FIRST 14 /* of an empty table: 256 KiB */
#define BITS_LIMIT 40

struct head {
    char magic[MAGIC_SIZE];
    guint64 bits;
    guint64 known;
    guint64 used; /* slots that are taken; after a power cut it may be off */
    guint8 salt[crypto_shorthash_KEYBYTES];
};

/* In the machine's own order: the file never leaves it. */
struct slot {
    guint64 fragment, place; /* place: index + 1 */
};

struct table {
    struct head *head; /* the mapping */
    struct slot *slots;
    gsize bytes;
    guint64 mask;
};

struct dedup {
    char *path, *temporary;
    struct table table;
    pthread_mutex_t lock; /* of the mapping: dedup_sync() against doubling */
    gboolean is_stuck;    /* no space to grow */
};

static gsize table_bytes(guint bits)
{
    return PAGE + ((gsize)sizeof(struct slot) << bits);
}

static gboolean map(int fd, guint bits, struct table *table)
{
    void *memory;

    table->bytes = table_bytes(bits);
    memory = mmap(NULL, table->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        return FALSE;
    table->head = memory;
    table->slots = (struct slot *)((guint8 *)memory + PAGE);
    table->mask = ((guint64)1 << bits) - 1;
    return TRUE;
}

static void unmap(struct table *table)
{
    if (table->head)
        munmap(table->head, table->bytes);
    table->head = NULL;
}

static guint64 fragment_of(const struct merkle_hash *leaf)
{
    guint64 fragment;

    memcpy(&fragment, leaf->bytes, sizeof fragment);
    return fragment;
}

static guint64 place_of(const struct table *table, guint64 fragment)
{
    guint64 keyed;

    crypto_shorthash((guint8 *)&keyed, (const guint8 *)&fragment, sizeof fragment,
                     table->head->salt);
    return keyed & table->mask;
}

static void put(struct table *table, guint64 fragment, guint64 place)
{
    guint64 at = place_of(table, fragment);

    for (guint64 i = 0; i <= table->mask; i++, at = (at + 1) & table->mask) {
        struct slot *slot = &table->slots[at];

        if (!slot->place) {
            *slot = (struct slot){ fragment, place };
            table->head->used++;
            return;
        }
        if (slot->fragment == fragment && slot->place == place)
            return; /* added before a crash */
    }
}

/* A new table in a file of its own, with all its blocks: a mapped hole could not be filled on a
 * full disk. */
static gboolean make_table(const char *path, guint bits, struct table *table)
{
    const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    gboolean done;

    if (fd < 0)
        return FALSE;
    done = posix_fallocate(fd, 0, (off_t)table_bytes(bits)) == 0 && map(fd, bits, table);
    close(fd);
    if (!done) {
        unlink(path);
        return FALSE;
    }
    memcpy(table->head->magic, MAGIC, MAGIC_SIZE);
    table->head->bits = bits;
    table->head->known = table->head->used = 0;
    randombytes_buf(table->head->salt, sizeof table->head->salt);
    return TRUE;
}

static gboolean read_table(const char *path, guint64 size, struct table *table)
{
    const int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    gboolean good;
    struct head head;
    struct stat status;

    if (fd < 0)
        return FALSE;
    good = pread(fd, &head, sizeof head, 0) == sizeof head &&
           memcmp(head.magic, MAGIC, MAGIC_SIZE) == 0 && head.bits >= BITS_FIRST &&
           head.bits <= BITS_LIMIT && head.known <= size && fstat(fd, &status) == 0 &&
           (guint64)status.st_size == table_bytes((guint)head.bits) &&
           map(fd, (guint)head.bits, table);
    close(fd);
    return good;
}

struct dedup *dedup_open(const char *folder, guint64 size, guint64 *known, GError **error)
{
    g_autoptr(dedup_t) dedup = g_new0(struct dedup, 1);

    pthread_mutex_init(&dedup->lock, NULL);
    dedup->path = g_build_filename(folder, "dedup", NULL);
    dedup->temporary = g_strconcat(dedup->path, ".new", NULL);
    unlink(dedup->temporary);
    if (!read_table(dedup->path, size, &dedup->table))
        unlink(dedup->path);
    if (!dedup->table.head && !make_table(dedup->path, BITS_FIRST, &dedup->table)) {
        errno_error(error, errno, "%s: cannot be made", dedup->path);
        return NULL;
    }
    *known = dedup->table.head->known;
    return g_steal_pointer(&dedup);
}

void dedup_free(struct dedup *dedup)
{
    if (!dedup)
        return;
    unmap(&dedup->table);
    pthread_mutex_destroy(&dedup->lock);
    g_free(dedup->path);
    g_free(dedup->temporary);
    g_free(dedup);
}

gboolean dedup_next(const struct dedup *dedup, const struct merkle_hash *leaf, guint64 *cursor,
                    guint64 *index)
{
    const struct table *table = &dedup->table;
    const guint64 fragment = fragment_of(leaf), first = place_of(table, fragment);

    while (*cursor <= table->mask) {
        const struct slot *slot = &table->slots[(first + (*cursor)++) & table->mask];

        if (!slot->place)
            return FALSE;
        if (slot->fragment == fragment) {
            *index = slot->place - 1;
            return TRUE;
        }
    }
    return FALSE;
}

static void grow(struct dedup *dedup)
{
    const struct table *old = &dedup->table;
    struct table table = { 0 };

    if (!make_table(dedup->temporary, (guint)old->head->bits + 1, &table)) {
        dedup->is_stuck = TRUE;
        return;
    }
    for (guint64 i = 0; i <= old->mask; i++)
        if (old->slots[i].place)
            put(&table, old->slots[i].fragment, old->slots[i].place);
    pthread_mutex_lock(&dedup->lock);
    dedup->is_stuck = rename(dedup->temporary, dedup->path) < 0;
    if (dedup->is_stuck) {
        unmap(&table);
    } else {
        unmap(&dedup->table);
        dedup->table = table;
    }
    pthread_mutex_unlock(&dedup->lock);
}

void dedup_add(struct dedup *dedup, const struct merkle_hash *leaf, guint64 index)
{
    if (dedup->table.head->used > dedup->table.mask / 2 && !dedup->is_stuck)
        grow(dedup);
    if (!dedup->is_stuck)
        put(&dedup->table, fragment_of(leaf), index + 1);
}

gboolean dedup_sync(struct dedup *dedup, guint64 size, GError **error)
{
    gboolean done;

    pthread_mutex_lock(&dedup->lock);
    done = msync(dedup->table.head, dedup->table.bytes, MS_SYNC) == 0;
    if (done)
        dedup->table.head->known = size;
    done = done && msync(dedup->table.head, PAGE, MS_SYNC) == 0;
    pthread_mutex_unlock(&dedup->lock);
    return done || errno_error(error, errno, "%s: cannot be synchronised", dedup->path);
}
