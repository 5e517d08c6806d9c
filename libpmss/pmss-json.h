/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* JSON from strangers. Not installed: for the parts of PMSS only. All errors are PMSS_ERROR_INVALID
 * and name the member. */

/* How deep objects and arrays may lie in one another. */
#define PMSS_JSON_MAX_DEPTH 32

/* Parses one document by RFC 8259. (json-glib by itself also takes comments, trailing commas, any
 * depth, and numbers that it then cuts.) Also refuses members that come twice in one object,
 * U+0000, half surrogates, and integers that do not fit 64 bits. The caller bounds @length. */
JsonNode   *pmss_json_parse         (const char *text, gsize length, GError **error);

/* Whether @text is one such document, but for members that come twice. Builds nothing. */
gboolean    pmss_json_check         (const char *text, gsize length, GError **error);

/* The object in @node; NULL and error if it is something else. @what: its name in the error. */
JsonObject *pmss_json_object        (JsonNode *node, const char *what, GError **error);

/* Whether @object has @name and it is not null. For members that may be absent. */
gboolean    pmss_json_has           (JsonObject *object, const char *name);
/* FALSE and error if @object has a member that is not in the NULL-terminated @names. */
gboolean    pmss_json_check_members (JsonObject *object, const char *const *names, GError **error);

/* Required members of one type: absent, null or of another type is an error, and nothing is
 * converted. Values stay the object's. */
gboolean    pmss_json_get_int       (JsonObject *object, const char *name, gint64 min, gint64 max,
    gint64 *value, GError **error);
/* An integer will do, too. */
gboolean    pmss_json_get_double    (JsonObject *object, const char *name, double min, double max,
    double *value, GError **error);
gboolean    pmss_json_get_boolean   (JsonObject *object, const char *name, gboolean *value,
    GError **error);
/* @max: bytes */
gboolean    pmss_json_get_string    (JsonObject *object, const char *name, gsize max,
    const char **value, GError **error);
/* Exactly "2026-01-31T12:00:00Z"; @seconds since 1970. */
gboolean    pmss_json_get_time      (JsonObject *object, const char *name, gint64 *seconds,
    GError **error);
gboolean    pmss_json_get_object    (JsonObject *object, const char *name, JsonObject **value,
    GError **error);
/* @max: elements */
gboolean    pmss_json_get_array     (JsonObject *object, const char *name, guint max,
    JsonArray **value, GError **error);

/* An integer in an array. @what: its name in the error. */
gboolean    pmss_json_element_int   (JsonArray *array, guint index, const char *what, gint64 min,
    gint64 max, gint64 *value, GError **error);

/* Makes all strings of @node, which may be changed, fit to be seen (pmss_text_clean()). The names
 * of members are left alone. */
void        pmss_json_clean         (JsonNode *node);

/* The form of times in docs/protocol.md: "2026-01-31T12:00:00Z"; NULL outside of the years 1 to
 * 9999. */
char       *pmss_json_format_time   (gint64 seconds);
gboolean    pmss_json_parse_time    (const char *text, gint64 *seconds);

G_END_DECLS
