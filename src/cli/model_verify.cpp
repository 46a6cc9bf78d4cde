// `reasonbrain model verify`: are these weights whole, and what they claim to be?
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/model.h"
#include "cli/output.h"
#include "cli/validators.h"
#include "core/interrupt.h"
#include "core/placement.h"
#include "core/sha256.h"
#include "core/str.h"
#include "io/weight_file_tensor.h"
#include "models/convert.h"
#include "reason/pipeline.h"
#include "reasonbrain/error.h"
#include "reasonbrain/safetensors.h"

namespace reasonbrain::cli {
namespace {
namespace fs = std::filesystem;

struct VerifyArgs {
  std::string path, model, against, sha256;
  double tolerance = 0;
  bool json = false;
};

// The model folder of a run or checkpoint, or the path itself.
fs::path model_or_weights(const fs::path& path) {
  for (const char* sign : {"COMPLETE", "checkpoints", "model/model_index.json"}) {
    if (fs::exists(path / sign)) return reason::find_model_folder(path);
  }
  return path;
}

// Error(kData) for one that is not finite.
torch::Tensor finite_tensor(const io::TensorStore& store, const std::string& key) {
  torch::Tensor tensor = store.tensor(key);
  io::require_finite(tensor, key, store.path().string());
  return tensor;
}

// Reads every tensor once.
nlohmann::json describe_store(const io::TensorStore& store) {
  int64_t parameters = 0;
  std::map<std::string, int64_t> bytes;
  for (const std::string& key : store.keys()) {
    throw_if_interrupted();
    const torch::Tensor tensor = finite_tensor(store, key);
    parameters += tensor.numel();
    bytes[c10::toString(tensor.scalar_type())] += static_cast<int64_t>(tensor.nbytes());
    store.release(key);
  }
  nlohmann::json files = nlohmann::json::object();
  std::string lines;
  for (const fs::path& file : store.files()) {
    throw_if_interrupted();
    const std::string sha = sha256_file(file), name = file.filename().string();
    files[name] = sha;
    lines += name + " " + sha + "\n";
  }
  return {{"path", store.path().string()},
          {"tensors", store.keys().size()},
          {"parameters", parameters},
          {"bytes", bytes},
          {"files", files},
          {"sha256", sha256_hex(lines)}};
}

bool holds_weights(const fs::path& folder) {
  return std::any_of(fs::directory_iterator(folder), fs::directory_iterator(),
                     [](const auto& entry) { return io::is_weight_file(entry.path()); });
}

// The folders below a model folder (or a pipeline's) that hold weights, or the path itself.
std::vector<fs::path> weight_folders(const fs::path& path) {
  if (!fs::is_directory(path) || holds_weights(path)) return {path};
  std::vector<fs::path> folders;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    if (entry.is_directory() && holds_weights(entry.path())) folders.push_back(entry.path());
  }
  if (folders.empty()) throw data_error(str(path.string(), " holds no weights"));
  std::sort(folders.begin(), folders.end());
  return folders;
}

// Largest difference of two stores' tensors, relative to the largest value of each tensor.
double compare(const io::TensorStore& store, const io::TensorStore& other) {
  std::set<std::string> keys;
  for (const io::TensorStore* side : {&store, &other}) {
    for (const std::string& key : side->keys()) keys.insert(key);
  }
  double largest = 0;
  for (const std::string& key : keys) {
    throw_if_interrupted();
    for (const io::TensorStore* side : {&store, &other}) {
      if (!side->contains(key)) {
        throw data_error(str(side->path().string(), " has no tensor '", key, "'"));
      }
    }
    if (store.shape(key) != other.shape(key)) {
      throw data_error(reasonbrain::str("'", key, "' has the shapes ",
                                        torch::IntArrayRef(store.shape(key)), " and ",
                                        torch::IntArrayRef(other.shape(key))));
    }
    const torch::Tensor a = finite_tensor(store, key).to(torch::kFloat64);
    const torch::Tensor b = finite_tensor(other, key).to(torch::kFloat64);
    if (a.numel() == 0) continue;
    const double scale = b.abs().max().item<double>();
    const double difference = (a - b).abs().max().item<double>();
    largest = std::max(largest, scale > 0 ? difference / scale : difference);
  }
  return largest;
}

void verify(const VerifyArgs& args) {
  const fs::path path = model_or_weights(args.path);
  const std::vector<fs::path> folders = weight_folders(path);
  if (!args.sha256.empty() && folders.size() > 1) {
    throw usage_error(str("--sha256 is the hash of one part, ", path.string(), " has ",
                          folders.size(), "; name one of them, such as ", folders[0].string()));
  }
  nlohmann::json report = nlohmann::json::array();
  for (const fs::path& folder : folders) {
    report.push_back(describe_store(io::TensorStore(folder)));
  }
  if (!args.sha256.empty() && report[0]["sha256"] != args.sha256 &&
      std::none_of(report[0]["files"].begin(), report[0]["files"].end(),
                   [&](const auto& sha) { return sha == args.sha256; })) {
    throw data_error(str(args.path, " has the sha256 ", report[0]["sha256"].get<std::string>(),
                         ", expected ", args.sha256));
  }
  if (!args.model.empty()) find_kind(args.model).load(path, nn::Build{});
  if (fs::exists(path / "reason")) reason::Pipeline::load(path, Placement{});
  nlohmann::json out = {{"weights", report}};
  if (!args.against.empty()) {
    const double difference =
        compare(io::TensorStore(path), io::TensorStore(fs::path(args.against)));
    if (!(difference <= args.tolerance)) {
      throw data_error(str(args.path, " differs from ", args.against, " by ", difference,
                           " of a tensor's largest value; allowed is ", args.tolerance));
    }
    out["difference"] = difference;
  }
  throw_if_interrupted();
  if (args.json) return print_json(out);
  for (const nlohmann::json& part : report) {
    std::cout << part["path"].get<std::string>() << ": " << part["tensors"] << " tensors, "
              << part["parameters"] << " parameters, all finite; bytes " << part["bytes"].dump()
              << "\n  sha256 " << part["sha256"].get<std::string>() << '\n';
  }
}

}  // namespace

void add_model_verify(CLI::App& model, Action& action) {
  CLI::App* command =
      model.add_subcommand("verify", "Check weights: whole, finite, the right keys, shapes, hash");
  auto args = std::make_shared<VerifyArgs>();
  command
      ->add_option("path", args->path,
                   "Weight file, folder with weights, model folder, checkpoint, run folder or "
                   "pipeline folder")
      ->required();
  command->add_option("--as", args->model,
                      "Also load them strictly as this model of `model import` (unet, llama, ...)");
  command->add_option("--sha256", args->sha256,
                      "Expected hash: of the weight file, or of the lines `name sha256` of all; "
                      "of one part only");
  command->add_option("--against", args->against,
                      "Weights that must hold the same keys, shapes and values");
  command
      ->add_option("--tolerance", args->tolerance,
                   "Difference allowed by --against, of a tensor's largest value")
      ->check(number_between(0.0, 1.0))
      ->capture_default_str();
  command->add_flag("--json", args->json, "Print one JSON object");
  command->footer("example: reasonbrain model verify models/mini");
  command->callback([args, &action] { action = [args] { verify(*args); }; });
}

}  // namespace reasonbrain::cli
