/* The question to systemd, asked over a real bus of a service that plays systemd. */
#include "p7_hygiene/host/bus.h"

#include <gio/gio.h>
#include <string.h>

#define MANAGER "org.freedesktop.systemd1.Manager"

static const char description[] =
    "<node><interface name='" MANAGER "'><method name='ListUnitsFiltered'>"
    "<arg type='as' direction='in'/><arg type='a(ssssssouso)' direction='out'/>"
    "</method></interface></node>";

/* What the service says: NULL for an error. */
struct scene {
    const char *answer;
    char *socket;
    GMainLoop *loop;
    GPtrArray *units;
};

static void answer(GDBusConnection *connection, const char *sender, const char *path,
                   const char *interface, const char *method, GVariant *parameters,
                   GDBusMethodInvocation *call, gpointer data)
{
    const struct scene *scene = data;
    g_autofree char *asked = g_variant_print(parameters, FALSE);

    g_assert_cmpstr(asked, ==, "(['failed'],)");
    if (scene->answer)
        g_dbus_method_invocation_return_value(call, g_variant_new_parsed(scene->answer));
    else
        g_dbus_method_invocation_return_dbus_error(call, "org.example.No", "no");
}

static gpointer ask(gpointer data)
{
    struct scene *scene = data;

    scene->units = bus_failed_units(scene->socket);
    g_main_loop_quit(scene->loop);
    return NULL;
}

/* The path in "unix:path=PATH,guid=..." */
static char *path_of(const char *address)
{
    const char *path = strstr(address, "path=");

    g_assert_nonnull(path);
    path += strlen("path=");
    return g_strndup(path, strcspn(path, ","));
}

static GPtrArray *play(const char *text, gboolean there)
{
    static const GDBusInterfaceVTable table = { .method_call = answer };
    g_autoptr(GTestDBus) bus = g_test_dbus_new(G_TEST_DBUS_NONE);
    g_autoptr(GDBusNodeInfo) node = g_dbus_node_info_new_for_xml(description, NULL);
    g_autoptr(GDBusConnection) connection = NULL;
    g_autoptr(GVariant) owned = NULL;
    g_autoptr(GError) error = NULL;
    struct scene scene = { .answer = text, .loop = g_main_loop_new(NULL, FALSE) };
    GThread *thread;

    g_test_dbus_up(bus);
    scene.socket = path_of(g_test_dbus_get_bus_address(bus));
    connection =
        g_dbus_connection_new_for_address_sync(g_test_dbus_get_bus_address(bus),
                                               G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                                                   G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                               NULL, NULL, &error);
    g_assert_no_error(error);
    g_dbus_connection_register_object(connection, "/org/freedesktop/systemd1", node->interfaces[0],
                                      &table, &scene, NULL, &error);
    g_assert_no_error(error);
    if (there)
        owned = g_dbus_connection_call_sync(
            connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
            "RequestName", g_variant_new("(su)", "org.freedesktop.systemd1", 4u), NULL,
            G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);
    g_assert_no_error(error);
    thread = g_thread_new("ask", ask, &scene);
    g_main_loop_run(scene.loop);
    g_thread_join(thread);
    g_dbus_connection_close_sync(connection, NULL, NULL);
    g_test_dbus_down(bus);
    g_main_loop_unref(scene.loop);
    g_free(scene.socket);
    /* cppcheck-suppress memleak; joining a thread frees it */
    return scene.units;
}

static gboolean can_play(void)
{
    g_autofree char *daemon = g_find_program_in_path("dbus-daemon");

    if (!daemon)
        g_test_skip("no dbus-daemon");
    return daemon != NULL;
}

static void test_units_are_read(void)
{
    static const char two[] =
        "([('nginx.service', 'A \\'web\\' server', 'loaded', 'failed', 'failed', '', "
        "objectpath '/u/1', uint32 0, '', objectpath '/'),"
        "('é.mount', '', 'loaded', 'failed', 'x', 'y', objectpath '/u/2', uint32 7, 'start', "
        "objectpath '/j/7')],)";
    g_autoptr(GPtrArray) units = NULL, none = NULL;
    const struct bus_unit *unit;

    if (!can_play())
        return;
    units = play(two, TRUE);
    g_assert_nonnull(units);
    g_assert_cmpuint(units->len, ==, 2);
    unit = units->pdata[0];
    g_assert_cmpstr(unit->name, ==, "nginx.service");
    g_assert_cmpstr(unit->active, ==, "failed");
    unit = units->pdata[1];
    g_assert_cmpstr(unit->name, ==, "é.mount");
    none = play("(@a(ssssssouso) [],)", TRUE);
    g_assert_nonnull(none);
    g_assert_cmpuint(none->len, ==, 0);
}

static void test_no_answer_is_none(void)
{
    g_assert_null(bus_failed_units("/nonexistent/socket"));
    if (!can_play())
        return;
    g_assert_null(play(NULL, TRUE));  /* an error */
    g_assert_null(play(NULL, FALSE)); /* nobody of that name */
}

static void test_malformed_answers_are_refused(void)
{
    static const guint8 empty[8] = { 0 };
    guint8 longer[sizeof empty] = { 0 };
    g_autoptr(GPtrArray) units = bus_read_units(empty, sizeof empty);

    g_assert_nonnull(units);
    g_assert_cmpuint(units->len, ==, 0);
    g_assert_null(bus_read_units(empty, 0));
    g_assert_null(bus_read_units(empty, 4)); /* without its padding */
    longer[0] = longer[3] = 200;
    g_assert_null(bus_read_units(longer, sizeof longer));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/host/bus/units-are-read", test_units_are_read);
    g_test_add_func("/host/bus/no-answer-is-none", test_no_answer_is_none);
    g_test_add_func("/host/bus/malformed-answers", test_malformed_answers_are_refused);
    return g_test_run();
}
