/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* What every target defines, and libFuzzer or fuzz-main.c calls. Returns 0. */
int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);
