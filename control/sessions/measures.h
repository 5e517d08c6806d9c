/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmssMeasures:
 *
 * What readers tell of their sessions when they renew them, and who they are. In memory: a restart
 * forgets it, and a session goes on without. Hostile: a reader tells what it likes, of itself
 * alone. Threads: any.
 */
typedef struct _PmssMeasures PmssMeasures;

#define PMSS_MAX_MEASURED_NODES 256
#define PMSS_MAX_CLIENT 256     /* bytes of a User-Agent that are kept */

/* What came of one node since the last time. */
typedef struct
{
  guint node;
  guint64 bytes, units, rebuilt, late;
  guint64 time;                 /* ns that a unit took, mean; 0: not told */
  guint64 rate;                 /* bit/s since the last time; not told but found */
} PmssNodeMeasure;

typedef struct
{
  char *client;                 /* (nullable) User-Agent of the one that opened the session */
  gint64 seen;                  /* seconds since 1970: when it was opened or renewed last */
  gint64 position, buffer;      /* bytes; -1: not told */
  gboolean idle;                /* only told: it does not read now */
  GArray *nodes;                /* (nullable: not told) of PmssNodeMeasure */
} PmssMeasure;
void          pmss_measure_free (PmssMeasure *measure);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssMeasure, pmss_measure_free)

PmssMeasures *pmss_measures_new  (void);
void          pmss_measures_free (PmssMeasures *measures);
/* A session is opened, or again. @client: nullable. @now: monotonic, us, as below. */
void          pmss_measures_open (PmssMeasures *measures, const char *session, const char *client,
    gint64 now);
/* It is renewed. @told: (nullable) its position, buffer and nodes count. */
void          pmss_measures_note (PmssMeasures *measures, const char *session,
    const PmssMeasure *told, gint64 now);
/* A copy; NULL: nothing is known. */
PmssMeasure  *pmss_measures_get  (PmssMeasures *measures, const char *session);
/* Forgets sessions that nobody has renewed for @age us. */
void          pmss_measures_prune (PmssMeasures *measures, gint64 now, gint64 age);

G_END_DECLS
