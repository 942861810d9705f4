/*
 * make_register FOLDER: a data folder of the member state.example of a community
 * whose log lies in it, without witnesses: FOLDER/data/{community,keys,log} and
 * FOLDER/entente.yaml. In the log: three members, who endorsed and delegated issuers;
 * ville.example, attested by two; new.example, self-declared; assessments, one of them contradicted
 * by a theft.
 */
#include "base/file.h"
#include "log/writer.h"
#include "statement/key_file.h"

#include "../unit/community.h"

#include <stdio.h>
#include <stdlib.h>

#define MODE 0600
#define FOLDER_MODE 0700

static void check(gboolean done, GError *error)
{
    if (done)
        return;
    fprintf(stderr, "make_register: %s\n", error ? error->message : "failed");
    exit(1);
}

static void write_key(const char *data, const char *name, const struct signing_key *key)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = g_build_filename(data, "keys", NULL);
    g_autofree char *path = g_strconcat(folder, "/", name, ".key", NULL);

    check(file_make_folder(folder, FOLDER_MODE, &error), error);
    check(key_file_create(path, key, NULL, &error), error);
}

static void write_json(const char *data, const char *folder_name, const char *name, json_t *value)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(json_t) owned = value;
    g_autofree char *folder = g_build_filename(data, folder_name, NULL);
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autofree char *text = json_pretty(owned);

    check(file_make_folder(folder, FOLDER_MODE, &error), error);
    check(file_write(path, text, strlen(text), MODE, &error), error);
}

static void write_log(const char *data, const struct community *community)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = g_build_filename(data, "log", NULL);
    const struct log_writer_options options = { .folder = folder, .key = community->log };
    g_autoptr(log_writer_t) writer = NULL;
    g_autoptr(GBytes) note = NULL;
    guint64 index;

    check(log_create(&options, &error), error);
    writer = log_writer_open(&options, &error);
    check(writer != NULL, error);
    for (guint i = 0; i < community->entries->len; i++)
        check(log_writer_add(writer, community->entries->pdata[i], &index, &error), error);
    note = log_writer_checkpoint(writer);
    check(log_writer_publish(writer, note, FALSE, &error), error);
}

int main(int argc, char **argv)
{
    static const char profile[] = "signatory:\n  name: Organisation of state.example\n"
                                  "  group: state\n  country: FR\n  domain: state.example\n";
    struct community *community;
    struct actor *ville, *newcomer, *members[3];
    g_autofree char *data = NULL, *path = NULL, *others = NULL;
    guint64 stolen;

    if (argc != 2)
        return 2;
    data = g_build_filename(argv[1], "data", NULL);
    path = g_build_filename(argv[1], "entente.yaml", NULL);
    community = community_new_unwitnessed();
    for (guint i = 0; i < 3; i++)
        members[i] = actor_at(community, i);
    ville = actor_new(community, "ville.example", GROUP_STATE, 1, 1);
    newcomer = actor_new(community, "new.example", GROUP_PRIVATE_SECTOR, 1, 1);
    endorse(community, ville);
    delegate_issuer(community, ville);
    attest(community, members[1], ville);
    attest(community, members[2], ville);
    endorse(community, newcomer);
    assess(community, ville, ville->issuer, 4);
    assess(community, newcomer, newcomer->root[0], 2);
    stolen = community->entries->len;
    assess(community, ville, ville->issuer, 1);
    fold_now(community, entry_by_root(ville, PREDICATE_REVOCATION,
                                      revocation_json(community, ville->issuer, "stolen", stolen)));
    assess(community, ville, ville->issuer, 1);
    write_key(data, "root", members[0]->root[0]);
    write_key(data, "default", members[0]->issuer);
    others = g_build_filename(argv[1], "others", NULL);
    write_key(others, "company-1", members[1]->root[0]);
    write_key(others, "company-2", members[1]->root[1]);
    write_key(others, "society", members[2]->root[0]);
    write_key(data, "log", community->log);
    write_json(data, "keys", "root.json", root_json(members[0]));
    write_json(data, "community", "policy.json", json_incref(community->genesis->predicate));
    write_log(data, community);
    check(g_file_set_contents(path, profile, -1, NULL), NULL);
    community_free(community);
    return 0;
}
