// The layouts in which a QFormer's weights are found.
#pragma once

#include "models/key_map.h"

namespace reasonbrain::models::qformer {

// LAVIS' names (Qformer.bert.*), as in BLIP-2's own checkpoints.
KeyTable lavis_key_table();

// The table for a file with these keys: transformers' names, of the QFormer alone or below qformer.
// in a whole BLIP-2, or LAVIS' names. BERT's text branch and heads, which stage-1 files hold too,
// and the query tokens are passed over.
KeyTable key_table(const std::vector<std::string>& file_keys);

}  // namespace reasonbrain::models::qformer
