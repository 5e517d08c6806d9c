/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "sim-scenario.h"

G_BEGIN_DECLS

/**
 * SimReader:
 *
 * The real reader, with no thread: its main context takes its turns in this one. All that the
 * simulation knows of the reader's insides is here.
 */
typedef struct _SimReader SimReader;

SimReader    *sim_reader_new        (const SimScenario *scenario);
/* Another one, of the same client. */
SimReader    *sim_reader_new_beside (SimReader *first, const SimScenario *scenario);
/* After it has closed; the first one last. */
void          sim_reader_free       (SimReader *reader);
GMainContext *sim_reader_get_context (SimReader *reader);

/* Begins to open, also again after it failed. */
void          sim_reader_open       (SimReader *reader, GAsyncReadyCallback callback,
    gpointer user_data);
gboolean      sim_reader_open_finish (GAsyncResult *result, GError **error);
void          sim_reader_read       (SimReader *reader, guint64 offset, gsize max,
    GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
GBytes       *sim_reader_read_finish (GAsyncResult *result, GError **error);
void          sim_reader_pause      (SimReader *reader);
void          sim_reader_close      (SimReader *reader);
gboolean      sim_reader_is_closed  (SimReader *reader);

/* For the auditor. */
typedef struct
{
  gsize blocks;                 /* units that are there or asked for */
  gsize max_blocks;             /* that the cache is to have, whatever others have */
  guint waits;                  /* reads that wait */
  guint streams, requests;      /* under way */
  guint64 units;                /* that came */
  guint64 asked_extra;          /* units asked for besides as many as suffice */
  guint64 late, rebuilt, hedged;
  gboolean failed;              /* for good */
} SimReaderState;

/* Into the log: what it thinks of its nodes. */
void          sim_reader_say        (SimReader *reader);
void          sim_reader_look       (SimReader *reader, SimReaderState *state);

G_END_DECLS
