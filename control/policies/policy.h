/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/pmss-types.h"

G_BEGIN_DECLS

/**
 * PmssPolicy:
 *
 * A rule for uploads that do not say how they are to be stored: which ones it is about, and what it
 * says of them. Pure: rules come from administrators, names and types from strangers.
 */
typedef struct
{
  char *name;
  gint64 order;                 /* of two the one with the smaller number counts, else by name */
  /* which media; NULL and -1: any */
  char *names;                  /* a pattern of names: pmss_policy_glob() */
  char *types;                  /* the same of content types, without regard to case */
  gint64 min_size, max_size;    /* bytes, both included */
  /* what it says of them; 0 and -1: nothing */
  PmssRedundancy redundancy;    /* k 0: nothing */
  guint32 unit, extent;         /* bytes */
  int keep_original;
} PmssPolicy;

void        pmss_policy_free  (PmssPolicy *policy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssPolicy, pmss_policy_free)
/* Everything is open. */
PmssPolicy *pmss_policy_new   (const char *name);
/* PMSS_ERROR_INVALID: a value is out of range, or the rule says nothing. */
gboolean    pmss_policy_check (const PmssPolicy *policy, GError **error);

#define PMSS_MAX_POLICY_NAME 64 /* bytes */
#define PMSS_MAX_POLICY_GLOB 1024

/* A file that is to be uploaded. */
typedef struct
{
  const char *name;             /* of the medium */
  const char *content_type;     /* nullable: it is guessed from the name's ending */
  guint64 size;
} PmssPolicySubject;

/* How it is stored. The members that say why are names of policies; NULL: the cluster's default. */
typedef struct
{
  PmssRedundancy redundancy;
  guint32 unit, extent;
  gboolean keep_original;
  char *why_redundancy, *why_unit, *why_extent, *why_keep_original;
} PmssPolicyChoice;

void        pmss_policy_choice_clear (PmssPolicyChoice *choice);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PmssPolicyChoice, pmss_policy_choice_clear)

/* @choice: the cluster's defaults. Each value becomes that of the first of @policies (of
 * PmssPolicy, in their order) that is about @subject and says something of it. */
void        pmss_policy_choose (GPtrArray *policies, const PmssPolicySubject *subject,
    PmssPolicyChoice *choice);

/* Whether @text is like @glob: "*" is any characters, none too, and "?" is one. Takes at most the
 * product of both lengths. */
gboolean    pmss_policy_glob (const char *glob, const char *text);
/* The content type that a name's ending promises; NULL: not known. */
const char *pmss_policy_guess_type (const char *name);

G_END_DECLS
