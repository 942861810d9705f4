/* profile_write.c: a first profile, as text that people will go on editing. */
#include "base/error.h"
#include "profile/profile.h"
#include "profile/values.h"

#include <string.h>

/* A double-quoted YAML scalar; any UTF-8 text survives it. */
static char *quote(const char *text)
{
    GString *quoted = g_string_new("\"");

    for (const char *c = text; *c; c++)
        if (*c == '"' || *c == '\\')
            g_string_append_printf(quoted, "\\%c", *c);
        else if ((guchar)*c < 0x20 || *c == 0x7f)
            g_string_append_printf(quoted, "\\x%02x", (guchar)*c);
        else
            g_string_append_c(quoted, *c);
    g_string_append_c(quoted, '"');
    return g_string_free(quoted, FALSE);
}

static void put(GString *out, const char *key, const char *text)
{
    g_autofree char *quoted = text ? quote(text) : NULL;

    if (quoted)
        g_string_append_printf(out, "  %s: %s\n", key, quoted);
}

static gboolean check(const struct signatory *who, GError **error)
{
    for (guint i = 0; i < who->contacts->len; i++) {
        const struct contact *contact = who->contacts->pdata[i];

        if (!value_check_uri(contact->address, error))
            return FALSE;
    }
    if (!who->name || !*who->name)
        return input_error(error, "a signatory needs a name");
    if (who->group == GROUP_UNKNOWN)
        return input_error(error, "a signatory needs a group");
    return (!who->country || value_check_country(who->country, error)) &&
           (!who->domain || value_check_domain(who->domain, error));
}

char *profile_first_text(const struct signatory *who, const char *host, GError **error)
{
    g_autoptr(GString) out = g_string_new("# Who we are and what we answer for: entente.yaml(5).\n"
                                          "signatory:\n");
    g_autofree char *host_name = quote(host);

    if (!check(who, error))
        return NULL;
    put(out, "name", who->name);
    put(out, "group", group_name(who->group));
    put(out, "subtype", who->subtype);
    put(out, "country", who->country);
    put(out, "domain", who->domain);
    if (who->contacts->len)
        g_string_append(out, "  contacts:\n");
    for (guint i = 0; i < who->contacts->len; i++) {
        const struct contact *contact = who->contacts->pdata[i];
        g_autofree char *role = quote(contact->role);
        g_autofree char *address = quote(contact->address);

        g_string_append_printf(out, "    - {role: %s, address: %s}\n", role, address);
    }
    g_string_append_printf(out,
                           "\n# Criticality is low, normal or high; it weighs in the score.\n"
                           "assets:\n"
                           "  hosts:\n"
                           "    - name: %s\n"
                           "      criticality: normal\n"
                           "      # roles: [server, web]\n"
                           "      # listeners: [tcp/22, tcp/443]\n",
                           host_name);
    if (who->domain) {
        g_autofree char *domain = quote(who->domain);

        g_string_append_printf(out, "  domains:\n    - {name: %s, mail: true, web: true}\n",
                               domain);
    }
    return g_string_free(g_steal_pointer(&out), FALSE);
}
