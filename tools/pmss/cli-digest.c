/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli-digest.h"

#include <libpmss/pmss-sha256.h>

#define MAX_WAITING (64u * 1024 * 1024)

struct _PmssCliDigest
{
  GThread *thread;
  PmssSha256 *sha256;           /* the thread's */

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
    if (bytes == NULL)
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

PmssCliDigest *
pmss_cli_digest_new (void)
{
  PmssCliDigest *digest = g_new0 (PmssCliDigest, 1);

  digest->sha256 = pmss_sha256_new ();
  g_mutex_init (&digest->lock);
  g_cond_init (&digest->changed);
  g_queue_init (&digest->waiting);
  digest->thread = g_thread_new ("digest", hash_pushed, digest);
  return digest;
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

char *
pmss_cli_digest_finish (PmssCliDigest * digest)
{
  char *text;

  g_mutex_lock (&digest->lock);
  digest->ended = TRUE;
  g_cond_signal (&digest->changed);
  g_mutex_unlock (&digest->lock);
  g_thread_join (digest->thread);
  text = pmss_sha256_finish (digest->sha256);
  g_mutex_clear (&digest->lock);
  g_cond_clear (&digest->changed);
  g_free (digest);
  return text;
}
