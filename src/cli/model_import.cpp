// `reasonbrain model import`: weights of any known layout and container -> a folder that every part
// of a model can name.
#include <cmath>
#include <cstdlib>

#include "cli/model.h"
#include "cli/output.h"
#include "core/atomic_file.h"
#include "core/interrupt.h"
#include "core/log.h"
#include "core/placement.h"
#include "core/str.h"
#include "models/convert.h"
#include "models/llava/delta.h"
#include "models/lora.h"
#include "reasonbrain/error.h"
#include "reasonbrain/safetensors.h"

namespace reasonbrain::cli {
namespace {
namespace fs = std::filesystem;

struct ImportArgs {
  std::string kind, from, config, out, delta_of;
  std::string dtype = "keep", layout = "folder", adapter = "merge";
  std::vector<std::string> lora;
};

std::vector<std::string> kind_names() {
  std::vector<std::string> names;
  for (const models::ModelKind& kind : models::model_kinds()) names.push_back(kind.name);
  return names;
}

// A folder that holds links to weights and their configuration where these stand apart.
class StagedFolder {
 public:
  StagedFolder(const fs::path& weights, const fs::path& config) {
    if (!fs::exists(weights)) throw data_error(str(weights.string(), " does not exist"));
    if (config.empty() && fs::is_directory(weights)) {
      path_ = weights;
      return;
    }
    const fs::path beside = weights.parent_path() / "config.json";
    const fs::path chosen = config.empty() ? beside : config;
    if (!fs::exists(chosen)) {
      throw data_error(str(chosen.string(), " does not exist; name the model's configuration with ",
                           "--config FILE"));
    }
    std::string pattern = (fs::temp_directory_path() / "reasonbrain-import-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw runtime_error("cannot create " + pattern);
    path_ = pattern;
    temporary_ = true;
    link(chosen, "config.json");
    if (fs::is_directory(weights)) {
      for (const auto& entry : fs::directory_iterator(weights)) {
        const fs::path name = entry.path().filename();
        if (name != "config.json") link(entry.path(), name);
      }
    } else {
      link(weights, weights.filename());
    }
    links_.emplace_back(path_.string(), weights.string());
  }

  ~StagedFolder() {
    std::error_code ignored;
    if (temporary_) fs::remove_all(path_, ignored);
  }
  StagedFolder(const StagedFolder&) = delete;
  StagedFolder& operator=(const StagedFolder&) = delete;

  const fs::path& path() const { return path_; }

  // An error about a link, told of the file that it leads to.
  Error named(const Error& error) const {
    std::string message = error.what();
    for (const auto& [link, target] : links_) {
      for (size_t at = message.find(link); at != std::string::npos; at = message.find(link)) {
        message.replace(at, link.size(), target);
      }
    }
    return {error.kind(), message};
  }

 private:
  void link(const fs::path& target, const fs::path& name) {
    fs::create_symlink(fs::absolute(target), path_ / name);
    links_.emplace_back((path_ / name).string(), target.string());
  }

  fs::path path_;
  bool temporary_ = false;
  std::vector<std::pair<std::string, std::string>> links_;  // the folder itself last
};

torch::ScalarType wanted_dtype(const std::string& name, const fs::path& folder) {
  if (name != "keep") return parse_dtype(name, torch::kCPU);
  const io::TensorStore store(folder);
  for (const std::string& key : store.keys()) {
    const torch::ScalarType dtype = store.dtype(key);
    if (dtype == torch::kFloat32 || dtype == torch::kBFloat16 || dtype == torch::kFloat16) {
      return dtype;
    }
  }
  return torch::kFloat32;
}

// Tokenizers, preprocessing and generation options that stand beside the weights.
void copy_companions(const fs::path& from, const fs::path& to) {
  static const char* const kNames[] = {"tokenizer.model",
                                       "spiece.model",
                                       "tokenizer.json",
                                       "vocab.json",
                                       "merges.txt",
                                       "tokenizer_config.json",
                                       "special_tokens_map.json",
                                       "added_tokens.json",
                                       "preprocessor_config.json",
                                       "generation_config.json"};
  const fs::path folder = fs::is_directory(from) ? from : from.parent_path();
  for (const char* name : kNames) {
    if (fs::is_regular_file(folder / name)) fs::copy_file(folder / name, to / name);
  }
}

// FILE or FILE:SCALE.
std::pair<fs::path, double> parse_lora(const std::string& text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos || fs::exists(text)) return {text, 1.0};
  const std::string number = text.substr(colon + 1);
  char* end = nullptr;
  const double scale = std::strtod(number.c_str(), &end);
  if (number.empty() || *end != '\0' || !(std::abs(scale) < 1e6)) {
    throw usage_error(str("--lora ", text, ": '", number, "' is no scale; expected FILE:NUMBER"));
  }
  return {text.substr(0, colon), scale};
}

// --delta-of adds two models as they are.
void check_delta_usage(const ImportArgs& args) {
  if (args.kind != "llava") throw usage_error("--delta-of is for llava only");
  const std::pair<const char*, bool> of_conversions[] = {{"--dtype", args.dtype != "keep"},
                                                         {"--layout", args.layout != "folder"},
                                                         {"--lora", !args.lora.empty()},
                                                         {"--adapter", args.adapter != "merge"},
                                                         {"--config", !args.config.empty()}};
  for (const auto& [name, given] : of_conversions) {
    if (given) {
      throw usage_error(str(name, " does not go with --delta-of, which writes the sum as it is; ",
                            "import that sum in a second step"));
    }
  }
}

// The adapter inside --from is merged without being named.
void check_lora_usage(const ImportArgs& args) {
  const fs::path own = fs::path(args.from) / models::kAdapterFolder;
  for (const std::string& text : args.lora) {
    const fs::path path = parse_lora(text).first;
    std::error_code not_there;
    if (fs::equivalent(fs::is_directory(path) ? path : path.parent_path(), own, not_there)) {
      throw usage_error(str("--lora ", text, " is the adapter of --from ", args.from,
                            ", which is used anyway; leave --lora out"));
    }
  }
}

// Takes the model's adapters off it.
models::LoraAdapter take_adapter(const models::ConvertibleModel& model) {
  models::LoraAdapter adapter = models::lora_adapter_of(*model.module);
  models::drop_lora(*model.module);
  return adapter;
}

// The one that stood beside the weights, and those of `files`.
std::vector<models::WeightedAdapter> read_adapters(const models::ConvertibleModel& model,
                                                   const std::vector<std::string>& files) {
  std::vector<models::WeightedAdapter> adapters;
  if (models::LoraAdapter own = take_adapter(model); !own.empty()) {
    adapters.push_back({std::move(own), 1.0});
  }
  for (const std::string& text : files) {
    const auto [path, scale] = parse_lora(text);
    if (fs::exists(path / "adapter_config.json")) {
      models::load_peft_adapter(*model.module, path, model.lora.own_key);
      adapters.push_back({take_adapter(model), scale});
    } else {
      adapters.push_back({models::read_lora_file(*model.module, path, model.lora), scale});
    }
  }
  return adapters;
}

void write_adapter(const models::ConvertibleModel& model, const std::string& format,
                   const fs::path& folder) {
  if (format == "peft") {
    return models::save_peft_adapter(*model.module, folder, /*base_model_name_or_path=*/"",
                                     model.lora.file_key);
  }
  const bool kohya = format == "kohya";
  models::write_lora_file(
      *model.module, models::lora_adapter_of(*model.module),
      folder / (kohya ? "lora.safetensors" : "pytorch_lora_weights.safetensors"), model.lora,
      kohya ? models::LoraFormat::kKohya : models::LoraFormat::kDiffusers);
}

void import_staged(const ImportArgs& args, const models::ModelKind& kind, const fs::path& staged,
                   const fs::path& out) {
  const torch::ScalarType dtype = wanted_dtype(args.dtype, staged);
  const models::ConvertibleModel model =
      kind.load(staged, nn::Build{.tensor = torch::TensorOptions(dtype)});
  throw_if_interrupted();
  const auto adapters = read_adapters(model, args.lora);
  if (args.adapter != "merge") {
    if (adapters.empty()) throw usage_error("--adapter needs an adapter, such as --lora FILE");
    models::attach_adapters(*model.module, adapters);
    write_adapter(model, args.adapter, out);
    return;
  }
  for (const auto& [adapter, weight] : adapters) {
    models::merge_adapter(*model.module, adapter, weight);
  }
  args.layout == "original" ? model.save_original(out) : model.save(out);
  copy_companions(args.from, out);
}

void import_model(const ImportArgs& args) {
  const models::ModelKind& kind = find_kind(args.kind);
  require_name("--out", args.out);
  if (fs::exists(args.out))
    throw usage_error(str("--out ", args.out, " exists already; name a new folder"));
  if (!args.delta_of.empty()) check_delta_usage(args);
  check_lora_usage(args);
  const NewFolders around_out(args.out);
  AtomicFolder out(args.out);
  if (!args.delta_of.empty()) {
    models::llava::write_delta_applied(args.delta_of, args.from, out.path());
    copy_companions(args.from, out.path());
    throw_if_interrupted();
    out.commit();
    log::info(str("wrote ", args.out, ": the sum of ", args.from, " and ", args.delta_of));
    return;
  }
  const StagedFolder staged(args.from, args.config);
  try {
    import_staged(args, kind, staged.path(), out.path());
  } catch (const Error& error) {
    throw staged.named(error);
  }
  throw_if_interrupted();
  out.commit();
  log::info(str("wrote ", args.out));
}

}  // namespace

const models::ModelKind& find_kind(const std::string& name) {
  if (const models::ModelKind* kind = models::find_model_kind(name)) return *kind;
  throw usage_error(str("unknown model '", name, "', expected one of: ", join(kind_names(), ", ")));
}

void add_model_import(CLI::App& model, Action& action) {
  CLI::App* command = model.add_subcommand(
      "import", "Convert weights of any known layout to a folder that parts of a model can name");
  auto args = std::make_shared<ImportArgs>();
  command->add_option("model", args->kind, "One of: " + join(kind_names(), ", "))->required();
  command
      ->add_option("--from", args->from,
                   "Folder or weight file (.safetensors, .bin, .pt, .pth, .ckpt), in the layout of "
                   "the reference library or of the original code")
      ->required();
  command->add_option("--config", args->config,
                      "config.json in the reference library's form, where none stands beside the "
                      "weights");
  command->add_option("--out", args->out, "Folder to write; it must not exist")->required();
  command->add_option("--dtype", args->dtype, "Of the written weights; keep: as they are")
      ->check(CLI::IsMember({"keep", "float32", "bfloat16", "float16"}))
      ->capture_default_str();
  command
      ->add_option("--layout", args->layout,
                   "folder: the reference library's; original: the original code's (`model list` "
                   "says which these are)")
      ->check(CLI::IsMember({"folder", "original"}))
      ->capture_default_str();
  command
      ->add_option("--lora", args->lora,
                   "Adapter to merge, FILE or FILE:SCALE; PEFT folder, diffusers or kohya file; "
                   "repeatable")
      ->allow_extra_args(false);
  command
      ->add_option("--adapter", args->adapter,
                   "merge the adapters into the weights, or write their sum alone as peft, "
                   "diffusers or kohya")
      ->check(CLI::IsMember({"merge", "peft", "diffusers", "kohya"}))
      ->capture_default_str();
  command->add_option("--delta-of", args->delta_of,
                      "Folder of the LLaMA that the published llava weights are the difference to");
  command->footer(
      "example:\n  reasonbrain model import unet --from v1-5-pruned.ckpt --config "
      "sd15/unet/config.json --out parts/unet --dtype bfloat16");
  command->callback([args, &action] { action = [args] { import_model(*args); }; });
}

}  // namespace reasonbrain::cli
