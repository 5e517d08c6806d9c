/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/base/gstbasesrc.h>

G_BEGIN_DECLS

#define GST_TYPE_PMSS_SRC (gst_pmss_src_get_type ())
G_DECLARE_FINAL_TYPE (GstPmssSrc, gst_pmss_src, GST, PMSS_SRC, GstBaseSrc)

GST_ELEMENT_REGISTER_DECLARE (pmsssrc);

G_END_DECLS
