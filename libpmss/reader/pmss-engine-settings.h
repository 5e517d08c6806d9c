/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * PmssEngineSettings:
 *
 * The settings of a reader that its user chooses, and the properties by which he does.
 */
typedef struct
{
  char *ticket;                 /* (nullable) the reader's; the lease has a copy */
  char *session;                /* (nullable) the reader's; the lease has a copy */
  gboolean bulk;                /* takes what is left over */
  guint64 wait_for_admission;   /* ns */
  guint32 seed;                 /* of what is random; no property */
  guint64 cache_size;           /* bytes */
  guint64 read_ahead;           /* bytes */
  guint64 max_memory;           /* bytes, of all readers of the io; 0: as it is */
  gint64 read_ahead_time;       /* us of the consumer's pace; 0: no limit */
  guint max_connections;        /* to one node */
  guint max_extra;              /* percent of units that are asked for twice */
  gint64 timeout;               /* us, 0: none */
  int retries;                  /* -1: for ever */
  double backoff_factor;        /* s */
  double backoff_max;           /* s */
} PmssEngineSettings;

/* Installs the properties of a class that has such settings, with ids from @first on. */
void pmss_engine_settings_install (GObjectClass *klass, guint first);
/* @number: the property's id, less the first one. FALSE: there is none. */
gboolean pmss_engine_settings_set (PmssEngineSettings *self, guint number,
    const GValue *value);
gboolean pmss_engine_settings_get (const PmssEngineSettings *self,
    guint number, GValue *value);

G_END_DECLS
