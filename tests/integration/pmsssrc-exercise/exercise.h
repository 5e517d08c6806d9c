/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <gst/gst.h>

G_BEGIN_DECLS

/* How long anything may take; the programs are to end, not to hang. */
#define PATIENCE (60 * GST_SECOND)

/* common.c */
void        die         (const char *format, ...) G_GNUC_PRINTF (1, 2) G_GNUC_NORETURN;
/* Says the error on the pipeline's bus, too. */
void        die_of_bus  (GstElement * pipeline, const char *what) G_GNUC_NORETURN;
GstElement *make_source (const char *uri);
void        add_linked  (GstElement * pipeline, GstElement * a, GstElement * b);

/* The verbs; main.c says what each does. */
void exercise_pull   (const char *uri, const char *path, guint32 seed, guint count);
void exercise_push   (const char *uri, const char *path, guint32 seed, guint count);
void exercise_cycles (const char *uri, guint count);
void exercise_seeks  (const char *uri);
void exercise_watch  (const char *uri, char **properties);
void exercise_stop   (const char *uri);
void exercise_play   (const char *player, const char *uri);
void exercise_opens  (const char *uri, guint count);
void exercise_ways   (char **uris);

G_END_DECLS
