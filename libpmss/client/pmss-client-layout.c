/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Layouts, fetched in parts: the pages behind a session's first one, and what
 * has changed. The caller's context. */

#include "pmss-client-private.h"

#include "libpmss/pmss-error.h"
#include "pmss-exchange.h"

/* Changes that come with one answer. */
#define MAX_CHANGES 1024
/* More answers than all extents can fill: the rest are lies. */
#define SPARE_ANSWERS 16

/*             a page that follows, not the last
 *                 ┌───────┐
 *   pages wanted ─▶ PAGES ─┘──▶ all there: done
 *                   ▲
 *                   │ a page: the layout is older than ours
 *   changes wanted ─▶ CHANGES ──▶ fewer than asked for: done
 *                     └──────┘
 *                  as many as asked for
 */
typedef struct
{
  char *session;
  PmssLayout *layout;           /* with the changes so far; NULL: pages */
  PmssLayoutBuilder *builder;   /* of the pages so far; NULL: changes */
  guint64 answers;
} Fetch;

static void
fetch_free (gpointer data)
{
  Fetch *fetch = data;

  g_free (fetch->session);
  g_clear_pointer (&fetch->layout, pmss_layout_unref);
  g_clear_pointer (&fetch->builder, pmss_layout_builder_free);
  g_free (fetch);
}

static void ask (GTask * task);

static void
fail (GTask * task, const char *why)
{
  PmssClient *self = g_task_get_source_object (task);
  GError *error = NULL;

  pmss_exchange_senseless (self->peer, why, &error);
  g_task_return_error (task, error);
  g_object_unref (task);
}

static void
succeed (GTask * task, PmssLayout * layout)
{
  g_task_return_pointer (task, layout, (GDestroyNotify) pmss_layout_unref);
  g_object_unref (task);
}

static void
finish_pages (GTask * task)
{
  Fetch *fetch = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  PmssLayout *layout = pmss_layout_builder_finish (fetch->builder, &error);

  if (layout != NULL)
    succeed (task, layout);
  else
    fail (task, error->message);
}

static void
take_page (GTask * task, const PmssLayoutPart * page)
{
  Fetch *fetch = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  guint32 next;

  if (fetch->builder == NULL)
    fetch->builder = pmss_layout_builder_new ();
  if (!pmss_layout_builder_add (fetch->builder, page, &error))
    fail (task, error->message);
  else if (pmss_layout_builder_get_next (fetch->builder, &next))
    ask (task);
  else
    finish_pages (task);
}

static void
take_changes (GTask * task, const PmssLayoutPart * part)
{
  Fetch *fetch = g_task_get_task_data (task);
  guint64 before = pmss_layout_get_generation (fetch->layout);
  g_autoptr (GError) error = NULL;
  PmssLayout *changed = pmss_layout_apply_changes (fetch->layout, part, &error);

  if (changed == NULL) {
    fail (task, error->message);
    return;
  }
  pmss_layout_unref (fetch->layout);
  fetch->layout = changed;
  if (part->numbers->len < MAX_CHANGES)
    succeed (task, g_steal_pointer (&fetch->layout));
  else if (part->generation > before && ++fetch->answers <=
      pmss_layout_get_n_extents (changed) / MAX_CHANGES + SPARE_ANSWERS)
    ask (task);
  else
    fail (task, "the layout's changes have no end");
}

static void
on_part (GObject * source, GAsyncResult * result, gpointer user_data)
{
  GTask *task = user_data;
  Fetch *fetch = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssLayoutPart) part = NULL;
  g_autoptr (JsonNode) json = pmss_client_request_finish (PMSS_CLIENT (source),
      result, &error);

  if (json == NULL) {
    g_task_return_error (task, error);
    g_object_unref (task);
    return;
  }
  part = pmss_layout_part_from_json (json, &local);
  if (part == NULL)
    fail (task, local->message);
  else if (part->changes && fetch->builder == NULL)
    take_changes (task, part);
  else
    take_page (task, part);
}

static void
ask (GTask * task)
{
  Fetch *fetch = g_task_get_task_data (task);
  g_autofree char *id = g_uri_escape_string (fetch->session, NULL, FALSE);
  g_autofree char *path = NULL;
  guint32 first = 0;

  if (fetch->layout != NULL && fetch->builder == NULL) {
    path = g_strdup_printf ("/sessions/%s/layout?since=%" G_GUINT64_FORMAT
        "&count=%u", id, MAX (1, pmss_layout_get_generation (fetch->layout)),
        MAX_CHANGES);
  } else {
    if (fetch->builder != NULL)
      pmss_layout_builder_get_next (fetch->builder, &first);
    path = g_strdup_printf ("/sessions/%s/layout?first=%u&count=%u", id, first,
        PMSS_MAX_PART_EXTENTS);
  }
  pmss_client_request_async (g_task_get_source_object (task), "GET", path,
      NULL, g_task_get_cancellable (task), on_part, task);
}

static GTask *
new_fetch (PmssClient * self, const char *session, GCancellable * cancellable,
    GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  Fetch *fetch = g_new0 (Fetch, 1);

  fetch->session = g_strdup (session);
  g_task_set_task_data (task, fetch, fetch_free);
  return task;
}

void
pmss_client_complete_layout_async (PmssClient * self, const char *session,
    const PmssLayoutPart * first_page, GCancellable * cancellable,
    GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = new_fetch (self, session, cancellable, callback, user_data);

  g_task_set_source_tag (task, pmss_client_complete_layout_async);
  take_page (task, first_page);
}

PmssLayout *
pmss_client_complete_layout_finish (PmssClient * self, GAsyncResult * result,
    GError ** error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
pmss_client_refresh_layout_async (PmssClient * self, const char *session,
    PmssLayout * layout, GCancellable * cancellable,
    GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = new_fetch (self, session, cancellable, callback, user_data);
  Fetch *fetch = g_task_get_task_data (task);

  g_task_set_source_tag (task, pmss_client_refresh_layout_async);
  fetch->layout = pmss_layout_ref (layout);
  ask (task);
}

PmssLayout *
pmss_client_refresh_layout_finish (PmssClient * self, GAsyncResult * result,
    GError ** error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
