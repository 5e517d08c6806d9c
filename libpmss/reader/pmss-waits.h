/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmssWaits:
 *
 * The calls that wait, as the reader's decisions see them: what is awaited, and until when.
 * pmss-wait.c puts them in, wakes and answers them.
 *
 * Pure: no clock, no I/O. Times are in us on the clock of the owner. Threads: any, under the
 * reader's lock.
 */
typedef struct
{
  gboolean over;                /* it has what it waits for, and has yet to be told */
  gboolean for_open;            /* it waits for the session, not for bytes */
  guint64 row;
  guint index;                  /* data unit in it */
  gint64 deadline;              /* 0: none */
} PmssAwaited;

typedef struct
{
  GQueue queue;                 /* of PmssAwaited */
} PmssWaits;

/* Whether one waits for data unit @index of @row; -1: for any. */
gboolean pmss_waits_is_for (const PmssWaits *self, guint64 row, gint index);
/* Whether one waits for bytes. */
gboolean pmss_waits_is_any_read (const PmssWaits *self);
/* When the first of them has lasted too long; G_MAXINT64: never. */
gint64 pmss_waits_get_deadline (const PmssWaits *self);
/* Calls @func, which ends none, for each that waits for bytes, with the data unit @index of @row
 * that it waits for. */
typedef void (*PmssWaitsFunc) (guint64 row, guint index, gpointer user_data);
void pmss_waits_foreach (const PmssWaits *self, PmssWaitsFunc func,
    gpointer user_data);

G_END_DECLS
