#include "eval/gallery.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/str.h"
#include "eval/gallery_page.h"

namespace reasonbrain::eval {
namespace {

using nlohmann::json;

json output_json(const SampleInfo& sample, const MethodResults& method, const Outcome& outcome) {
  json values = json::array();
  for (const auto& value : outcome.score.values)
    values.push_back(value ? json(*value) : json(nullptr));
  json out = {{"values", values}};
  if (outcome.failed()) {
    out["failed"] = outcome.problem;
    return out;
  }
  out["image"] = "images/" + method.name + "/" + sample.id + ".png";
  const auto& names = sample.alternatives;
  const auto nearest = std::find(names.begin(), names.end(), outcome.score.nearest);
  if (nearest != names.end()) {
    out["nearest"] = *nearest;
    out["nearest_image"] = str("images/", sample.id, "_alt", nearest - names.begin(), ".png");
  }
  return out;
}

json gallery_data(const Results& results) {
  json metrics = json::array(), methods = json::array(), samples = json::array();
  int64_t verdict_metric = 0;
  for (size_t k = 0; k < results.metrics.size(); ++k) {
    metrics.push_back(results.metrics[k].name);
    if (results.metrics[k].name == results.group_metric) verdict_metric = static_cast<int64_t>(k);
  }
  for (const MethodResults& method : results.methods) {
    if (!method.anchor) methods.push_back(method.name);
  }
  for (size_t i = 0; i < results.samples.size(); ++i) {
    const SampleInfo& sample = results.samples[i];
    json outputs = json::array();
    for (const MethodResults& method : results.methods) {
      if (!method.anchor) outputs.push_back(output_json(sample, method, method.outcomes[i]));
    }
    samples.push_back({{"id", sample.id},
                       {"category", sample.category},
                       {"scenario", sample.scenario},
                       {"instruction", sample.instruction},
                       {"outcome", sample.outcome},
                       {"source", "images/" + sample.id + "_src.png"},
                       {"target", "images/" + sample.id + "_tgt.png"},
                       {"outputs", outputs}});
  }
  return {{"metrics", metrics},
          {"methods", methods},
          {"verdict_metric", verdict_metric},
          {"samples", samples}};
}

// JSON that cannot end the script element around it.
std::string script_json(const json& value) {
  std::string out;
  for (char c : value.dump(-1, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace))
    out += c == '<' ? std::string("\\u003c") : std::string(1, c);
  return out;
}

}  // namespace

std::string gallery_html(const Results& results, const std::string& tables) {
  return kGalleryHead + tables + kGalleryControls +
         "<script id=\"data\" type=\"application/json\">" + script_json(gallery_data(results)) +
         "</script>\n" + kGalleryScript;
}

}  // namespace reasonbrain::eval
