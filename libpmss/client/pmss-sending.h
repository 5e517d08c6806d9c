/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/**
 * PmssSending:
 *
 * A message on its way to its answer, and the one way to cancel it. A message may be cancelled
 * after its head has come and before libsoup has called back. libsoup then ends it twice (3.6 up to
 * 3.6.5; 3.2 does other harm there). So a cancellation of that moment waits until the answer is
 * handed over.
 *
 * It lives on the thread of the session, which runs one context, and is freed there, after the
 * answer.
 */
typedef struct _PmssSending PmssSending;

/* @outer: (nullable): cancels, too; from the same thread only. */
PmssSending  *pmss_sending_new             (SoupMessage *message, GCancellable *outer);
void          pmss_sending_free            (PmssSending *sending);
/* For soup_session_send_async(), and for reading the body. Only pmss_sending_cancel() cancels
 * it. */
GCancellable *pmss_sending_get_cancellable (PmssSending *sending);
void          pmss_sending_cancel          (PmssSending *sending);
/* To be called after soup_session_send_finish(): from here on a cancellation takes effect at
 * once. */
void          pmss_sending_answered        (PmssSending *sending);

G_END_DECLS
