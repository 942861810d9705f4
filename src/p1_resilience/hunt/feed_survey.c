#include "p1_resilience/hunt/feed_survey.h"

#include "base/clock.h"
#include "base/error.h"
#include "p1_resilience/hunt/feed_input.h"
#include "p1_resilience/hunt/feed_private.h"
#include "stream/decompress.h"
#include "table/table_run.h"
#include "table/table_sort.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SORT_MEMORY ((gsize)64 << 20)
#define NAMES_MAX 65536u /* authors; those beyond are called by their files */
#define PEEK_SIZE 4096   /* bytes in which a document has begun */

struct author {
    guint64 version;
    char *name;
};

struct feed_survey {
    struct table_sorter *sorter; /* until all is noted */
    GHashTable *authors;         /* identity -> struct author */
    markings_t *markings;
    struct feed_version *rows; /* mapped, in order of their ids; NULL: there are none */
    gsize count;
};

/* ---- versions */

struct feed_version feed_version_of(const json_t *object)
{
    const char *modified = json_text(object, "modified"), *author;
    struct feed_version version = { .version = 1 };
    crypto_generichash_state state;
    gint64 time_us;

    author = json_text(object, "created_by_ref") ? json_text(object, "created_by_ref") : "";
    crypto_generichash_init(&state, NULL, 0, sizeof version.id);
    crypto_generichash_update(&state, (const guint8 *)json_text(object, "id"),
                              strlen(json_text(object, "id")) + 1);
    crypto_generichash_update(&state, (const guint8 *)author, strlen(author));
    crypto_generichash_final(&state, version.id, sizeof version.id);
    if (modified && clock_parse(modified, &time_us, NULL) && time_us > 0)
        version.version = (guint64)time_us << 1;
    version.version |= json_is_true(json_object_get(object, "revoked"));
    return version;
}

static int compare_versions(const void *one, const void *other)
{
    return memcmp(((const struct feed_version *)one)->id, ((const struct feed_version *)other)->id,
                  FEED_ID_SIZE);
}

guint64 feed_survey_newest(const struct feed_survey *survey, const struct feed_version *version)
{
    const struct feed_version *row = NULL;

    if (survey && survey->rows)
        row = bsearch(version, survey->rows, survey->count, sizeof *row, compare_versions);
    return row ? MAX(row->version, version->version) : version->version;
}

gboolean feed_survey_take_versions(struct feed_survey *survey, const guint8 *body, gsize length,
                                   gboolean *sound, GError **error)
{
    *sound = length % sizeof(struct feed_version) == 0;
    if (!*sound)
        return FALSE;
    for (gsize at = 0; at < length; at += sizeof(struct feed_version)) {
        struct table_item item = { .key = body + at,
                                   .key_length = FEED_ID_SIZE,
                                   .value = body + at + FEED_ID_SIZE,
                                   .value_length = sizeof(guint64) };

        memcpy(&item.hash, body + at, sizeof item.hash);
        item.hash = GUINT64_FROM_BE(item.hash); /* the order is that of the ids */
        if (!table_sorter_add(survey->sorter, &item, error))
            return FALSE;
    }
    return TRUE;
}

/* Keeps the newest version of each object that has several. */
static gboolean sift(struct feed_survey *survey, struct table_output *out, GError **error)
{
    struct feed_version now = { .version = 0 };
    gboolean several = FALSE;
    struct table_item item;

    if (!table_sorter_sort(survey->sorter, error))
        return FALSE;
    do {
        guint64 version = 0;

        if (!table_sorter_next(survey->sorter, &item, error))
            return FALSE;
        if (item.key && item.value_length == sizeof version)
            memcpy(&version, item.value, sizeof version);
        if (item.key && now.version && memcmp(item.key, now.id, FEED_ID_SIZE) == 0) {
            several |= version != now.version;
            now.version = MAX(now.version, version);
            continue;
        }
        if (several && !table_output_put(out, &now, sizeof now, error))
            return FALSE;
        several = FALSE;
        now.version = version;
        if (item.key)
            memcpy(now.id, item.key, FEED_ID_SIZE);
    } while (item.key);
    return table_output_flush(out, error);
}

static gboolean finish(struct feed_survey *survey, const char *folder, GError **error)
{
    struct table_output out;
    int fd = table_scratch(folder);
    gboolean done;

    if (fd < 0)
        return errno_error(error, errno, "%s: cannot hold a file", folder);
    table_output_begin(&out, fd);
    done = sift(survey, &out, error);
    if (done && out.written) {
        void *rows = mmap(NULL, out.written, PROT_READ, MAP_SHARED, fd, 0);

        done = rows != MAP_FAILED || errno_error(error, errno, "%s: cannot be mapped", folder);
        if (done) {
            survey->rows = rows;
            survey->count = out.written / sizeof *survey->rows;
        }
    }
    table_output_end(&out);
    close(fd);
    g_clear_pointer(&survey->sorter, table_sorter_free);
    return done;
}

/* ---- authors */

static void author_free(gpointer data)
{
    struct author *author = data;

    g_free(author->name);
    g_free(author);
}

gboolean feed_survey_take_name(struct feed_survey *survey, const guint8 *body, gsize length)
{
    const char *identity = (const char *)body + sizeof(guint64), *name;
    const struct author *known;
    struct author *author;
    guint64 version;

    if (length < sizeof version + 2 || body[length - 1] != '\0')
        return FALSE;
    memcpy(&version, body, sizeof version);
    name = identity + strlen(identity) + 1;
    if (name >= (const char *)body + length || name + strlen(name) + 1 != (char *)body + length)
        return FALSE;
    known = g_hash_table_lookup(survey->authors, identity);
    if (known ? known->version >= version : g_hash_table_size(survey->authors) >= NAMES_MAX)
        return TRUE;
    author = g_new0(struct author, 1);
    author->version = version;
    author->name = g_utf8_make_valid(name, -1);
    g_hash_table_replace(survey->authors, g_strdup(identity), author);
    return TRUE;
}

const char *feed_survey_name(const struct feed_survey *survey, const char *identity)
{
    const struct author *author = survey ? g_hash_table_lookup(survey->authors, identity) : NULL;

    return author ? author->name : NULL;
}

/* ---- markings */

gboolean feed_survey_take_marking(struct feed_survey *survey, const guint8 *body, gsize length)
{
    const char *id = (const char *)body + 1;

    if (length < 3 || memchr(id, '\0', length - 1) != body + length - 1 ||
        body[0] > TLP_RED - MARKING_NO_LEVEL)
        return FALSE;
    markings_add(survey->markings, id, (int)body[0] + MARKING_NO_LEVEL);
    return TRUE;
}

const struct markings *feed_survey_markings(const struct feed_survey *survey)
{
    return survey ? survey->markings : NULL;
}

/* ---- inputs */

/* Lists and reports need not be gone through twice: a document begins with a bracket, or is packed.
 */
static gboolean may_be_document(const struct feed_input *input)
{
    guint8 bytes[PEEK_SIZE];
    gssize got;
    int fd;

    if (input->in_memory)
        return TRUE;
    fd = open(input->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return FALSE;
    got = read(fd, bytes, sizeof bytes);
    close(fd);
    return got > 0 && (memchr(bytes, '{', (gsize)got) ||
                       compression_of(bytes, (gsize)got) != COMPRESSION_NONE);
}

static gboolean list(GPtrArray *inputs, const char *const *paths, GBytes *input)
{
    g_autoptr(feed_report_t) unsaid = feed_report_new();

    for (; *paths; paths++) {
        if (g_str_equal(*paths, "-"))
            feed_inputs_add(inputs, *paths, input);
        else
            feed_inputs_list(inputs, *paths, unsaid, NULL);
    }
    for (guint i = 0; i < inputs->len;)
        if (may_be_document(inputs->pdata[i]))
            i++;
        else
            g_ptr_array_remove_index(inputs, i);
    return inputs->len > 1; /* a document sees to its own objects */
}

struct feed_survey *feed_survey_new(const char *const *paths, GBytes *input, const char *folder,
                                    const struct feed_options *options, GError **error)
{
    g_autoptr(feed_survey_t) survey = g_new0(struct feed_survey, 1);
    g_autoptr(GPtrArray) inputs = feed_inputs_new();

    survey->authors = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, author_free);
    survey->markings = markings_new();
    if (!list(inputs, paths, input))
        return g_steal_pointer(&survey);
    survey->sorter = table_sorter_new(folder, SORT_MEMORY);
    if (!feed_survey_inputs(inputs, options, survey, error) || !finish(survey, folder, error))
        return NULL;
    return g_steal_pointer(&survey);
}

void feed_survey_free(struct feed_survey *survey)
{
    if (!survey)
        return;
    table_sorter_free(survey->sorter);
    g_clear_pointer(&survey->authors, g_hash_table_unref);
    markings_free(survey->markings);
    if (survey->rows)
        munmap(survey->rows, survey->count * sizeof *survey->rows);
    g_free(survey);
}
