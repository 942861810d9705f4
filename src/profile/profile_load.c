/*
 * profile_load.c: from YAML to a struct profile. One table of members per kind of asset; the same
 * tables drive the check of shapes (yaml_places.h) and libcyaml.
 */
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "profile/profile.h"
#include "profile/profile_watch.h"
#include "profile/values.h"
#include "profile/yaml_places.h"

#include <cyaml/cyaml.h>
#include <stdbool.h>
#include <string.h>

#define ENTRIES_MAX 10000 /* assets of one kind */
#define LIST_MAX 1000     /* roles, listeners, origins, contacts */
#define TEXT_MAX 1000     /* bytes of one text */

struct raw_contact {
    char *role, *address;
};

/* An asset of any kind as it is written. */
struct entry {
    char *name, *prefix, *number, *path, *format, *purl, *tool, *repository;
    char *password_file, *password_command, *rpo, *rto, *drill_every;
    char *max_length, *date, *from, *until, *client;
    char **roles, **listeners, **root_ca, **paths;
    unsigned n_roles, n_listeners, n_root_ca, n_paths;
    char **origins, **neighbours, **upstreams, **peers, **downstreams;
    unsigned n_origins, n_neighbours, n_upstreams, n_peers, n_downstreams;
    char **certificates, **keys, **issuers, **caa;
    unsigned n_certificates, n_keys, n_issuers, n_caa;
    unsigned criticality; /* 0: not said */
    bool mail, web, dormant, append_only, object_lock, off_host;
};

struct list {
    struct entry *entries;
    unsigned count;
};

struct raw_assets {
    struct list kinds[ASSET_SIGNATORY];
};

struct raw_signatory {
    char *name, *subtype, *country, *domain;
    unsigned group;
    struct raw_contact *contacts;
    unsigned n_contacts;
};

struct raw_profile {
    struct raw_signatory *signatory;
    struct raw_assets *assets;
    struct raw_time *time;
    struct raw_transparency *transparency;
};

#define TEXT(KEY, MEMBER, FLAGS)                                                                   \
    CYAML_FIELD_STRING_PTR(KEY, CYAML_FLAG_POINTER | (FLAGS), struct entry, MEMBER, 1, TEXT_MAX)
#define LIST(KEY, MEMBER, ITEM)                                                                    \
    CYAML_FIELD_SEQUENCE_COUNT(KEY, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct entry,        \
                               MEMBER, n_##MEMBER, ITEM, 0, LIST_MAX)
#define CRITICALITY                                                                                \
    CYAML_FIELD_ENUM("criticality", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct entry,         \
                     criticality, criticalities, G_N_ELEMENTS(criticalities))
#define FACT(KEY, MEMBER) CYAML_FIELD_BOOL(KEY, CYAML_FLAG_OPTIONAL, struct entry, MEMBER)
#define OPTIONAL CYAML_FLAG_OPTIONAL
#define REQUIRED CYAML_FLAG_DEFAULT

static const cyaml_strval_t criticalities[] = {
    { "low", CRITICALITY_LOW },
    { "normal", CRITICALITY_NORMAL },
    { "high", CRITICALITY_HIGH },
};
static const cyaml_strval_t group_words[] = {
    { "state", GROUP_STATE },
    { "private-sector", GROUP_PRIVATE_SECTOR },
    { "civil-society", GROUP_CIVIL_SOCIETY },
};
/* Roles that measures know; a role nobody knows would silently change nothing. */
static const char *const known_roles[] = {
    "build", "container-host", "developer", "dhcp",          "directory", "dns",
    "file",  "high-security",  "laptop",    "log-collector", "mail",      "monitored",
    "print", "proxy",          "router",    "server",        "web",       "workstation",
    NULL,
};

static const cyaml_schema_value_t text_item = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 1, TEXT_MAX),
};

static const cyaml_schema_field_t host_fields[] = {
    TEXT("name", name, REQUIRED),         CRITICALITY,
    LIST("roles", roles, &text_item),     LIST("listeners", listeners, &text_item),
    LIST("root_ca", root_ca, &text_item), CYAML_FIELD_END,
};
static const cyaml_schema_field_t domain_fields[] = {
    TEXT("name", name, REQUIRED),
    CRITICALITY,
    CYAML_FIELD_BOOL("mail", CYAML_FLAG_OPTIONAL, struct entry, mail),
    CYAML_FIELD_BOOL("web", CYAML_FLAG_OPTIONAL, struct entry, web),
    LIST("certificates", certificates, &text_item),
    LIST("keys", keys, &text_item),
    LIST("issuers", issuers, &text_item),
    LIST("caa", caa, &text_item),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t prefix_fields[] = {
    TEXT("prefix", prefix, REQUIRED),
    TEXT("name", name, OPTIONAL),
    CRITICALITY,
    LIST("origins", origins, &text_item),
    LIST("neighbours", neighbours, &text_item),
    TEXT("max_length", max_length, OPTIONAL),
    FACT("dormant", dormant),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t as_fields[] = {
    TEXT("number", number, REQUIRED),
    TEXT("name", name, OPTIONAL),
    CRITICALITY,
    LIST("upstreams", upstreams, &text_item),
    LIST("peers", peers, &text_item),
    LIST("downstreams", downstreams, &text_item),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t log_fields[] = {
    TEXT("path", path, REQUIRED),
    TEXT("name", name, OPTIONAL),
    CRITICALITY,
    TEXT("format", format, OPTIONAL),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t backup_fields[] = {
    TEXT("name", name, REQUIRED),
    CRITICALITY,
    TEXT("tool", tool, REQUIRED),
    TEXT("repository", repository, REQUIRED),
    TEXT("password_file", password_file, OPTIONAL),
    TEXT("password_command", password_command, OPTIONAL),
    LIST("paths", paths, &text_item),
    TEXT("rpo", rpo, OPTIONAL),
    TEXT("rto", rto, OPTIONAL),
    TEXT("drill_every", drill_every, OPTIONAL),
    FACT("append_only", append_only),
    FACT("object_lock", object_lock),
    FACT("off_host", off_host),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t documents_fields[] = {
    TEXT("path", path, REQUIRED),
    TEXT("name", name, OPTIONAL),
    CRITICALITY,
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t software_fields[] = {
    TEXT("name", name, REQUIRED), CRITICALITY,     TEXT("path", path, OPTIONAL),
    TEXT("purl", purl, OPTIONAL), CYAML_FIELD_END,
};
static const cyaml_schema_field_t election_fields[] = {
    TEXT("name", name, REQUIRED),
    CRITICALITY,
    TEXT("date", date, REQUIRED),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t engagement_fields[] = {
    TEXT("name", name, REQUIRED),     CRITICALITY,
    TEXT("client", client, REQUIRED), TEXT("from", from, REQUIRED),
    TEXT("until", until, REQUIRED),   CYAML_FIELD_END,
};

#define ENTRY(FIELDS)                                                                              \
    {                                                                                              \
        CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct entry, FIELDS)                              \
    }
static const cyaml_schema_value_t entry_schemas[] = {
    [ASSET_HOST] = ENTRY(host_fields),
    [ASSET_DOMAIN] = ENTRY(domain_fields),
    [ASSET_PREFIX] = ENTRY(prefix_fields),
    [ASSET_AS] = ENTRY(as_fields),
    [ASSET_LOG] = ENTRY(log_fields),
    [ASSET_BACKUP] = ENTRY(backup_fields),
    [ASSET_DOCUMENTS] = ENTRY(documents_fields),
    [ASSET_SOFTWARE] = ENTRY(software_fields),
    [ASSET_ELECTION] = ENTRY(election_fields),
    [ASSET_ENGAGEMENT] = ENTRY(engagement_fields),
};

/* The list of one kind under "assets". */
#define KIND(KEY, ASSET_KIND)                                                                      \
    {                                                                                              \
        .key = KEY, .data_offset = offsetof(struct raw_assets, kinds[ASSET_KIND].entries),         \
        .count_offset = offsetof(struct raw_assets, kinds[ASSET_KIND].count),                      \
        .count_size = sizeof(unsigned),                                                            \
        .value = { CYAML_VALUE_SEQUENCE(CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct entry,    \
                                        &entry_schemas[ASSET_KIND], 0, ENTRIES_MAX) },             \
    }
static const cyaml_schema_field_t assets_fields[] = {
    KIND("hosts", ASSET_HOST),
    KIND("domains", ASSET_DOMAIN),
    KIND("prefixes", ASSET_PREFIX),
    KIND("as", ASSET_AS),
    KIND("logs", ASSET_LOG),
    KIND("backups", ASSET_BACKUP),
    KIND("documents", ASSET_DOCUMENTS),
    KIND("software", ASSET_SOFTWARE),
    KIND("elections", ASSET_ELECTION),
    KIND("engagements", ASSET_ENGAGEMENT),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t contact_fields[] = {
    CYAML_FIELD_STRING_PTR("role", CYAML_FLAG_POINTER, struct raw_contact, role, 1, TEXT_MAX),
    CYAML_FIELD_STRING_PTR("address", CYAML_FLAG_POINTER, struct raw_contact, address, 1, TEXT_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t contact_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_contact, contact_fields),
};
static const cyaml_schema_field_t signatory_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct raw_signatory, name, 1, TEXT_MAX),
    CYAML_FIELD_ENUM("group", CYAML_FLAG_STRICT, struct raw_signatory, group, group_words,
                     G_N_ELEMENTS(group_words)),
    CYAML_FIELD_STRING_PTR("subtype", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                           struct raw_signatory, subtype, 1, TEXT_MAX),
    CYAML_FIELD_STRING_PTR("country", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                           struct raw_signatory, country, 1, TEXT_MAX),
    CYAML_FIELD_STRING_PTR("domain", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_signatory,
                           domain, 1, TEXT_MAX),
    CYAML_FIELD_SEQUENCE_COUNT("contacts", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                               struct raw_signatory, contacts, n_contacts, &contact_schema, 0,
                               LIST_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t profile_fields[] = {
    CYAML_FIELD_MAPPING_PTR("signatory", CYAML_FLAG_POINTER, struct raw_profile, signatory,
                            signatory_fields),
    CYAML_FIELD_MAPPING_PTR("assets", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_profile,
                            assets, assets_fields),
    CYAML_FIELD_MAPPING_PTR("time", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_profile,
                            time, profile_time_fields),
    CYAML_FIELD_MAPPING_PTR("transparency", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                            struct raw_profile, transparency, profile_transparency_fields),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t profile_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_profile, profile_fields),
};

/* What turning one entry into an asset needs. */
struct loading {
    struct profile *profile;
    const struct yaml_places *places;
    GError **error;
};

/* Moves `problem` to the place of `at`.`member`. Always FALSE. */
static gboolean refuse_at(const struct loading *loading, const char *at, const char *member,
                          GError *problem)
{
    g_autofree char *place = g_strconcat(at, member, NULL);

    yaml_places_refuse(loading->places, loading->error, place, "%s", problem->message);
    g_error_free(problem);
    return FALSE;
}

typedef gboolean (*check_fn)(const char *text, GError **error);

static gboolean check_text(const struct loading *loading, const char *at, const char *member,
                           const char *text, check_fn check)
{
    GError *problem = NULL;

    return !text || check(text, &problem) || refuse_at(loading, at, member, problem);
}

/* Copies a list whose items `check` accepts (NULL: all); NULL stays NULL. */
static gboolean copy_list(const struct loading *loading, const char *at, const char *member,
                          char *const *items, unsigned count, check_fn check, char ***copy)
{
    if (!items)
        return TRUE;
    *copy = g_new0(char *, count + 1);
    for (unsigned i = 0; i < count; i++) {
        g_autofree char *place = g_strdup_printf("%s[%u]", member, i);

        if (check && !check_text(loading, at, place, items[i], check))
            return FALSE;
        (*copy)[i] = g_strdup(items[i]);
    }
    return TRUE;
}

static gboolean check_role(const char *text, GError **error)
{
    g_autofree char *list = NULL;

    if (g_strv_contains(known_roles, text))
        return TRUE;
    list = g_strjoinv(", ", (char **)known_roles);
    return input_error(error, "\"%s\" is not a role (%s)", text, list);
}

static gboolean fill_host(const struct loading *l, const char *at, const struct entry *entry,
                          struct asset *asset)
{
    return copy_list(l, at, ".roles", entry->roles, entry->n_roles, check_role, &asset->roles) &&
           copy_list(l, at, ".listeners", entry->listeners, entry->n_listeners,
                     value_check_listener, &asset->listeners) &&
           copy_list(l, at, ".root_ca", entry->root_ca, entry->n_root_ca, NULL, &asset->root_ca);
}

static gboolean fill_domain(const struct loading *l, const char *at, const struct entry *entry,
                            struct asset *asset)
{
    asset->mail = entry->mail;
    asset->web = entry->web;
    return check_text(l, at, ".name", entry->name, value_check_domain) &&
           copy_list(l, at, ".certificates", entry->certificates, entry->n_certificates, NULL,
                     &asset->certificates) &&
           copy_list(l, at, ".keys", entry->keys, entry->n_keys, profile_check_digest,
                     &asset->keys) &&
           copy_list(l, at, ".issuers", entry->issuers, entry->n_issuers, NULL, &asset->issuers) &&
           copy_list(l, at, ".caa", entry->caa, entry->n_caa, NULL, &asset->caa);
}

/* A list of AS numbers; NULL stays NULL. */
static gboolean copy_systems(const struct loading *l, const char *at, const char *member,
                             char *const *items, unsigned count, GArray **copy)
{
    if (!items)
        return TRUE;
    *copy = g_array_new(FALSE, FALSE, sizeof(guint32));
    for (unsigned i = 0; i < count; i++) {
        g_autofree char *place = g_strdup_printf("%s[%u]", member, i);
        GError *problem = NULL;
        guint32 number;

        if (!value_parse_as(items[i], &number, &problem))
            return refuse_at(l, at, place, problem);
        g_array_append_val(*copy, number);
    }
    return TRUE;
}

static gboolean fill_prefix(const struct loading *l, const char *at, const struct entry *entry,
                            struct asset *asset)
{
    g_autofree char *place = g_strconcat(at, ".max_length", NULL);
    const guint64 bits = strchr(entry->prefix, ':') ? 128 : 32;
    guint64 own, longest = 0;

    asset->prefix = g_strdup(entry->prefix);
    asset->dormant = entry->dormant;
    if (!check_text(l, at, ".prefix", entry->prefix, value_check_prefix) ||
        !copy_systems(l, at, ".origins", entry->origins, entry->n_origins, &asset->origins) ||
        !copy_systems(l, at, ".neighbours", entry->neighbours, entry->n_neighbours,
                      &asset->neighbours))
        return FALSE;
    own = g_ascii_strtoull(strchr(entry->prefix, '/') + 1, NULL, 10);
    if (entry->max_length &&
        !g_ascii_string_to_unsigned(entry->max_length, 10, own, bits, &longest, NULL))
        return yaml_places_refuse(l->places, l->error, place,
                                  "\"%s\" is no length within %s (%u to %u)", entry->max_length,
                                  entry->prefix, (guint)own, (guint)bits);
    asset->max_length = (guint8)longest;
    return TRUE;
}

static gboolean fill_as(const struct loading *l, const char *at, const struct entry *entry,
                        struct asset *asset)
{
    GError *problem = NULL;

    if (!value_parse_as(entry->number, &asset->as_number, &problem))
        return refuse_at(l, at, ".number", problem);
    return copy_systems(l, at, ".upstreams", entry->upstreams, entry->n_upstreams,
                        &asset->upstreams) &&
           copy_systems(l, at, ".peers", entry->peers, entry->n_peers, &asset->peers) &&
           copy_systems(l, at, ".downstreams", entry->downstreams, entry->n_downstreams,
                        &asset->downstreams);
}

static gboolean fill_log(const struct loading *l, const char *at, const struct entry *entry,
                         struct asset *asset)
{
    asset->path = g_strdup(entry->path);
    asset->format = g_strdup(entry->format);
    return TRUE;
}

static gboolean check_backup_tool(const char *text, GError **error)
{
    return g_str_equal(text, "restic") || g_str_equal(text, "borg") ||
           input_error(error, "\"%s\" is not a backup tool that is known (restic, borg)", text);
}

static gboolean check_absolute(const char *text, GError **error)
{
    return g_path_is_absolute(text) || input_error(error, "\"%s\" is not an absolute path", text);
}

static gboolean parse_duration(const struct loading *l, const char *at, const char *member,
                               const char *text, gint64 *duration_us)
{
    GError *problem = NULL;

    return !text || value_parse_duration(text, duration_us, &problem) ||
           refuse_at(l, at, member, problem);
}

static gboolean fill_backup(const struct loading *l, const char *at, const struct entry *entry,
                            struct asset *asset)
{
    g_autofree char *place = g_strconcat(at, ".password_command", NULL);

    asset->backup_tool = g_strdup(entry->tool);
    asset->repository = g_strdup(entry->repository);
    asset->password_file = g_strdup(entry->password_file);
    asset->password_command = g_strdup(entry->password_command);
    asset->append_only = entry->append_only;
    asset->object_lock = entry->object_lock;
    asset->off_host = entry->off_host;
    if (entry->password_file && entry->password_command)
        return yaml_places_refuse(l->places, l->error, place,
                                  "the password comes from a file or from a command, not both");
    return check_text(l, at, ".tool", entry->tool, check_backup_tool) &&
           check_text(l, at, ".password_file", entry->password_file, check_absolute) &&
           copy_list(l, at, ".paths", entry->paths, entry->n_paths, check_absolute,
                     &asset->paths) &&
           parse_duration(l, at, ".rpo", entry->rpo, &asset->rpo_us) &&
           parse_duration(l, at, ".rto", entry->rto, &asset->rto_us) &&
           parse_duration(l, at, ".drill_every", entry->drill_every, &asset->drill_every_us);
}

static gboolean fill_software(const struct loading *l, const char *at, const struct entry *entry,
                              struct asset *asset)
{
    asset->path = g_strdup(entry->path);
    asset->purl = g_strdup(entry->purl);
    if (entry->purl && !g_str_has_prefix(entry->purl, "pkg:")) {
        g_autofree char *place = g_strconcat(at, ".purl", NULL);

        return yaml_places_refuse(l->places, l->error, place,
                                  "\"%s\" is not a package URL (pkg:TYPE/NAME)", entry->purl);
    }
    return TRUE;
}

static gboolean parse_time(const struct loading *l, const char *at, const char *member,
                           const char *text, gint64 *time_us)
{
    GError *problem = NULL;

    return clock_parse(text, time_us, &problem) || refuse_at(l, at, member, problem);
}

static gboolean fill_election(const struct loading *l, const char *at, const struct entry *entry,
                              struct asset *asset)
{
    return parse_time(l, at, ".date", entry->date, &asset->date_us);
}

static gboolean fill_engagement(const struct loading *l, const char *at, const struct entry *entry,
                                struct asset *asset)
{
    g_autofree char *place = g_strconcat(at, ".until", NULL);

    asset->client = g_strdup(entry->client);
    if (!parse_time(l, at, ".from", entry->from, &asset->from_us) ||
        !parse_time(l, at, ".until", entry->until, &asset->until_us))
        return FALSE;
    if (asset->until_us < asset->from_us)
        return yaml_places_refuse(l->places, l->error, place, "the end is before the beginning");
    return TRUE;
}

/* What each kind adds to name and criticality. */
static const struct {
    gboolean (*fill)(const struct loading *, const char *, const struct entry *, struct asset *);
} kinds[] = {
    [ASSET_HOST] = { fill_host },         [ASSET_DOMAIN] = { fill_domain },
    [ASSET_PREFIX] = { fill_prefix },     [ASSET_AS] = { fill_as },
    [ASSET_LOG] = { fill_log },           [ASSET_BACKUP] = { fill_backup },
    [ASSET_DOCUMENTS] = { fill_log },     [ASSET_SOFTWARE] = { fill_software },
    [ASSET_ELECTION] = { fill_election }, [ASSET_ENGAGEMENT] = { fill_engagement },
};

/* What an entry is called when it has no name of its own: its prefix, "AS64500", its path. */
static char *entry_name(const struct entry *entry, const struct asset *asset)
{
    if (entry->name)
        return g_strdup(entry->name);
    if (asset->kind == ASSET_AS)
        return g_strdup_printf("AS%u", asset->as_number);
    return g_strdup(entry->prefix ? entry->prefix : entry->path);
}

static gboolean add_entry(const struct loading *loading, enum asset_kind kind, const char *at,
                          const struct entry *entry)
{
    struct asset *asset = profile_add(loading->profile, kind, "");
    g_autofree char *name = NULL;

    if (!kinds[kind].fill(loading, at, entry, asset))
        return FALSE;
    name = entry_name(entry, asset);
    if (profile_asset(loading->profile, kind, name)) {
        g_autofree char *place = g_strconcat(at, entry->name ? ".name" : "", NULL);

        return yaml_places_refuse(loading->places, loading->error, place,
                                  "there is already a %s called \"%s\"", asset_kind_name(kind),
                                  name);
    }
    g_free(asset->name);
    asset->name = g_steal_pointer(&name);
    if (entry->criticality)
        asset->criticality = entry->criticality;
    return TRUE;
}

static gboolean add_assets(const struct loading *loading, const struct raw_assets *assets)
{
    for (const cyaml_schema_field_t *field = assets_fields; field->key; field++) {
        enum asset_kind kind = (enum asset_kind)(field->data_offset / sizeof(struct list));

        for (unsigned i = 0; i < assets->kinds[kind].count; i++) {
            g_autofree char *at = g_strdup_printf("assets.%s[%u]", field->key, i);

            if (!add_entry(loading, kind, at, &assets->kinds[kind].entries[i]))
                return FALSE;
        }
    }
    return TRUE;
}

static gboolean set_signatory(const struct loading *loading, const struct raw_signatory *raw)
{
    struct signatory *signatory = &loading->profile->signatory;
    struct asset *self = profile_self(loading->profile);

    signatory->name = g_strdup(raw->name);
    signatory->group = raw->group;
    signatory->subtype = g_strdup(raw->subtype);
    signatory->country = g_strdup(raw->country);
    signatory->domain = g_strdup(raw->domain);
    g_free(self->name);
    self->name = g_strdup(raw->name);
    for (unsigned i = 0; i < raw->n_contacts; i++) {
        g_autofree char *member = g_strdup_printf(".contacts[%u].address", i);
        struct contact *contact = contact_new(raw->contacts[i].role, raw->contacts[i].address);

        g_ptr_array_add(signatory->contacts, contact);
        if (!check_text(loading, "signatory", member, contact->address, value_check_uri))
            return FALSE;
    }
    return check_text(loading, "signatory", ".country", raw->country, value_check_country) &&
           check_text(loading, "signatory", ".domain", raw->domain, value_check_domain);
}

static gboolean add_watched(const struct loading *l, const struct raw_profile *raw)
{
    char **sources = NULL, **servers = NULL;
    const struct raw_time *time = raw->time;
    gboolean good = !time || (copy_list(l, "time", ".sources", time->sources, time->n_sources,
                                        profile_check_source, &sources) &&
                              copy_list(l, "time", ".servers", time->servers, time->n_servers,
                                        profile_check_source, &servers));

    l->profile->time_sources = sources;
    l->profile->time_servers = servers;
    profile_set_transparency(l->profile, raw->transparency);
    return good;
}

/* libcyaml on GLib's allocator. */
static void *allocate(void *context, void *pointer, size_t size)
{
    if (size == 0) {
        g_free(pointer);
        return NULL;
    }
    return g_realloc(pointer, size);
}

struct profile *profile_parse(const char *text, gsize length, const char *name, GError **error)
{
    static const cyaml_config_t config = { .mem_fn = allocate, .flags = CYAML_CFG_NO_ALIAS };
    g_autoptr(yaml_places_t) places = NULL;
    g_autoptr(profile_t) profile = profile_default();
    struct loading loading = { .profile = profile, .error = error };
    struct raw_profile *raw = NULL;
    gboolean good;
    cyaml_err_t code;

    places = yaml_places_check(text, length, name, &profile_schema, error);
    if (!places)
        return NULL;
    code = cyaml_load_data((const uint8_t *)text, length, &config, &profile_schema,
                           (cyaml_data_t **)&raw, NULL);
    if (code != CYAML_OK) {
        input_error(error, "%s: %s", name, cyaml_strerror(code));
        return NULL;
    }
    g_ptr_array_remove_index(profile->assets, 0); /* this host: added again if none is listed */
    loading.places = places;
    good = set_signatory(&loading, raw->signatory) &&
           (!raw->assets || add_assets(&loading, raw->assets)) && add_watched(&loading, raw);
    if (good && (!raw->assets || raw->assets->kinds[ASSET_HOST].count == 0))
        profile_this_host(profile);
    cyaml_free(&config, &profile_schema, raw, 0);
    return good ? g_steal_pointer(&profile) : NULL;
}

struct profile *profile_load(const char *path, GError **error)
{
    g_autoptr(GBytes) bytes = file_read(path, PROFILE_MAX, error);
    struct profile *profile;
    const char *text;
    gsize length;

    if (!bytes)
        return NULL;
    text = g_bytes_get_data(bytes, &length);
    profile = profile_parse(text, length, path, error);
    if (!profile)
        return NULL;
    profile->path = g_strdup(path);
    profile->sha256 = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, bytes);
    return profile;
}
