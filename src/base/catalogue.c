/* SPDX-License-Identifier: MIT */
/* The catalogue of invariants as data, for reports, documentation and tests.
 * Layer 0. Only checked builds and bin/hakmem-invariants refer to it, so the
 * release library does not contain its strings. */
#include "base/check.h"

#define HAK_INVARIANT(id, module, when, equation, meaning) {#id, module, when, equation, meaning},
const struct hak_invariant_row hak_invariant_rows[HAK_INV_COUNT] = {
#include "base/invariants.def"
};
#undef HAK_INVARIANT
