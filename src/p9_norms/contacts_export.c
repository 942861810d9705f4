/* contacts_export.c: the clocks of the record, and what directories ask for. */
#include "base/clock.h"
#include "base/terminal.h"
#include "p9_norms/contacts.h"

#include <string.h>

#define DAY_US (G_GINT64_CONSTANT(86400) * G_USEC_PER_SEC)
#define DATE_LENGTH 10
#define VERIFY_DAYS 180
#define REFRESH_DAYS 365
#define NOTICE_DAYS 30

static json_t *days_after(const char *day, int days)
{
    g_autofree char *text = NULL;
    gint64 time_us;

    if (!day || !clock_parse(day, &time_us, NULL))
        return json_null();
    text = clock_format(time_us + days * DAY_US);
    return json_stringn(text, DATE_LENGTH);
}

static json_t *verify_due(const json_t *contact)
{
    const char *verified = json_text(contact, "last_verified");

    return days_after(verified ? verified : json_text(contact, "valid_from"), VERIFY_DAYS);
}

json_t *contacts_clocks(const json_t *record)
{
    const char *published = json_text(record, "published"), *changed = json_text(record, "changed");
    gboolean is_told = published && strcmp(published, changed) >= 0;
    json_t *list = json_array();
    const json_t *contact;
    size_t index;

    json_array_foreach(json_object_get(record, "contacts"), index, contact)
    {
        json_array_append_new(
            list, json_pack("{s:O, s:O, s:o}", "kind", json_object_get(contact, "kind"), "role",
                            json_object_get(contact, "role"), "verify_due", verify_due(contact)));
    }
    return json_pack("{s:o, s:o, s:o}", "contacts", list, "refresh_due",
                     days_after(published, REFRESH_DAYS), "notice_due",
                     days_after(is_told ? NULL : changed, NOTICE_DAYS));
}

static gboolean may_leave(const json_t *contact)
{
    return g_strcmp0(json_text(contact, "tlp"), "red") != 0;
}

/* The first of this kind, else of the second; NULL: none. */
static const json_t *contact_of(const json_t *record, const char *kind, const char *second)
{
    const char *const wanted[] = { kind, second };
    const json_t *contact;
    size_t index;

    for (guint i = 0; i < G_N_ELEMENTS(wanted); i++)
        json_array_foreach(json_object_get(record, "contacts"), index, contact)
        {
            if (g_strcmp0(json_text(contact, "kind"), wanted[i]) == 0 && may_leave(contact))
                return contact;
        }
    return NULL;
}

/* The members of a contact under the names a directory's form uses. */
static json_t *as_in_form(const json_t *contact)
{
    static const struct {
        const char *form, *own;
    } members[] = {
        { "function", "role" },       { "institution", "institution" },
        { "email", "email" },         { "phone", "phone" },
        { "languages", "languages" }, { "time_zone", "time_zone" },
        { "availability", "hours" },  { "other_channels", "channels" },
        { "public_keys", "keys" },    { "valid_from", "valid_from" },
    };
    json_t *value = contact ? json_object() : json_null();

    for (guint i = 0; contact && i < G_N_ELEMENTS(members); i++) {
        json_t *own = json_object_get(contact, members[i].own);

        json_object_set(value, members[i].form, own ? own : json_null());
    }
    return value;
}

static int left_out(const json_t *record)
{
    const json_t *contact;
    size_t index;
    int count = 0;

    json_array_foreach(json_object_get(record, "contacts"), index, contact)
    {
        count += !may_leave(contact);
    }
    return count;
}

static json_t *un_members(const json_t *record)
{
    return json_pack("{s:o, s:o}", "diplomatic",
                     as_in_form(contact_of(record, "diplomatic", "policy")), "technical",
                     as_in_form(contact_of(record, "technical", "24x7")));
}

static json_t *osce_members(const json_t *record)
{
    json_t *list = json_array();
    const json_t *contact;
    size_t index;

    json_array_foreach(json_object_get(record, "contacts"), index, contact)
    {
        json_t *form;

        if (!may_leave(contact))
            continue;
        form = as_in_form(contact);
        json_object_set(form, "kind", json_object_get(contact, "kind"));
        json_object_set_new(form, "verify_due", verify_due(contact));
        json_array_append_new(list, form);
    }
    return json_pack("{s:o}", "contacts", list);
}

static const struct {
    const char *name, *title;
    json_t *(*members)(const json_t *record);
} directories[] = {
    { "un", "United Nations global points of contact directory (A/78/265)", un_members },
    { "osce", "OSCE confidence-building measure 8 (PC.DEC/1106)", osce_members },
};

json_t *contacts_export(const json_t *record, const char *directory,
                        const struct signatory *signatory)
{
    for (guint i = 0; i < G_N_ELEMENTS(directories); i++) {
        g_autoptr(json_t) clocks = NULL, members = NULL;
        json_t *value;

        if (!g_str_equal(directories[i].name, directory))
            continue;
        clocks = contacts_clocks(record);
        members = directories[i].members(record);
        value = json_pack("{s:s, s:o, s:o, s:O, s:O, s:i}", "directory", directories[i].title,
                          "country", json_safe_string(signatory->country), "organisation",
                          json_safe_string(signatory->name), "refresh_due",
                          json_object_get(clocks, "refresh_due"), "notice_due",
                          json_object_get(clocks, "notice_due"), "left_out", left_out(record));
        json_object_update(value, members);
        return value;
    }
    return NULL;
}

char *contacts_text(const json_t *record)
{
    static const char *const headings[] = { "KIND",       "ROLE", "E-MAIL", "PHONE",
                                            "VERIFY DUE", "TLP",  NULL };
    g_autoptr(text_table_t) table = text_table_new(headings);
    const json_t *contact;
    size_t index;

    json_array_foreach(json_object_get(record, "contacts"), index, contact)
    {
        g_autoptr(json_t) due = verify_due(contact);
        const char *const all[] = { json_text(contact, "kind"),  json_text(contact, "role"),
                                    json_text(contact, "email"), json_text(contact, "phone"),
                                    json_string_value(due),      json_text(contact, "tlp") };
        const char *cells[G_N_ELEMENTS(all)];

        for (guint i = 0; i < G_N_ELEMENTS(all); i++)
            cells[i] = all[i] ? all[i] : "-";
        text_table_row(table, cells, NULL);
    }
    return text_table_format(table, FALSE, 0);
}
