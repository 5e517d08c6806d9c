/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fake-peer.h"
#include "libpmss/client/pmss-client.h"

G_BEGIN_DECLS

#define SESSION_ID "0123456789abcdef0123456789abcdef"
#define SHA256 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define VERSION_ID "00112233445566778899aabbccddeeff"
#define LAYOUT "{\"version\":\"" VERSION_ID "\",\"size\":100,\"k\":1,\"m\":0," \
  "\"unit\":262144,\"extent\":16777216,\"nodes\":[{\"id\":1," \
  "\"address\":\"127.0.0.1\",\"port\":8471,\"tls\":false,\"zone\":\"\"}]," \
  "\"extents\":[[0]]}"
#define SESSION "{\"id\":\"" SESSION_ID "\",\"lease\":30," \
  "\"expires\":\"2999-01-01T00:00:00Z\",\"token\":\"v4.public.cap\"," \
  "\"user\":\"ann\",\"medium\":{\"name\":\"films/a b\",\"title\":\"A B\"," \
  "\"content_type\":null,\"sha256\":\"" SHA256 "\"," \
  "\"avg_bitrate\":8000,\"peak_bitrate_10s\":9000," \
  "\"duration_ns\":12},\"layout\":" LAYOUT "}"

/* A control server as small as can be: tokens are "token-N", only the newest one is good. */
typedef struct
{
  FakePeer *peer;
  char *url;
  guint logins;                 /* atomic */
  guint requests;               /* atomic */
  const char *session;          /* what opening one is answered with */
  gboolean cut_second;          /* every connection ends at its second request, unanswered */
  FakeAnswer answer;            /* of /odd */
} SmallControl;

void         small_control_init       (SmallControl *control);
void         small_control_clear      (SmallControl *control);
PmssClient  *small_control_new_client (SmallControl *control);

/* Runs an asynchronous call to its end: client_keep_result() is its callback, client_wait_for()
 * gives the result. */
void          client_keep_result (GObject *source, GAsyncResult *result, gpointer user_data);
GAsyncResult *client_wait_for    (GAsyncResult **result);
PmssSession  *client_open_session (PmssClient *client, GError **error);

G_END_DECLS
