/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "access.h"
#include "httpd/pmss-httpd.h"
#include "gateway/answer.h"
#include "monitor/machine.h"
#include "scrub.h"
#include "self.h"
#include "store.h"

G_BEGIN_DECLS

/* The requests of docs/protocol.md, section 5. All of it runs on the listener's threads. The
 * objects that it points to outlive the listener. */
typedef struct
{
  PmssStore *store;
  PmssAccess *access;
  PmssScrub *scrub;             /* nullable */
  PmssGateway *gateway;         /* nullable; set before the listener starts */
  const char *metrics_token;    /* nullable; set before the listener starts */
  PmssHttpd *httpd;             /* set right after the start, under `lock` */
  GMutex lock;
  PmssSelf *self;
  const PmssMachine *machine;
} PmssStorageApi;

void pmss_storage_api_init  (PmssStorageApi *api, PmssStore *store, PmssAccess *access,
    PmssScrub *scrub, PmssSelf *self, const PmssMachine *machine);
void pmss_storage_api_clear (PmssStorageApi *api);

/* User data: the #PmssStorageApi. */
extern const PmssHttpdHandler pmss_storage_handler;

/* Prometheus' text format. */
char *pmss_storage_metrics (PmssStorageApi *api);

G_END_DECLS
