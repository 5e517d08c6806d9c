/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many connections the limit of descriptors allows. At the start. */
#include "daemon/pmss-descriptors.h"

#include <errno.h>
#include <sys/resource.h>

#include "libpmss/pmss-error.h"

guint
pmss_descriptors_share (guint64 limit, guint each, guint reserve,
    guint wanted, GError ** error)
{
  guint least = MIN (PMSS_DESCRIPTORS_MIN_CONNECTIONS, wanted);
  guint64 fit = limit > reserve ? (limit - reserve) / each : 0;

  if (fit >= least)
    return (guint) MIN (fit, wanted);
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_FAILED,
      "this process may open %" G_GUINT64_FORMAT " files, and needs %u: %u for "
      "its own work and %u for each of at least %u connections; raise the hard "
      "limit (LimitNOFILE= of the unit, ulimit -n)", limit,
      reserve + each * least, reserve, each, least);
  return 0;
}

guint64
pmss_descriptors_get_limit (GError ** error)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) == 0)
    return MAX (limit.rlim_cur, 1);
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_FAILED,
      "cannot get the limit of open files: %s", g_strerror (errno));
  return 0;
}

gboolean
pmss_descriptors_limit_connections (guint each, guint reserve,
    guint * connections, GError ** error)
{
  guint64 limit = pmss_descriptors_get_limit (error);
  guint fit = limit == 0 ? 0 : pmss_descriptors_share (limit, each, reserve,
      *connections, error);

  if (fit == 0)
    return FALSE;
  if (fit < *connections)
    g_message ("max-connections is lowered from %u to %u: this process may "
        "open %" G_GUINT64_FORMAT " files, of which each connection takes up "
        "to %u, and %u are for its own work; to have more, raise the hard limit "
        "(LimitNOFILE= of the unit, ulimit -n)", *connections, fit,
        limit, each, reserve);
  *connections = fit;
  return TRUE;
}
