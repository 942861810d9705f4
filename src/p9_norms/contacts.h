/*
 * contacts.h: the record of role contacts, which stays with the signatory (DATA/contacts.json,
 * 0600); the log holds role names and a salted digest, or "withheld".
 *
 *     {"schema", "salt": hex, "changed": DATE, "published": DATE?, "contacts": [{"kind", "role",
 *      "institution"?, "email"?, "phone"?, "time_zone"?, "hours"?, "languages"[]?, "channels"[]?,
 *      "keys"[]?, "tlp"?, "valid_from"?, "last_verified"?, "nominated_by"?}]}
 *
 *     digest = SHA-256(0x00 || salt || RFC 8785 bytes of "contacts"): a commitment to one value
 *
 * The salt is new with every change. Who deletes the file keeps nobody's data, and the digest in
 * the log can be opened by nobody any more. No member is meant for the name of a person.
 *
 * Clocks, all in days and computed from the record alone: a contact is verified every 180 days; the
 * record is handed in anew every 365 days; a change is handed in within 30 (OSCE CBM 8).
 */
#pragma once
#include "base/json.h"
#include "profile/profile.h"

#define CONTACTS_SCHEMA "entente/contacts/1"
#define CONTACTS_FILE "contacts.json"
#define CONTACTS_LIMIT (1u << 20)

/* Whether a list of contacts is well formed, each kind and role once. ENTENTE_ERROR_INPUT. */
gboolean contacts_check(const json_t *contacts, GError **error);

/* A record of this list (a copy is kept) under a fresh salt, changed on `day`. ENTENTE_ERROR_INPUT.
 */
json_t *contacts_record(const json_t *contacts, const char *day, GError **error);

/* Checks what was read: the schema, the salt, the list. ENTENTE_ERROR_INPUT. */
gboolean contacts_record_check(const json_t *record, GError **error);

/* The digest, in hex. Owned by the caller. */
char *contacts_digest(const json_t *record, GError **error);

/* The distinct roles, in order. */
json_t *contacts_roles(const json_t *record);

/* The list that the profile's contacts make; the kind follows from the role's name. */
json_t *contacts_of_profile(const struct signatory *signatory);

/* The clocks of a record: {"contacts": [{"kind", "role", "verify_due"}], "refresh_due",
 * "notice_due"}; null where nothing is due by a date yet. */
json_t *contacts_clocks(const json_t *record);

/*
 * The record in the shape of a directory: "un" (a diplomatic and a technical contact, as the United
 * Nations' directory of points of contact has them) or "osce" (all, with the clocks of CBM 8).
 * What is TLP:RED is left out and counted in "left_out". NULL: no such directory.
 */
json_t *contacts_export(const json_t *record, const char *directory,
                        const struct signatory *signatory);

/* For people; escaped. Owned by the caller. */
char *contacts_text(const json_t *record);
