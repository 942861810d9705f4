/*
 * Modules routes_merge and route_queue (p2_internet/routes/): what several recordings say comes in
 * order of time, whole, whatever the order of the files; what waits keeps all that it points to.
 */
#include "p2_internet/routes/route_queue.h"
#include "p2_internet/routes/routes_merge.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* ---- what waits */

static const guint8 raw[] = { 0x40, 1, 1, 0, 0xc0, 8, 4, 0xff, 0xff, 0x02, 0x9a };

static void test_queue(void)
{
    g_autoptr(route_queue_t) queue = route_queue_new();
    guint32 asns[] = { 64500, 64501 };
    struct bgp_segment segments[] = { { BGP_AS_SEQUENCE, 2 } };
    g_autofree guint8 *bytes = g_memdup2(raw, sizeof raw);
    struct route_peer peer = { .family = 4, .as = 64500 };
    struct bgp_attributes attributes = {
        .path = { asns, segments, 2, 1, 2, 1 },
        .communities = { bytes + 7, 4 },
        .large_communities = { (const guint8 *)"elsewhere...", 12 },
    };
    struct route_element element = {
        .time_us = 7, .peer = &peer, .attributes = &attributes, .raw = { bytes, sizeof raw }
    };
    const struct route_element *first, *second;
    const struct bgp_attributes *shared;
    const char *feed;

    g_assert_null(route_queue_first(queue, &feed));
    route_queue_add(queue, "rrc00", &element);
    element.path_id = 2;
    route_queue_add(queue, "rrc01", &element);
    peer.as = 64999;
    route_queue_add(queue, "rrc01", &element);
    /* Who said it uses his memory again. */
    memset(bytes, 0, sizeof raw);
    memset(asns, 0, sizeof asns);
    memset(segments, 0, sizeof segments);
    memset(&attributes, 0, sizeof attributes);

    first = route_queue_first(queue, &feed);
    g_assert_cmpstr(feed, ==, "rrc00");
    g_assert_cmpuint(first->peer->as, ==, 64500);
    g_assert_cmpmem(first->raw.bytes, first->raw.length, raw, sizeof raw);
    g_assert_cmpmem(first->attributes->communities.bytes, 4, raw + 7, 4);
    g_assert_true(first->attributes->communities.bytes == first->raw.bytes + 7);
    g_assert_cmpmem(first->attributes->large_communities.bytes, 12, "elsewhere...", 12);
    g_assert_cmpuint(first->attributes->path.asns[1], ==, 64501);
    g_assert_cmpint(first->attributes->path.segments[0].type, ==, BGP_AS_SEQUENCE);
    shared = first->attributes;
    route_queue_drop(queue);
    second = route_queue_first(queue, &feed);
    g_assert_cmpstr(feed, ==, "rrc01");
    g_assert_cmpuint(second->path_id, ==, 2);
    g_assert_true(second->attributes == shared);
    route_queue_drop(queue);
    second = route_queue_first(queue, &feed);
    g_assert_cmpuint(second->peer->as, ==, 64999);
    g_assert_true(second->attributes != shared);
    route_queue_drop(queue);
    g_assert_null(route_queue_first(queue, &feed));
    route_queue_add(queue, "rrc02", &element);
    g_assert_nonnull(route_queue_first(queue, &feed));
    g_assert_cmpstr(feed, ==, "rrc02");
}

/* ---- recordings */

static void put_record(GByteArray *file, guint32 seconds, guint8 network)
{
    const guint8 update[] = {
        0,  0,   0,    18,      0x40, 1, 1, 0,  0x40, 2, 4,
        2,  1,   0xfb, 0xf4,    0x40, 3, 4, 10, 0,    0, 1, /**/
        24, 192, 0,    network,
    };
    const guint8 session[] = { 0xfb, 0xf4, 0xfb, 0xf5, 0, 0, 0, 1, 10, 0, 0, 1, 10, 0, 0, 2 };
    const guint16 size = 19 + sizeof update;
    const guint32 head[] = { GUINT32_TO_BE(seconds), GUINT32_TO_BE(16u << 16 | 1u),
                             GUINT32_TO_BE((guint32)(sizeof session + size)) };
    const guint8 rest[] = { (guint8)(size >> 8), (guint8)size, 2 };

    g_byte_array_append(file, (const guint8 *)head, sizeof head);
    g_byte_array_append(file, session, sizeof session);
    for (guint i = 0; i < 16; i++)
        g_byte_array_append(file, (const guint8 *)"\xff", 1);
    g_byte_array_append(file, rest, sizeof rest);
    g_byte_array_append(file, update, sizeof update);
}

struct scene {
    char *folder;
    GPtrArray *paths;
    GString *told;
    guint limit; /* elements after which it stops; 0: none */
    guint count;
    struct routes_merge_summary summary;
};

static struct scene *scene_new(void)
{
    struct scene *scene = g_new0(struct scene, 1);

    scene->folder = g_dir_make_tmp("entente-merge-XXXXXX", NULL);
    scene->paths = g_ptr_array_new_with_free_func(g_free);
    scene->told = g_string_new(NULL);
    return scene;
}

static void scene_free(struct scene *scene)
{
    for (guint i = 0; i < scene->paths->len; i++)
        if (scene->paths->pdata[i])
            g_assert_true(unlink(scene->paths->pdata[i]) == 0 || errno == ENOENT);
    g_assert_cmpint(rmdir(scene->folder), ==, 0);
    g_ptr_array_unref(scene->paths);
    g_string_free(scene->told, TRUE);
    g_free(scene->folder);
    g_free(scene);
}
typedef struct scene scene_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(scene_t, scene_free)

/* A file with a record for each time, of network times[i] % 100; `cut`: without its last bytes. */
static void add_file(struct scene *scene, const char *name, const guint *times, guint count,
                     guint cut)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    char *path = g_build_filename(scene->folder, name, NULL);

    for (guint i = 0; i < count; i++)
        put_record(bytes, times[i] / 100, (guint8)(times[i] % 100));
    g_assert_true(
        g_file_set_contents(path, (const char *)bytes->data, (gssize)(bytes->len - cut), NULL));
    g_ptr_array_add(scene->paths, path);
}

static gboolean put(const char *feed, const struct route_element *element, gpointer data)
{
    struct scene *scene = data;

    g_assert_cmpstr(feed, ==, ROUTES_MERGE_FEED);
    g_assert_cmpuint(element->peer->as, ==, 64500);
    g_assert_cmpuint(element->attributes->path.asns[0], ==, 64500);
    g_string_append_printf(scene->told, "%d:%u ", (int)(element->time_us / G_USEC_PER_SEC),
                           element->prefix.address[2]);
    return ++scene->count != scene->limit;
}

static void tell(const struct input *input, guint64 offset, const char *problem, gpointer data)
{
    g_autofree char *name = g_path_get_basename(input->name);

    g_string_append_printf(((struct scene *)data)->told, "[%s %d %s] ", name, (int)offset, problem);
}

static void merge(struct scene *scene)
{
    const struct routes_merge_calls calls = { put, tell, scene };
    g_autoptr(GPtrArray) inputs = NULL;

    g_ptr_array_add(scene->paths, NULL);
    inputs = inputs_list((char **)scene->paths->pdata);
    for (guint i = 0; i < inputs->len; i++)
        g_assert_true(input_open(inputs->pdata[i]));
    routes_merge(inputs, BMP_VIEW_PRE_POLICY, &calls, &scene->summary);
    for (guint i = 0; i < inputs->len; i++)
        input_close(inputs->pdata[i]);
}

/* TIME * 100 + the network that is announced. */
static const guint morning[] = { 1001, 2001, 2002, 6001 }, noon[] = { 2003, 2004, 3001 },
                   late[] = { 7001, 5001, 9001 };

static void test_order(void)
{
    g_autoptr(scene_t) scene = scene_new();

    add_file(scene, "late", late, G_N_ELEMENTS(late), 0);
    add_file(scene, "morning", morning, G_N_ELEMENTS(morning), 0);
    add_file(scene, "noon", noon, G_N_ELEMENTS(noon), 0);
    merge(scene);
    g_assert_cmpstr(scene->told->str, ==, "10:1 20:1 20:2 20:3 20:4 30:1 60:1 70:1 50:1 90:1 ");
    g_assert_cmpuint(scene->summary.files, ==, 3);
    g_assert_cmpuint(scene->summary.problems, ==, 0);
    g_assert_false(scene->summary.stopped);
}

/* Of what is as old the first file's comes first. */
static void test_ties(void)
{
    g_autoptr(scene_t) scene = scene_new();

    add_file(scene, "noon", noon, G_N_ELEMENTS(noon), 0);
    add_file(scene, "morning", morning, G_N_ELEMENTS(morning), 0);
    merge(scene);
    g_assert_cmpstr(scene->told->str, ==, "10:1 20:3 20:4 20:1 20:2 30:1 60:1 ");
}

static void test_cut_and_strange(void)
{
    g_autoptr(scene_t) scene = scene_new();
    char *path = g_build_filename(scene->folder, "text", NULL);

    add_file(scene, "cut", morning, G_N_ELEMENTS(morning), 5);
    g_assert_true(
        g_file_set_contents(path, "What is this? It is no recording of routes.\n", -1, NULL));
    g_ptr_array_add(scene->paths, path);
    merge(scene);
    g_assert_cmpstr(scene->told->str, ==,
                    "[text 0 neither MRT nor BMP nor lines of RIS Live] 10:1 20:1 20:2 "
                    "[cut 219 the last record is cut] ");
    g_assert_cmpuint(scene->summary.problems, ==, 2);
}

static void test_stop(void)
{
    g_autoptr(scene_t) scene = scene_new();

    scene->limit = 3;
    add_file(scene, "morning", morning, G_N_ELEMENTS(morning), 0);
    add_file(scene, "noon", noon, G_N_ELEMENTS(noon), 0);
    merge(scene);
    g_assert_cmpstr(scene->told->str, ==, "10:1 20:1 20:2 ");
    g_assert_true(scene->summary.stopped);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/routes-merge/queue", test_queue);
    g_test_add_func("/routes-merge/order", test_order);
    g_test_add_func("/routes-merge/ties", test_ties);
    g_test_add_func("/routes-merge/cut-and-strange", test_cut_and_strange);
    g_test_add_func("/routes-merge/stop", test_stop);
    return g_test_run();
}
