#include "cli/activation_meter.h"

#include <ATen/record_function.h>

#include <cstring>
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

}  // namespace

int64_t activation_bytes(const std::function<void()>& forward) {
  Meter meter;
  {
    const Observer observer(meter);
    forward();
  }
  return meter.bytes;
}

}  // namespace reasonbrain::cli
