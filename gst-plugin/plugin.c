/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Registration of the plugin "pmss" */

#include "gstpmsssrc.h"

static gboolean
plugin_init (GstPlugin * plugin)
{
  return GST_ELEMENT_REGISTER (pmsssrc, plugin);
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, pmss,
    "Parallel media streaming: reads striped media from several servers",
    plugin_init, VERSION, "LGPL", PACKAGE, GST_PACKAGE_ORIGIN)
