/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Text for people: names and messages come from others and must not move the cursor, and columns
 * must line up. */

/* @text with control characters, invalid bytes and bidirectional overrides written as \x1b and
 * \u202e. NULL gives "-". */
char *pmss_cli_escape   (const char *text);
/* "1.5 MB" */
char *pmss_cli_size     (guint64 bytes);
/* "8.0 Mbit/s" */
char *pmss_cli_rate     (guint64 bits_per_second);
/* "1:02:03" */
char *pmss_cli_duration (guint64 ns);

/* "2026-01-31 13:00", local time, from ISO 8601. Other text stays as it is, escaped. */
char *pmss_cli_time     (const char *iso8601);
/* "12 min" */
char *pmss_cli_age      (gint64 seconds);
/* How long ago; NULL for text that is not ISO 8601. */
char *pmss_cli_age_since (const char *iso8601);
/* A server's text: escaped, its times (ISO 8601 in UTC) in local time, without the date where it is
 * today's. */
char *pmss_cli_sentence (const char *text);

/* @text in at most @columns columns of a terminal. An ellipsis stands for the part that is cut off.
 * Valid UTF-8. */
char *pmss_cli_cut (const char *text, guint columns);

/* Single-quoted for a POSIX shell, only where it has to be. */
char *pmss_cli_shell_word (const char *text);

typedef struct _PmssCliTable PmssCliTable;

/* @columns: titles, ended by NULL; one that begins with '>' is right-aligned. */
PmssCliTable *pmss_cli_table_new   (const char *const *columns);
/* One cell for each column; each is taken and freed. */
void          pmss_cli_table_add   (PmssCliTable *table, ...);
/* Prints to standard output and frees; without rows, prints @empty. */
void          pmss_cli_table_print (PmssCliTable *table, const char *empty);
/* The same as text, of lines of at most @width columns, as far as they can be cut; 0: any number.
 * Frees @table. */
char         *pmss_cli_table_to_text (PmssCliTable *table, const char *empty, guint width);
/* Columns of the terminal of standard output; 0: it is none. */
guint         pmss_cli_get_width   (void);

/* Members of a server's answer; absent, null or of another type: NULL, 0 or FALSE. */
const char   *pmss_cli_json_string (JsonObject *object, const char *name);
guint64       pmss_cli_json_number (JsonObject *object, const char *name);
/* Whether the member is there and is a number. */
gboolean      pmss_cli_json_is_number (JsonObject *object, const char *name);
double        pmss_cli_json_double (JsonObject *object, const char *name);
gboolean      pmss_cli_json_boolean (JsonObject *object, const char *name);
JsonObject   *pmss_cli_json_object (JsonObject *object, const char *name);
JsonArray    *pmss_cli_json_array  (JsonObject *object, const char *name);
/* The object that @node has to be; PMSS_ERROR_PROTOCOL if it is something else. */
JsonObject   *pmss_cli_json_root   (JsonNode *node, GError **error);
/* Element @i of @array, NULL if it is no object. */
JsonObject   *pmss_cli_json_element (JsonArray *array, guint i);
/* Prints @node for programs. */
void          pmss_cli_json_print  (JsonNode *node);
/* Prints a page of a list: {@name: @list, "next": @next}; 0: there is no other one, null. */
/* {"NAME": [...]} */
void          pmss_cli_json_print_list (const char *name, JsonArray *list);
void          pmss_cli_json_print_page (const char *name, JsonArray *list, guint64 next);

G_END_DECLS
