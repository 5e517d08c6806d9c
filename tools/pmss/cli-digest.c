/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli-digest.h"

#include <libpmss/pmss-sha256.h>

#define MAX_WAITING (64u * 1024 * 1024)
#define FILE_PIECE (1024u * 1024)

struct _PmssCliDigest
{
  GThread *thread;
  PmssSha256 *sha256;           /* the thread's */
  char *file;
  GCancellable *cancellable;
  GError *error;                /* the thread's, until it is joined */
  int abandoned;                /* atomic */

  GMutex lock;                  /* protects what follows */
  GCond changed;
  GQueue waiting;               /* of GBytes */
  gsize waiting_bytes;
  gboolean ended;
};

static gpointer
hash_pushed (gpointer data)
{
  PmssCliDigest *digest = data;
  GBytes *bytes;

  g_mutex_lock (&digest->lock);
  for (;;) {
    gsize length;
    gconstpointer start;

    while (!(bytes = g_queue_pop_head (&digest->waiting)) && !digest->ended)
      g_cond_wait (&digest->changed, &digest->lock);
    if (!bytes)
      break;
    g_mutex_unlock (&digest->lock);
    start = g_bytes_get_data (bytes, &length);
    pmss_sha256_update (digest->sha256, start, length);
    g_bytes_unref (bytes);
    g_mutex_lock (&digest->lock);
    digest->waiting_bytes -= length;
    g_cond_signal (&digest->changed);
  }
  g_mutex_unlock (&digest->lock);
  return NULL;
}

static gpointer
hash_file (gpointer data)
{
  PmssCliDigest *digest = data;
  g_autoptr (GFile) file = g_file_new_for_path (digest->file);
  g_autoptr (GFileInputStream) stream =
      g_file_read (file, digest->cancellable, &digest->error);
  g_autofree guint8 *piece = g_malloc (FILE_PIECE);
  gssize n = 0;

  if (!stream)
    return NULL;
  while (!g_atomic_int_get (&digest->abandoned) &&
      (n = g_input_stream_read (G_INPUT_STREAM (stream), piece, FILE_PIECE,
              digest->cancellable, &digest->error)) > 0)
    pmss_sha256_update (digest->sha256, piece, n);
  return NULL;
}

static PmssCliDigest *
digest_start (const char *file, GCancellable * cancellable)
{
  PmssCliDigest *digest = g_new0 (PmssCliDigest, 1);

  digest->sha256 = pmss_sha256_new ();
  digest->file = g_strdup (file);
  g_set_object (&digest->cancellable, cancellable);
  g_mutex_init (&digest->lock);
  g_cond_init (&digest->changed);
  g_queue_init (&digest->waiting);
  digest->thread =
      g_thread_new ("digest", file ? hash_file : hash_pushed, digest);
  return digest;
}

PmssCliDigest *
pmss_cli_digest_new (void)
{
  return digest_start (NULL, NULL);
}

PmssCliDigest *
pmss_cli_digest_new_file (const char *file, GCancellable * cancellable)
{
  return digest_start (file, cancellable);
}

void
pmss_cli_digest_push (PmssCliDigest * digest, GBytes * bytes)
{
  g_mutex_lock (&digest->lock);
  while (digest->waiting_bytes > MAX_WAITING)
    g_cond_wait (&digest->changed, &digest->lock);
  digest->waiting_bytes += g_bytes_get_size (bytes);
  g_queue_push_tail (&digest->waiting, g_bytes_ref (bytes));
  g_cond_signal (&digest->changed);
  g_mutex_unlock (&digest->lock);
}

void
pmss_cli_digest_abandon (PmssCliDigest * digest)
{
  g_atomic_int_set (&digest->abandoned, TRUE);
  g_free (pmss_cli_digest_finish (digest, NULL));
}

char *
pmss_cli_digest_finish (PmssCliDigest * digest, GError ** error)
{
  char *text;

  g_mutex_lock (&digest->lock);
  digest->ended = TRUE;
  g_cond_signal (&digest->changed);
  g_mutex_unlock (&digest->lock);
  g_thread_join (digest->thread);
  text = pmss_sha256_finish (digest->sha256);
  if (digest->error) {
    g_clear_pointer (&text, g_free);
    g_propagate_error (error, digest->error);
  }
  g_free (digest->file);
  g_clear_object (&digest->cancellable);
  g_mutex_clear (&digest->lock);
  g_cond_clear (&digest->changed);
  g_free (digest);
  return text;
}
