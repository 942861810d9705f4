/* Modules seal, seal_stream, seal_file, content. */
#include "base/error.h"
#include "seal/content.h"
#include "seal/hpke.h"
#include "seal/padme.h"
#include "seal/seal.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (1u << 20)
#define HEAD_SIZE(recipients) (15 + 88 * (recipients))

/* `count` keys; the public halves point into them. */
struct keys {
    GPtrArray *secrets, *public;
};
typedef struct keys keys_t;

static struct keys make_keys(guint count)
{
    struct keys keys = { g_ptr_array_new_with_free_func((GDestroyNotify)seal_secret_free),
                         g_ptr_array_new() };

    for (guint i = 0; i < count; i++) {
        struct seal_secret *secret = seal_secret_generate();

        g_ptr_array_add(keys.secrets, secret);
        g_ptr_array_add(keys.public, &secret->public);
    }
    return keys;
}

static void keys_clear(struct keys *keys)
{
    g_ptr_array_unref(keys->secrets);
    g_ptr_array_unref(keys->public);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(keys_t, keys_clear)

static GBytes *content_of(gsize size)
{
    guint8 *bytes = g_malloc(size + 1);

    for (gsize i = 0; i < size; i++)
        bytes[i] = (guint8)(i * 31 + (i >> 8) + 1);
    return g_bytes_new_take(bytes, size);
}

static void refused(const guint8 *sealed, gsize length, const struct keys *keys)
{
    g_autoptr(GBytes) bytes = g_bytes_new(sealed, length);
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) opened = seal_open(bytes, keys->secrets, &error);

    g_assert_null(opened);
    g_assert_nonnull(error);
}

static void test_sizes_around_the_chunks(void)
{
    static const gsize sizes[] = {
        0,       1,   7,       8,           255,     1000,        MIB - 9, MIB - 8,
        MIB - 7, MIB, MIB + 1, 2 * MIB - 8, 2 * MIB, 2 * MIB + 1, 3145720,
    };
    g_auto(keys_t) keys = make_keys(1);

    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) content = content_of(sizes[i]);
        g_autoptr(GBytes) sealed = seal_bytes(content, keys.public, &error);
        g_autoptr(GBytes) opened = NULL;

        g_assert_no_error(error);
        g_assert_cmpuint(g_bytes_get_size(sealed), ==, seal_size(sizes[i], 1));
        opened = seal_open(sealed, keys.secrets, &error);
        g_assert_no_error(error);
        g_assert_true(g_bytes_equal(content, opened));
    }
}

static void test_two_sealings_have_nothing_in_common(void)
{
    g_auto(keys_t) keys = make_keys(1);
    g_autoptr(GBytes) content = content_of(100);
    g_autoptr(GBytes) first = seal_bytes(content, keys.public, NULL);
    g_autoptr(GBytes) second = seal_bytes(content, keys.public, NULL);
    const guint8 *a = g_bytes_get_data(first, NULL), *b = g_bytes_get_data(second, NULL);
    gsize same = 0;

    for (gsize i = HEAD_SIZE(0) + SEAL_KEY_ID_SIZE; i < g_bytes_get_size(first); i++)
        same += a[i] == b[i];
    g_assert_cmpuint(same, <, 20); /* of 200: chance gives less than one */
}

/* The format of seal.h, taken apart by hand with HPKE and AES-GCM alone. */
static void test_layout(void)
{
    static const char start[] = "ENTSEAL1\x00\x20\x00\x01\x00\x02\x02";
    g_auto(keys_t) keys = make_keys(2);
    g_autoptr(GBytes) content = g_bytes_new_static("hello", 5);
    g_autoptr(GBytes) sealed = seal_bytes(content, keys.public, NULL);
    const guint8 *at = g_bytes_get_data(sealed, NULL), *second = at + HEAD_SIZE(1);
    const struct seal_secret *secret = keys.secrets->pdata[1];
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    struct aead aead = { .nonce = { [AEAD_NONCE_SIZE - 1] = 1 } };
    g_auto(hpke_t) hpke = { 0 };
    guint8 id[SEAL_KEY_ID_SIZE], hash[32], text[16];
    gsize hash_size = sizeof hash;

    g_assert_cmpuint(padme(8 + 5), ==, 14);
    g_assert_cmpuint(g_bytes_get_size(sealed), ==, HEAD_SIZE(2) + 14 + 16);
    g_assert_cmpmem(at, 15, start, 15);
    seal_public_id(&secret->public, id);
    g_assert_cmpmem(second, 8, id, 8);
    g_assert_true(
        hpke_setup_receiver(second + 8, secret->private->bytes, "entente/seal/1", &hpke, NULL));
    g_assert_true(hpke_open(&hpke, at, 15, second + 40, 48, aead.key, NULL));
    g_checksum_update(sum, at, HEAD_SIZE(2));
    g_checksum_get_digest(sum, hash, &hash_size);
    aead.aad = hash;
    aead.aad_length = sizeof hash;
    g_assert_true(aead_open(&aead, at + HEAD_SIZE(2), 14 + 16, text, NULL));
    g_assert_cmpmem(text, 14, "\0\0\0\0\0\0\0\5hello\0", 14);
}

static void test_each_recipient_opens(void)
{
    g_auto(keys_t) keys = make_keys(3);
    g_auto(keys_t) stranger = make_keys(1);
    g_autoptr(GBytes) content = content_of(5000);
    g_autoptr(GBytes) sealed = seal_bytes(content, keys.public, NULL);
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < 3; i++) {
        /* among other keys, the fitting one last */
        g_autoptr(GPtrArray) some = g_ptr_array_new();
        g_autoptr(GBytes) opened = NULL;

        g_ptr_array_add(some, stranger.secrets->pdata[0]);
        g_ptr_array_add(some, keys.secrets->pdata[i]);
        opened = seal_open(sealed, some, NULL);
        g_assert_true(opened && g_bytes_equal(content, opened));
        g_assert_true(seal_is_for(sealed, keys.public->pdata[i]));
    }
    g_assert_false(seal_is_for(sealed, stranger.public->pdata[0]));
    g_assert_null(seal_open(sealed, stranger.secrets, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_POLICY);
}

static void test_recipients_are_counted(void)
{
    g_auto(keys_t) keys = make_keys(SEAL_RECIPIENTS_MAX);
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    g_autoptr(GBytes) content = content_of(1), sealed = NULL, opened = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_null(seal_bytes(content, none, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    g_clear_error(&error);
    sealed = seal_bytes(content, keys.public, &error);
    g_assert_no_error(error);
    opened = seal_open(sealed, keys.secrets, NULL);
    g_assert_nonnull(opened);
    g_ptr_array_add(keys.public, keys.public->pdata[0]);
    g_assert_null(seal_bytes(content, keys.public, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    g_clear_error(&error);
    g_ptr_array_set_size(keys.public, 1);
    g_ptr_array_add(keys.public, keys.public->pdata[0]);
    g_assert_null(seal_bytes(content, keys.public, &error)); /* the same twice */
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
}

static void test_any_bit_changed_is_refused(void)
{
    g_auto(keys_t) keys = make_keys(2);
    g_autoptr(GBytes) content = content_of(40);
    g_autoptr(GBytes) sealed = seal_bytes(content, keys.public, NULL);
    gsize length = g_bytes_get_size(sealed);
    g_autofree guint8 *bytes = g_memdup2(g_bytes_get_data(sealed, NULL), length);

    g_ptr_array_remove_index(keys.secrets, 0); /* its public half has gone with it */
    for (gsize bit = 0; bit < 8 * length; bit++) {
        bytes[bit / 8] ^= (guint8)(1u << bit % 8);
        refused(bytes, length, &keys);
        bytes[bit / 8] ^= (guint8)(1u << bit % 8);
    }
    g_assert_cmpmem(bytes, length, g_bytes_get_data(sealed, NULL), length);
}

static void test_cut_short_or_followed_by_more_is_refused(void)
{
    static const gsize sizes[] = { 0, 50, MIB - 8, MIB + 100 };
    g_auto(keys_t) keys = make_keys(1);

    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(GBytes) content = content_of(sizes[i]);
        g_autoptr(GBytes) sealed = seal_bytes(content, keys.public, NULL);
        gsize length, chunk = HEAD_SIZE(1) + MIB + 16;
        const guint8 *bytes = g_bytes_get_data(sealed, &length);
        g_autofree guint8 *longer = g_malloc0(length + MIB + 16);

        for (gsize cut = 1; cut <= MIN(length, 200); cut++)
            refused(bytes, length - cut, &keys);
        for (gsize left = 0; left < 120; left++)
            refused(bytes, left, &keys);
        memcpy(longer, bytes, length);
        refused(longer, length + 1, &keys);
        refused(longer, length + MIB + 16, &keys);
        if (length > chunk)
            refused(bytes, chunk, &keys); /* just the last chunk is missing */
    }
}

/* Seals a body that somebody with the keys made by hand. */
static GBytes *seal_by_hand(const struct keys *keys, const guint8 *text, gsize length,
                            gboolean empty_last)
{
    GByteArray *out = g_byte_array_new();
    const struct seal_secret *secret = keys->secrets->pdata[0];
    guint8 head[HEAD_SIZE(1)] = "ENTSEAL1\x00\x20\x00\x01\x00\x02\x01", hash[32];
    g_autofree guint8 *sealed = g_malloc(length + 2 * AEAD_TAG_SIZE);
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    struct aead aead = { .key = { 1, 2, 3 }, .aad = hash, .aad_length = sizeof hash };
    g_auto(hpke_t) hpke = { 0 };
    gsize hash_size = sizeof hash;

    seal_public_id(&secret->public, head + 15);
    g_assert_true(
        hpke_setup_sender(secret->public.bytes, "entente/seal/1", head + 23, &hpke, NULL));
    g_assert_true(hpke_seal(&hpke, head, 15, aead.key, sizeof aead.key, head + 55, NULL));
    g_checksum_update(sum, head, sizeof head);
    g_checksum_get_digest(sum, hash, &hash_size);
    aead.nonce[AEAD_NONCE_SIZE - 1] = !empty_last;
    g_assert_true(aead_seal(&aead, text, length, sealed, NULL));
    length += AEAD_TAG_SIZE;
    if (empty_last) {
        aead.nonce[AEAD_NONCE_SIZE - 1] = 1;
        aead.nonce[AEAD_NONCE_SIZE - 2] = 1;
        g_assert_true(aead_seal(&aead, NULL, 0, sealed + length, NULL));
        length += AEAD_TAG_SIZE;
    }
    g_byte_array_append(out, head, sizeof head);
    g_byte_array_append(out, sealed, (guint)length);
    return g_byte_array_free_to_bytes(out);
}

/* What has authenticated is still read with care: its sender may be anyone. */
static void test_one_text_has_one_form(void)
{
    static const struct {
        const char *what, *text;
        gsize length;
        gboolean good;
    } cases[] = {
        { "a content of one byte", "\0\0\0\0\0\0\0\1x\0", 10, TRUE },
        { "less than its length", "\0\0\0\0\0\0\0", 7, FALSE },
        { "a length beyond the text", "\0\0\0\0\0\0\1\0x\0", 10, FALSE },
        { "a length beyond everything", "\xff\xff\xff\xff\xff\xff\xff\xffx\0", 10, FALSE },
        { "no padding", "\0\0\0\0\0\0\0\1x", 9, FALSE },
        { "too much padding", "\0\0\0\0\0\0\0\1x\0\0\0", 12, FALSE },
        { "padding that is not zero", "\0\0\0\0\0\0\0\1xy", 10, FALSE },
    };
    g_auto(keys_t) keys = make_keys(1);
    g_autofree guint8 *full = g_malloc0(MIB);
    g_autoptr(GBytes) bytes = NULL;

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GBytes) sealed =
            seal_by_hand(&keys, (const guint8 *)cases[i].text, cases[i].length, FALSE);
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) opened = seal_open(sealed, keys.secrets, &error);

        g_test_message("%s", cases[i].what);
        g_assert_true(!!opened == cases[i].good);
        if (!cases[i].good)
            g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    }
    full[5] = 0x0f; /* 2^20 - 8 */
    full[6] = 0xff;
    full[7] = 0xf8;
    bytes = seal_by_hand(&keys, full, MIB, FALSE);
    {
        g_autoptr(GBytes) opened = seal_open(bytes, keys.secrets, NULL);

        g_assert_nonnull(opened);
    }
    g_bytes_unref(bytes);
    bytes = seal_by_hand(&keys, full, MIB, TRUE); /* a last chunk without text */
    refused(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), &keys);
}

static void test_another_suite_is_refused(void)
{
    g_auto(keys_t) keys = make_keys(1);
    g_autoptr(GBytes) content = content_of(3);
    g_autoptr(GBytes) sealed = seal_bytes(content, keys.public, NULL);
    g_autofree guint8 *bytes = g_memdup2(g_bytes_get_data(sealed, NULL), g_bytes_get_size(sealed));

    for (guint i = 0; i < 15; i++) {
        bytes[i]++;
        refused(bytes, g_bytes_get_size(sealed), &keys);
        bytes[i]--;
    }
    bytes[14] = 0; /* no recipient */
    refused(bytes, g_bytes_get_size(sealed), &keys);
    refused(NULL, 0, &keys);
}

/* A folder of its own, with a file of `size` bytes that is mostly a hole. */
struct files {
    char *folder, *plain, *sealed, *opened;
    int in, out;
};
typedef struct files files_t;

static struct files make_files(guint64 size)
{
    struct files files = { .folder = g_dir_make_tmp("entente-seal-XXXXXX", NULL) };

    files.plain = g_build_filename(files.folder, "plain", NULL);
    files.sealed = g_build_filename(files.folder, "sealed", NULL);
    files.opened = g_build_filename(files.folder, "opened", NULL);
    files.in = open(files.plain, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    files.out = open(files.sealed, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    g_assert_cmpint(ftruncate(files.in, (off_t)size), ==, 0);
    for (guint64 at = 0; at + 8 <= size; at += 777777)
        g_assert_cmpint(pwrite(files.in, &at, 8, (off_t)at), ==, 8);
    return files;
}

static guint entries_in(const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    guint count = 0;

    while (g_dir_read_name(dir))
        count++;
    return count;
}

static void files_clear(struct files *files)
{
    close(files->in);
    close(files->out);
    g_remove(files->plain);
    g_remove(files->sealed);
    g_remove(files->opened);
    g_assert_cmpint(g_rmdir(files->folder), ==, 0); /* nothing else was left in it */
    g_free(files->folder);
    g_free(files->plain);
    g_free(files->sealed);
    g_free(files->opened);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(files_t, files_clear)

static void test_files_of_any_size_in_little_memory(void)
{
    const guint64 size = 100 * (guint64)MIB + 12345;
    g_auto(keys_t) keys = make_keys(2);
    g_auto(files_t) files = make_files(size);
    g_autoptr(GMappedFile) plain = NULL, opened = NULL;
    int status;
    pid_t child = fork();

    if (!child) { /* its own memory is measured */
        struct rusage before, after;
        gboolean done;

        getrusage(RUSAGE_SELF, &before);
        done = seal_file(files.in, size, files.out, keys.public, "plain", NULL);
        getrusage(RUSAGE_SELF, &after);
        _exit(!done || after.ru_maxrss - before.ru_maxrss > 16 * 1024); /* KiB */
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, 0);
    {
        struct stat sealed;
        struct rusage before, after;

        g_assert_cmpint(fstat(files.out, &sealed), ==, 0);
        g_assert_cmpuint((guint64)sealed.st_size, ==, seal_size(size, 2));
        g_assert_cmpint(lseek(files.out, 0, SEEK_SET), ==, 0);
        getrusage(RUSAGE_SELF, &before);
        g_assert_true(seal_open_file(files.out, files.opened, 0640, keys.secrets, "sealed", NULL));
        getrusage(RUSAGE_SELF, &after);
        g_assert_cmpint(after.ru_maxrss - before.ru_maxrss, <, 16 * 1024);
        g_assert_cmpint(g_stat(files.opened, &sealed), ==, 0);
        g_assert_cmpint(sealed.st_mode & 07777, ==, 0640);
    }
    plain = g_mapped_file_new(files.plain, FALSE, NULL);
    opened = g_mapped_file_new(files.opened, FALSE, NULL);
    g_assert_cmpuint(g_mapped_file_get_length(opened), ==, size);
    g_assert_true(
        memcmp(g_mapped_file_get_contents(plain), g_mapped_file_get_contents(opened), size) == 0);
}

/* A failure in the last chunk leaves nothing, or what was there before. */
static void test_nothing_is_seen_before_the_last_chunk_verified(void)
{
    g_auto(keys_t) keys = make_keys(1);
    g_auto(files_t) files = make_files(3 * MIB);
    struct stat status;
    g_autofree char *before = NULL;
    guint8 byte;

    g_assert_true(seal_file(files.in, 3 * MIB, files.out, keys.public, "plain", NULL));
    g_assert_cmpint(fstat(files.out, &status), ==, 0);
    g_assert_cmpint(pread(files.out, &byte, 1, status.st_size - 1), ==, 1);
    byte ^= 1;
    g_assert_cmpint(pwrite(files.out, &byte, 1, status.st_size - 1), ==, 1);
    for (guint i = 0; i < 2; i++) {
        g_autoptr(GError) error = NULL;

        g_assert_cmpint(lseek(files.out, 0, SEEK_SET), ==, 0);
        g_assert_false(
            seal_open_file(files.out, files.opened, 0600, keys.secrets, "sealed", &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_FOUND);
        g_assert_cmpuint(entries_in(files.folder), ==, 2 + i);
        g_file_set_contents(files.opened, "old", -1, NULL);
    }
    g_assert_true(g_file_get_contents(files.opened, &before, NULL, NULL));
    g_assert_cmpstr(before, ==, "old");
}

static void test_a_file_that_changes_size_is_not_sealed(void)
{
    static const guint64 said[] = { 0, 999, 1001, 5 * MIB };
    g_auto(keys_t) keys = make_keys(1);
    g_auto(files_t) files = make_files(1000);

    for (guint i = 0; i < G_N_ELEMENTS(said); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_cmpint(lseek(files.in, 0, SEEK_SET), ==, 0);
        g_assert_false(seal_file(files.in, said[i], files.out, keys.public, "plain", &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_SYSTEM);
    }
}

static void test_content_round_trip(void)
{
    g_autoptr(json_t) json = json_pack("{s:s, s:i}", "type", "part", "offset", 7);
    g_autoptr(GBytes) data = g_bytes_new_static("data", 4), got = NULL, content = NULL;
    g_autoptr(json_t) read = NULL;
    g_autoptr(GError) error = NULL;

    content = seal_content_pack(json, data, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(g_bytes_get_data(content, NULL), g_bytes_get_size(content),
                    "\0\0\0\x1a{\"offset\":7,\"type\":\"part\"}data", 34);
    g_assert_true(seal_content_unpack(content, &read, &got, &error));
    g_assert_true(json_equal(read, json));
    g_assert_true(g_bytes_equal(got, data));
}

static void test_content_is_bounded(void)
{
    static const struct {
        const char *bytes;
        gsize length;
    } cases[] = {
        { "", 0 },           { "\0\0\0", 3 },
        { "\0\0\0\3{}", 6 }, { "\xff\xff\xff\xff{}", 6 },
        { "\0\0\0\0{}", 6 }, { "\0\0\0\2[]", 6 },
        { "\0\0\0\1{}", 6 }, { "\0\0\0\x0d{\"a\":1,\"a\":2}", 17 },
    };
    g_autoptr(json_t) list = json_array();

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GBytes) content = g_bytes_new_static(cases[i].bytes, cases[i].length);
        g_autoptr(GError) error = NULL;
        json_t *json = NULL;
        GBytes *data = NULL;

        g_assert_false(seal_content_unpack(content, &json, &data, &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
        g_assert_null(json);
        g_assert_null(data);
    }
    g_assert_null(seal_content_pack(list, NULL, NULL));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/seal/sizes", test_sizes_around_the_chunks);
    g_test_add_func("/seal/fresh", test_two_sealings_have_nothing_in_common);
    g_test_add_func("/seal/layout", test_layout);
    g_test_add_func("/seal/recipients", test_each_recipient_opens);
    g_test_add_func("/seal/recipients-counted", test_recipients_are_counted);
    g_test_add_func("/seal/bit-changed", test_any_bit_changed_is_refused);
    g_test_add_func("/seal/cut-or-longer", test_cut_short_or_followed_by_more_is_refused);
    g_test_add_func("/seal/one-form", test_one_text_has_one_form);
    g_test_add_func("/seal/suite", test_another_suite_is_refused);
    g_test_add_func("/seal/files", test_files_of_any_size_in_little_memory);
    g_test_add_func("/seal/files-altered", test_nothing_is_seen_before_the_last_chunk_verified);
    g_test_add_func("/seal/files-that-change", test_a_file_that_changes_size_is_not_sealed);
    g_test_add_func("/seal/content", test_content_round_trip);
    g_test_add_func("/seal/content-bounds", test_content_is_bounded);
    return g_test_run();
}
