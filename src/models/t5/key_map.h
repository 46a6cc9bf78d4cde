// The layouts in which the weights of T5's encoder are found.
#pragma once

#include "models/key_map.h"
#include "models/t5/config.h"

namespace reasonbrain::models::t5 {

// The variables of Google's checkpoints
// (encoder/block_000/layer_000/SelfAttention/q), whose matrices are [in, out].
KeyTable original_key_table(const T5Config& config);

// The table for a file with these keys: transformers' T5EncoderModel or a whole
// T5, whose decoder is passed over, or Google's. two_tables: shared.weight and
// encoder.embed_tokens.weight are not the same; the encoder's counts.
KeyTable key_table(const T5Config& config, const std::vector<std::string>& file_keys,
                   bool two_tables = false);

}  // namespace reasonbrain::models::t5
