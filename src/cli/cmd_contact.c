/* cmd_contact.c: the role contacts of the signatory: kept here, erasable, never in the log. */
#include "base/clock.h"
#include "base/file.h"
#include "base/terminal.h"
#include "base/yaml.h"
#include "cli/ceremony.h"
#include "cli/commands.h"
#include "cli/contact_command.h"
#include "p9_norms/contacts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RECORD_MODE 0600
#define DATE_LENGTH 10
#define MAILBOX "mailbox" /* takes several arguments */

struct state {
    struct ceremony_options ceremony;
    char *kind, *role, *institution, *email, *phone, *time_zone, *hours, *languages, *tlp,
        *valid_from, *verified, *nominated_by;
    char **channels, **public_keys, **intake;
    char *scenario, *group, *from;
    gboolean withheld, all;
    int level, wait_s;
};

static char *today(void)
{
    g_autofree char *now = clock_format(clock_now_us());

    return g_strndup(now, DATE_LENGTH);
}

static char *record_path(const struct context *context, GError **error)
{
    g_autofree char *data = cli_data_folder(context, error);

    return data ? g_build_filename(data, CONTACTS_FILE, NULL) : NULL;
}

static json_t *read_record(const struct context *context, GError **error)
{
    g_autofree char *path = record_path(context, error);
    g_autoptr(json_t) record = NULL;

    if (!path)
        return NULL;
    if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
        input_error(error, "no contacts are kept here (entente contact set)");
        return NULL;
    }
    record = json_read_file(path, CONTACTS_LIMIT, error);
    if (!record || !contacts_record_check(record, error)) {
        if (error && *error && record)
            g_prefix_error(error, "%s: ", path);
        return NULL;
    }
    return g_steal_pointer(&record);
}

static gboolean write_record(const struct context *context, const json_t *record, GError **error)
{
    g_autofree char *path = record_path(context, error);
    g_autofree char *text = json_pretty(record);

    return path && file_write(path, text, strlen(text), RECORD_MODE, error);
}

static struct profile *read_profile(const struct context *context, GError **error)
{
    g_autofree char *path = cli_profile_path(context);

    return path ? profile_load(path, error) : profile_default();
}

/* --- set --- */

static json_t *list_of_file(const char *path, GError **error)
{
    g_autoptr(GBytes) bytes = file_read(path, CONTACTS_LIMIT, error);
    g_autoptr(json_t) value = bytes
                                  ? yaml_parse(g_bytes_get_data(bytes, NULL),
                                               g_bytes_get_size(bytes), CONTACTS_LIMIT, path, error)
                                  : NULL;

    if (!value)
        return NULL;
    if (!json_is_array(json_object_get(value, "contacts"))) {
        input_error(error, "%s: the file has a list \"contacts\"", path);
        return NULL;
    }
    return json_incref(json_object_get(value, "contacts"));
}

static void set_words(json_t *contact, const char *member, char **words)
{
    json_t *list = json_array();

    for (; words && *words; words++)
        json_array_append_new(list, json_safe_string(*words));
    if (json_array_size(list))
        json_object_set(contact, member, list);
    json_decref(list);
}

static json_t *contact_of_options(const struct state *state)
{
    const struct {
        const char *member, *value;
    } texts[] = {
        { "kind", state->kind },
        { "role", state->role ? state->role : state->kind },
        { "institution", state->institution },
        { "email", state->email },
        { "phone", state->phone },
        { "time_zone", state->time_zone },
        { "hours", state->hours },
        { "tlp", state->tlp },
        { "valid_from", state->valid_from },
        { "last_verified", state->verified },
        { "nominated_by", state->nominated_by },
    };
    g_auto(GStrv) languages = state->languages ? g_strsplit(state->languages, ",", -1) : NULL;
    json_t *contact = json_object();

    for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
        if (texts[i].value)
            json_object_set_new(contact, texts[i].member, json_safe_string(texts[i].value));
    set_words(contact, "languages", languages);
    set_words(contact, "channels", state->channels);
    set_words(contact, "keys", state->public_keys);
    return contact;
}

/* The kept list with this contact; members that are not given stay. Takes `contact` over. */
static json_t *list_with(const struct context *context, json_t *contact)
{
    g_autoptr(json_t) record = read_record(context, NULL);
    json_t *kept = json_object_get(record, "contacts");
    json_t *list = kept ? json_incref(kept) : json_array(), *other;
    size_t index;

    json_array_foreach(list, index, other)
    {
        if (json_equal(json_object_get(other, "kind"), json_object_get(contact, "kind")) &&
            json_equal(json_object_get(other, "role"), json_object_get(contact, "role"))) {
            json_object_update(other, contact);
            json_decref(contact);
            return list;
        }
    }
    json_array_append_new(list, contact);
    return list;
}

static json_t *list_of_profile(const struct context *context, GError **error)
{
    g_autoptr(profile_t) profile = read_profile(context, error);
    g_autoptr(json_t) list = profile ? contacts_of_profile(&profile->signatory) : NULL;

    if (profile && json_array_size(list) == 0) {
        input_error(error, "the profile lists no contacts: give a FILE, or --kind and --email");
        return NULL;
    }
    return g_steal_pointer(&list);
}

static int set(const struct context *context, const struct state *state, const char *file,
               GError **error)
{
    g_autoptr(json_t) list = NULL, record = NULL, old = NULL;
    g_autofree char *day = today();

    if (file && state->kind)
        return input_error(error, "give a FILE or the options of one contact, not both");
    if (!file && !state->kind && (state->email || state->phone || state->role))
        return input_error(error, "of which --kind is the contact?");
    list = file          ? list_of_file(file, error)
           : state->kind ? list_with(context, contact_of_options(state))
                         : list_of_profile(context, error);
    record = list ? contacts_record(list, day, error) : NULL;
    if (!record)
        return EXIT_INPUT;
    old = read_record(context, NULL);
    if (json_object_get(old, "published"))
        json_object_set(record, "published", json_object_get(old, "published"));
    if (!write_record(context, record, error))
        return EXIT_SYSTEM;
    if (!context->quiet)
        fprintf(stderr,
                "Kept on this machine only: %zu contact%s. \"entente contact publish\" puts their "
                "roles and a digest into the log.\n",
                json_array_size(list), json_array_size(list) == 1 ? "" : "s");
    return EXIT_DONE;
}

/* --- show --- */

static int show(const struct context *context, const struct state *state, const char *argument,
                GError **error)
{
    g_autoptr(json_t) record = NULL, clocks = NULL;
    g_autofree char *digest = NULL, *table = NULL, *text = NULL;
    const char *refresh, *notice;

    (void)state;
    (void)argument;
    record = read_record(context, error);
    digest = record ? contacts_digest(record, error) : NULL;
    if (!digest)
        return EXIT_INPUT;
    clocks = contacts_clocks(record);
    if (cli_format_is(context, "json", FALSE)) {
        json_object_set_new(record, "digest", json_string(digest));
        json_object_set(record, "clocks", clocks);
        text = json_pretty(record);
    } else {
        table = contacts_text(record);
        refresh = json_text(clocks, "refresh_due");
        notice = json_text(clocks, "notice_due");
        text = g_strdup_printf("%s\ndigest       %s\nrefresh due  %s\nnotice due   %s\n", table,
                               digest, refresh ? refresh : "-", notice ? notice : "-");
    }
    return cli_output(context, text, strlen(text), error) ? EXIT_DONE : EXIT_SYSTEM;
}

/* --- publish --- */

static int publish(const struct context *context, const struct state *state, const char *argument,
                   GError **error)
{
    g_autoptr(json_t) record = read_record(context, error), predicate = NULL;
    g_autofree char *digest = record ? contacts_digest(record, error) : NULL;
    g_autofree char *day = today();
    g_autoptr(ceremony_t) ceremony = NULL;
    int status;

    (void)argument;
    if (!digest)
        return EXIT_INPUT;
    ceremony = ceremony_open(context, &state->ceremony, error);
    if (!ceremony || !ceremony_needs_self(ceremony, error))
        return EXIT_SYSTEM;
    predicate = ceremony_predicate(ceremony);
    json_object_set_new(predicate, "roles", contacts_roles(record));
    json_object_set_new(predicate, "digest", json_string(state->withheld ? "withheld" : digest));
    status = ceremony_finish(ceremony, PREDICATE_CONTACT, ceremony->domain, ceremony->id,
                             g_steal_pointer(&predicate), KEY_ROLE_ISSUER, NULL, error);
    if (status != EXIT_DONE || (error && *error))
        return status;
    /* The clocks begin when it is handed in, not when it is only written for keys elsewhere. */
    if (state->ceremony.request || context->output)
        return status;
    json_object_set_new(record, "published", json_string(day));
    return write_record(context, record, error) ? EXIT_DONE : EXIT_SYSTEM;
}

/* --- erase --- */

static gboolean confirmed(const struct state *state, GError **error)
{
    char answer[8];

    if (state->ceremony.yes)
        return TRUE;
    if (!isatty(STDIN_FILENO))
        return policy_error(error, "nothing was erased: there is nobody to ask (--yes erases "
                                   "without asking)");
    fputs("Erase the contacts? The digest in the log can never be opened again. [y/N] ", stderr);
    return (fgets(answer, sizeof answer, stdin) && strchr("yYoO", answer[0])) ||
           policy_error(error, "nothing was erased");
}

static int erase(const struct context *context, const struct state *state, const char *argument,
                 GError **error)
{
    g_autofree char *path = record_path(context, error);

    (void)argument;
    if (!path)
        return EXIT_SYSTEM;
    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        return input_error(error, "no contacts are kept here");
    if (!confirmed(state, error))
        return EXIT_POLICY;
    if (unlink(path) != 0)
        return errno_error(error, errno, "%s", path);
    if (!file_sync_folder_of(path, error))
        return EXIT_SYSTEM;
    if (!context->quiet)
        fputs("Erased, with the salt: what the log holds opens to nothing now. Copies in backups "
              "are yours to erase.\n",
              stderr);
    return EXIT_DONE;
}

/* --- export --- */

static int export(const struct context *context, const struct state *state, const char *argument,
                  GError **error)
{
    const char *format = context->format ? context->format : "json";
    g_autoptr(json_t) record = read_record(context, error), value = NULL;
    g_autoptr(profile_t) profile = record ? read_profile(context, error) : NULL;
    g_autofree char *text = NULL;
    gboolean missing;

    (void)state;
    (void)argument;
    if (!profile)
        return EXIT_INPUT;
    value = g_str_equal(format, "json") ? json_deep_copy(record)
                                        : contacts_export(record, format, &profile->signatory);
    if (!value)
        return input_error(error, "\"%s\": contacts are exported as un, osce or json", format);
    json_object_del(value, "salt");
    text = json_pretty(value);
    if (!cli_output(context, text, strlen(text), error))
        return EXIT_SYSTEM;
    missing = g_str_equal(format, "un") && (json_is_null(json_object_get(value, "diplomatic")) ||
                                            json_is_null(json_object_get(value, "technical")));
    if (missing && !context->quiet)
        fputs("The directory asks for a diplomatic and a technical contact; one is missing.\n",
              stderr);
    return missing ? EXIT_FOUND : EXIT_DONE;
}

/* --- mailbox --- */

static json_t *list_of_words(char **words)
{
    json_t *list = json_array();

    for (; words && *words; words++)
        json_array_append_new(list, json_safe_string(*words));
    return list;
}

static int mailbox(const struct context *context, const struct state *state, char **urls,
                   GError **error)
{
    g_autoptr(ceremony_t) ceremony = NULL;
    json_t *predicate;

    if (!*urls)
        return input_error(error, "at which node are messages taken? \"entente contact mailbox "
                                  "https://node.example\"");
    ceremony = ceremony_open(context, &state->ceremony, error);
    if (!ceremony || !ceremony_needs_self(ceremony, error))
        return EXIT_SYSTEM;
    predicate = ceremony_predicate(ceremony);
    json_object_set_new(predicate, "urls", list_of_words(urls));
    if (state->intake)
        json_object_set_new(predicate, "intake", list_of_words(state->intake));
    return ceremony_finish(ceremony, PREDICATE_MAILBOX, ceremony->domain, ceremony->id, predicate,
                           KEY_ROLE_ISSUER, NULL, error);
}

/* --- add --- */

/* One more, where "set" would change what is there. */
static int add(const struct context *context, const struct state *state, const char *argument,
               GError **error)
{
    const char *role = state->role ? state->role : state->kind;
    g_autoptr(json_t) record = NULL;
    const json_t *contact;
    size_t index;

    if (!state->kind)
        return input_error(error, "of which --kind is the contact?");
    record = read_record(context, NULL);
    json_array_foreach(json_object_get(record, "contacts"), index, contact)
    {
        if (g_strcmp0(json_text(contact, "kind"), state->kind) == 0 &&
            g_strcmp0(json_text(contact, "role"), role) == 0)
            return input_error(error,
                               "there is a %s contact \"%s\" already: \"entente contact set\" "
                               "changes it",
                               state->kind, role);
    }
    return set(context, state, argument, error);
}

/* --- checks (contact_drill.c, contact_due.c) --- */

static struct contact_drill_options drill_options(const struct state *state)
{
    return (struct contact_drill_options){
        .work = { .key = state->ceremony.keys ? state->ceremony.keys[0] : NULL,
                  .passphrase_file = state->ceremony.passphrase_file,
                  .allow_private = state->ceremony.allow_private },
        .contact_role = state->role,
        .channel = state->channels ? state->channels[0] : NULL,
        .scenario = state->scenario,
        .group = state->group,
        .from = state->from,
        .level = state->level,
        .wait_s = state->wait_s,
        .all = state->all,
    };
}

static int due(const struct context *context, const struct state *state, const char *argument,
               GError **error)
{
    const struct contact_drill_options drill = drill_options(state);
    g_autofree char *path = record_path(context, error);
    g_autoptr(json_t) record = NULL;

    (void)argument;
    if (!path)
        return EXIT_SYSTEM;
    if (g_file_test(path, G_FILE_TEST_EXISTS) && !(record = read_record(context, error)))
        return EXIT_INPUT;
    return contact_due(context, &drill, record, error);
}

/* Those that take several arguments, or none. */
static const struct {
    const char *name;
    int (*run)(const struct context *context, const struct contact_drill_options *options,
               char **arguments, GError **error);
} checks[] = {
    { "answer", contact_answer },
    { "drill", contact_drill },
    { "ping", contact_ping },
};

static const struct {
    const char *name;
    gboolean takes_file;
    int (*run)(const struct context *context, const struct state *state, const char *argument,
               GError **error);
} subcommands[] = {
    { "add", FALSE, add },       { "due", FALSE, due },         { "erase", FALSE, erase },
    { "export", FALSE, export }, { "publish", FALSE, publish }, { "set", TRUE, set },
    { "show", FALSE, show },
};

static int run(const struct context *context, void *data, char **arguments, GError **error)
{
    const struct state *state = data;
    const char *asked = arguments[0] ? arguments[0] : "show";
    const char *argument = arguments[0] ? arguments[1] : NULL;
    guint i = 0;

    if (g_str_equal(asked, MAILBOX))
        return mailbox(context, state, arguments + 1, error);
    for (guint check = 0; check < G_N_ELEMENTS(checks); check++)
        if (g_str_equal(checks[check].name, asked)) {
            const struct contact_drill_options drill = drill_options(state);

            return checks[check].run(context, &drill, arguments + 1, error);
        }
    while (i < G_N_ELEMENTS(subcommands) && !g_str_equal(subcommands[i].name, asked))
        i++;
    if (i == G_N_ELEMENTS(subcommands))
        return input_error(error,
                           "\"%s\": contact does add, set, show, due, publish, mailbox, ping, "
                           "drill, answer, erase or export",
                           asked);
    if (argument && (arguments[2] || !subcommands[i].takes_file))
        return input_error(error, "\"%s\": contact %s takes no such argument",
                           arguments[2] ? arguments[2] : argument, asked);
    return subcommands[i].run(context, state, argument, error);
}

#define TEXT_OPTION(NAME, MEMBER, HELP, VALUE)                                                     \
    {                                                                                              \
        NAME, 0, G_OPTION_ARG_STRING, offsetof(struct state, MEMBER), "set: " HELP, VALUE          \
    }

static const struct command_option options[] = {
    TEXT_OPTION("kind", kind,
                "diplomatic, technical, policy, legal, press, assistance, abuse or 24x7", "KIND"),
    TEXT_OPTION("role", role, "the role's name (default: the kind); public", "ROLE"),
    TEXT_OPTION("institution", institution, "the institution", "TEXT"),
    TEXT_OPTION("email", email, "a role's address, never a person's", "ADDRESS"),
    TEXT_OPTION("phone", phone, "with the country's code: +33 ...", "NUMBER"),
    TEXT_OPTION("time-zone", time_zone, "as Europe/Paris", "ZONE"),
    TEXT_OPTION("hours", hours, "when it answers: 24x7, or Mo-Fr 09:00-18:00", "TEXT"),
    TEXT_OPTION("languages", languages, "languages (BCP 47): fr,en", "LIST"),
    TEXT_OPTION("tlp", tlp, "who may have it: clear, green, amber, amber+strict, red", "TLP"),
    TEXT_OPTION("valid-from", valid_from, "since when it answers", "DATE"),
    TEXT_OPTION("verified", verified, "when it last answered a check", "DATE"),
    TEXT_OPTION("nominated-by", nominated_by, "the key of who nominated it", "KEY"),
    { "channel", 0, G_OPTION_ARG_STRING_ARRAY, offsetof(struct state, channels),
      "set: another channel, as a URI; several times", "URI" },
    { "public-key", 0, G_OPTION_ARG_STRING_ARRAY, offsetof(struct state, public_keys),
      "set: a key to write to it with: age, OpenPGP fingerprint; several times", "KEY" },
    { "withheld", 0, G_OPTION_ARG_NONE, offsetof(struct state, withheld),
      "publish: the roles alone, without the digest", NULL },
    { "intake", 0, G_OPTION_ARG_STRING_ARRAY, offsetof(struct state, intake),
      "mailbox: a kind of case that people without an account may open; several times", "KIND" },
    { "level", 0, G_OPTION_ARG_INT, offsetof(struct state, level),
      "ping, drill: 1 (automatic, 15 min; the default), 2 (a person, 24 h) or 3 (a scenario, 72 h)",
      "N" },
    { "scenario", 0, G_OPTION_ARG_STRING, offsetof(struct state, scenario),
      "ping, drill: what the person is to answer to, for level 3", "TEXT" },
    { "wait", 0, G_OPTION_ARG_INT, offsetof(struct state, wait_s),
      "ping, drill: wait so long for answers", "SECONDS" },
    { "all", 0, G_OPTION_ARG_NONE, offsetof(struct state, all),
      "drill: every other signatory of the register", NULL },
    { "group", 0, G_OPTION_ARG_STRING, offsetof(struct state, group),
      "drill: every other signatory of this group: state, private-sector or civil-society",
      "GROUP" },
    { "from", 0, G_OPTION_ARG_STRING, offsetof(struct state, from),
      "drill: results of drills since then (default: 30 days)", "DATE" },
    CEREMONY_OPTIONS(struct state, "key"),
    CEREMONY_PASSPHRASE(struct state),
    { NULL },
};

const struct command command_contact = {
    .name = "contact",
    .summary = "Keep role contacts off the log, check that others answer, export to directories",
    .arguments = "[set [FILE]|add|publish|show|due|mailbox URL...|ping SIGNATORY|"
                 "drill [SIGNATORY...]|answer ID|erase|export]",
    .formats = "text, json, un, osce",
    .details =
        "set      keep contacts of a FILE (YAML or JSON), one by options, or the profile's\n"
        "add      one more by options; \"set\" changes one that is there\n"
        "publish  put the roles and a salted digest into the log; nothing else\n"
        "show     what is kept, with the days by which it must be verified and handed in\n"
        "due      what must be verified, handed in or answered next; exit status 1: overdue\n"
        "ping     check that a signatory answers; --wait shows what came of it\n"
        "drill    check several at once; without anybody named, what came of the last checks\n"
        "answer   answer a check of level 2 or 3, as a person\n"
        "mailbox  say in the log at which nodes (own or relays, at most 4) messages are taken\n"
        "erase    delete them; the digest in the log opens to nothing then\n"
        "export   for the UN directory (--format un) or OSCE CBM 8 (--format osce)\n\n"
        "Example: entente contact set --kind technical --email soc@ville.example --hours 24x7\n"
        "         entente contact publish\n"
        "         entente contact ping secours.example --wait 60\n"
        "         entente contact drill --all --level 2\n"
        "         entente contact mailbox https://node.ville.example https://relay.example\n"
        "         entente contact export --format un --output un.json",
    .options = options,
    .state_size = sizeof(struct state),
    .run = run,
};
