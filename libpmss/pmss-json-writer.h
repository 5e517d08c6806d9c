/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmssJsonWriter:
 *
 * Writes one JSON document as compact text, call by call, without building a tree. For answers. Not
 * installed. Its owner's thread.
 *
 * The caller pairs begin and end, and names each value in an object. Texts are UTF-8.
 */
typedef struct _PmssJsonWriter PmssJsonWriter;

PmssJsonWriter *pmss_json_writer_new  (void);
void            pmss_json_writer_free (PmssJsonWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssJsonWriter, pmss_json_writer_free)

void            pmss_json_writer_begin_object      (PmssJsonWriter *writer);
void            pmss_json_writer_end_object        (PmssJsonWriter *writer);
void            pmss_json_writer_begin_array       (PmssJsonWriter *writer);
void            pmss_json_writer_end_array         (PmssJsonWriter *writer);
/* The next value is this member's. */
void            pmss_json_writer_set_member_name   (PmssJsonWriter *writer, const char *name);

/* @value: NULL is null. */
void            pmss_json_writer_add_string_value  (PmssJsonWriter *writer, const char *value);
void            pmss_json_writer_add_int_value     (PmssJsonWriter *writer, gint64 value);
/* A value that is not finite is null. */
void            pmss_json_writer_add_double_value  (PmssJsonWriter *writer, double value);
void            pmss_json_writer_add_boolean_value (PmssJsonWriter *writer, gboolean value);
void            pmss_json_writer_add_null_value    (PmssJsonWriter *writer);
/* A value that is JSON already, and sound (pmss_json_check()). @length: -1: up to its NUL. */
void            pmss_json_writer_add_json          (PmssJsonWriter *writer, const char *json,
    gssize length);

/* The document. The writer is empty from then on. */
GBytes         *pmss_json_writer_finish            (PmssJsonWriter *writer);


G_END_DECLS
