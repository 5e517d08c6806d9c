/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What readers tell of their sessions. Any thread. */
#include "control/sessions/measures.h"

#include "libpmss/pmss-text.h"

struct _PmssMeasures
{
  GMutex lock;                  /* protects what follows */
  GHashTable *sessions;         /* id -> Entry */
};

typedef struct
{
  PmssMeasure measure;
  gint64 at, told_at;           /* monotonic, us; told_at 0: neither told nor opened */
} Entry;

static void
clear_measure (PmssMeasure * measure)
{
  g_free (measure->client);
  g_clear_pointer (&measure->nodes, g_array_unref);
}

void
pmss_measure_free (PmssMeasure * measure)
{
  clear_measure (measure);
  g_free (measure);
}

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  clear_measure (&entry->measure);
  g_free (entry);
}

PmssMeasures *
pmss_measures_new (void)
{
  PmssMeasures *self = g_new0 (PmssMeasures, 1);

  g_mutex_init (&self->lock);
  self->sessions = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      entry_free);
  return self;
}

void
pmss_measures_free (PmssMeasures * self)
{
  g_hash_table_unref (self->sessions);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static Entry *
get_entry_locked (PmssMeasures * self, const char *session, gint64 now)
{
  Entry *entry = g_hash_table_lookup (self->sessions, session);

  if (entry == NULL) {
    entry = g_new0 (Entry, 1);
    entry->measure.position = entry->measure.buffer = -1;
    g_hash_table_insert (self->sessions, g_strdup (session), entry);
  }
  entry->at = now;
  entry->measure.seen = g_get_real_time () / G_USEC_PER_SEC;
  return entry;
}

/* It comes from strangers, and onto pages. */
static char *
clean_client (const char *client)
{
  g_autofree char *clean = client != NULL ? pmss_text_clean (client) : NULL;

  if (clean == NULL || *clean == '\0')
    return NULL;
  return g_utf8_substring (clean, 0, MIN (g_utf8_strlen (clean, -1),
          PMSS_MAX_CLIENT / 4));
}

void
pmss_measures_open (PmssMeasures * self, const char *session,
    const char *client, gint64 now)
{
  Entry *entry;

  g_mutex_lock (&self->lock);
  entry = get_entry_locked (self, session, now);
  entry->told_at = now;
  g_free (entry->measure.client);
  entry->measure.client = clean_client (client);
  g_mutex_unlock (&self->lock);
}

static void
set_rates (GArray * nodes, gint64 span)
{
  for (guint i = 0; i < nodes->len; i++) {
    PmssNodeMeasure *node = &g_array_index (nodes, PmssNodeMeasure, i);

    node->rate = span > 0 ? (guint64) MIN ((double) node->bytes * 8
        * G_USEC_PER_SEC / (double) span, (double) G_MAXINT64 / 2) : 0;
  }
}

void
pmss_measures_note (PmssMeasures * self, const char *session,
    const PmssMeasure * told, gint64 now)
{
  Entry *entry;

  g_mutex_lock (&self->lock);
  entry = get_entry_locked (self, session, now);
  if (told != NULL) {
    entry->measure.position = told->position;
    entry->measure.buffer = told->buffer;
    g_clear_pointer (&entry->measure.nodes, g_array_unref);
    if (told->nodes != NULL) {
      entry->measure.nodes = g_array_copy (told->nodes);
      set_rates (entry->measure.nodes, entry->told_at != 0 ?
          now - entry->told_at : 0);
    }
    entry->told_at = now;
  }
  g_mutex_unlock (&self->lock);
}

PmssMeasure *
pmss_measures_get (PmssMeasures * self, const char *session)
{
  PmssMeasure *copy = NULL;
  Entry *entry;

  g_mutex_lock (&self->lock);
  entry = g_hash_table_lookup (self->sessions, session);
  if (entry != NULL) {
    copy = g_memdup2 (&entry->measure, sizeof (PmssMeasure));
    copy->client = g_strdup (copy->client);
    if (copy->nodes != NULL)
      copy->nodes = g_array_copy (copy->nodes);
  }
  g_mutex_unlock (&self->lock);
  return copy;
}

void
pmss_measures_prune (PmssMeasures * self, gint64 now, gint64 age)
{
  GHashTableIter iter;
  gpointer value;

  g_mutex_lock (&self->lock);
  g_hash_table_iter_init (&iter, self->sessions);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (now - ((Entry *) value)->at >= age)
      g_hash_table_iter_remove (&iter);
  g_mutex_unlock (&self->lock);
}
