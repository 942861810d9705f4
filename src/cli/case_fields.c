#include "cli/case_fields.h"

#include "base/file.h"
#include "base/nearest_word.h"
#include "base/terminal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PARTY_FIELD "party"
#define ANSWER_LIMIT 4096

/* --- values --- */

static json_t *list_of(const char *text)
{
    g_auto(GStrv) words = g_strsplit(text, ",", -1);
    json_t *list = json_array();

    for (char **word = words; *word; word++)
        json_array_append_new(list, json_safe_string(g_strstrip(*word)));
    return list;
}

static json_t *yes_or_no(const struct process_field *field, const char *text, GError **error)
{
    static const char *const yes[] = { "yes", "true", "oui", "1", NULL };
    static const char *const no[] = { "no", "false", "non", "0", NULL };

    if (g_strv_contains(yes, text))
        return json_true();
    if (g_strv_contains(no, text))
        return json_false();
    input_error(error, "field \"%s\": \"%s\" is neither yes nor no", field->id, text);
    return NULL;
}

static json_t *number_of(const struct process_field *field, const char *text, GError **error)
{
    guint64 number;

    if (g_ascii_string_to_unsigned(text, 10, 0, (guint64)1 << 53, &number, NULL))
        return json_integer((json_int_t)number);
    input_error(error, "field \"%s\": \"%s\" is not a number", field->id, text);
    return NULL;
}

static char *choices_of(const struct process_field *field)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (const struct process_choice *choice = field->choices; choice->id; choice++)
        g_string_append_printf(text, "%s%s", choice == field->choices ? "" : ", ", choice->id);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static gboolean is_choice(const struct process_field *field, const char *text)
{
    for (const struct process_choice *choice = field->choices; choice->id; choice++)
        if (g_str_equal(choice->id, text))
            return TRUE;
    return FALSE;
}

static json_t *choice_of(const struct process_field *field, const char *text, GError **error)
{
    g_autofree char *choices = NULL;

    if (is_choice(field, text))
        return json_safe_string(text);
    choices = choices_of(field);
    input_error(error, "field \"%s\": \"%s\" is not one of its choices (%s)", field->id, text,
                choices);
    return NULL;
}

static json_t *value_of(struct casework *work, const struct process_field *field, const char *text,
                        GError **error)
{
    g_autofree char *party = NULL;

    switch (field->type) {
    case FIELD_CHOICE:
        return choice_of(field, text, error);
    case FIELD_CHOICES:
    case FIELD_LANGUAGES:
        return list_of(text);
    case FIELD_YES_NO:
        return yes_or_no(field, text, error);
    case FIELD_NUMBER:
        return number_of(field, text, error);
    default:
        if (!g_str_equal(field->id, PARTY_FIELD))
            return json_safe_string(text);
        party = casework_party(work, text, error);
        return party ? json_string(party) : NULL;
    }
}

/* --- NAME=VALUE --- */

/* What "@FILE" holds, without the line feed at its end. */
static char *read_value(const char *path, GError **error)
{
    g_autoptr(GBytes) bytes = file_read(path, CASE_FIELD_TEXT_LIMIT, error);
    gsize length;
    const char *text;

    if (!bytes)
        return NULL;
    text = g_bytes_get_data(bytes, &length);
    if (memchr(text, 0, length)) {
        input_error(error, "%s: is no text", path);
        return NULL;
    }
    while (length && (text[length - 1] == '\n' || text[length - 1] == '\r'))
        length--;
    return g_strndup(text, length);
}

/* "did you mean ...", or all that there are. */
static gboolean refuse_name(const struct kind *kind, const char *name, GError **error)
{
    struct nearest_word nearest = { .word = name };
    g_autoptr(GString) known = g_string_new(NULL);

    for (const struct process_field *field = kind->fields; field && field->id; field++) {
        nearest_word_try(&nearest, field->id);
        g_string_append_printf(known, "%s%s", known->len ? ", " : "", field->id);
    }
    if (nearest.best)
        return input_error(error, "a case of kind \"%s\" has no field \"%s\"; did you mean \"%s\"?",
                           kind->id, name, nearest.best);
    return input_error(error, "a case of kind \"%s\" has no field \"%s\" (%s)", kind->id, name,
                       known->str);
}

static gboolean read_field(struct casework *work, const struct kind *kind, const char *text,
                           json_t *fields, GError **error)
{
    const char *equals = strchr(text, '=');
    g_autofree char *name = equals ? g_strndup(text, equals - text) : NULL, *value = NULL;
    const struct process_field *field = name ? kind_field(kind, name) : NULL;
    json_t *json;

    if (!equals)
        return input_error(error, "--field \"%s\" is not NAME=VALUE", text);
    if (!field)
        return refuse_name(kind, name, error);
    if (equals[1] == '@' && equals[2] != '@')
        value = read_value(equals + 2, error);
    else
        value = g_strdup(equals + 1 + (equals[1] == '@'));
    json = value ? value_of(work, field, value, error) : NULL;
    if (!json)
        return FALSE;
    json_object_set_new(fields, name, json);
    return TRUE;
}

json_t *case_fields_read(struct casework *work, const struct kind *kind, char **texts,
                         GError **error)
{
    g_autoptr(json_t) fields = json_object();

    for (; texts && *texts; texts++)
        if (!read_field(work, kind, *texts, fields, error))
            return NULL;
    return g_steal_pointer(&fields);
}

/* --- asking --- */

static void show_question(const struct casework *work, const struct process_field *field)
{
    fprintf(stderr, "%s\n", casework_text(work, &field->title));
    if (field->hint.en)
        fprintf(stderr, "  (%s)\n", casework_text(work, &field->hint));
    for (const struct process_choice *choice = field->choices; choice && choice->id; choice++)
        fprintf(stderr, "  %-16s %s\n", choice->id, casework_text(work, &choice->text));
    fputs("> ", stderr);
}

/* One line; asked again while it is not what the field takes. */
static gboolean ask_one(struct casework *work, const struct process_field *field, json_t *fields,
                        GError **error)
{
    char answer[ANSWER_LIMIT];

    for (;;) {
        g_autoptr(GError) problem = NULL;
        json_t *value;

        show_question(work, field);
        if (!fgets(answer, sizeof answer, stdin))
            return input_error(error, "field \"%s\" was not answered", field->id);
        g_strstrip(answer);
        if (!*answer)
            continue;
        value = value_of(work, field, answer, &problem);
        if (value) {
            json_object_set_new(fields, field->id, value);
            return TRUE;
        }
        fprintf(stderr, "%s\n", problem->message);
    }
}

static void describe(const struct casework *work, const struct process_field *field, GString *text)
{
    g_autofree char *choices = field->choices ? choices_of(field) : NULL;

    g_string_append_printf(text, "%s --field %s=... (%s)", text->len ? "," : "", field->id,
                           choices ? choices : casework_text(work, &field->title));
}

gboolean case_fields_ask(struct casework *work, const struct kind *kind, const char *const *needs,
                         json_t *fields, GError **error)
{
    const gboolean can_ask = isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
    g_autoptr(GString) missing = g_string_new(NULL);

    for (; needs && *needs; needs++) {
        const struct process_field *field = kind_field(kind, *needs);

        if (!field || json_object_get(fields, *needs))
            continue;
        if (!can_ask)
            describe(work, field, missing);
        else if (!ask_one(work, field, fields, error))
            return FALSE;
    }
    return !missing->len || input_error(error, "say, too:%s", missing->str);
}
