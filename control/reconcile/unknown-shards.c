/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shards of a node that nobody knows. Pure. */
#include "control/reconcile/unknown-shards.h"

struct _PmssUnknown
{
  guint max;

  /* of the last whole list */
  GHashTable *since;            /* name -> gint64: monotonic */
  guint64 count;
  gint64 due;

  /* of the list at hand */
  GHashTable *found;            /* as `since` */
  guint64 found_count;
  guint64 shards, missing;
  char *after;                  /* nullable: it has not begun */
  char *instance;               /* nullable */
};

static GHashTable *
new_table (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

PmssUnknown *
pmss_unknown_new (guint max)
{
  PmssUnknown *self = g_new0 (PmssUnknown, 1);

  self->max = max;
  self->since = new_table ();
  self->due = G_MAXINT64;
  self->found = new_table ();
  return self;
}

void
pmss_unknown_free (PmssUnknown * self)
{
  g_hash_table_unref (self->since);
  g_hash_table_unref (self->found);
  g_free (self->after);
  g_free (self->instance);
  g_free (self);
}

guint64
pmss_unknown_get_count (PmssUnknown * self)
{
  return self->count;
}

gint64
pmss_unknown_get_due (PmssUnknown * self)
{
  return self->after == NULL ? self->due : G_MAXINT64;
}

static void
forget_list (PmssUnknown * self)
{
  g_hash_table_remove_all (self->found);
  g_clear_pointer (&self->after, g_free);
  self->found_count = self->shards = self->missing = 0;
}

const char *
pmss_unknown_begin (PmssUnknown * self, const char *instance)
{
  if (self->after == NULL || g_strcmp0 (instance, self->instance) != 0)
    forget_list (self);
  g_free (self->instance);
  self->instance = g_strdup (instance);
  return self->after;
}

void
pmss_unknown_add (PmssUnknown * self, const char *name, gint64 now)
{
  const gint64 *seen = g_hash_table_lookup (self->since, name);
  gint64 since = seen != NULL ? *seen : now;

  self->found_count++;
  if (g_hash_table_size (self->found) < self->max)
    g_hash_table_replace (self->found, g_strdup (name),
        g_memdup2 (&since, sizeof since));
}

void
pmss_unknown_move (PmssUnknown * self, const char *after, guint64 shards,
    guint64 missing)
{
  char *copy = g_strdup (after);

  g_free (self->after);
  self->after = copy;
  self->shards += shards;
  self->missing += missing;
}

guint64
pmss_unknown_get_shards (PmssUnknown * self)
{
  return self->shards;
}

guint64
pmss_unknown_get_missing (PmssUnknown * self)
{
  return self->missing;
}

/* The overdue ones; `due` becomes that of the first of the others. */
static GPtrArray *
sort_out (PmssUnknown * self, gint64 now, gint64 grace)
{
  GPtrArray *overdue = g_ptr_array_new_with_free_func (g_free);
  GHashTableIter iter;
  gpointer name, since;

  self->due = G_MAXINT64;
  g_hash_table_iter_init (&iter, self->since);
  while (g_hash_table_iter_next (&iter, &name, &since)) {
    gint64 due = *(gint64 *) since + grace;

    if (due <= now)
      g_ptr_array_add (overdue, g_strdup (name));
    else
      self->due = MIN (self->due, due);
  }
  return overdue;
}

GPtrArray *
pmss_unknown_end (PmssUnknown * self, gint64 now, gint64 grace)
{
  GHashTable *old = self->since;

  self->since = self->found;
  self->count = self->found_count;
  self->found = old;
  forget_list (self);
  return sort_out (self, now, grace);
}

guint64
pmss_unknown_get_forgotten (PmssUnknown * self)
{
  return self->count - g_hash_table_size (self->since);
}

void
pmss_unknown_remove (PmssUnknown * self, const char *name)
{
  if (g_hash_table_remove (self->since, name))
    self->count--;
}
