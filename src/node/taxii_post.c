#include "node/taxii_post.h"

/* Those that are sound, to be added. */
static GArray *list_sound(const GArray *posted, const char *envelope)
{
    GArray *sound = g_array_new(FALSE, TRUE, sizeof(struct taxii_addition));

    for (guint i = 0; i < posted->len; i++) {
        const struct taxii_posted *one = &g_array_index(posted, struct taxii_posted, i);
        const struct taxii_addition addition = { .text = envelope + one->offset,
                                                 .length = one->length,
                                                 .head = &one->head };

        if (!one->refused)
            g_array_append_val(sound, addition);
    }
    return sound;
}

/* What became of one object; `addition` NULL: it was not sound. */
static json_t *detail_of(const struct taxii_posted *posted, const struct taxii_addition *addition,
                         const char *asked)
{
    const char *refused = addition ? addition->refused : posted->refused;
    g_autofree char *added = taxii_time(addition ? addition->added_us : 0);
    const char *version = posted->head.version ? posted->head.version : refused ? asked : added;
    json_t *detail = json_object();

    json_object_set_new(detail, "id", json_safe_string(posted->head.id));
    json_object_set_new(detail, "version", json_safe_string(version));
    if (refused)
        json_object_set_new(detail, "message", json_safe_string(refused));
    else if (!addition->is_new)
        json_object_set_new(detail, "message", json_string("it was there already"));
    return detail;
}

static json_t *status_of(const GArray *posted, const GArray *sound, gint64 now_us)
{
    g_autofree char *id = g_uuid_string_random(), *time = taxii_time(now_us);
    g_autoptr(json_t) successes = json_array(), failures = json_array();
    json_t *status;
    guint next = 0;

    for (guint i = 0; i < posted->len; i++) {
        const struct taxii_posted *one = &g_array_index(posted, struct taxii_posted, i);
        const struct taxii_addition *addition =
            one->refused ? NULL : &g_array_index(sound, struct taxii_addition, next++);

        json_array_append_new(addition && !addition->refused ? successes : failures,
                              detail_of(one, addition, time));
    }
    status = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I}", "id", id, "status", "complete",
                       "request_timestamp", time, "total_count", (json_int_t)posted->len,
                       "success_count", (json_int_t)json_array_size(successes), "failure_count",
                       (json_int_t)json_array_size(failures), "pending_count", (json_int_t)0);
    if (json_array_size(successes))
        json_object_set(status, "successes", successes);
    if (json_array_size(failures))
        json_object_set(status, "failures", failures);
    return status;
}

json_t *taxii_post(struct taxii_store *store, struct starter *workers, const char *collection,
                   GBytes *envelope, gint64 now_us, GError **error)
{
    g_autoptr(GArray) posted = taxii_head_read(workers, envelope, error), sound = NULL;
    json_t *status = NULL;

    if (!posted)
        return NULL;
    sound = list_sound(posted, g_bytes_get_data(envelope, NULL));
    if (taxii_store_add(store, collection, (struct taxii_addition *)(gpointer)sound->data,
                        sound->len, FALSE, error))
        status = status_of(posted, sound, now_us);
    for (guint i = 0; i < sound->len; i++)
        g_free(g_array_index(sound, struct taxii_addition, i).refused);
    return status;
}
