/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/reader/pmss-engine.h"

G_BEGIN_DECLS

/**
 * PmssWait:
 *
 * A call that waits for bytes, or for the reader to be open. It is the one way to wait. A
 * synchronous call sleeps on the engine's condition until its wait is over. An asynchronous one has
 * a GTask that is answered then.
 */
typedef struct _PmssWait PmssWait;

/* Answers: for bytes a GBytes, for opening NULL and no error. */
GBytes *pmss_wait_read (PmssEngine *engine, guint64 offset, gsize max,
    GCancellable *cancellable, GError **error);
/* NULL: they are not there; nothing waits for them. */
GBytes *pmss_wait_try_read (PmssEngine *engine, guint64 offset, gsize max);
/* @task: (transfer full): answered with a GBytes. */
void pmss_wait_read_task (PmssEngine *engine, guint64 offset, gsize max,
    GTask *task);
gboolean pmss_wait_open (PmssEngine *engine, GCancellable *cancellable,
    GError **error);
/* @task: (transfer full): answered with TRUE. */
void pmss_wait_open_task (PmssEngine *engine, GTask *task);

/* Lock held: control is asked for a session at @due. The timeout of waits for the opening counts
 * from there, of those to come, too. */
void pmss_wait_postpone (PmssEngine *engine, gint64 due);

/* Lock held: looks at all waits. Called after each change that may end one.
 * Returns: (transfer full): those with a task that are over, taken off the
 * queue. They are for pmss_wait_answer(), after the unlock. */
G_GNUC_WARN_UNUSED_RESULT
GList *pmss_wait_check (PmssEngine *engine, gint64 now);
/* Lock not held: a task may call back at once, and the callback may take the lock. @ended:
 * (transfer full): of pmss_wait_check(). Does not look at the engine. */
void pmss_wait_answer (GList *ended);

G_END_DECLS
