/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libpmss/pmss-client.h>
#include <libpmss/pmss-credentials.h>
#include <libpmss/pmss-erasure.h>
#include <libpmss/pmss-error.h>
#include <libpmss/pmss-layout.h>
#include <libpmss/pmss-node-client.h>
#include <libpmss/pmss-placement.h>
#include <libpmss/pmss-proof.h>
#include <libpmss/pmss-reader.h>
#include <libpmss/pmss-shard.h>
#include <libpmss/pmss-striper.h>
#include <libpmss/pmss-token.h>
#include <libpmss/pmss-types.h>
#include <libpmss/pmss-uri.h>
#include <libpmss/pmss-writer.h>
