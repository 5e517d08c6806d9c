/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>
#include <libpmss/reader/pmss-reader.h>

G_BEGIN_DECLS

/* Posts the element messages. docs/element.md lists their fields. Any thread, no lock of the
 * element held. */

void gst_pmss_post_layout    (GstElement * element, PmssReader * reader);
void gst_pmss_post_node_lost (GstElement * element, guint node, const char *peer,
    const GError * error);
void gst_pmss_post_node_back (GstElement * element, guint node, const char *peer);
/* Of "admission". @start_in: ns, -1: not known. @granted: control keeps that start */
void gst_pmss_post_waiting (GstElement * element, GstProgressType type, gint64 start_in,
    gboolean granted);
void gst_pmss_post_degraded  (GstElement * element, guint missing, guint spare);
/* The WARNING that no redundancy is left. */
void gst_pmss_post_no_redundancy (GstElement * element, guint missing);

G_END_DECLS
