/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The client of control: its properties, credentials and authorities. Any
 * thread. */

#include "pmss-client-private.h"

#include <string.h>

#include "pmss-ca-file.h"
#include "pmss-credentials.h"
#include "libpmss/pmss-error.h"
#include "pmss-exchange.h"
#include "libpmss/pmss-json.h"
#include "pmss-proxy.h"

#define DEFAULT_TIMEOUT 15

G_DEFINE_TYPE (PmssClient, pmss_client, G_TYPE_OBJECT);

enum
{
  PROP_URL = 1,
  PROP_TIMEOUT,
  PROP_TLS_DATABASE,
  PROP_TLS_INTERACTION,
  PROP_TLS_VALIDATION_FLAGS,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

void
pmss_secret_free (char *secret)
{
  if (secret != NULL)
    explicit_bzero (secret, strlen (secret));
  g_free (secret);
}

/* What goes into a header or a stored file must be what a token can be. */
gboolean
pmss_client_token_is_sane (const char *token)
{
  gsize length = strlen (token);

  if (length == 0 || length > PMSS_MAX_TOKEN)
    return FALSE;
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isgraph (token[i]))
      return FALSE;
  return TRUE;
}

gboolean
pmss_client_token_member (JsonObject * object, const char **token,
    GError ** error)
{
  if (!pmss_json_get_string (object, "token", PMSS_MAX_TOKEN, token, error))
    return FALSE;
  if (pmss_client_token_is_sane (*token))
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID, "token is not a token");
  return FALSE;
}

/* --- credentials --- */

void
pmss_client_set_credentials (PmssClient * self, const char *token,
    const char *user, const char *password)
{
  g_return_if_fail (PMSS_IS_CLIENT (self));
  g_mutex_lock (&self->lock);
  pmss_secret_free (self->token);
  g_free (self->user);
  pmss_secret_free (self->password);
  g_clear_pointer (&self->problem, g_free);
  self->token = NULL;
  if (token != NULL && pmss_client_token_is_sane (token))
    self->token = g_strdup (token);
  else if (token != NULL)
    self->problem = g_strdup ("the token that was given is none");
  self->user = g_strdup (user);
  self->password = g_strdup (password);
  g_mutex_unlock (&self->lock);
}

static void
use_stored_credentials (PmssClient * self, const char *uri_user)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssCredentials) stored = pmss_credentials_load (self->url,
      &error);

  if (stored != NULL
      && (uri_user == NULL || g_strcmp0 (uri_user, stored->user) == 0))
    pmss_client_set_credentials (self, stored->token, NULL, NULL);
  if (error != NULL) {
    g_mutex_lock (&self->lock);
    g_free (self->problem);
    self->problem = g_strdup (error->message);
    g_mutex_unlock (&self->lock);
  }
}

void
pmss_client_find_credentials (PmssClient * self, const char *uri_user,
    const char *uri_password)
{
  g_autofree char *token = g_strdup (g_getenv ("PMSS_TOKEN"));
  gboolean has;

  g_return_if_fail (PMSS_IS_CLIENT (self));
  g_mutex_lock (&self->lock);
  has = self->token != NULL || (self->user != NULL && self->password != NULL);
  g_mutex_unlock (&self->lock);
  if (has)
    return;
  if (uri_user != NULL && uri_password != NULL)
    pmss_client_set_credentials (self, NULL, uri_user, uri_password);
  else if (token != NULL && g_strstrip (token)[0] != '\0')
    pmss_client_set_credentials (self, token, NULL, NULL);
  else
    use_stored_credentials (self, uri_user);
}

/* --- authorities --- */

gboolean
pmss_client_set_ca_file (PmssClient * self, const char *path, GError ** error)
{
  g_autoptr (GTlsDatabase) database = pmss_ca_file_open (path, error);

  if (database == NULL)
    return FALSE;
  g_object_set (self, "tls-database", database, NULL);
  return TRUE;
}

static gboolean
use_stored_authorities (PmssClient * self, GError ** error)
{
  /* a file of logins that cannot be used is told of by who looks for a token */
  g_autoptr (PmssCredentials) stored = pmss_credentials_load (self->url, NULL);

  if (stored == NULL || stored->ca_file == NULL
      || pmss_client_set_ca_file (self, stored->ca_file, error))
    return TRUE;
  g_prefix_error (error,
      "“pmss login --ca-file FILE” names another file for " "%s: ",
      self->url);
  return FALSE;
}

gboolean
pmss_client_find_authorities (PmssClient * self, GError ** error)
{
  const char *path = g_getenv ("PMSS_CA_FILE");

  g_return_val_if_fail (PMSS_IS_CLIENT (self), FALSE);
  if (self->tls_database != NULL || !self->place->tls)
    return TRUE;
  if (path == NULL || path[0] == '\0')
    return use_stored_authorities (self, error);
  if (pmss_client_set_ca_file (self, path, error))
    return TRUE;
  g_prefix_error (error, "PMSS_CA_FILE: ");
  return FALSE;
}

/* --- the object --- */

char *
pmss_client_encode_name (const char *name)
{
  return g_uri_escape_string (name, "/", FALSE);
}

const char *
pmss_client_get_url (PmssClient * self)
{
  g_return_val_if_fail (PMSS_IS_CLIENT (self), NULL);
  return self->url;
}

/* A control server's URL in its one form: "scheme://host:port". */
static char *
normal_url (const char *text, PmssControlUrl ** url, GError ** error)
{
  if (strstr (text, "://") == NULL) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "not the URL of a control server (http://HOST:PORT)");
    return NULL;
  }
  *url = pmss_control_url_parse (text, error);
  return *url != NULL ? pmss_control_url_to_string (*url) : NULL;
}

PmssClient *
pmss_client_new (const char *url, GError ** error)
{
  g_autoptr (PmssControlUrl) place = NULL;
  g_autofree char *normal = normal_url (url, &place, error);

  if (normal == NULL)
    return NULL;
  return g_object_new (PMSS_TYPE_CLIENT, "url", normal, NULL);
}

static SoupSession *
make_session (gpointer user_data)
{
  PmssClient *self = user_data;
  g_auto (GStrv) environment = g_get_environ ();
  g_autoptr (GProxyResolver) proxies =
      pmss_proxy_resolver_new (self->place, environment);

  return pmss_exchange_session_new (PMSS_EXCHANGE_CONNECTIONS,
      PMSS_EXCHANGE_ALL_CONNECTIONS, proxies, self->tls_database,
      self->tls_interaction);
}

static void
pmss_client_init (PmssClient * self)
{
  self->pool = pmss_soup_pool_new (make_session, self);
  g_mutex_init (&self->lock);
}

static void
pmss_client_finalize (GObject * object)
{
  PmssClient *self = PMSS_CLIENT (object);

  pmss_soup_pool_free (self->pool);
  g_clear_object (&self->tls_database);
  g_clear_object (&self->tls_interaction);
  pmss_secret_free (self->token);
  g_free (self->user);
  pmss_secret_free (self->password);
  g_free (self->problem);
  g_free (self->url);
  pmss_control_url_free (self->place);
  g_free (self->peer);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (pmss_client_parent_class)->finalize (object);
}

static void
pmss_client_set_property (GObject * object, guint id, const GValue * value,
    GParamSpec * pspec)
{
  PmssClient *self = PMSS_CLIENT (object);

  switch (id) {
    case PROP_URL:
      self->url = normal_url (g_value_get_string (value), &self->place, NULL);
      if (self->place != NULL)
        self->peer = pmss_control_url_get_peer (self->place);
      break;
    case PROP_TIMEOUT:
      self->timeout = g_value_get_uint (value);
      break;
    case PROP_TLS_DATABASE:
      g_set_object (&self->tls_database, g_value_get_object (value));
      break;
    case PROP_TLS_INTERACTION:
      g_set_object (&self->tls_interaction, g_value_get_object (value));
      break;
    case PROP_TLS_VALIDATION_FLAGS:
      self->tls_validation_flags = g_value_get_flags (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
pmss_client_get_property (GObject * object, guint id, GValue * value,
    GParamSpec * pspec)
{
  PmssClient *self = PMSS_CLIENT (object);

  switch (id) {
    case PROP_URL:
      g_value_set_string (value, self->url);
      break;
    case PROP_TIMEOUT:
      g_value_set_uint (value, self->timeout);
      break;
    case PROP_TLS_DATABASE:
      g_value_set_object (value, self->tls_database);
      break;
    case PROP_TLS_INTERACTION:
      g_value_set_object (value, self->tls_interaction);
      break;
    case PROP_TLS_VALIDATION_FLAGS:
      g_value_set_flags (value, self->tls_validation_flags);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
install_properties (GObjectClass * class)
{
  GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

  props[PROP_URL] = g_param_spec_string ("url", NULL, NULL, NULL,
      flags | G_PARAM_CONSTRUCT_ONLY);
  props[PROP_TIMEOUT] = g_param_spec_uint ("timeout", NULL, NULL, 0, 86400,
      DEFAULT_TIMEOUT, flags | G_PARAM_CONSTRUCT);
  props[PROP_TLS_DATABASE] = g_param_spec_object ("tls-database", NULL, NULL,
      G_TYPE_TLS_DATABASE, flags);
  props[PROP_TLS_INTERACTION] = g_param_spec_object ("tls-interaction", NULL,
      NULL, G_TYPE_TLS_INTERACTION, flags);
  props[PROP_TLS_VALIDATION_FLAGS] = g_param_spec_flags
      ("tls-validation-flags", NULL, NULL, G_TYPE_TLS_CERTIFICATE_FLAGS,
      G_TLS_CERTIFICATE_VALIDATE_ALL, flags | G_PARAM_CONSTRUCT);
  g_object_class_install_properties (class, N_PROPS, props);
}

static void
pmss_client_class_init (PmssClientClass * class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);

  object_class->finalize = pmss_client_finalize;
  object_class->set_property = pmss_client_set_property;
  object_class->get_property = pmss_client_get_property;
  install_properties (object_class);
  g_signal_new ("accept-certificate",
      PMSS_TYPE_CLIENT, G_SIGNAL_RUN_LAST, 0,
      g_signal_accumulator_true_handled, NULL, NULL, G_TYPE_BOOLEAN, 2,
      G_TYPE_TLS_CERTIFICATE, G_TYPE_TLS_CERTIFICATE_FLAGS);
}
