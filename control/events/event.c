/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Events as values, as lines and as JSON. Any thread. */
#include "control/events/event.h"

#include <string.h>

#include "libpmss/pmss-json.h"
#include "libpmss/pmss-text.h"

static const char *const topics[PMSS_N_TOPICS] = {
  [PMSS_TOPIC_NODES] = "nodes",
  [PMSS_TOPIC_JOBS] = "jobs",
  [PMSS_TOPIC_SESSIONS] = "sessions",
  [PMSS_TOPIC_MEDIA] = "media",
  [PMSS_TOPIC_HEALTH] = "health",
  [PMSS_TOPIC_UPLOADS] = "uploads",
  [PMSS_TOPIC_ACCOUNTS] = "accounts",
};

/* By the beginning of an action. Any other one is of accounts: logins, users, refusals. */
static const struct
{
  const char *word;
  PmssTopic topic;
} words[] = {
  /* faults: the first of them is found before the nodes' own */
  {"node slow", PMSS_TOPIC_HEALTH},
  {"disk ", PMSS_TOPIC_HEALTH},
  {"overload", PMSS_TOPIC_HEALTH},
  {"checksum ", PMSS_TOPIC_HEALTH},
  {"clock ", PMSS_TOPIC_HEALTH},
  {"certificate ", PMSS_TOPIC_HEALTH},
  {"node ", PMSS_TOPIC_NODES},
  {"job ", PMSS_TOPIC_JOBS},
  {"session ", PMSS_TOPIC_SESSIONS},
  {"media ", PMSS_TOPIC_MEDIA},
  {"link ", PMSS_TOPIC_MEDIA},
  {"policy ", PMSS_TOPIC_MEDIA},
  {"health ", PMSS_TOPIC_HEALTH},
  {"history ", PMSS_TOPIC_HEALTH},
  {"capacity ", PMSS_TOPIC_HEALTH},
  {"upload ", PMSS_TOPIC_UPLOADS},
};

static const char *const results[] = {
  [PMSS_EVENT_DONE] = "done",
  [PMSS_EVENT_REFUSED] = "refused",
  [PMSS_EVENT_FAILED] = "failed",
};

const char *
pmss_topic_to_string (PmssTopic topic)
{
  return topics[topic];
}

gboolean
pmss_topic_parse (const char *text, PmssTopic * topic)
{
  for (guint i = 0; i < PMSS_N_TOPICS; i++) {
    if (g_str_equal (text, topics[i])) {
      *topic = i;
      return TRUE;
    }
  }
  return FALSE;
}

const char *
pmss_event_result_to_string (PmssEventResult result)
{
  return results[result];
}

gboolean
pmss_event_result_parse (const char *text, PmssEventResult * result)
{
  for (guint i = 0; i < G_N_ELEMENTS (results); i++) {
    if (g_str_equal (text, results[i])) {
      *result = i;
      return TRUE;
    }
  }
  return FALSE;
}

PmssEventResult
pmss_event_result_of (guint status)
{
  if (status < 400)
    return PMSS_EVENT_DONE;
  return status == 401 || status == 403 || status == 429 ?
      PMSS_EVENT_REFUSED : PMSS_EVENT_FAILED;
}

PmssEvent *
pmss_event_copy (const PmssEvent * event)
{
  PmssEvent *copy = g_memdup2 (event, sizeof (*event));

  copy->action = g_strdup (event->action);
  copy->user = g_strdup (event->user);
  copy->address = g_strdup (event->address);
  copy->object = g_strdup (event->object);
  copy->detail = g_strdup (event->detail);
  return copy;
}

void
pmss_event_free (PmssEvent * event)
{
  g_free ((char *) event->action);
  g_free ((char *) event->user);
  g_free ((char *) event->address);
  g_free ((char *) event->object);
  g_free ((char *) event->detail);
  g_free (event);
}

PmssTopic
pmss_event_get_topic (const PmssEvent * event)
{
  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    if (g_str_has_prefix (event->action, words[i].word))
      return words[i].topic;
  return PMSS_TOPIC_ACCOUNTS;
}

/* What needs no quotes to be told from the rest of a line. */
static gboolean
is_plain (const char *text)
{
  static const char plain[] = G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS
      "._@+-:/{}";

  return text[0] != '\0' && strspn (text, plain) == strlen (text);
}

static void
add_field (GString * line, const char *name, const char *value)
{
  g_autofree char *clean = NULL;

  if (value == NULL)
    return;
  clean = pmss_text_clean (value);
  g_string_append_printf (line, " %s=", name);
  if (is_plain (clean)) {
    g_string_append (line, clean);
    return;
  }
  g_string_append_c (line, '"');
  for (const char *c = clean; *c != '\0'; c++) {
    if (*c == '"' || *c == '\\')
      g_string_append_c (line, '\\');
    g_string_append_c (line, *c);
  }
  g_string_append_c (line, '"');
}

char *
pmss_event_to_line (const PmssEvent * event)
{
  GString *line = g_string_new ("audit:");

  add_field (line, "action", event->action);
  add_field (line, "result", results[event->result]);
  add_field (line, "user", event->user != NULL ? event->user : "-");
  add_field (line, "from", event->address);
  add_field (line, "object", event->object);
  add_field (line, "detail", event->detail);
  if (event->status != 0)
    g_string_append_printf (line, " status=%u", event->status);
  return g_string_free (line, FALSE);
}

static void
add_text (PmssJsonWriter * json, const char *name, const char *text)
{
  /* it may hold what a client has sent */
  g_autofree char *clean = text != NULL ? pmss_text_clean (text) : NULL;

  pmss_json_writer_set_member_name (json, name);
  pmss_json_writer_add_string_value (json, clean);
}

static void
add_number (PmssJsonWriter * json, const char *name, gint64 number)
{
  pmss_json_writer_set_member_name (json, name);
  if (number != 0)
    pmss_json_writer_add_int_value (json, number);
  else
    pmss_json_writer_add_null_value (json);
}

void
pmss_event_write (const PmssEvent * event, PmssJsonWriter * json)
{
  g_autofree char *time = pmss_json_format_time (event->time);

  pmss_json_writer_begin_object (json);
  add_number (json, "id", event->id);
  add_text (json, "time", time);
  add_text (json, "topic", topics[pmss_event_get_topic (event)]);
  add_text (json, "action", event->action);
  add_text (json, "result", results[event->result]);
  add_text (json, "user", event->user);
  add_text (json, "from", event->address);
  add_text (json, "object", event->object);
  add_text (json, "detail", event->detail);
  add_number (json, "status", event->status);
  pmss_json_writer_end_object (json);
}
