// What a model is made of, in numbers: parameters per part, and the sizes that the paper prints.
#pragma once

#include <filesystem>
#include <map>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "reason/pipeline.h"

namespace reasonbrain::cli {

struct PartReport {
  std::string name;  // the first two components of its parameters' names: "model.llm"
  int64_t total = 0, trainable = 0;
  std::map<std::string, int64_t> bytes;  // by dtype
  std::string licence;                   // of pretrained weights; "" when not known
};

// A row of the paper's Tab. A4 beside ours, in parameters.
struct PaperRow {
  std::string name;
  int64_t ours = 0;
  double paper = 0;
};

struct ModelReport {
  std::vector<PartReport> parts;
  PartReport total;            // name "total"
  std::vector<PaperRow> rows;  // empty for models that the table does not have
  std::string paper_column;  // of the table that the rows compare with: "7B, Stable Diffusion 2.1"
};

// `trainable` is what the joint stage trains: Pipeline::train_joint() must have run for it to
// count.
ModelReport report_model(const reason::Pipeline& pipeline);

// The parts of a diffusers folder of InstructPix2Pix as its weight files hold them; none trains.
ModelReport report_instruct_pix2pix(const std::filesystem::path& folder);

std::string report_table(const ModelReport& report);
nlohmann::json report_json(const ModelReport& report);

}  // namespace reasonbrain::cli
