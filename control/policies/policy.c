/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rules for uploads, and what follows from them. Pure. */
#include "control/policies/policy.h"

#include <string.h>

#include "libpmss/pmss-error.h"
#include "libpmss/pmss-text.h"

#define MIN_EXTENT PMSS_MIN_UNIT

PmssPolicy *
pmss_policy_new (const char *name)
{
  PmssPolicy *policy = g_new0 (PmssPolicy, 1);

  policy->name = g_strdup (name);
  policy->min_size = policy->max_size = -1;
  policy->keep_original = -1;
  return policy;
}

void
pmss_policy_free (PmssPolicy * policy)
{
  g_free (policy->name);
  g_free (policy->names);
  g_free (policy->types);
  g_free (policy);
}

static gboolean
invalid (GError ** error, const char *what)
{
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_INVALID, what);
  return FALSE;
}

static gboolean
check_name (const char *name, GError ** error)
{
  if (*name == '\0' || strlen (name) > PMSS_MAX_POLICY_NAME
      || strchr (name, '/') != NULL)
    return invalid (error, "A policy's name has 1 to 64 bytes and no slash");
  return pmss_text_check_name (name, "The policy's name", error);
}

static gboolean
check_globs (const PmssPolicy * policy, GError ** error)
{
  const char *globs[] = { policy->names, policy->types };

  for (guint i = 0; i < G_N_ELEMENTS (globs); i++) {
    if (globs[i] == NULL)
      continue;
    if (*globs[i] == '\0' || strlen (globs[i]) > PMSS_MAX_POLICY_GLOB)
      return invalid (error, "A pattern has 1 to 1024 bytes");
    if (!pmss_text_check (globs[i], "The pattern", error))
      return FALSE;
  }
  return TRUE;
}

gboolean
pmss_policy_check (const PmssPolicy * policy, GError ** error)
{
  if (!check_name (policy->name, error) || !check_globs (policy, error))
    return FALSE;
  if (policy->max_size >= 0 && policy->min_size > policy->max_size)
    return invalid (error, "min_size is more than max_size");
  if (policy->unit != 0 && !pmss_unit_check (policy->unit))
    return invalid (error, "unit is not a power of two from 4 KiB to 4 MiB");
  if (policy->extent != 0 && (policy->extent < MIN_EXTENT
          || policy->extent > PMSS_MAX_EXTENT))
    return invalid (error, "extent is not from 4 KiB to 256 MiB");
  if (policy->redundancy.k == 0 && policy->unit == 0 && policy->extent == 0
      && policy->keep_original < 0)
    return invalid (error, "A policy says at least one of redundancy, unit, "
        "extent and keep_original");
  return TRUE;
}

/* Matching */

/* On a mismatch the last star takes one character more; those before it need not be looked at
 * again. */
gboolean
pmss_policy_glob (const char *glob, const char *text)
{
  const char *star = NULL, *from = NULL;

  while (*text != '\0') {
    if (*glob == '*') {
      star = glob++;
      from = text;
    } else if (*glob == '?') {
      glob++;
      text = g_utf8_next_char (text);
    } else if (*glob == *text) {
      glob++;
      text++;
    } else if (star != NULL) {
      glob = star + 1;
      from = g_utf8_next_char (from);
      text = from;
    } else {
      return FALSE;
    }
  }
  while (*glob == '*')
    glob++;
  return *glob == '\0';
}

static const struct
{
  const char *ending, *type;
} types[] = {
  {"aac", "audio/aac"}, {"avi", "video/x-msvideo"}, {"flac", "audio/flac"},
  {"flv", "video/x-flv"}, {"gif", "image/gif"}, {"jpeg", "image/jpeg"},
  {"jpg", "image/jpeg"}, {"m2ts", "video/mp2t"}, {"m4a", "audio/mp4"},
  {"m4v", "video/mp4"}, {"mka", "audio/x-matroska"},
  {"mkv", "video/x-matroska"}, {"mov", "video/quicktime"},
  {"mp3", "audio/mpeg"}, {"mp4", "video/mp4"}, {"mpeg", "video/mpeg"},
  {"mpg", "video/mpeg"}, {"mxf", "application/mxf"}, {"oga", "audio/ogg"},
  {"ogg", "audio/ogg"}, {"ogv", "video/ogg"}, {"opus", "audio/ogg"},
  {"pdf", "application/pdf"}, {"png", "image/png"},
  {"srt", "application/x-subrip"}, {"tar", "application/x-tar"},
  {"ts", "video/mp2t"}, {"txt", "text/plain"}, {"vtt", "text/vtt"},
  {"wav", "audio/x-wav"}, {"webm", "video/webm"}, {"webp", "image/webp"},
  {"wma", "audio/x-ms-wma"}, {"wmv", "video/x-ms-wmv"},
  {"zip", "application/zip"},
};

const char *
pmss_policy_guess_type (const char *name)
{
  const char *dot = strrchr (name, '.');

  for (guint i = 0; dot != NULL && i < G_N_ELEMENTS (types); i++)
    if (g_ascii_strcasecmp (dot + 1, types[i].ending) == 0)
      return types[i].type;
  return NULL;
}

/* Without parameters, in small letters; "" where it is not known. */
static char *
find_type (const PmssPolicySubject * subject)
{
  const char *type = subject->content_type != NULL
      && *subject->content_type != '\0' ? subject->content_type
      : pmss_policy_guess_type (subject->name);
  g_autofree char *plain = NULL;

  if (type == NULL)
    return g_strdup ("");
  plain = g_strndup (type, strcspn (type, "; \t"));
  return g_ascii_strdown (plain, -1);
}

static gboolean
is_about (const PmssPolicy * policy, const PmssPolicySubject * subject,
    const char *type)
{
  g_autofree char *wanted = policy->types != NULL ?
      g_ascii_strdown (policy->types, -1) : NULL;

  return (policy->names == NULL
      || pmss_policy_glob (policy->names, subject->name))
      && (wanted == NULL || pmss_policy_glob (wanted, type))
      && (policy->min_size < 0 || subject->size >= (guint64) policy->min_size)
      && (policy->max_size < 0 || subject->size <= (guint64) policy->max_size);
}

/* Choosing */

void
pmss_policy_choice_clear (PmssPolicyChoice * choice)
{
  g_clear_pointer (&choice->why_redundancy, g_free);
  g_clear_pointer (&choice->why_unit, g_free);
  g_clear_pointer (&choice->why_extent, g_free);
  g_clear_pointer (&choice->why_keep_original, g_free);
}

static void
apply (const PmssPolicy * policy, PmssPolicyChoice * choice)
{
  if (policy->redundancy.k != 0 && choice->why_redundancy == NULL) {
    choice->redundancy = policy->redundancy;
    choice->why_redundancy = g_strdup (policy->name);
  }
  if (policy->unit != 0 && choice->why_unit == NULL) {
    choice->unit = policy->unit;
    choice->why_unit = g_strdup (policy->name);
  }
  if (policy->extent != 0 && choice->why_extent == NULL) {
    choice->extent = policy->extent;
    choice->why_extent = g_strdup (policy->name);
  }
  if (policy->keep_original >= 0 && choice->why_keep_original == NULL) {
    choice->keep_original = policy->keep_original != 0;
    choice->why_keep_original = g_strdup (policy->name);
  }
}

void
pmss_policy_choose (GPtrArray * policies, const PmssPolicySubject * subject,
    PmssPolicyChoice * choice)
{
  g_autofree char *type = find_type (subject);

  for (guint i = 0; i < policies->len; i++) {
    const PmssPolicy *policy = g_ptr_array_index (policies, i);

    if (is_about (policy, subject, type))
      apply (policy, choice);
  }
}
