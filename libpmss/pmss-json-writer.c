/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* JSON, straight into a text. */

#include "pmss-json-writer.h"

#include <math.h>
#include <string.h>

struct _PmssJsonWriter
{
  GString *text;
  gboolean follows;             /* what comes next stands after a comma */
};

PmssJsonWriter *
pmss_json_writer_new (void)
{
  PmssJsonWriter *self = g_new0 (PmssJsonWriter, 1);

  self->text = g_string_sized_new (512);
  return self;
}

void
pmss_json_writer_free (PmssJsonWriter * self)
{
  g_string_free (self->text, TRUE);
  g_free (self);
}

static void
put_comma (PmssJsonWriter * self)
{
  if (self->follows)
    g_string_append_c (self->text, ',');
  self->follows = TRUE;
}

static void
begin (PmssJsonWriter * self, char bracket)
{
  put_comma (self);
  g_string_append_c (self->text, bracket);
  self->follows = FALSE;
}

static void
end (PmssJsonWriter * self, char bracket)
{
  g_string_append_c (self->text, bracket);
  self->follows = TRUE;
}

void
pmss_json_writer_begin_object (PmssJsonWriter * self)
{
  begin (self, '{');
}

void
pmss_json_writer_end_object (PmssJsonWriter * self)
{
  end (self, '}');
}

void
pmss_json_writer_begin_array (PmssJsonWriter * self)
{
  begin (self, '[');
}

void
pmss_json_writer_end_array (PmssJsonWriter * self)
{
  end (self, ']');
}

static gboolean
needs_escape (guchar c)
{
  return c < 0x20 || c == '"' || c == '\\' || c == 0x7f;
}

static void
put_escaped (GString * text, guchar c)
{
  static const char controls[] = "\b\f\n\r\t", letters[] = "bfnrt";
  const char *found = memchr (controls, c, sizeof (controls) - 1);

  if (c == '"' || c == '\\')
    g_string_append_printf (text, "\\%c", c);
  else if (found != NULL)
    g_string_append_printf (text, "\\%c", letters[found - controls]);
  else
    g_string_append_printf (text, "\\u%04x", c);
}

/* In runs of what needs no escape. */
static void
put_string (GString * text, const char *value)
{
  g_string_append_c (text, '"');
  for (const char *at = value; *at != '\0';) {
    const char *run = at;

    while (*at != '\0' && !needs_escape ((guchar) * at))
      at++;
    g_string_append_len (text, run, at - run);
    for (; *at != '\0' && needs_escape ((guchar) * at); at++)
      put_escaped (text, (guchar) * at);
  }
  g_string_append_c (text, '"');
}

void
pmss_json_writer_set_member_name (PmssJsonWriter * self, const char *name)
{
  put_comma (self);
  put_string (self->text, name);
  g_string_append_c (self->text, ':');
  self->follows = FALSE;
}

void
pmss_json_writer_add_string_value (PmssJsonWriter * self, const char *value)
{
  if (value == NULL) {
    pmss_json_writer_add_null_value (self);
    return;
  }
  put_comma (self);
  put_string (self->text, value);
}

void
pmss_json_writer_add_int_value (PmssJsonWriter * self, gint64 value)
{
  put_comma (self);
  g_string_append_printf (self->text, "%" G_GINT64_FORMAT, value);
}

void
pmss_json_writer_add_double_value (PmssJsonWriter * self, double value)
{
  char digits[G_ASCII_DTOSTR_BUF_SIZE];

  pmss_json_writer_add_json (self, isfinite (value) ?
      g_ascii_dtostr (digits, sizeof (digits), value) : "null", -1);
}

void
pmss_json_writer_add_boolean_value (PmssJsonWriter * self, gboolean value)
{
  pmss_json_writer_add_json (self, value ? "true" : "false", -1);
}

void
pmss_json_writer_add_null_value (PmssJsonWriter * self)
{
  pmss_json_writer_add_json (self, "null", -1);
}

void
pmss_json_writer_add_json (PmssJsonWriter * self, const char *json,
    gssize length)
{
  put_comma (self);
  g_string_append_len (self->text, json, length);
}

GBytes *
pmss_json_writer_finish (PmssJsonWriter * self)
{
  GBytes *bytes = g_string_free_to_bytes (self->text);

  self->text = g_string_new (NULL);
  self->follows = FALSE;
  return bytes;
}
