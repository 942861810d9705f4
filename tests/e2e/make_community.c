/*
 * make_community FOLDER ENTRIES [WITNESS_URL...]: a community for the node's tests, from fixed
 * keys: FOLDER/log (its log's node), FOLDER/witness-0.. (a node for each URL, of another group
 * each), FOLDER/entries/NNNNN.json (what may be submitted, in order: each member's endorsement and
 * delegation, then ENTRIES assessments), FOLDER/member-0.. (profile and issuer's key of each
 * member, and its root key when that is a single one, to join with). Without URLs the policy names
 * no witness. With the environment's MAKE_DATABASE the log is kept in that PostgreSQL database, for
 * several nodes.
 */
#include "base/file.h"
#include "log/commit_database.h"
#include "log/log_database.h"
#include "log/writer.h"
#include "statement/key_file.h"

#include "../unit/community.h"

#include <stdio.h>
#include <stdlib.h>

#define MODE 0600
#define FOLDER_MODE 0700
#define MEMBERS 3

static GError *error;

static void check(gboolean done)
{
    if (done)
        return;
    fprintf(stderr, "make_community: %s\n", error ? error->message : "failed");
    exit(1);
}

static void write_key(const char *data, const char *name, const struct signing_key *key)
{
    g_autofree char *folder = g_build_filename(data, "keys", NULL);
    g_autofree char *path = g_strconcat(folder, "/", name, ".key", NULL);

    check(file_make_folder(folder, FOLDER_MODE, &error));
    check(key_file_create(path, key, NULL, &error));
}

static void write_policy(const char *data, GBytes *policy)
{
    g_autofree char *folder = g_build_filename(data, "community", NULL);
    g_autofree char *path = g_build_filename(folder, "policy.json", NULL);
    gsize length;
    const void *bytes = g_bytes_get_data(policy, &length);

    check(file_make_folder(folder, FOLDER_MODE, &error));
    check(file_write(path, bytes, length, MODE, &error));
}

/* The lease is over at once. */
static struct commit_log *open_database(const char *url, const char *folder)
{
    struct commit_database_options options = { .url = url, .folder = folder, .origin = ORIGIN };
    g_autoptr(store_t) store = log_database_open(url, &error);
    struct commit_log *commits;

    check(store && log_database_create(store, ORIGIN, &error));
    check(log_lease_take(store, ORIGIN, "", 1, &options.epoch, &error));
    commits = commit_database_open(&options, &error);
    check(commits != NULL);
    return commits;
}

static void make_log(const char *data, const struct community *community, GBytes *genesis)
{
    g_autofree char *folder = g_build_filename(data, "log", NULL);
    struct log_writer_options options = { .folder = folder, .key = community->log };
    const char *database = g_getenv("MAKE_DATABASE");
    g_autoptr(log_writer_t) writer = NULL;
    g_autoptr(GBytes) note = NULL;
    guint64 index;

    if (database)
        options.commits = open_database(database, folder);
    else
        check(log_create(&options, &error));
    writer = log_writer_open(&options, &error);
    check(writer != NULL);
    check(log_writer_add(writer, genesis, &index, &error));
}

static void write_entry(const char *folder, guint number, GBytes *entry)
{
    g_autofree char *path = g_strdup_printf("%s/%05u.json", folder, number);
    gsize length;
    const void *bytes = g_bytes_get_data(entry, &length);

    check(g_file_set_contents(path, bytes, (gssize)length, &error));
}

/* FOLDER/entente.yaml and FOLDER/data/keys, from which "entente join" goes on. */
static void write_member(const char *folder, const struct actor *actor)
{
    g_autofree char *data = g_build_filename(folder, "data", NULL);
    g_autofree char *path = g_build_filename(folder, "entente.yaml", NULL);
    g_autofree char *profile =
        g_strdup_printf("signatory:\n  name: %s\n  group: %s\n  country: %s\n  domain: %s\n",
                        actor->name, group_name(actor->group), actor->country, actor->domain);

    if (actor->n_root == 1)
        write_key(data, "root", actor->root[0]);
    write_key(data, "default", actor->issuer);
    check(g_file_set_contents(path, profile, -1, &error));
}

static json_t *make_policy(const struct community *community, struct actor *const *members,
                           char **urls, guint count)
{
    json_t *policy = policy_json(community, members, MEMBERS, count ? 1 : 0);
    json_t *list = json_object_get(policy, "members");

    for (guint i = 0; i < count && i < MEMBERS; i++)
        json_object_set_new(json_object_get(json_array_get(list, i), "witness"), "url",
                            json_string(urls[i]));
    return policy;
}

int main(int argc, char **argv)
{
    guint urls = argc > 3 ? argc - 3 : 0, number = 0;
    struct community made = { 0 }, *community = &made;
    struct actor *members[MEMBERS];
    g_autofree char *log = NULL, *entries = NULL;
    g_autoptr(json_t) policy = NULL;
    g_autoptr(GBytes) policy_bytes = NULL, genesis = NULL;

    if (argc < 3)
        return 2;
    community->now_us = clock_now_us() - DAY_US;
    community->log = key_of(ORIGIN);
    community->actors = g_ptr_array_new_with_free_func(actor_free);
    members[0] = actor_new(community, "state.example", GROUP_STATE, 1, 1);
    members[1] = actor_new(community, "company.example", GROUP_PRIVATE_SECTOR, 2, 3);
    members[2] = actor_new(community, "society.example", GROUP_CIVIL_SOCIETY, 1, 1);
    policy = make_policy(community, members, argv + 3, urls);
    policy_bytes = json_canonical(policy, &error);
    check(policy_bytes != NULL);
    genesis = policy_entry(json_incref(policy), KEYS(community->log));

    log = g_build_filename(argv[1], "log", NULL);
    write_key(log, "log", community->log);
    write_policy(log, policy_bytes);
    make_log(log, community, genesis);
    for (guint i = 0; i < urls && i < MEMBERS; i++) {
        g_autofree char *data = g_strdup_printf("%s/witness-%u", argv[1], i);

        write_key(data, "witness", members[i]->witness);
        write_policy(data, policy_bytes);
    }
    for (guint i = 0; i < MEMBERS; i++) {
        g_autofree char *folder = g_strdup_printf("%s/member-%u", argv[1], i);

        write_member(folder, members[i]);
    }
    entries = g_build_filename(argv[1], "entries", NULL);
    check(file_make_folder(entries, FOLDER_MODE, &error));
    for (guint i = 0; i < MEMBERS; i++) {
        g_autofree char *vkey = public_key_text(members[i]->issuer->public);
        g_autoptr(GBytes) endorsement = entry_by_root(members[i], PREDICATE_ENDORSEMENT,
                                                      endorsement_json(community, members[i]));
        g_autoptr(GBytes) delegation = entry_by_root(
            members[i], PREDICATE_DELEGATION, delegation_json(community, vkey, "issuer", 300));

        write_entry(entries, number++, endorsement);
        write_entry(entries, number++, delegation);
    }
    for (guint i = 0; i < (guint)atoi(argv[2]); i++) {
        g_autofree char *digest = g_strdup_printf("%064x", i);
        g_autoptr(GBytes) entry =
            entry_of("assessment.json", digest, PREDICATE_ASSESSMENT,
                     assessment_json(community, members[i % MEMBERS], 1 + i % 5),
                     KEYS(members[i % MEMBERS]->issuer));

        write_entry(entries, number++, entry);
    }
    return 0;
}
