/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What redundancy a small cluster has room for; pure. */

#include "local-redundancy.h"

const char *
pmss_local_redundancy (guint nodes)
{
  static const char *const by_nodes[] =
      { "1+0", "1+1", "2+1", "2+2", "3+2", "4+2" };

  g_return_val_if_fail (nodes > 0, by_nodes[0]);
  return by_nodes[MIN (nodes, G_N_ELEMENTS (by_nodes)) - 1];
}
