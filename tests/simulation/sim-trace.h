/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The log of one run, and its hash, which is the same whether the log is printed or not. One run at
 * a time. */

void    sim_trace_begin    (gboolean verbose);
/* @words: what happened, then the names of the numbers: "node answers: number status". */
void    sim_trace          (const char *words, gint64 a, gint64 b, gint64 c, gint64 d);
/* For people alone: is not part of the hash. */
void    sim_trace_say      (const char *format, ...) G_GNUC_PRINTF (1, 2);
guint64 sim_trace_get_hash (void);

G_END_DECLS
