/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libpmss/client/pmss-busy.h>
#include <libpmss/client/pmss-client.h>
#include <libpmss/client/pmss-credentials.h>
#include <libpmss/format/pmss-erasure.h>
#include <libpmss/pmss-error.h>
#include <libpmss/format/pmss-layout.h>
#include <libpmss/node/pmss-node-client.h>
#include <libpmss/format/pmss-placement.h>
#include <libpmss/node/pmss-proof.h>
#include <libpmss/reader/pmss-reader.h>
#include <libpmss/format/pmss-shard.h>
#include <libpmss/format/pmss-striper.h>
#include <libpmss/pmss-token.h>
#include <libpmss/pmss-types.h>
#include <libpmss/pmss-uri.h>
#include <libpmss/node/pmss-writer.h>
