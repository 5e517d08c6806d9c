/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages of GLib's logging. */
#include "sim-log.h"

#include "sim-trace.h"

static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField * fields, gsize n_fields,
    gpointer user_data)
{
  if (level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING))
    return g_log_writer_standard_streams (level, fields, n_fields, NULL);
  for (gsize i = 0; i < n_fields; i++)
    if (g_str_equal (fields[i].key, "MESSAGE"))
      sim_trace_say ("  log: %s", (const char *) fields[i].value);
  return G_LOG_WRITER_HANDLED;
}

void
sim_log_begin (gboolean verbose)
{
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL |
      G_LOG_LEVEL_WARNING);
  g_log_set_writer_func (write_log, NULL, NULL);
}
