#include "profile/profile.h"

#include "base/error.h"

#include <string.h>
#include <unistd.h>

static const char *const groups[] = { NULL, "state", "private-sector", "civil-society" };

const char *asset_kind_name(enum asset_kind kind)
{
    static const char *const names[] = {
        "host",      "domain",   "prefix",   "as",         "log",       "backup",
        "documents", "software", "election", "engagement", "signatory",
    };

    return names[kind];
}

const char *criticality_name(enum criticality criticality)
{
    static const char *const names[] = { "", "low", "normal", "high" };

    return names[criticality];
}

const char *group_name(enum group group)
{
    return groups[group];
}

gboolean group_parse(const char *text, enum group *group, GError **error)
{
    for (guint i = GROUP_STATE; i < G_N_ELEMENTS(groups); i++)
        if (g_str_equal(groups[i], text)) {
            *group = i;
            return TRUE;
        }
    return input_error(error, "\"%s\" is not a group (state, private-sector, civil-society)", text);
}

gboolean asset_has_role(const struct asset *asset, const char *role)
{
    return asset->roles && g_strv_contains((const char *const *)asset->roles, role);
}

static void free_numbers(GArray *numbers)
{
    if (numbers)
        g_array_unref(numbers);
}

static void asset_free(gpointer pointer)
{
    struct asset *asset = pointer;

    g_free(asset->name);
    g_strfreev(asset->roles);
    g_strfreev(asset->listeners);
    g_strfreev(asset->root_ca);
    g_strfreev(asset->certificates);
    g_strfreev(asset->keys);
    g_strfreev(asset->issuers);
    g_strfreev(asset->caa);
    g_free(asset->prefix);
    free_numbers(asset->origins);
    free_numbers(asset->neighbours);
    free_numbers(asset->upstreams);
    free_numbers(asset->peers);
    free_numbers(asset->downstreams);
    g_free(asset->path);
    g_free(asset->format);
    g_free(asset->purl);
    g_free(asset->backup_tool);
    g_free(asset->repository);
    g_free(asset->password_file);
    g_free(asset->password_command);
    g_strfreev(asset->paths);
    g_free(asset->client);
    g_free(asset);
}

static void certificate_log_free(gpointer pointer)
{
    struct certificate_log *log = pointer;

    g_free(log->place);
    g_free(log->key);
    g_free(log);
}

static void contact_free(gpointer pointer)
{
    struct contact *contact = pointer;

    g_free(contact->role);
    g_free(contact->address);
    g_free(contact);
}

struct contact *contact_new(const char *role, const char *address)
{
    struct contact *contact = g_new0(struct contact, 1);

    contact->role = g_strdup(role);
    contact->address = g_strdup(address);
    return contact;
}

void signatory_init(struct signatory *signatory)
{
    *signatory = (struct signatory){
        .contacts = g_ptr_array_new_with_free_func(contact_free),
    };
}

void signatory_clear(struct signatory *signatory)
{
    g_free(signatory->name);
    g_free(signatory->subtype);
    g_free(signatory->country);
    g_free(signatory->domain);
    g_ptr_array_unref(signatory->contacts);
}

static char *this_host_name(void)
{
    char name[256] = "";

    if (gethostname(name, sizeof name - 1) != 0 || !*name || !g_utf8_validate(name, -1, NULL))
        return g_strdup("localhost");
    return g_strdup(name);
}

/* Whether `name` is `host` or one is the other with a domain: "web1" and "web1.example.org". */
static gboolean names_same_host(const char *name, const char *host)
{
    gsize a = strlen(name), b = strlen(host), shorter = MIN(a, b);

    return g_ascii_strncasecmp(name, host, shorter) == 0 &&
           (a == b || (a > b ? name[b] : host[a]) == '.');
}

struct asset *profile_add(struct profile *profile, enum asset_kind kind, const char *name)
{
    struct asset *asset = g_new0(struct asset, 1);

    asset->kind = kind;
    asset->name = g_strdup(name);
    asset->criticality = CRITICALITY_NORMAL;
    if (kind == ASSET_SIGNATORY)
        g_ptr_array_add(profile->assets, asset);
    else
        g_ptr_array_insert(profile->assets, (gint)profile->assets->len - 1, asset);
    return asset;
}

struct profile *profile_default(void)
{
    struct profile *profile = g_new0(struct profile, 1);

    signatory_init(&profile->signatory);
    profile->assets = g_ptr_array_new_with_free_func(asset_free);
    profile->certificate_logs = g_ptr_array_new_with_free_func(certificate_log_free);
    profile_add(profile, ASSET_SIGNATORY, "organisation");
    profile_this_host(profile);
    return profile;
}

void profile_free(struct profile *profile)
{
    if (!profile)
        return;
    signatory_clear(&profile->signatory);
    g_ptr_array_unref(profile->assets);
    g_ptr_array_unref(profile->certificate_logs);
    g_strfreev(profile->time_sources);
    g_strfreev(profile->time_servers);
    g_free(profile->path);
    g_free(profile->sha256);
    g_free(profile);
}

const struct asset *profile_asset(const struct profile *profile, enum asset_kind kind,
                                  const char *name)
{
    for (guint i = 0; i < profile->assets->len; i++) {
        const struct asset *asset = profile->assets->pdata[i];

        if (asset->kind == kind && (!name || g_str_equal(asset->name, name)))
            return asset;
    }
    return NULL;
}

struct asset *profile_this_host(struct profile *profile)
{
    g_autofree char *name = this_host_name();

    for (guint i = 0; i < profile->assets->len; i++) {
        struct asset *asset = profile->assets->pdata[i];

        if (asset->kind == ASSET_HOST &&
            (names_same_host(asset->name, name) || g_str_equal(asset->name, "localhost")))
            return asset;
    }
    return profile_add(profile, ASSET_HOST, name);
}

struct asset *profile_self(const struct profile *profile)
{
    return profile->assets->pdata[profile->assets->len - 1];
}
