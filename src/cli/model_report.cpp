#include "cli/model_report.h"

#include <cmath>
#include <fstream>
#include <iomanip>
#include <sstream>

#include "core/str.h"
#include "reasonbrain/safetensors.h"

namespace reasonbrain::cli {
namespace {

namespace fs = std::filesystem;

constexpr double kMillion = 1e6;

// Licences of the weights that the presets are made for, by preset and part.
const std::map<std::string, std::string>& preset_licences(const std::string& preset) {
  static const std::string clip = "MIT (CLIP ViT-L/14)";
  static const std::string llava =
      "Llama 2 Community License (LLaVA 1.5), research only (LLaVA 1.1)";
  static const std::string flux = "FLUX.1 [dev] Non-Commercial License";
  static const std::map<std::string, std::map<std::string, std::string>> all = {
      {"reasonbrain-flux",
       {{"encoder.vision", clip},
        {"encoder.text", clip},
        {"encoder.text_2", "Apache-2.0 (T5 v1.1 XXL)"},
        {"model.llm", llava},
        {"denoiser.vae", flux},
        {"denoiser.flux", flux}}},
      {"reasonbrain-7b",
       {{"encoder.vision", clip},
        {"encoder.text", clip},
        {"model.llm", llava},
        {"denoiser.vae", "CreativeML Open RAIL++-M (Stable Diffusion 2.1)"},
        {"denoiser.unet", "CreativeML Open RAIL++-M (Stable Diffusion 2.1)"}}},
      {"reasonbrain-3b",
       {{"encoder.vision", clip},
        {"encoder.text", clip},
        {"denoiser.vae", "CreativeML Open RAIL-M (Stable Diffusion 1.5)"},
        {"denoiser.unet", "CreativeML Open RAIL-M (Stable Diffusion 1.5)"}}}};
  static const std::map<std::string, std::string> none;
  const auto found = all.find(preset);
  return found == all.end() ? none : found->second;
}

// `license: NAME` in the front matter of FOLDER/README.md, as model cards have it.
std::string card_licence(const fs::path& folder) {
  std::ifstream card(folder / "README.md");
  std::string line;
  if (!std::getline(card, line) || trim(line) != "---") return "";
  while (std::getline(card, line) && trim(line) != "---") {
    if (starts_with(line, "license:")) return trim(line.substr(8));
  }
  return "";
}

std::string licence_of(const std::string& part, const reason::PipelineOptions& options) {
  const reason::PartMember source = reason::part_of(part + ".");
  if (source != nullptr && !(options.parts.*source).path.empty()) {
    const fs::path path = (options.parts.*source).path;
    for (const fs::path& folder : {path, path.parent_path()}) {
      const std::string licence = card_licence(folder);
      if (!licence.empty()) return licence;
    }
    return "";
  }
  const auto& known = preset_licences(options.preset);
  const auto found = known.find(part);
  return found == known.end() ? "" : found->second;
}

void add(PartReport& part, const torch::Tensor& parameter) {
  part.total += parameter.numel();
  if (parameter.requires_grad()) part.trainable += parameter.numel();
  part.bytes[dtype_name(parameter.scalar_type())] +=
      parameter.numel() * static_cast<int64_t>(parameter.element_size());
}

bool is_full_model(const reason::ReasonOptions& r) {
  return r.frce.patch && r.frce.region && r.frce.to_cme && r.idc.enabled &&
         r.cme.mode == reason::CmeMode::kFull && r.cme.visual && r.cme.textual;
}

// A column of Tab. A4, which has none of FLUX: App. D paints with FLUX beside the same 7B half.
struct PaperSizes {
  const char* column;
  double frce, cme, trainable;  // millions
};

const PaperSizes* paper_sizes(const std::string& preset) {
  static const PaperSizes seven = {"7B, Stable Diffusion 2.1", 82, 45, 800};
  static const PaperSizes three = {"3B, Stable Diffusion 1.5", 41, 22, 320};
  if (preset == "reasonbrain-7b" || preset == "reasonbrain-flux") return &seven;
  return preset == "reasonbrain-3b" ? &three : nullptr;
}

std::vector<PaperRow> paper_rows(const ModelReport& report,
                                 const reason::PipelineOptions& options) {
  const PaperSizes* paper = paper_sizes(options.preset);
  if (paper == nullptr || !is_full_model(options.reason)) return {};
  int64_t frce = 0, cme = 0, rows = 0;
  for (const PartReport& part : report.parts) {
    if (part.name == "model.frce") frce += part.total;
    for (const char* name :
         {"model.cme_visual", "model.cme_textual", "model.text_to_cme", "model.reasoning_to_cme"}) {
      if (part.name == name) cme += part.total;
    }
    if (part.name == "model.new_rows" || part.name == "model.new_head_rows") rows += part.total;
  }
  const int64_t vocabulary = options.llm.vocab_size + options.reason.num_guidance_tokens + 2;
  const int64_t tables = 2 * vocabulary * options.llm.hidden_size;
  const int64_t trainable = report.total.trainable;
  return {
      {"FRCE", frce, paper->frce * kMillion},
      {"CME", cme, paper->cme * kMillion},
      {"trainable, new token rows only", trainable, paper->trainable * kMillion},
      {"trainable, whole token tables", trainable - rows + tables, paper->trainable * kMillion}};
}

std::string gibibytes(const std::map<std::string, int64_t>& bytes) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(3);
  for (const auto& [dtype, count] : bytes) {
    if (out.tellp() > 0) out << ", ";
    out << static_cast<double>(count) / (1 << 30) << " GiB " << dtype;
  }
  return out.str();
}

}  // namespace

ModelReport report_model(const reason::Pipeline& pipeline) {
  std::map<std::string, PartReport> parts;
  ModelReport report;
  report.total.name = "total";
  for (const auto& item : pipeline.named_parameters()) {
    const std::vector<std::string> names = split(item.key(), '.');
    const std::string name = names.size() > 2 ? names[0] + "." + names[1] : item.key();
    PartReport& part = parts[name];
    part.name = name;
    add(part, item.value());
    add(report.total, item.value());
  }
  for (auto& [name, part] : parts) {
    part.licence = licence_of(name, pipeline.options());
    report.parts.push_back(part);
  }
  report.rows = paper_rows(report, pipeline.options());
  if (!report.rows.empty()) report.paper_column = paper_sizes(pipeline.options().preset)->column;
  return report;
}

ModelReport report_instruct_pix2pix(const fs::path& folder) {
  ModelReport report;
  report.total.name = "total";
  for (const char* name : {"text_encoder", "unet", "vae"}) {
    PartReport part;
    part.name = name;
    part.licence = card_licence(folder / name);
    if (part.licence.empty()) part.licence = card_licence(folder);
    const io::TensorStore store(folder / name);
    for (const std::string& key : store.keys()) {
      const torch::Tensor tensor = store.tensor(key);
      if (!tensor.is_floating_point()) continue;  // position_ids of old files
      for (PartReport* counted : {&part, &report.total}) add(*counted, tensor);
    }
    report.parts.push_back(std::move(part));
  }
  return report;
}

std::string report_table(const ModelReport& report) {
  std::ostringstream out;
  const auto row = [&](const PartReport& part) {
    out << std::left << std::setw(27) << part.name << std::right << std::setw(14) << part.total
        << std::setw(14) << part.trainable << std::setw(14) << part.total - part.trainable << "  "
        << gibibytes(part.bytes);
    if (!part.licence.empty()) out << "  " << part.licence;
    out << '\n';
  };
  out << std::left << std::setw(27) << "part" << std::right << std::setw(14) << "parameters"
      << std::setw(14) << "trainable" << std::setw(14) << "frozen"
      << "  weights, their licence\n";
  for (const PartReport& part : report.parts) row(part);
  row(report.total);
  if (report.rows.empty()) return out.str();
  out << "the paper's Tab. A4 (" << report.paper_column << "), in millions:\n"
      << std::fixed << std::setprecision(2);
  for (const PaperRow& line : report.rows) {
    out << "  " << std::left << std::setw(32) << line.name << std::right << std::setw(9)
        << static_cast<double>(line.ours) / kMillion << "  paper " << std::setw(6)
        << std::setprecision(0) << line.paper / kMillion << std::setprecision(2) << "  "
        << std::showpos << 100 * (static_cast<double>(line.ours) / line.paper - 1) << std::noshowpos
        << " %\n";
  }
  return out.str();
}

nlohmann::json report_json(const ModelReport& report) {
  nlohmann::json parts = nlohmann::json::object(), rows = nlohmann::json::array();
  for (const PartReport& part : report.parts) {
    parts[part.name] = {{"total", part.total},
                        {"trainable", part.trainable},
                        {"frozen", part.total - part.trainable},
                        {"bytes", part.bytes}};
    if (!part.licence.empty()) parts[part.name]["licence"] = part.licence;
  }
  for (const PaperRow& row : report.rows)
    rows.push_back({{"name", row.name}, {"ours", row.ours}, {"paper", row.paper}});
  return {{"total", report.total.total},
          {"trainable", report.total.trainable},
          {"frozen", report.total.total - report.total.trainable},
          {"bytes", report.total.bytes},
          {"parts", parts},
          {"paper_column", report.paper_column},
          {"paper", rows}};
}

}  // namespace reasonbrain::cli
