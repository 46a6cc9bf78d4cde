#include "cli/activation_meter.h"

#include <ATen/ExpandUtils.h>
#include <ATen/record_function.h>
#include <torch/library.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <tuple>
#include <unordered_set>
#include <vector>

namespace reasonbrain::cli {
namespace {

constexpr const char* kAttention = "aten::scaled_dot_product_attention";

struct Meter {
  int64_t bytes = 0;
  int64_t attention_depth = 0;
  std::vector<torch::Tensor> alive;  // so that no storage's address comes twice
  std::unordered_set<const void*> seen;

  void add(const torch::Tensor& tensor) {
    if (!tensor.defined() || !tensor.requires_grad() || !tensor.has_storage()) return;
    const auto* storage = tensor.storage().unsafeGetStorageImpl();
    if (!seen.insert(storage).second) return;
    alive.push_back(tensor);
    bytes += static_cast<int64_t>(storage->nbytes());
  }
};

thread_local Meter* active = nullptr;

struct Scope : at::ObserverContext {
  bool attention = false;
};

std::unique_ptr<at::ObserverContext> on_begin(const at::RecordFunction& function) {
  auto scope = std::make_unique<Scope>();
  scope->attention = std::strcmp(function.name(), kAttention) == 0;
  if (active != nullptr && scope->attention) ++active->attention_depth;
  return scope;
}

void on_end(const at::RecordFunction& function, at::ObserverContext* context) {
  if (active == nullptr) return;
  if (static_cast<Scope*>(context)->attention) --active->attention_depth;
  if (active->attention_depth > 0) return;
  for (const c10::IValue& output : function.outputs()) {
    if (output.isTensor()) active->add(output.toTensor());
    if (!output.isTensorList()) continue;
    for (const torch::Tensor& tensor : output.toTensorVector()) active->add(tensor);
  }
}

class Observer {
 public:
  explicit Observer(Meter& meter)
      : handle_(at::addThreadLocalCallback(at::RecordFunctionCallback(&on_begin, &on_end)
                                               .needsOutputs(true)
                                               .scopes({at::RecordScope::FUNCTION}))) {
    active = &meter;
  }
  ~Observer() {
    active = nullptr;
    at::removeCallback(handle_);
  }
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;

 private:
  at::CallbackHandle handle_;
};

// Shapes alone, of operations that LibTorch itself does not have on the meta device.

torch::Tensor meta_convolution(const torch::Tensor& input, const torch::Tensor& weight,
                               const std::optional<torch::Tensor>& /*bias*/,
                               torch::IntArrayRef stride, torch::IntArrayRef padding,
                               torch::IntArrayRef dilation, bool transposed,
                               torch::IntArrayRef /*output_padding*/, int64_t /*groups*/) {
  TORCH_CHECK_NOT_IMPLEMENTED(!transposed, "a transposed convolution on the meta device");
  std::vector<int64_t> sizes = {input.size(0), weight.size(0)};
  for (int64_t i = 2; i < input.dim(); ++i) {
    const auto axis = static_cast<size_t>(i - 2);
    const int64_t reach = dilation[axis] * (weight.size(i) - 1) + 1;
    sizes.push_back((input.size(i) + 2 * padding[axis] - reach) / stride[axis] + 1);
  }
  return at::empty(sizes, input.options());
}

using Normed = std::tuple<torch::Tensor, torch::Tensor, torch::Tensor>;  // with mean and 1 / std

Normed meta_group_norm(const torch::Tensor& input, const std::optional<torch::Tensor>& /*weight*/,
                       const std::optional<torch::Tensor>& /*bias*/, int64_t batch,
                       int64_t /*channels*/, int64_t /*area*/, int64_t groups, double /*eps*/) {
  const torch::Tensor mean = at::empty({batch, groups}, input.options());
  return {at::empty_like(input), mean, at::empty_like(mean)};
}

Normed meta_layer_norm(const torch::Tensor& input, torch::IntArrayRef shape,
                       const std::optional<torch::Tensor>& /*weight*/,
                       const std::optional<torch::Tensor>& /*bias*/, double /*eps*/) {
  std::vector<int64_t> sizes = input.sizes().vec();
  std::fill(sizes.end() - static_cast<int64_t>(shape.size()), sizes.end(), 1);
  const torch::Tensor mean = at::empty(sizes, input.options());
  return {at::empty_like(input), mean, at::empty_like(mean)};
}

torch::Tensor meta_index_select(const torch::Tensor& input, int64_t dim,
                                const torch::Tensor& index) {
  std::vector<int64_t> sizes = input.sizes().vec();
  sizes.at(static_cast<size_t>(dim < 0 ? dim + input.dim() : dim)) = index.numel();
  return at::empty(sizes, input.options());
}

torch::Tensor& meta_masked_fill(torch::Tensor& input, const torch::Tensor& /*mask*/,
                                const at::Scalar& /*value*/) {
  return input;
}

torch::Tensor& meta_where_out(const torch::Tensor& /*condition*/, const torch::Tensor& /*a*/,
                              const torch::Tensor& /*b*/, torch::Tensor& out) {
  return out;  // attention gives one of the right shape
}

torch::Tensor meta_where(const torch::Tensor& condition, const torch::Tensor& a,
                         const torch::Tensor& b) {
  const std::vector<int64_t> sizes =
      at::infer_size(at::infer_size(a.sizes(), b.sizes()), condition.sizes());
  return at::empty(sizes, a.options());
}

}  // namespace

TORCH_LIBRARY_IMPL(aten, Meta, m) {
  m.impl("convolution_overrideable", &meta_convolution);
  m.impl("native_group_norm", &meta_group_norm);
  m.impl("native_layer_norm", &meta_layer_norm);
  m.impl("index_select", &meta_index_select);
  m.impl("masked_fill_.Scalar", &meta_masked_fill);
  m.impl("where.self", &meta_where);
  m.impl("where.self_out", &meta_where_out);
}

int64_t activation_bytes(const std::function<void()>& forward) {
  Meter meter;
  {
    const Observer observer(meter);
    forward();
  }
  return meter.bytes;
}

}  // namespace reasonbrain::cli
