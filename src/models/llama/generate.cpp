#include "models/llama/generate.h"

#include <algorithm>

namespace reasonbrain::models::llama {

std::vector<int64_t> continue_greedily(LlamaImpl& llama, const torch::Tensor& inputs_embeds,
                                       const std::vector<int64_t>& stop, int64_t max_tokens) {
  const torch::NoGradGuard no_grad;
  std::vector<int64_t> ids;
  KvCache cache;
  torch::Tensor next = inputs_embeds;
  while (static_cast<int64_t>(ids.size()) < max_tokens) {
    const torch::Tensor states =
        llama
            .forward(next, /*attention_mask=*/{}, /*position_ids=*/{}, /*hook=*/nullptr,
                     /*keep_hidden_states=*/false, &cache, /*num_wanted=*/1)
            .last_hidden_state;                                // [1, 1, D]
    const torch::Tensor best = llama.head(states).argmax(-1);  // [1, 1]
    const int64_t id = best.item<int64_t>();
    if (std::find(stop.begin(), stop.end(), id) != stop.end()) break;
    ids.push_back(id);
    next = llama.embed(best);
  }
  return ids;
}

}  // namespace reasonbrain::models::llama
