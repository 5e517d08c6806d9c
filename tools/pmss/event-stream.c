/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Server-sent events, read line by line. */

#include "event-stream.h"

#include <string.h>

#include <libpmss/pmss-error.h>

struct _PmssEventStream
{
  PmssEventStreamFunc func;
  gpointer user_data;
  GString *line;
  gboolean after_cr;            /* a LF that follows ends no line */
  GString *name, *data;         /* of the event that is being read */
  gboolean has_data;
  char *id;                     /* (nullable) of that event, or the one before */
  char *last_id;                /* nullable */
};

PmssEventStream *
pmss_event_stream_new (PmssEventStreamFunc func, gpointer user_data)
{
  PmssEventStream *self = g_new0 (PmssEventStream, 1);

  self->func = func;
  self->user_data = user_data;
  self->line = g_string_new (NULL);
  self->name = g_string_new (NULL);
  self->data = g_string_new (NULL);
  return self;
}

void
pmss_event_stream_free (PmssEventStream * self)
{
  g_string_free (self->line, TRUE);
  g_string_free (self->name, TRUE);
  g_string_free (self->data, TRUE);
  g_free (self->id);
  g_free (self->last_id);
  g_free (self);
}

static void
clear_event (PmssEventStream * self)
{
  g_string_truncate (self->name, 0);
  g_string_truncate (self->data, 0);
  self->has_data = FALSE;
}

static gboolean
dispatch (PmssEventStream * self, GError ** error)
{
  gboolean ok = TRUE;

  g_free (self->last_id);
  self->last_id = g_strdup (self->id);
  if (self->has_data)
    ok = self->func (self->name->len > 0 ? self->name->str : "message",
        self->data->str, self->user_data, error);
  clear_event (self);
  return ok;
}

static void
take_field (PmssEventStream * self, const char *field, const char *value)
{
  if (strcmp (field, "event") == 0) {
    g_string_assign (self->name, value);
  } else if (strcmp (field, "data") == 0) {
    if (self->has_data)
      g_string_append_c (self->data, '\n');
    g_string_append (self->data, value);
    self->has_data = TRUE;
  } else if (strcmp (field, "id") == 0) {
    g_free (self->id);
    self->id = g_strdup (value);
  }
}

/* A line that begins with a colon is a comment. */
static gboolean
take_line (PmssEventStream * self, GError ** error)
{
  char *line = self->line->str;
  char *colon = strchr (line, ':');
  gboolean ok = TRUE;

  if (*line == '\0') {
    ok = dispatch (self, error);
  } else if (colon != line) {
    const char *value = "";

    if (colon != NULL) {
      *colon = '\0';
      value = colon + (colon[1] == ' ' ? 2 : 1);
    }
    take_field (self, line, value);
  }
  g_string_truncate (self->line, 0);
  return ok;
}

static gboolean
add_to_line (PmssEventStream * self, char c, GError ** error)
{
  if (self->line->len < PMSS_EVENT_STREAM_MAX_LINE
      && self->data->len < PMSS_EVENT_STREAM_MAX_LINE) {
    /* none that a string of C would end with */
    if (c != '\0')
      g_string_append_c (self->line, c);
    return TRUE;
  }
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_PROTOCOL,
      "An event of the control server is longer than %d bytes",
      PMSS_EVENT_STREAM_MAX_LINE);
  return FALSE;
}

gboolean
pmss_event_stream_feed (PmssEventStream * self, const char *data, gsize length,
    GError ** error)
{
  for (gsize i = 0; i < length; i++) {
    char c = data[i];
    gboolean ends = c == '\r' || c == '\n';
    gboolean half = c == '\n' && self->after_cr;

    self->after_cr = c == '\r';
    if (half)
      continue;
    if (ends ? !take_line (self, error) : !add_to_line (self, c, error))
      return FALSE;
  }
  return TRUE;
}

void
pmss_event_stream_break (PmssEventStream * self)
{
  g_string_truncate (self->line, 0);
  self->after_cr = FALSE;
  clear_event (self);
  g_free (self->id);
  self->id = g_strdup (self->last_id);
}

const char *
pmss_event_stream_get_last_id (PmssEventStream * self)
{
  return self->last_id;
}
