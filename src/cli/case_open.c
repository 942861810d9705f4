/* case_open.c: `entente case open`: a new case to one or several signatories. */
#include "base/terminal.h"
#include "cli/case_command.h"
#include "cli/case_fields.h"

#include <stdio.h>
#include <string.h>

/* Who is addressed, with the role that "ROLE=WHO" gives; else that of the kind. */
struct addressed {
    GPtrArray *ids, *roles; /* char *, ending with NULL */
};

static void addressed_clear(struct addressed *addressed)
{
    g_ptr_array_unref(addressed->ids);
    g_ptr_array_unref(addressed->roles);
}
typedef struct addressed addressed_t;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(addressed_t, addressed_clear)

static const char *addressed_role(const struct kind *kind)
{
    for (const struct process_role *role = kind->roles; role->id; role++)
        if (role->addressed)
            return role->id;
    return NULL;
}

static gboolean read_addressed(struct casework *work, const struct kind *kind, char **to,
                               struct addressed *addressed, GError **error)
{
    for (; to && *to; to++) {
        const char *equals = strchr(*to, '=');
        g_autofree char *word = equals ? g_strndup(*to, equals - *to) : NULL;
        const struct process_role *role = word ? kind_role(kind, word) : NULL;
        const char *named = role ? role->id : addressed_role(kind);
        char *id;

        if (word && !role)
            return input_error(error, "--to %s: a case of kind \"%s\" has no role \"%s\"", *to,
                               kind->id, word);
        id = casework_party(work, role ? equals + 1 : *to, error);
        if (!id)
            return FALSE;
        g_ptr_array_add(addressed->ids, id);
        g_ptr_array_add(addressed->roles, g_strdup(named));
    }
    g_ptr_array_add(addressed->ids, NULL);
    g_ptr_array_add(addressed->roles, NULL);
    return TRUE;
}

/* Others can be written to only by who stands in the register. */
static gboolean may_open(const struct casework *work, const struct kind *kind, char **to,
                         GError **error)
{
    if (kind->own)
        return TRUE;
    if (!casework_is_signatory(work, error))
        return FALSE;
    return (to && *to) || input_error(error, "to whom? --to SIGNATORY (entente signatory list)");
}

static int open_kind(struct casework *work, const struct case_arguments *given,
                     const struct kind *kind, const char *text_field, const char *text,
                     GError **error)
{
    g_auto(addressed_t) addressed = { g_ptr_array_new_with_free_func(g_free),
                                      g_ptr_array_new_with_free_func(g_free) };
    g_autoptr(json_t) fields = case_fields_read(work, kind, given->fields, error);
    g_autofree char *id = NULL;
    struct case_draft draft = { .kind = kind->id, .event = CASE_EVENT_OPEN };
    int status;

    if (!fields || !may_open(work, kind, given->to, error) ||
        !read_addressed(work, kind, given->to, &addressed, error))
        return EXIT_INPUT;
    if (text && text_field && !json_object_get(fields, text_field))
        json_object_set_new(fields, text_field, json_safe_string(text));
    if (!case_fields_ask(work, kind, kind->opens_with, fields, error))
        return EXIT_INPUT;
    draft.to = (const char *const *)addressed.ids->pdata;
    draft.roles = kind->own ? NULL : (const char *const *)addressed.roles->pdata;
    draft.fields = fields;
    draft.tlp = given->tlp;
    draft.files = (const char *const *)given->files;
    status = casework_say(work, &draft, &id, error);
    if (status == EXIT_DONE) {
        g_autofree char *line = g_strconcat(id, "\n", NULL);

        if (!cli_output(work->context, line, strlen(line), error))
            return EXIT_SYSTEM;
    }
    return status;
}

int case_open(const struct context *context, const struct case_arguments *given, const char *kind,
              const char *text_field, const char *text, GError **error)
{
    const struct kind *row = kind_find(kind);
    g_autoptr(casework_t) work = NULL;

    if (!row)
        return input_error(error, "\"%s\" is no kind of case (entente case kinds)", kind);
    work = casework_open(context, &given->work, error);
    return work ? open_kind(work, given, row, text_field, text, error) : EXIT_SYSTEM;
}

static int run(const struct context *context, gconstpointer shared, char **arguments,
               GError **error)
{
    const struct case_arguments *given = shared;
    if (!arguments[0] || arguments[1])
        return input_error(error, "open takes one kind (entente case kinds)");
    return case_open(context, given, arguments[0], NULL, NULL, error);
}

const struct subcommand case_subcommand_open = { "open", run };
