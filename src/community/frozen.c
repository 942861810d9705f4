#include "community/frozen.h"

#include "base/clock.h"
#include "base/decimal.h"
#include "base/error.h"
#include "community/community_private.h"

#include <string.h>

#define DAY_US (G_GINT64_CONSTANT(86400) * G_USEC_PER_SEC)
#define DATE_LENGTH 10 /* 2026-11-22 */
#define DOCUMENT_LIMIT (1u << 30)

/* The largest trusted checkpoint that was cosigned before `until_us`. */
static gboolean size_at(const GArray *moments, gint64 until_us, const char *text, guint64 *size,
                        GError **error)
{
    *size = 0;
    for (guint i = 0; i < moments->len; i++) {
        const struct log_moment *moment = &g_array_index(moments, struct log_moment, i);

        if (moment->time_s * G_USEC_PER_SEC < until_us)
            *size = moment->size;
    }
    return *size > 0 || input_error(error, "%s: no trusted checkpoint is that old", text);
}

/* The date that commitments give a convening; they must agree. */
static gboolean convening_date(const json_t *document, const char *name, char **date,
                               GError **error)
{
    const json_t *signatory, *commitment;
    size_t i, j;

    *date = NULL;
    json_array_foreach(json_object_get(document, "signatories"), i, signatory)
    {
        json_array_foreach(json_object_get(signatory, "commitments"), j, commitment)
        {
            const char *due = json_text(commitment, "due");

            if (g_strcmp0(json_text(commitment, "convening"), name) != 0)
                continue;
            if (*date && g_strcmp0(*date, due) != 0) {
                g_clear_pointer(date, g_free);
                return input_error(
                    error, "%s: commitments give this convening several dates; give a date", name);
            }
            if (!*date)
                *date = g_strdup(due);
        }
    }
    return *date ||
           input_error(error, "%s: is no size, no date and no convening that commitments name",
                       name);
}

gboolean frozen_last(struct community *community, guint64 *size, GError **error)
{
    const GArray *moments;

    if (!community_register(community, error))
        return FALSE;
    moments = community_moments(community);
    *size = moments->len ? g_array_index(moments, struct log_moment, moments->len - 1).size : 0;
    return TRUE;
}

gboolean frozen_size(struct community *community, const char *text, guint64 *size, GError **error)
{
    const struct reg *reg = community_register(community, error);
    g_autofree char *date = NULL;
    g_autoptr(json_t) document = NULL;
    gint64 time_us;

    if (!reg)
        return FALSE;
    if (decimal_parse(text, strlen(text), size))
        return *size <= register_size(reg) ||
               input_error(error, "%s: the log has %" G_GUINT64_FORMAT " entries", text,
                           register_size(reg));
    if (!clock_parse(text, &time_us, NULL)) {
        document = frozen_register(community, register_size(reg), error);
        if (!document || !convening_date(document, text, &date, error))
            return FALSE;
        if (!clock_parse(date, &time_us, error))
            return FALSE;
    }
    if (strlen(date ? date : text) == DATE_LENGTH)
        time_us += DAY_US;
    return size_at(community_moments(community), time_us, text, size, error);
}

json_t *frozen_register(struct community *community, guint64 size, GError **error)
{
    struct replay replay = { 0 };
    g_autoptr(GBytes) document = NULL;
    json_t *value = NULL;

    if (!community_replay(community, size, &replay, error))
        return NULL;
    document = register_document(replay.reg,
                                 size ? log_history_time_us(replay.moments, size - 1) : 0, error);
    if (document)
        value = json_parse(g_bytes_get_data(document, NULL), g_bytes_get_size(document),
                           DOCUMENT_LIMIT, "register", error);
    replay_clear(&replay);
    return value;
}
