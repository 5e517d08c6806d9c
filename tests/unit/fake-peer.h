/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A peer with canned answers, for what no proper server does: lies, silence, endless bodies. Its
 * threads end in fake_peer_free(). */
typedef struct _FakePeer FakePeer;

typedef struct
{
  guint connection;             /* 1 for the first */
  guint number;                 /* of the request on its connection, from 1 */
  char *method;
  char *target;
  char *authorization;          /* nullable */
  char *range;                  /* nullable */
  GString *body;
} FakeRequest;

typedef struct
{
  /* head and body, raw; freed with g_free. NULL: says nothing and waits */
  char *text;
  guint8 *body;                 /* goes on with these; freed with g_free */
  gsize body_length;
  guint delay;                  /* ms before `text` */
  gboolean close;               /* the connection ends after `text` */
  gboolean endless;             /* goes on with zeros until the other side is gone */
  guint trickle;                /* ms: goes on with a byte each so many */
  guint slow;                   /* ms: goes on with 16 KiB each so many */
} FakeAnswer;

/* Called in the thread of the connection. */
typedef void (*FakePeerFunc) (const FakeRequest *request, FakeAnswer *answer, gpointer user_data);

/* @certificate: (nullable): with its key, for TLS */
FakePeer *fake_peer_new             (FakePeerFunc func, gpointer user_data,
    GTlsCertificate *certificate);
void      fake_peer_free            (FakePeer *peer);
/* As if a cable were pulled whenever a body is to come: the kernel drops what arrives on that
 * connection, and acknowledges nothing. */
void      fake_peer_cut_at_body     (FakePeer *peer);
guint16   fake_peer_get_port        (FakePeer *peer);
guint     fake_peer_get_connections (FakePeer *peer);
/* those that are open now */
guint     fake_peer_count_open      (FakePeer *peer);
/* "HTTP/1.1 STATUS\r\nContent-Type...", with Content-Length */
char     *fake_peer_answer          (const char *status, const char *content_type,
    const char *body);

G_END_DECLS
