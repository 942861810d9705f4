#include "base/error.h"
#include "base/file.h"
#include "base/terminal.h"
#include "cli/commands.h"
#include "finding/measure.h"
#include "profile/profile.h"
#include "profile/values.h"
#include "statement/key_store.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2000

struct state {
    char *name, *group, *subtype, *country, *domain;
    char **contacts;
    gboolean force;
};

static gboolean check_group(const char *text, GError **error)
{
    enum group group;

    return group_parse(text, &group, error);
}

static gboolean check_name(const char *text, GError **error)
{
    return g_utf8_validate(text, -1, NULL) || input_error(error, "the name is not UTF-8");
}

/* What is asked on a terminal when no option gave it. */
static const struct question {
    gsize offset;
    const char *option;
    gboolean required;
    gboolean (*check)(const char *text, GError **error);
    struct text prompt;
} questions[] = {
    { offsetof(struct state, name),
      "name",
      TRUE,
      check_name,
      { "Name of the organisation: ", "Nom de l’organisation\u202f: " } },
    { offsetof(struct state, group),
      "group",
      TRUE,
      check_group,
      { "Group (state, private-sector, civil-society): ",
        "Groupe (state\u202f: État, private-sector\u202f: secteur privé, civil-society\u202f: "
        "société civile) "
        ": " } },
    { offsetof(struct state, country),
      "country",
      FALSE,
      value_check_country,
      { "Country, two letters (empty: none): ",
        "Pays, deux lettres (vide\u202f: aucun)\u202f: " } },
    { offsetof(struct state, domain),
      "domain",
      FALSE,
      value_check_domain,
      { "Domain name (empty: none): ", "Nom de domaine (vide\u202f: aucun)\u202f: " } },
};

static char *ask(const struct context *context, const struct question *question)
{
    gboolean french = g_str_equal(cli_language(context), "fr");
    char line[LINE_MAX_BYTES];

    fputs(french ? question->prompt.fr : question->prompt.en, stdout);
    fflush(stdout);
    if (!fgets(line, sizeof line, stdin))
        return NULL;
    return g_strdup(g_strstrip(line));
}

/* Fills one member: from its option, or by asking until the answer is a good one. */
static gboolean fill(const struct context *context, const struct question *question,
                     gboolean may_ask, char **member, GError **error)
{
    while (!*member && may_ask) {
        g_autoptr(GError) problem = NULL;
        g_autofree char *line = ask(context, question);

        if (!line)
            return input_error(error, "the input ended; nothing was written");
        if (!*line && !question->required)
            return TRUE;
        if (*line && question->check(line, &problem))
            *member = g_steal_pointer(&line);
        else if (problem)
            fprintf(stderr, "  %s\n", problem->message);
    }
    if (!*member)
        return !question->required ||
               input_error(error, "--%s is needed when nobody can be asked", question->option);
    return question->check(*member, error);
}

/* "security=mailto:security@example.org"; an address without a scheme is one for mail. */
static gboolean add_contact(struct signatory *who, const char *text, GError **error)
{
    const char *equals = strchr(text, '=');
    g_autofree char *role = equals ? g_strndup(text, (gsize)(equals - text)) : NULL;
    g_autofree char *address = NULL;

    if (!equals || !*role)
        return input_error(error, "--contact %s: write ROLE=ADDRESS", text);
    if (!strchr(equals, ':') && strchr(equals, '@'))
        address = g_strconcat("mailto:", equals + 1, NULL);
    else
        address = g_strdup(equals + 1);
    if (!value_check_uri(address, error))
        return FALSE;
    g_ptr_array_add(who->contacts, contact_new(role, address));
    return TRUE;
}

static gboolean describe(const struct context *context, struct state *state, struct signatory *who,
                         GError **error)
{
    gboolean may_ask = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);

    for (guint i = 0; i < G_N_ELEMENTS(questions); i++)
        if (!fill(context, &questions[i], may_ask, (char **)((char *)state + questions[i].offset),
                  error))
            return FALSE;
    for (char **contact = state->contacts; contact && *contact; contact++)
        if (!add_contact(who, *contact, error))
            return FALSE;
    who->name = g_strdup(state->name);
    who->subtype = g_strdup(state->subtype);
    who->country = g_strdup(state->country);
    who->domain = g_strdup(state->domain);
    return group_parse(state->group, &who->group, error);
}

static char *target_path(const struct context *context)
{
    const char *given = context->profile ? context->profile : g_getenv("ENTENTE_PROFILE");

    return g_strdup(given ? given : "entente.yaml");
}

static gboolean write_profile(const char *path, const struct signatory *who, gboolean force,
                              GError **error)
{
    g_autoptr(profile_t) here = profile_default();
    g_autofree char *text = profile_first_text(who, profile_this_host(here)->name, error);
    g_autoptr(profile_t) read_back = NULL;

    if (!text)
        return FALSE;
    read_back = profile_parse(text, strlen(text), path, error);
    if (!read_back)
        return FALSE;
    return force ? file_write(path, text, strlen(text), 0644, error)
                 : file_create(path, text, strlen(text), 0644, error);
}

static gboolean make_key(const struct context *context, const char *domain, char **vkey,
                         gboolean *made, GError **error)
{
    static const struct passphrase_source source = { .may_ask = TRUE };
    g_autofree char *folder = cli_data_folder(context, error);
    g_autofree char *name = key_store_name(domain);
    g_autoptr(signing_key_t) key = NULL;

    if (folder)
        key = key_store_load_or_create(folder, name, &source, made, error);
    if (!key)
        return FALSE;
    *vkey = public_key_text(key->public);
    return TRUE;
}

static int run(const struct context *context, void *data, char **arguments, GError **error)
{
    struct state *state = data;
    g_autofree char *path = target_path(context);
    g_autofree char *shown = terminal_escape(path);
    g_autofree char *vkey = NULL;
    struct signatory who;
    gboolean french = g_str_equal(cli_language(context), "fr");
    gboolean done, made = FALSE;

    if (arguments[0]) {
        input_error(error, "\"%s\": init takes options only", arguments[0]);
        return EXIT_INPUT;
    }
    if (!state->force && access(path, F_OK) == 0) {
        input_error(error, "%s is there already; --force replaces it", path);
        return EXIT_INPUT;
    }
    signatory_init(&who);
    done = describe(context, state, &who, error) &&
           make_key(context, who.domain, &vkey, &made, error) &&
           write_profile(path, &who, state->force, error);
    signatory_clear(&who);
    if (!done)
        return error_exit_status(*error);
    if (!context->quiet)
        printf(french ? "%s est écrit\u202f; ajoutez-y vos biens (man entente.yaml).\n"
                        "%s\u202f: %s\n\n"
                        "Ensuite\u202f: entente assess         où en est cette machine\n"
                        "          entente answer         ce qu’aucun programme ne voit\n"
                        "          entente fix --plan     ce qu’il faut changer\n"
                      : "%s is written; add your assets to it (man entente.yaml).\n"
                        "%s: %s\n\n"
                        "Next: entente assess         how this machine stands\n"
                        "      entente answer         what no program can see\n"
                        "      entente fix --plan     what to change\n",
               shown,
               french ? (made ? "Nouvelle clé" : "Votre clé") : (made ? "New key" : "Your key"),
               vkey);
    return EXIT_DONE;
}

static const struct command_option options[] = {
    { "name", 0, G_OPTION_ARG_STRING, offsetof(struct state, name), "Name of the organisation",
      "TEXT" },
    { "group", 0, G_OPTION_ARG_STRING, offsetof(struct state, group),
      "Its group: state, private-sector or civil-society", "GROUP" },
    { "subtype", 0, G_OPTION_ARG_STRING, offsetof(struct state, subtype),
      "Its kind: local-government, public-authority, university, ...", "TEXT" },
    { "country", 0, G_OPTION_ARG_STRING, offsetof(struct state, country),
      "Its country: two capitals of ISO 3166-1", "CODE" },
    { "domain", 0, G_OPTION_ARG_STRING, offsetof(struct state, domain), "Your domain name",
      "NAME" },
    { "contact", 0, G_OPTION_ARG_STRING_ARRAY, offsetof(struct state, contacts),
      "Who to turn to: security=mailto:security@example.org (may be repeated)", "ROLE=ADDRESS" },
    { "force", 0, G_OPTION_ARG_NONE, offsetof(struct state, force),
      "Replace a profile that is there", NULL },
    { NULL },
};

const struct command command_init = {
    .name = "init",
    .summary = "Write a first profile and make a key",
    .arguments = "",
    .details =
        "Asks on a terminal for what no option says. Writes entente.yaml (or --profile FILE)\n"
        "and, when there is none yet, a signing key in the data folder.\n\n"
        "Example: entente init --name \"Example Hospital\" --group civil-society \\\n"
        "           --country FR --domain hospital.example \\\n"
        "           --contact security=mailto:security@hospital.example",
    .options = options,
    .state_size = sizeof(struct state),
    .run = run,
};
