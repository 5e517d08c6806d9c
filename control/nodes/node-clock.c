/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a node's clock agrees with control's. Pure. */
#include "control/nodes/nodes-private.h"

#include "control/keys.h"
#include "libpmss/pmss-token.h"

/* Less than this may be a heartbeat that was long under way. */
#define NOTABLE 10              /* seconds */

gboolean
pmss_node_clock_is_wrong (gint64 skew)
{
  return skew < -PMSS_TOKEN_CLOCK_TOLERANCE
      || skew >= PMSS_INTERNAL_TOKEN_LIFETIME;
}

gboolean
pmss_node_clock_is_notable (gint64 skew)
{
  return ABS (skew) >= NOTABLE;
}

char *
pmss_node_describe_clock (gint64 skew)
{
  if (!pmss_node_clock_is_notable (skew))
    return NULL;
  return g_strdup_printf ("its clock is %" G_GINT64_FORMAT " s %s that of "
      "control%s: compare both with the time, and let NTP keep them",
      ABS (skew), skew < 0 ? "behind" : "ahead of",
      pmss_node_clock_is_wrong (skew) ?
      ", so that it refuses what control signs now" : "");
}
