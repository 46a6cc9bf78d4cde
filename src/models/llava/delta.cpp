#include "models/llava/delta.h"

#include <nlohmann/json.hpp>
#include <set>

#include "core/str.h"
#include "models/hf_folder.h"
#include "reasonbrain/error.h"

namespace reasonbrain::models::llava {
namespace {

bool is_table(const std::string& key) {
  return key == "model.embed_tokens.weight" || key == "lm_head.weight";
}

bool is_buffer(const std::string& key) {
  return ends_with(key, "rotary_emb.inv_freq");
}

torch::Tensor sum(const torch::Tensor& delta, const torch::Tensor& base, const std::string& key) {
  const torch::Tensor total = delta.to(torch::kFloat32, /*non_blocking=*/false, /*copy=*/true);
  if (delta.sizes() == base.sizes()) {
    total.add_(base.to(torch::kFloat32));
  } else if (is_table(key) && delta.dim() == 2 && base.dim() == 2 &&
             delta.size(0) >= base.size(0) && delta.size(1) == base.size(1)) {
    total.narrow(0, 0, base.size(0)).add_(base.to(torch::kFloat32));
  } else {
    throw data_error(reasonbrain::str("'", key, "' has the shape ", delta.sizes(),
                                      " in the delta and ", base.sizes(), " in the base"));
  }
  return total.to(delta.scalar_type());
}

}  // namespace

nn::StateDict apply_delta(const io::TensorStore& base, const io::TensorStore& delta) {
  nn::StateDict out;
  for (const std::string& key : delta.keys()) {
    if (is_buffer(key)) continue;
    const torch::Tensor own = delta.tensor(key);
    if (base.contains(key)) {
      out[key] = sum(own, base.tensor(key), key);
    } else if (starts_with(key, "model.mm_projector.")) {
      out[key] = own;
    } else {
      throw data_error(str("'", key, "' of the delta ", delta.path().string(),
                           " is neither in the base ", base.path().string(),
                           " nor part of the projector"));
    }
  }
  for (const std::string& key : base.keys()) {
    if (is_buffer(key) || out.contains(key)) continue;
    throw data_error(str("'", key, "' of the base ", base.path().string(), " is not in the delta ",
                         delta.path().string(), "; they do not belong together"));
  }
  return out;
}

void write_delta_applied(const std::filesystem::path& base, const std::filesystem::path& delta,
                         const std::filesystem::path& out) {
  const nlohmann::json config = read_hf_config(delta);
  const io::TensorStore base_store(base), delta_store(delta);
  save_hf_folder(out, config, apply_delta(base_store, delta_store));
}

}  // namespace reasonbrain::models::llava
