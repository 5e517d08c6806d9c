/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* This server's identity, and its proof. Any thread. */

#include "self.h"

#include <string.h>

#include "libpmss/pmss-error.h"
#include "libpmss/node/pmss-proof.h"

struct _PmssSelf
{
  char *instance;

  GMutex lock;                  /* protects what follows */
  guint node;
  char *cluster;
  gboolean has_key;
  guint8 key[PMSS_PROOF_KEY_SIZE];
  char *address;                /* NULL: it speaks to no control server */
  guint16 port;
  gboolean tls;
};

PmssSelf *
pmss_self_new (void)
{
  PmssSelf *self = g_new0 (PmssSelf, 1);

  g_mutex_init (&self->lock);
  self->instance = pmss_proof_new_nonce ();
  return self;
}

void
pmss_self_free (PmssSelf * self)
{
  g_mutex_clear (&self->lock);
  g_free (self->instance);
  g_free (self->cluster);
  g_free (self->address);
  g_free (self);
}

const char *
pmss_self_get_instance (PmssSelf * self)
{
  return self->instance;
}

void
pmss_self_become (PmssSelf * self, const PmssIdentity * identity)
{
  g_mutex_lock (&self->lock);
  g_free (self->cluster);
  self->cluster = g_strdup (identity->cluster);
  self->has_key = *identity->secret != '\0';
  pmss_proof_key (identity->secret, self->key);
  self->node = identity->id;
  g_mutex_unlock (&self->lock);
}

void
pmss_self_set_place (PmssSelf * self, const char *address, guint16 port,
    gboolean tls)
{
  g_mutex_lock (&self->lock);
  g_free (self->address);
  self->address = g_strdup (address);
  self->port = port;
  self->tls = tls;
  g_mutex_unlock (&self->lock);
}

guint
pmss_self_get_node (PmssSelf * self)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);

  return self->node;
}

/* With the lock held. */
static gboolean
is_at_locked (PmssSelf * self, const char *address, guint16 port, gboolean tls)
{
  return g_strcmp0 (address, self->address) == 0 && port == self->port
      && !tls == !self->tls;
}

gboolean
pmss_self_is_at (PmssSelf * self, const char *address, guint16 port,
    gboolean tls)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);

  return self->address != NULL && is_at_locked (self, address, port, tls);
}

static gboolean
check_terms_locked (PmssSelf * self, const PmssProofTerms * terms,
    GError ** error)
{
  if (!self->has_key || self->address == NULL) {
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_BUSY,
        "this server has not joined a cluster yet");
    return FALSE;
  }
  if (is_at_locked (self, terms->address, terms->port, terms->tls))
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_MISDIRECTED,
      "this is node %u, which advertises %s, port %u, %s TLS", self->node,
      self->address, self->port, self->tls ? "with" : "without");
  return FALSE;
}

char *
pmss_self_prove (PmssSelf * self, const char *nonce, const char *address,
    guint16 port, gboolean tls, GError ** error)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);
  const PmssProofTerms terms = {
    self->cluster, self->node, address, port, tls, nonce
  };
  char proof[PMSS_PROOF_STRLEN];

  if (!check_terms_locked (self, &terms, error))
    return NULL;
  pmss_proof_write (self->key, &terms, proof);
  return g_strdup (proof);
}
