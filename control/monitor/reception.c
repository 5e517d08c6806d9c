/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How nodes serve viewers, by viewers' words. Pure; its owner's lock. */
#include "control/monitor/reception.h"

#include <math.h>
#include <string.h>

#include "control/monitor/complaints.h"
#include "control/nodes/node-stats.h"

/* The time that figures reach back is cut into these, so that old ones go piece by piece. */
#define PIECES 6
#define MAX_UNITS (PMSS_RECEPTION_MAX_RATE / 8 / (256 * 1024))
/* Viewers whose median time is taken: as many as one would ask. */
#define MEDIAN_OF 101
#define SECOND ((double) G_USEC_PER_SEC)

/* What viewers told within one piece of time. */
typedef struct
{
  gint64 number;                /* of the piece, from the beginning of the clock */
  double bytes, late, rebuilt;
} Piece;

typedef struct
{
  guint id;
  GHashTable *viewers;          /* name (an interned GRefString) -> Viewer */
  Piece pieces[PIECES];
} Node;

/* One viewer at one node. */
typedef struct
{
  gint64 heard;
  gint64 complained;            /* 0: never */
  gint64 credited;
  float bytes, units;           /* that it may still tell */
  float time;                   /* s that a unit took; 0: not known */
} Viewer;

struct _PmssReception
{
  gint64 reach;
  GHashTable *nodes;            /* id -> Node */
  guint count;                  /* of Viewers */
};

static void
node_free (gpointer data)
{
  Node *node = data;

  g_hash_table_unref (node->viewers);
  g_free (node);
}

PmssReception *
pmss_reception_new (gint64 reach)
{
  PmssReception *self = g_new0 (PmssReception, 1);

  self->reach = MAX (reach, PMSS_RECEPTION_MEMORY);
  self->nodes = g_hash_table_new_full (NULL, NULL, NULL, node_free);
  return self;
}

void
pmss_reception_free (PmssReception * self)
{
  g_hash_table_unref (self->nodes);
  g_free (self);
}

guint
pmss_reception_count (PmssReception * self)
{
  return self->count;
}

/* --- What is told --- */

static Node *
get_node (PmssReception * self, guint id)
{
  Node *node = g_hash_table_lookup (self->nodes, GUINT_TO_POINTER (id));

  if (node == NULL) {
    node = g_new0 (Node, 1);
    node->id = id;
    node->viewers = g_hash_table_new_full (NULL, NULL,
        (GDestroyNotify) g_ref_string_release, g_free);
    g_hash_table_insert (self->nodes, GUINT_TO_POINTER (id), node);
  }
  return node;
}

/* NULL: there are too many. */
static Viewer *
get_viewer (PmssReception * self, Node * node, char *name)
{
  Viewer *viewer = g_hash_table_lookup (node->viewers, name);

  if (viewer != NULL)
    return viewer;
  if (self->count >= PMSS_RECEPTION_MAX
      || g_hash_table_size (node->viewers) >= PMSS_RECEPTION_MAX_VIEWERS)
    return NULL;
  viewer = g_new0 (Viewer, 1);
  self->count++;
  g_hash_table_insert (node->viewers, g_ref_string_acquire (name), viewer);
  return viewer;
}

/* Nobody tells more than a line carries, whatever the number of renewals. */
static void
give_credit (PmssReception * self, Viewer * viewer, gint64 now)
{
  double most = (double) self->reach / SECOND;
  double passed = viewer->credited == 0 ? most
      : (double) (now - viewer->credited) / SECOND;

  viewer->bytes = (float) MIN (viewer->bytes
      + passed * PMSS_RECEPTION_MAX_RATE / 8,
      most * PMSS_RECEPTION_MAX_RATE / 8);
  viewer->units = (float) MIN (viewer->units + passed * MAX_UNITS,
      most * MAX_UNITS);
  viewer->credited = now;
}

static double
spend (float *credit, guint64 told)
{
  double taken = MIN ((double) told, (double) *credit);

  *credit -= (float) taken;
  return taken;
}

static Piece *
get_piece (PmssReception * self, Node * node, gint64 now)
{
  gint64 number = now / (self->reach / PIECES);
  Piece *piece = &node->pieces[number % PIECES];

  if (piece->number != number)
    *piece = (Piece) {
    .number = number};
  return piece;
}

static void
note_node (PmssReception * self, char *name,
    const PmssNodeMeasure * told, gboolean complains, gint64 now)
{
  Node *node = get_node (self, told->node);
  Viewer *viewer = get_viewer (self, node, name);
  Piece *piece;

  if (viewer == NULL)
    return;
  viewer->heard = now;
  if (complains)
    viewer->complained = now;
  if (told->units > 0 && told->time > 0)
    viewer->time = (float) ((double) told->time / 1e9);
  give_credit (self, viewer, now);
  piece = get_piece (self, node, now);
  piece->bytes += spend (&viewer->bytes, told->bytes);
  piece->late += spend (&viewer->units, told->late);
  piece->rebuilt += spend (&viewer->units, told->rebuilt);
}

static gboolean
has_node (const GArray * layout, guint id)
{
  guint low = 0, high = layout->len;

  while (low < high) {
    guint middle = low + (high - low) / 2;
    guint there = g_array_index (layout, guint, middle);

    if (there == id)
      return TRUE;
    if (there < id)
      low = middle + 1;
    else
      high = middle;
  }
  return FALSE;
}

static gboolean
is_named (const GArray * nodes, guint id)
{
  for (guint i = 0; i < nodes->len; i++)
    if (g_array_index (nodes, PmssNodeMeasure, i).node == id)
      return TRUE;
  return FALSE;
}

/* Those that it can know of, each once. */
static GArray *
list_known (const GArray * nodes, const GArray * layout)
{
  GArray *known = g_array_new (FALSE, FALSE, sizeof (PmssNodeMeasure));

  for (guint i = 0; i < nodes->len; i++) {
    const PmssNodeMeasure *node = &g_array_index (nodes, PmssNodeMeasure, i);

    if (has_node (layout, node->node) && !is_named (known, node->node))
      g_array_append_vals (known, node, 1);
  }
  return known;
}

void
pmss_reception_note (PmssReception * self, const char *viewer,
    const GArray * nodes, const GArray * layout, gint64 now)
{
  g_autoptr (GRefString) name = g_ref_string_new_intern (viewer);
  g_autoptr (GArray) known = list_known (nodes, layout);
  g_autofree gboolean *complains = g_new0 (gboolean, known->len + 1);
  const PmssNodeMeasure *first = (const PmssNodeMeasure *) known->data;

  pmss_complaints_judge (first, known->len, complains);
  for (guint i = 0; i < known->len; i++)
    note_node (self, name, &first[i], complains[i], now);
}

/* --- What follows --- */

static int
compare_floats (gconstpointer a, gconstpointer b)
{
  float x = *(const float *) a, y = *(const float *) b;

  return (x > y) - (x < y);
}

static double
find_median (GArray * times)
{
  if (times->len == 0)
    return PMSS_UNKNOWN;
  g_array_sort (times, compare_floats);
  return ((double) g_array_index (times, float, (times->len - 1) / 2)
      + (double) g_array_index (times, float, times->len / 2)) / 2;
}

/* Forgets those who have not been heard of, and counts the others. */
static void
count_viewers (PmssReception * self, Node * node, gint64 now,
    PmssReceptionView * view)
{
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (float));
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, node->viewers);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    const Viewer *viewer = value;

    if (now - viewer->heard >= self->reach) {
      g_hash_table_iter_remove (&iter);
      self->count--;
      continue;
    }
    view->viewers++;
    view->complaints += viewer->complained != 0
        && now - viewer->complained < PMSS_RECEPTION_MEMORY;
    if (viewer->time > 0 && times->len < MEDIAN_OF)
      g_array_append_val (times, viewer->time);
  }
  view->time = find_median (times);
  view->slow = view->complaints >= PMSS_RECEPTION_COMPLAINTS
      && 2 * view->complaints > view->viewers;
}

/* Over as much time as the pieces have together. */
static void
sum_pieces (PmssReception * self, const Node * node, gint64 now,
    PmssReceptionView * view)
{
  gint64 length = self->reach / PIECES, number = now / length;
  double span = (double) ((PIECES - 1) * length + now % length) / SECOND;

  for (guint i = 0; i < PIECES; i++) {
    const Piece *piece = &node->pieces[i];

    if (number - piece->number >= PIECES)
      continue;
    view->rate += piece->bytes * 8 / span;
    view->late += piece->late / span;
    view->rebuilt += piece->rebuilt / span;
  }
}

static int
compare_views (gconstpointer a, gconstpointer b)
{
  const PmssReceptionView *x = a, *y = b;

  return (x->node > y->node) - (x->node < y->node);
}

GArray *
pmss_reception_look (PmssReception * self, gint64 now)
{
  GArray *views = g_array_new (FALSE, FALSE, sizeof (PmssReceptionView));
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->nodes);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    Node *node = value;
    PmssReceptionView view = {.node = node->id };

    count_viewers (self, node, now, &view);
    if (view.viewers == 0) {
      g_hash_table_iter_remove (&iter);
      continue;
    }
    sum_pieces (self, node, now, &view);
    g_array_append_val (views, view);
  }
  g_array_sort (views, compare_views);
  return views;
}
