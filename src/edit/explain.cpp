#include "edit/explain.h"

#include <iomanip>
#include <nlohmann/json.hpp>

#include "core/atomic_file.h"
#include "core/replaceable.h"
#include "core/str.h"
#include "edit/explain_pictures.h"
#include "io/html.h"
#include "io/json.h"
#include "reasonbrain/image_io.h"

namespace reasonbrain::edit {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kJsonName = "explanation.json";
constexpr const char* kPageName = "index.html";

constexpr const char* kPageHead = R"page(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>ReasonBrain: how this edit came about</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 1.5em; color: #222; background: #fff; }
.row { display: flex; flex-wrap: wrap; gap: .8em; }
figure { margin: 0; font-size: 13px; }
img { width: 192px; image-rendering: pixelated; background: #eee; }
.small img { width: 112px; }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #161616; } }
</style>
<h1>How this edit came about</h1>
)page";

// Collects the pictures of one turn as files, JSON names and HTML figures.
class TurnWriter {
 public:
  TurnWriter(const fs::path& folder, std::string prefix)
      : folder_(folder), prefix_(std::move(prefix)) {}

  std::string figure(const std::string& name, const io::Image& picture,
                     const std::string& caption) {
    const std::string bytes = io::encode_png(picture);
    const std::string file = prefix_ + "-" + name + ".png";
    write_file_atomic(folder_ / file, bytes);
    files_.push_back(file);
    return "<figure><img src=\"" + io::data_uri("image/png", bytes) + "\" alt=\"" +
           io::escape_html(caption) + "\"><figcaption>" + io::escape_html(caption) +
           "</figcaption></figure>\n";
  }

  const json& files() const { return files_; }

 private:
  const fs::path& folder_;
  std::string prefix_;
  json files_ = json::array();
};

std::string numbered(const std::string& name, size_t number, int width) {
  return str(name, std::setfill('0'), std::setw(width), number);
}

std::string html_row(const std::string& title, const std::string& kind,
                     const std::string& figures) {
  return "<h3>" + title + "</h3>\n<div class=\"row" + kind + "\">\n" + figures + "</div>\n";
}

std::string answer_text(const Turn& turn) {
  std::string text;
  for (size_t i = 0; i < turn.answer.size(); ++i) {
    text += str(i > 0 ? ", " : "", turn.answer[i], " (",
                std::lround(100 * turn.answer_confidence[i]), " %)");
  }
  return text;
}

std::string turn_html(const Turn& turn, TurnWriter& writer) {
  std::string html = "<p><b>" + io::escape_html(turn.instruction) + "</b></p>\n<p>Objects: " +
                     io::escape_html(turn.objects.empty() ? "none" : join(turn.objects, ", ")) +
                     "</p>\n";
  if (!turn.answer.empty())
    html += "<p>Expected outcome: " + io::escape_html(answer_text(turn)) + "</p>\n";
  std::string figures = writer.figure("canvas", turn.canvas, "what the model sees");
  if (!turn.instance_map.empty()) {
    figures += writer.figure("regions", draw_regions(turn.canvas, turn.instance_map), "regions");
  }
  const bool attends = turn.attention_grid > 0;  // a baseline has no guidance tokens
  if (attends) {
    figures += writer.figure(
        "attention", draw_attention(turn.canvas, attention_map(turn, -1), turn.attention_grid),
        "where the guidance tokens look");
  }
  figures += writer.figure("edited", turn.edited, "the edit");
  html += html_row("Overview", "", figures);
  figures.clear();
  for (size_t i = 0; i < turn.denoising.size(); ++i) {
    figures += writer.figure(numbered("step-", i + 1, 4), turn.denoising[i], str("step ", i + 1));
  }
  html += html_row("The picture after each denoising step", " small", figures);
  if (!attends) return html;
  figures.clear();
  for (int64_t k = 0; k < turn.num_guidance_tokens; ++k) {
    const auto number = static_cast<size_t>(k) + 1;
    const std::string word = static_cast<size_t>(k) < turn.answer.size()
                                 ? ": " + turn.answer[static_cast<size_t>(k)]
                                 : "";
    figures +=
        writer.figure(numbered("attention-", number, 2),
                      draw_attention(turn.canvas, attention_map(turn, k), turn.attention_grid),
                      str("token ", number, word));
  }
  return html + html_row("Attention of each guidance token over the picture", " small", figures);
}

json turn_json(const Turn& turn) {
  json attention = json::array();
  for (int64_t k = 0; k < turn.num_guidance_tokens; ++k)
    attention.push_back(attention_map(turn, k));
  json answer = json::array();
  for (size_t i = 0; i < turn.answer.size(); ++i) {
    answer.push_back({{"word", turn.answer[i]}, {"confidence", turn.answer_confidence[i]}});
  }
  return {{"instruction", turn.instruction},
          {"objects", turn.objects},
          {"expected_outcome", answer},
          {"attention_grid", turn.attention_grid},
          {"attention", attention}};
}

}  // namespace

void check_explanation_folder(const fs::path& folder) {
  require_swappable(folder);
  require_replaceable("--explain", folder, kJsonName, [](const std::string& name) {
    return name == kJsonName || name == kPageName ||
           (starts_with(name, "turn") && ends_with(name, ".png"));
  });
}

void write_explanation(const EditResult& result, const fs::path& folder) {
  check_explanation_folder(folder);
  AtomicFolder output(fs::absolute(folder));
  std::string html = kPageHead;
  json turns = json::array();
  for (size_t t = 0; t < result.turns.size(); ++t) {
    TurnWriter writer(output.path(), str("turn", t + 1));
    html += str("<h2>Turn ", t + 1, "</h2>\n") + turn_html(result.turns[t], writer);
    json turn = turn_json(result.turns[t]);
    turn["files"] = writer.files();
    turns.push_back(turn);
  }
  io::write_json(output.path() / kJsonName, {{"turns", turns}});
  write_file_atomic(output.path() / kPageName, html + "</html>\n");
  output.commit(/*replace=*/true);
}

}  // namespace reasonbrain::edit
