#include "node/taxii_answers.h"

#include "base/clock.h"
#include "base/gzip.h"
#include "delivery/mailbox_request.h"
#include "node/node.h"
#include "node/problem.h"
#include "node/services.h"
#include "node/view.h"
#include "p1_resilience/intel/taxii_filter.h"
#include "statement/base64.h"
#include "statement/predicate.h"

#include <string.h>

#define TAXII_MEDIA "application/taxii+json"
#define VERSION_PARAMETER "version"
#define VERSION "2.1"
#define PACK_FROM 1024u /* smaller answers are not worth it */
#define CREDENTIALS_MAX 1024u

/* No page of another site reads an answer: no Access-Control-Allow-Origin. */
static const char *const plain[] = { "Vary", "Accept, Accept-Encoding, Authorization", NULL };
static const char *const packed[] = { "Vary", "Accept, Accept-Encoding, Authorization",
                                      "Content-Encoding", "gzip", NULL };
static const char *const ask_who[] = { "WWW-Authenticate",
                                       "Basic realm=\"TAXII\", charset=\"UTF-8\"", "Vary",
                                       "Accept, Accept-Encoding, Authorization", NULL };

/* --- answers --- */

void taxii_error(struct node_answer *answer, guint status, const char *why)
{
    char number[16];
    json_t *value;

    g_snprintf(number, sizeof number, "%u", status);
    value = json_pack("{s:s, s:s}", "title", problem_title(status), "http_status", number);
    if (why)
        json_object_set_new(value, "description", json_safe_string(why));
    answer_json(answer, status, value);
    answer->content_type = TAXII_MEDIA_TYPE;
    answer->headers = status == 401 ? ask_who : plain;
}

static gboolean takes_gzip(const struct node_request *request)
{
    const char *text = request->header(request, "Accept-Encoding");
    g_auto(GStrv) list = text ? g_strsplit(text, ",", -1) : NULL;

    for (char **coding = list; coding && *coding; coding++) {
        char *quality = strchr(*coding, ';');
        gboolean refused = quality && strstr(quality, "q=0") && !strpbrk(quality, "123456789");

        if (quality)
            *quality = '\0';
        if (g_ascii_strcasecmp(g_strstrip(*coding), "gzip") == 0)
            return !refused;
    }
    return FALSE;
}

void taxii_bytes(const struct node_request *request, struct node_answer *answer, guint status,
                 GBytes *bytes)
{
    gsize length;
    const void *data = g_bytes_get_data(bytes, &length);
    gboolean pack = length >= PACK_FROM && length <= G_MAXUINT && takes_gzip(request);

    if (pack) {
        GByteArray *small = gzip_pack(data, (guint)length);

        g_bytes_unref(bytes);
        bytes = g_byte_array_free_to_bytes(small);
    }
    answer_bytes(answer, status, TAXII_MEDIA_TYPE, bytes);
    answer->headers = pack ? packed : plain;
}

void taxii_json(const struct node_request *request, struct node_answer *answer, guint status,
                json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);

    json_decref(value);
    taxii_bytes(request, answer, status,
                g_bytes_new_with_free_func(text, strlen(text), (GDestroyNotify)free, text));
}

/* --- media types --- */

/* Over "NAME=VALUE" of a media type; quotes are taken off the value. */
static gboolean is_our_parameter(char *text, gboolean *is_version)
{
    char *value = strchr(text, '=');
    gsize length;

    *is_version = FALSE;
    if (!value)
        return TRUE;
    *value++ = '\0';
    *is_version = g_ascii_strcasecmp(g_strstrip(text), VERSION_PARAMETER) == 0;
    g_strstrip(value);
    length = strlen(value);
    if (length >= 2 && value[0] == '"' && value[length - 1] == '"') {
        value[length - 1] = '\0';
        value++;
    }
    return !*is_version || g_str_equal(value, VERSION);
}

/* "TYPE;version=2.1 ; q=0.5": whether it is TAXII's without another version. */
static gboolean is_taxii(const char *text, gboolean wildcards)
{
    g_auto(GStrv) parts = g_strsplit(text, ";", -1);
    const char *type = parts[0] ? g_strstrip(parts[0]) : "";

    if (wildcards && (g_str_equal(type, "*/*") || g_str_equal(type, "application/*")))
        return TRUE;
    if (g_ascii_strcasecmp(type, TAXII_MEDIA) != 0)
        return FALSE;
    for (char **parameter = parts + 1; *parameter; parameter++) {
        gboolean is_version;

        if (!is_our_parameter(*parameter, &is_version))
            return FALSE;
    }
    return TRUE;
}

gboolean taxii_accepts(const char *accept)
{
    g_auto(GStrv) list = accept ? g_strsplit(accept, ",", -1) : NULL;

    if (!accept)
        return TRUE;
    for (char **type = list; *type; type++)
        if (is_taxii(*type, TRUE))
            return TRUE;
    return FALSE;
}

gboolean taxii_is_content_type(const char *type)
{
    return type && is_taxii(type, FALSE);
}

GBytes *taxii_body(const struct node_request *request, gsize limit, struct node_answer *answer)
{
    const char *coding = request->header(request, "Content-Encoding");
    gsize length;
    const void *data = g_bytes_get_data(request->body, &length);
    GByteArray *large;

    if (!coding || g_ascii_strcasecmp(coding, "identity") == 0) {
        if (length <= limit)
            return g_bytes_ref(request->body);
        taxii_error(answer, 413, "The envelope is larger than max_content_length.");
        return NULL;
    }
    if (g_ascii_strcasecmp(coding, "gzip") != 0) {
        taxii_error(answer, 415, "Content-Encoding is gzip, or none.");
        return NULL;
    }
    large = gzip_unpack(data, length, limit);
    if (large)
        return g_byte_array_free_to_bytes(large);
    taxii_error(answer, 413, "The body is no gzip, or more than max_content_length unpacked.");
    return NULL;
}

/* --- who asks --- */

/* "Basic BASE64": "NAME:TOKEN"; "Bearer TOKEN". */
static const struct taxii_reader *by_token(const struct taxii_config *config, const char *text)
{
    const char *space = strchr(text, ' ');
    gsize scheme = space ? (gsize)(space - text) : 0;

    if (!space || strlen(text) > CREDENTIALS_MAX)
        return NULL;
    space += strspn(space, " ");
    if (scheme == strlen("Bearer") && g_ascii_strncasecmp(text, "Bearer", scheme) == 0)
        return taxii_config_reader(config, NULL, space);
    if (scheme == strlen("Basic") && g_ascii_strncasecmp(text, "Basic", scheme) == 0) {
        g_autoptr(GBytes) pair = base64_decode(space, -1);
        gsize length = 0;
        const char *bytes = pair ? g_bytes_get_data(pair, &length) : NULL;
        g_autofree char *name = bytes ? g_strndup(bytes, length) : NULL;
        char *colon = name ? strchr(name, ':') : NULL;

        if (!colon || strlen(name) != length)
            return NULL;
        *colon = '\0';
        return taxii_config_reader(config, name, colon + 1);
    }
    return NULL;
}

static char *target_of(const struct node_request *request)
{
    GString *target = g_string_new(request->path);
    char mark = '?';

    for (const char *const *name = taxii_members; *name; name++) {
        const char *value = request->query(request, *name);

        if (!value)
            continue;
        g_string_append_printf(target, "%c%s=%s", mark, *name, value);
        mark = '&';
    }
    return g_string_free(target, FALSE);
}

/* One request with its signature. */
struct signed_by {
    const struct taxii_share *share;
    const struct mailbox_signature *signature;
    struct mailbox_request request; /* without the authority */
    const char *why;                /* of a signatory's key that may not; static; or NULL */
};

static gboolean is_by(struct signed_by *by, const struct public_key *key)
{
    for (guint i = 0; key && i < by->share->authorities->len; i++) {
        by->request.authority = by->share->authorities->pdata[i];
        if (mailbox_signature_verify(by->signature, key, &by->request, clock_now_us(), NULL))
            return TRUE;
    }
    return FALSE;
}

/* Of the register as it stands now. */
static gboolean is_by_signatory(struct signed_by *by, const char *who)
{
    struct view *view = register_view(node_service(by->share->node, &service_register));
    const struct shown *shown = view_hold(view);
    g_autofree char *id = register_id(shown->reg, who, NULL);
    enum register_verdict why = REGISTER_COUNTS;
    g_autoptr(GPtrArray) keys =
        id ? register_signers(shown->reg, id, predicate_find(PREDICATE_INDICATORS), clock_now_us(),
                              by->signature->hint, &why)
           : NULL;
    gboolean found = FALSE;

    view_release(view);
    for (guint i = 0; keys && i < keys->len && !found; i++)
        found = is_by(by, keys->pdata[i]);
    if (!found && id && why != REGISTER_COUNTS)
        by->why = register_verdict_name(why);
    return found;
}

static const struct taxii_reader *by_signature(const struct taxii_share *share,
                                               const struct node_request *request, const char *text,
                                               const char **why)
{
    g_autofree char *target = target_of(request), *sha256 = mailbox_sha256(request->body);
    g_auto(mailbox_signature_t) signature = { 0 };
    struct signed_by by = {
        .share = share,
        .signature = &signature,
        .request = { .method = request->method, .target = target, .sha256 = sha256 },
    };

    if (!mailbox_signature_parse(text, &signature, NULL))
        return NULL;
    for (guint i = 0; i < share->config->readers->len; i++) {
        const struct taxii_reader *reader = share->config->readers->pdata[i];

        if (is_by(&by, reader->key) ||
            (reader->signatory && is_by_signatory(&by, reader->signatory)))
            return reader;
    }
    *why = by.why;
    return NULL;
}

static gboolean has_public(const struct taxii_config *config)
{
    for (guint i = 0; i < config->collections->len; i++)
        if (((struct taxii_collection *)config->collections->pdata[i])->is_public)
            return TRUE;
    return FALSE;
}

/* Why nobody is known by what was shown. Owned by the caller. */
static char *stranger(const struct taxii_share *share, const char *token, const char *signature,
                      const char *why)
{
    if (!token && !signature)
        return g_strdup("Say who asks.");
    if (!token && !share->authorities->len)
        return g_strdup("The signature cannot be judged: the node was not told its --public-url.");
    return why ? g_strdup_printf("The key does not speak for its signatory: %s.", why)
               : g_strdup("Nobody is known by these credentials.");
}

gboolean taxii_who(const struct taxii_share *share, const struct node_request *request,
                   const struct taxii_reader **reader, struct node_answer *answer)
{
    const char *token = request->header(request, "Authorization"), *why = NULL;
    const char *signature = request->header(request, MAILBOX_SIGNATURE_HEADER);
    g_autofree char *text = NULL;

    *reader = token       ? by_token(share->config, token)
              : signature ? by_signature(share, request, signature, &why)
                          : NULL;
    if (*reader || (!token && !signature && has_public(share->config)))
        return TRUE;
    text = stranger(share, token, signature, why);
    taxii_error(answer, 401, text);
    return FALSE;
}

struct egress_recipient taxii_recipient(const struct taxii_collection *collection,
                                        const struct taxii_reader *reader)
{
    return (struct egress_recipient){
        .kind = !reader       ? EGRESS_PUBLIC
                : reader->own ? EGRESS_OWN
                              : EGRESS_COLLECTION,
        .id = reader ? reader->name : NULL,
        .through = collection->alias,
        .ceiling = reader ? reader->ceiling : TLP_RED,
        .named = (const char *const *)collection->named,
    };
}
