#include "assess/verifier_html.h"

#include "assess/report_bundle.h"
#include "base/json.h"
#include "config.h"

#include <string.h>

#define ENTRY "verifier.js"
#define TEXTS_LIMIT (1u << 20)

static const char *const languages[] = { "en", "fr", NULL };
/* Whose texts the page needs: "i18n/" and this. */
static const char *const catalogues[] = { "%s.json", "portal.%s.json", "verify.%s.json", NULL };

static gboolean add_texts(json_t *texts, const char *pattern, const char *language, GError **error)
{
    g_auto(GStrv) halves = g_strsplit(pattern, "%s", 2);
    g_autofree char *path = g_strconcat("i18n/", halves[0], language, halves[1], NULL);
    g_autofree char *text = web_text(path, error);
    g_autoptr(json_t) value =
        text ? json_parse(text, strlen(text), TEXTS_LIMIT, path, error) : NULL;

    return value && json_object_update(texts, value) == 0;
}

static json_t *read_catalogues(GError **error)
{
    g_autoptr(json_t) all = json_object();

    for (const char *const *language = languages; *language; language++) {
        json_t *texts = json_object();

        json_object_set_new(all, *language, texts);
        for (const char *const *pattern = catalogues; *pattern; pattern++)
            if (!add_texts(texts, *pattern, *language, error))
                return NULL;
    }
    return g_steal_pointer(&all);
}

/* RFC 8785 bytes for a data block: of the policy, so that their SHA-256 is its hash. */
static char *data_of(const json_t *value, GError **error)
{
    g_autoptr(GBytes) bytes = json_canonical(value, error);

    return bytes ? web_escape_data(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes)) : NULL;
}

/* The sheets of the portal's pages, in one. */
static char *read_style(GError **error)
{
    g_autofree char *report = web_text("style.css", error);
    g_autofree char *portal = report ? web_text("portal.css", error) : NULL;
    g_autofree char *paper = portal ? web_text("print.css", error) : NULL;

    return paper ? g_strconcat("\n", report, portal, paper, NULL) : NULL;
}

static char *escaped_text(const json_t *texts, const char *key)
{
    const char *text = json_text(json_object_get(texts, languages[0]), key);

    return g_markup_escape_text(text ? text : key, -1);
}

char *verifier_html(const json_t *policy, GError **error)
{
    g_autofree char *script = web_script(ENTRY, error);
    g_autofree char *style = script ? read_style(error) : NULL;
    g_autofree char *shell = style ? web_text("verifier.html", error) : NULL;
    g_autoptr(json_t) texts = shell ? read_catalogues(error) : NULL;
    g_autofree char *data = texts ? data_of(texts, error) : NULL;
    g_autofree char *genesis = NULL, *csp = NULL, *title = NULL, *no_script = NULL;

    if (!data)
        return NULL;
    genesis = policy ? data_of(policy, error) : g_strdup("");
    if (!genesis)
        return NULL;
    csp = web_policy(script, style);
    title = escaped_text(texts, "offline.title");
    no_script = escaped_text(texts, "offline.no-script");
    return web_fill(shell, "{{", "}}",
                    (struct web_slot[]){
                        { "language", languages[0] },
                        { "policy", csp },
                        { "version", ENTENTE_VERSION },
                        { "title", title },
                        { "style", style },
                        { "no-script", no_script },
                        { "catalogues", data },
                        { "genesis", genesis },
                        { "script", script },
                        { NULL, NULL },
                    });
}
