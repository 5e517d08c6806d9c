/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <gst/gst.h>

G_BEGIN_DECLS

/* What the tests of pmsssrc share. */

/* Reads the plugin from the build, and nothing of the system's but the core elements. */
void pmsssrc_test_init (int *argc, char ***argv);

/* A control server, in a thread of its own, that answers every POST /sessions with one status. No
 * session of it ever begins. */
typedef struct _FakeControl FakeControl;

FakeControl *fake_control_new        (void);
FakeControl *fake_control_new_tls    (GTlsCertificate * certificate);
void         fake_control_free       (FakeControl * control);
guint        fake_control_get_port   (FakeControl * control);
void         fake_control_set_status (FakeControl * control, guint status);
/* While the status is 201: a start in so many ns is kept. */
void         fake_control_set_start_in (FakeControl * control, gint64 start_in);
/* Of refusals. */
void         fake_control_set_retry_after (FakeControl * control, const char *seconds);
/* Different sessions that were asked for; those that were given back. */
guint        fake_control_count_ids    (FakeControl * control);
guint        fake_control_get_returned (FakeControl * control);
guint        fake_control_get_logins   (FakeControl * control);
guint        fake_control_get_sessions (FakeControl * control);
/* Connections that sessions were asked for over. */
guint        fake_control_get_connections (FakeControl * control);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FakeControl, fake_control_free)

/* A port on which connections are taken by the kernel and nobody says a word. */
GSocket *silent_listener_new (guint * port);
/* A port on which nobody listens. */
guint    unused_port (void);

/* "pmsssrc location=... ! fakesink" */
GstElement *source_pipeline_new (const char *location, GstElement ** source);
/* Waits (10 s at most) for a message; fails the test if an error comes instead or nothing. */
GstMessage *wait_message   (GstElement * pipeline, GstMessageType type);
/* Sets the pipeline to NULL, within a second, and drops it. */
void        source_pipeline_end (GstElement * pipeline);

/* Waits for an error, ends the pipeline, and counts the element's own errors: the base class adds
 * one of its own.
 * @first: the first one, @details: (out) (nullable) (transfer full): its details */
guint source_count_errors (GstElement *pipeline, GError **first, GstStructure **details);

G_END_DECLS
