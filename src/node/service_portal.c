/*
 * service_portal.c: pages for people. The node sends one HTML shell for every page; its script
 * draws the page from /api/v1, so a page shows nothing that a program could not read too.
 *
 *     /signatories/ID          the shell, filled with the page's name
 *     /web/DIGEST/page/log.js   the viewer's files, which never change under that name
 *
 * DIGEST is the beginning of the viewer's digest: SHA-256 over a line "SHA256HEX  PATH\n" for each
 * of its files, in order of path, as sha256sum(1) writes them.
 */
#include "assess/catalogue.h"
#include "assess/report_bundle.h"
#include "assess/verifier_html.h"
#include "base/clock.h"
#include "base/gzip.h"
#include "config.h"
#include "node/intake.h"
#include "node/places.h"
#include "node/problem.h"
#include "node/services.h"
#include "node/target.h"
#include "node/view.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_COST 5
#define HTML_TYPE "text/html; charset=utf-8"
#define TEXT_TYPE "text/plain; charset=utf-8"
#define FOREVER "public, max-age=31536000, immutable"
#define ASK_AGAIN "no-cache"
#define FILES "/web/"
#define DIGEST_DIGITS 16 /* in paths */
#define TEXTS_LIMIT (1u << 20)
#define WELL_KNOWN_LANGUAGE "en"

/* --- what there is --- */

/* A page: what it is called, what draws it, and the same as JSON; what ends with '/' goes on with
 * the path's parameter. */
static const struct page {
    const char *pattern, *name, *module, *json;
    gboolean takes_reports; /* it encrypts: without a script people need another way */
} pages[] = {
    { "/", "home", "page/home.js", "/api/v1/summary" },
    { "/about", "about", "page/about.js", "/api/v1" },
    { "/accessibility", "accessibility", "page/about.js", "/api/v1" },
    { "/case", "reply", "page/reply.js", "/api/v1", TRUE },
    { "/case/{receipt}", "reply", "page/reply.js", "/api/v1", TRUE },
    { "/compare", "compare", "page/compare.js", "/api/v1/signatories" },
    { "/followup", "followup", "page/followup.js", "/api/v1/followup" },
    { "/log", "log", "page/log.js", "/api/v1/checkpoint" },
    { "/log/{index}", "entry", "page/entry.js", "/api/v1/entries/" },
    { "/measures", "measures", "page/measures.js", "/api/v1/measures" },
    { "/privacy", "privacy", "page/about.js", "/api/v1" },
    { "/report", "report", "page/report.js", "/api/v1", TRUE },
    { "/report/{kind}", "report", "page/report.js", "/api/v1", TRUE },
    { "/signatories", "signatories", "page/signatories.js", "/api/v1/signatories" },
    { "/signatories/{signatory}", "signatory", "page/signatory.js", "/api/v1/signatories/" },
    { "/triage", "triage", "page/triage.js", "/api/v1/triage" },
    { "/verify", "verify", "page/verify.js", "/api/v1/checkpoint" },
    { "/view", "view", "page/view.js", "/api/v1" },
};
static const struct page missing = { "", "missing", "", "/api/v1" };

static const struct {
    const char *suffix, *type;
} types[] = {
    { ".js", "text/javascript; charset=utf-8" },
    { ".css", "text/css; charset=utf-8" },
    { ".json", JSON_TYPE },
    { ".html", TEXT_TYPE }, /* templates, to be read and hashed */
};

static const char *const languages[] = { WELL_KNOWN_LANGUAGE, "fr" };

/* Scripts of ours alone, which make no markup out of text; nothing from anywhere else. */
#define POLICY                                                                                     \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "              \
    "connect-src 'self'; font-src 'none'; form-action 'self'; base-uri 'none'; "                   \
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
#define OF_A_PAGE                                                                                  \
    "Content-Security-Policy", POLICY, "Referrer-Policy", "no-referrer",                           \
        "Cross-Origin-Opener-Policy", "same-origin", "Cross-Origin-Resource-Policy",               \
        "same-origin", "Permissions-Policy", "camera=(), microphone=(), geolocation=()", "Vary",   \
        "Accept-Language"

static const char *const page_headers[] = { OF_A_PAGE, NULL };
static const char *const page_headers_tls[] = { OF_A_PAGE, "Strict-Transport-Security",
                                                "max-age=31536000", NULL };
#define OF_A_FILE "Cross-Origin-Resource-Policy", "same-origin", "Vary", "Accept-Encoding"

static const char *const file_headers[] = { OF_A_FILE, NULL };
static const char *const packed_headers[] = { OF_A_FILE, "Content-Encoding", "gzip", NULL };
/* To be kept, not opened here: its script is not of this page's policy. */
static const char *const saved_headers[] = { OF_A_FILE, "Content-Disposition", "attachment", NULL };

struct portal {
    struct node *node;
    struct community_policy *genesis; /* or NULL: a node without a community */
    GHashTable *files;                /* path after DIGEST/ -> struct node_content */
    GHashTable *packed;               /* the same as gzip, where that is shorter */
    char *digest;                     /* of the viewer, hexadecimal */
    char *base;                       /* "/web/DIGEST/" */
    char *integrity;                  /* of the first script */
    char *shell;
    char *genesis_json; /* the policy that the verifier judges by, as it stands in the shell */
    struct node_content *measures; /* the catalogue */
    json_t *texts[G_N_ELEMENTS(languages)];
};

/* --- start --- */

static const char *type_of(const char *path)
{
    for (guint i = 0; i < G_N_ELEMENTS(types); i++)
        if (g_str_has_suffix(path, types[i].suffix))
            return types[i].type;
    return NULL;
}

char *portal_digest(void)
{
    g_autofree char *manifest = web_manifest();

    return g_compute_checksum_for_string(G_CHECKSUM_SHA256, manifest, -1);
}

static void add_file(struct portal *portal, const struct web_embedded *file)
{
    g_autoptr(GBytes) bytes = g_bytes_new_static(file->data, file->length);
    g_autoptr(GBytes) packed =
        g_byte_array_free_to_bytes(gzip_pack(file->data, (guint)file->length));
    const char *type = type_of(file->path);

    g_hash_table_insert(portal->files, (gpointer)file->path,
                        node_content_new(bytes, type, FOREVER, NULL, file_headers));
    if (g_bytes_get_size(packed) < file->length)
        g_hash_table_insert(portal->packed, (gpointer)file->path,
                            node_content_new(packed, type, FOREVER, NULL, packed_headers));
}

/* What is made of those files: their list, and the verifier as one file with our policy in it. */
static gboolean add_made_files(struct portal *portal, GError **error)
{
    char *manifest = web_manifest();
    char *verifier = verifier_html(portal->genesis ? portal->genesis->predicate : NULL, error);
    g_autoptr(GBytes) list = g_bytes_new_take(manifest, strlen(manifest));
    g_autoptr(GBytes) file = verifier ? g_bytes_new_take(verifier, strlen(verifier)) : NULL;

    if (!file)
        return FALSE;
    g_hash_table_insert(portal->files, "manifest",
                        node_content_new(list, TEXT_TYPE, ASK_AGAIN, NULL, file_headers));
    g_hash_table_insert(portal->files, "entente-verifier.html",
                        node_content_new(file, HTML_TYPE, ASK_AGAIN, NULL, saved_headers));
    return TRUE;
}

static char *integrity_of(GBytes *bytes)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    g_autofree char *base64 = NULL;
    guint8 digest[32];
    gsize size = sizeof digest;

    g_checksum_update(sum, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    g_checksum_get_digest(sum, digest, &size);
    base64 = g_base64_encode(digest, size);
    return g_strconcat("sha256-", base64, NULL);
}

static gboolean read_texts(struct portal *portal, GError **error)
{
    for (guint i = 0; i < G_N_ELEMENTS(languages); i++) {
        g_autofree char *path = g_strdup_printf("i18n/portal.%s.json", languages[i]);
        g_autoptr(GBytes) bytes = web_file(path, error);

        portal->texts[i] = bytes ? json_parse(g_bytes_get_data(bytes, NULL),
                                              g_bytes_get_size(bytes), TEXTS_LIMIT, path, error)
                                 : NULL;
        if (!portal->texts[i])
            return FALSE;
    }
    return TRUE;
}

static gboolean read_shell(struct portal *portal, GError **error)
{
    g_autoptr(GBytes) shell = web_file("portal.html", error);
    g_autoptr(GBytes) script = shell ? web_file("portal.js", error) : NULL;

    if (!script)
        return FALSE;
    portal->shell = g_strndup(g_bytes_get_data(shell, NULL), g_bytes_get_size(shell));
    portal->integrity = integrity_of(script);
    return TRUE;
}

/* The whole catalogue: some hundred rows that change with the program alone. */
static struct node_content *catalogue_content(void)
{
    g_autofree char *etag = g_strdup_printf("\"%s\"", catalogue_digest());
    g_autoptr(json_t) document = json_pack("{s:s, s:s, s:o}", "version", CATALOGUE_VERSION,
                                           "digest", catalogue_digest(), "measures", json_array());
    g_autoptr(GBytes) bytes = NULL;
    gsize count;
    const struct measure *measures = catalogue_measures(&count);
    char *text;

    for (gsize i = 0; i < count; i++)
        json_array_append_new(json_object_get(document, "measures"),
                              catalogue_row_json(&measures[i]));
    text = json_dumps(document, JSON_COMPACT);
    bytes = g_bytes_new_with_free_func(text, strlen(text), free, text);
    return node_content_new(bytes, JSON_TYPE, "public, max-age=3600", etag, NULL);
}

/* RFC 8785 bytes, whose SHA-256 is the policy's hash; nothing without a community. */
static char *genesis_json(const struct community_policy *genesis)
{
    g_autoptr(GBytes) bytes = genesis ? json_canonical(genesis->predicate, NULL) : NULL;

    return bytes ? web_escape_data(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes))
                 : g_strdup("");
}

static void stop(gpointer service)
{
    struct portal *portal = service;

    g_clear_pointer(&portal->genesis, community_policy_free);
    g_hash_table_unref(portal->files);
    g_hash_table_unref(portal->packed);
    for (guint i = 0; i < G_N_ELEMENTS(languages); i++)
        json_decref(portal->texts[i]);
    node_content_unref(portal->measures);
    g_free(portal->digest);
    g_free(portal->base);
    g_free(portal->integrity);
    g_free(portal->shell);
    g_free(portal->genesis_json);
    g_free(portal);
}

static gpointer start(struct node *node, GError **error)
{
    struct portal *portal = g_new0(struct portal, 1);
    g_autoptr(GError) failed = NULL;

    portal->node = node;
    portal->files =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)node_content_unref);
    portal->packed =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)node_content_unref);
    portal->genesis = node_genesis(node, &failed);
    portal->genesis_json = genesis_json(portal->genesis);
    portal->digest = portal_digest();
    portal->base = g_strdup_printf(FILES "%.*s/", DIGEST_DIGITS, portal->digest);
    portal->measures = catalogue_content();
    for (const struct web_embedded *file = web_embedded; file->path; file++)
        if (type_of(file->path))
            add_file(portal, file);
    if (failed) {
        g_propagate_error(error, g_steal_pointer(&failed));
    } else if (add_made_files(portal, error) && read_texts(portal, error) &&
               read_shell(portal, error)) {
        return portal;
    }
    stop(portal);
    return NULL;
}

/* --- pages --- */

static const struct page *page_at(const struct portal *portal, const char *path, char **parameter)
{
    const char *from;
    gsize length;

    for (guint i = 0; i < G_N_ELEMENTS(pages); i++)
        if (g_hash_table_contains(portal->files, pages[i].module) &&
            route_matches(pages[i].pattern, path, &from, &length)) {
            *parameter = from ? g_strndup(from, length) : NULL;
            return &pages[i];
        }
    return NULL;
}

/* The language asked for, else the first of the browser's that we have. */
static guint choose_language(const struct node_request *request)
{
    const char *asked = request->query(request, "lang");
    const char *accepted = request->header(request, "Accept-Language");
    g_auto(GStrv) list = g_strsplit(accepted ? accepted : "", ",", -1);

    for (guint i = 0; asked && i < G_N_ELEMENTS(languages); i++)
        if (g_str_equal(asked, languages[i]))
            return i;
    for (char **item = list; *item; item++)
        for (guint i = 0; i < G_N_ELEMENTS(languages); i++)
            if (g_ascii_strncasecmp(g_strchug(*item), languages[i], strlen(languages[i])) == 0)
                return i;
    return 0;
}

static const char *text_of(const json_t *texts, const char *key)
{
    const char *text = json_text(texts, key);

    return text ? text : key;
}

static char *escaped(const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text ? text : "", -1);

    return g_markup_escape_text(valid, -1);
}

/* What readers without JavaScript are told of the log: its name, its size, since when. */
static char *summary(const struct portal *portal, const json_t *texts)
{
    gpointer service = node_service(portal->node, &service_register);
    struct view *view = service ? register_view(service) : NULL;
    const struct shown *shown = view ? view_hold(view) : NULL;
    g_autofree char *text = NULL, *time = NULL, *size = NULL;

    if (shown && shown->checkpoint) {
        guint64 log_time_s = shown->verdict ? shown->verdict->log_time_s : 0;

        size = g_strdup_printf("%" G_GUINT64_FORMAT, shown->checkpoint->size);
        time = log_time_s ? clock_format((gint64)log_time_s * G_USEC_PER_SEC)
                          : g_strdup(text_of(texts, "static.unwitnessed"));
        text = web_fill(text_of(texts, "static.log"), "{", "}",
                        (struct web_slot[]){ { "log", shown->checkpoint->origin },
                                             { "size", size },
                                             { "time", time },
                                             { NULL, NULL } });
    }
    if (view)
        view_release(view);
    return escaped(text ? text : text_of(texts, "static.no-log"));
}

/* One way of reaching the signatory: what it is called, and what stands in the record. */
static void add_way(GString *html, const json_t *texts, const char *key, const char *value)
{
    g_autofree char *label = escaped(text_of(texts, key)), *shown = escaped(value);

    if (value)
        g_string_append_printf(html, "<li>%s %s</li>\n", label, shown);
}

/*
 * What people who want to report are told where no script can encrypt: what that means, and how
 * else the node's signatory is reached.
 */
static char *ways_without_script(const struct portal *portal, const json_t *texts)
{
    static const char *const members[][2] = {
        { "email", "static.email" },
        { "phone", "static.phone" },
        { "hours", "static.hours" },
    };
    g_autoptr(json_t) contacts = intake_contacts(portal->node);
    g_autofree char *meaning = escaped(text_of(texts, "static.no-sealing"));
    g_autofree char *ways =
        escaped(text_of(texts, json_array_size(contacts) ? "static.ways" : "static.no-ways"));
    GString *html = g_string_new(NULL);
    json_t *contact, *key;
    size_t i, k;

    g_string_append_printf(html, "<p>%s</p>\n<p>%s</p>\n", meaning, ways);
    json_array_foreach(contacts, i, contact)
    {
        g_autofree char *role = escaped(json_text(contact, "role"));

        g_string_append_printf(html, "<h2>%s</h2>\n<ul>\n", role);
        add_way(html, texts, "static.institution", json_text(contact, "institution"));
        for (guint m = 0; m < G_N_ELEMENTS(members); m++)
            add_way(html, texts, members[m][1], json_text(contact, members[m][0]));
        json_array_foreach(json_object_get(contact, "channels"), k, key)
            add_way(html, texts, "static.channel", json_string_value(key));
        json_array_foreach(json_object_get(contact, "keys"), k, key)
            add_way(html, texts, "static.key", json_string_value(key));
        g_string_append(html, "</ul>\n");
    }
    return g_string_free(html, FALSE);
}

static char *json_path(const struct page *page, const char *parameter)
{
    g_autofree char *name = parameter ? g_uri_escape_string(parameter, NULL, FALSE) : NULL;

    return g_strconcat(page->json, g_str_has_suffix(page->json, "/") ? name : NULL, NULL);
}

static char *fill_shell(const struct portal *portal, const struct page *page, const char *parameter,
                        guint language)
{
    const json_t *texts = portal->texts[language];
    g_autofree char *title_key = g_strdup_printf("page.%s.title", page->name);
    g_autofree char *title = escaped(text_of(texts, title_key));
    g_autofree char *log = escaped(portal->genesis ? portal->genesis->origin : NULL);
    g_autofree char *document_title =
        g_strdup_printf("%s \u2014 %s", title, *log ? log : "Entente");
    g_autofree char *no_script = escaped(text_of(texts, "static.no-script"));
    g_autofree char *said = summary(portal, texts);
    g_autofree char *ways = page->takes_reports ? ways_without_script(portal, texts) : NULL;
    g_autofree char *paragraph = g_strdup_printf("%s<p>%s</p>", ways ? ways : "", said);
    g_autofree char *path = json_path(page, parameter), *json = escaped(path);
    g_autofree char *json_label = escaped(text_of(texts, "static.json"));
    g_autofree char *own = escaped(parameter);

    return web_fill(portal->shell, "{{", "}}",
                    (struct web_slot[]){ { "language", languages[language] },
                                         { "page", page->name },
                                         { "parameter", own },
                                         { "base", portal->base },
                                         { "log", log },
                                         { "site", *log ? log : "Entente" },
                                         { "version", ENTENTE_VERSION },
                                         { "document-title", document_title },
                                         { "title", title },
                                         { "integrity", portal->integrity },
                                         { "no-script", no_script },
                                         { "summary", paragraph },
                                         { "genesis", portal->genesis_json },
                                         { "json", json },
                                         { "json-label", json_label },
                                         { NULL, NULL } });
}

static void answer_page(struct portal *portal, const struct node_request *request, guint status,
                        const struct page *page, const char *parameter, struct node_answer *answer)
{
    char *html = fill_shell(portal, page, parameter, choose_language(request));

    answer_bytes(answer, status, HTML_TYPE, g_bytes_new_take(html, strlen(html)));
    answer->cache = ASK_AGAIN;
    answer->headers =
        node_options(portal->node)->face.certificates ? page_headers_tls : page_headers;
}

/* --- files --- */

/* Whether gzip may be sent (RFC 9110 section 12.5.3); "gzip;q=0" is asked for by nobody. */
static gboolean takes_gzip(const struct node_request *request)
{
    const char *accepted = request->header(request, "Accept-Encoding");

    return accepted && strstr(accepted, "gzip") && !strstr(accepted, "gzip;q=0");
}

static gboolean answer_file(struct portal *portal, const struct node_request *request,
                            struct node_answer *answer)
{
    const char *name;
    struct node_content *content = NULL;

    if (!g_str_has_prefix(request->path, portal->base))
        return FALSE;
    name = request->path + strlen(portal->base);
    if (takes_gzip(request))
        content = g_hash_table_lookup(portal->packed, name);
    if (!content)
        content = g_hash_table_lookup(portal->files, name);
    if (!content)
        return FALSE;
    answer->status = 200;
    answer->content = node_content_ref(content);
    return TRUE;
}

/* Programs are told by problem+json what is not there, people by a page. */
static gboolean wants_page(const struct node_request *request)
{
    const char *accepted = request->header(request, "Accept");

    return accepted && strstr(accepted, "text/html") && !g_str_has_prefix(request->path, "/api/") &&
           !g_str_has_prefix(request->path, FILES);
}

static void answer_any(struct node *node, gpointer service, const struct node_request *request,
                       struct node_answer *answer)
{
    struct portal *portal = service;
    g_autofree char *parameter = NULL;
    const struct page *page;

    if (answer_file(portal, request, answer))
        return;
    page = page_at(portal, request->path, &parameter);
    if (page)
        answer_page(portal, request, 200, page, parameter, answer);
    else if (wants_page(request))
        answer_page(portal, request, 404, &missing, request->path, answer);
    else
        answer_problem(answer, 404, "There is nothing at this path.");
}

static void answer_measures(struct node *node, gpointer service, const struct node_request *request,
                            struct node_answer *answer)
{
    struct portal *portal = service;

    answer->status = 200;
    answer->content = node_content_ref(portal->measures);
}

static const struct route routes[] = {
    { "GET", "/api/v1/measures", ROUTE_AT_ONCE, 0, PAGE_COST, answer_measures },
    { "GET", "/*", ROUTE_AT_ONCE, 0, PAGE_COST, answer_any },
    { NULL },
};

const struct service service_portal = {
    .name = "portal",
    .start = start,
    .stop = stop,
    .routes = routes,
};
