/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a reader takes over from control in play: an answer a line, as renewals and parts of layouts bring it. */
#include <string.h>

#include "fuzz.h"
#include "libpmss/client/pmss-client-private.h"
#include "libpmss/format/pmss-layout-part.h"
#include "libpmss/pmss-json.h"
#include "tests/unit/shard-reader.h"

/* answers of one input; records after each of them */
#define MAX_LINES 64
#define MAX_RECORDS 64

typedef struct
{
  ShardReader *reader;          /* NULL: no layout is whole yet */
  PmssLayoutBuilder *pages;     /* NULL: none has come since the last layout */
} Play;

static GBytes *
find_shard (guint32 extent, guint index, gpointer user_data)
{
  return NULL;
}

/* Each shard is asked for where the layout says. */
static void
check_places (PmssEngine * engine)
{
  PmssLayout *layout = engine->rows.layout;

  for (guint32 e = 0; e < pmss_layout_get_n_extents (layout); e++)
    for (guint i = 0; i < engine->links.places.width; i++) {
      gint node = pmss_layout_get_shard_node (layout, e, i);
      gint number = pmss_places_get (&engine->links.places, e, i);
      const PmssLink *link;

      g_assert_true ((node < 0) == (number < 0));
      if (node < 0)
        continue;
      g_assert_cmpint (number, <, engine->links.all->len);
      link = engine->links.all->pdata[number];
      g_assert_false (link->retired);
      g_assert_cmpuint (link->node.id, ==, pmss_layout_get_node (layout,
              node)->id);
    }
}

/* What the reader goes on with is @layout, unless that is of another medium, or nothing new. */
static void
check_taken (PmssEngine * engine, PmssLayout * layout)
{
  PmssLayout *ours = engine->rows.layout;

  g_assert_true (ours == layout
      || !pmss_layout_check_same_geometry (ours, layout, NULL)
      || pmss_layout_get_generation (ours) ==
      pmss_layout_get_generation (layout));
}

/* Somebody reads @row; each node says that it does not have the shard. */
static void
read_row (PmssEngine * engine, guint64 row)
{
  g_mutex_lock (&engine->lock);
  pmss_engine_note_read (engine, row, 0, FALSE);
  pmss_engine_plan (engine);
  g_mutex_unlock (&engine->lock);
  for (guint i = 0; i < MAX_RECORDS && fake_streams.live->len > 0; i++)
    fake_stream_go_on (fake_streams.live->pdata[0], i % 2);
}

static void
take (Play * play, PmssLayout * layout)
{
  PmssEngine *engine;

  g_clear_pointer (&play->pages, pmss_layout_builder_free);
  if (play->reader == NULL)
    play->reader = shard_reader_new (layout, find_shard, NULL);
  engine = shard_reader_get_engine (play->reader);
  g_mutex_lock (&engine->lock);
  pmss_engine_take_layout (engine, layout, TRUE);
  g_mutex_unlock (&engine->lock);
  check_taken (engine, layout);
  check_places (engine);
  if (engine->rows.n_rows == 0)
    return;
  read_row (engine, 0);
  read_row (engine, engine->rows.n_rows - 1);
}

static void
take_page (Play * play, const PmssLayoutPart * page)
{
  g_autoptr (PmssLayout) layout = NULL;
  guint32 next;

  if (play->pages == NULL)
    play->pages = pmss_layout_builder_new ();
  if (!pmss_layout_builder_add (play->pages, page, NULL)) {
    g_clear_pointer (&play->pages, pmss_layout_builder_free);
    return;
  }
  if (pmss_layout_builder_get_next (play->pages, &next))
    return;
  layout = pmss_layout_builder_finish (play->pages, NULL);
  if (layout != NULL)
    take (play, layout);
}

static void
take_changes (Play * play, const PmssLayoutPart * part)
{
  g_autoptr (PmssLayout) changed = NULL;

  if (play->reader != NULL)
    changed = pmss_layout_apply_changes (shard_reader_get_engine
        (play->reader)->rows.layout, part, NULL);
  if (changed != NULL)
    take (play, changed);
}

static void
take_answer (Play * play, const char *line)
{
  g_autoptr (JsonNode) json = pmss_json_parse (line, strlen (line), NULL);
  g_autoptr (PmssLayoutPart) part = NULL;
  PmssRenewal *renewal;
  PmssEngine *engine;

  if (json == NULL)
    return;
  renewal = pmss_client_parse_renewal (json, NULL);
  if (renewal != NULL && play->reader != NULL) {
    engine = shard_reader_get_engine (play->reader);
    pmss_refresh_hear (engine->refresh, engine->rows.layout, renewal);
  }
  g_clear_pointer (&renewal, pmss_client_renewal_free);
  part = pmss_layout_part_from_json (json, NULL);
  if (part == NULL)
    return;
  if (part->changes)
    take_changes (play, part);
  else
    take_page (play, part);
}

int
LLVMFuzzerTestOneInput (const uint8_t * data, size_t size)
{
  static gboolean quiet = FALSE;
  g_autofree char *text = g_strndup ((const char *) data, size);
  g_auto (GStrv) lines = g_strsplit (text, "\n", MAX_LINES);
  Play play = { NULL, NULL };

  if (!quiet)
    shard_reader_be_quiet ();
  quiet = TRUE;
  for (guint i = 0; lines[i] != NULL; i++)
    take_answer (&play, lines[i]);
  g_clear_pointer (&play.pages, pmss_layout_builder_free);
  g_clear_pointer (&play.reader, shard_reader_free);
  return 0;
}
