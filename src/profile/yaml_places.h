/*
 * yaml_places.h: where things stand in a YAML text, and whether they have the shape of a schema.
 *
 * libcyaml turns a text into structures by a schema, but its messages do not name the line. This
 * pass walks the same text by the same schema tables first, refuses what the schema does not
 * know, with line and column and the nearest known word, and keeps the place of every value so
 * that later checks can name it. Stricter than YAML where people are surprised: a boolean is
 * true, false, yes or no; aliases, tags, and keys that stand twice are refused.
 */
#pragma once
#include <cyaml/cyaml.h>
#include <glib.h>

struct yaml_places;

/* `name` stands in messages. NULL and ENTENTE_ERROR_INPUT, "NAME:LINE:COLUMN: ...". */
struct yaml_places *yaml_places_check(const char *text, gsize length, const char *name,
                                      const cyaml_schema_value_t *schema, GError **error);
void yaml_places_free(struct yaml_places *places);
typedef struct yaml_places yaml_places_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(yaml_places_t, yaml_places_free)

/* Sets `error` at the value's place ("assets.hosts[2].name"; else its nearest parent's) and
 * returns FALSE. */
gboolean yaml_places_refuse(const struct yaml_places *places, GError **error, const char *value,
                            const char *format, ...) G_GNUC_PRINTF(4, 5);
