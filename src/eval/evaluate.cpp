#include "eval/evaluate.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <set>

#include "core/log.h"
#include "core/parallel.h"
#include "core/progress.h"
#include "core/str.h"
#include "io/path_safety.h"
#include "io/resize.h"
#include "reasonbrain/error.h"
#include "reasonbrain/image_io.h"

namespace reasonbrain::eval {
namespace {

namespace fs = std::filesystem;

SampleInfo sample_info(const data::Sample& sample) {
  const data::Record& record = sample.record;
  SampleInfo info{
      record.id, record.scenario, record.category, record.group, record.instruction, record.outcome,
      {}};
  for (const data::Alternative& alternative : sample.alternatives) {
    info.alternatives.push_back(alternative.name);
  }
  return info;
}

class Evaluator {
 public:
  Evaluator(const data::SampleSource& source, const Protocol& protocol,
            const std::vector<Prediction>& predictions, const EvaluateOptions& options,
            const fs::path& picture_folder)
      : source_(source),
        protocol_(protocol),
        predictions_(predictions),
        options_(options),
        pictures_(picture_folder.empty() ? fs::path() : picture_folder / "images"),
        resized_(predictions.size()) {
    const auto num_samples = static_cast<size_t>(source.size());
    results_.protocol = protocol.name();
    results_.data_fingerprint = source.fingerprint();
    results_.metrics = protocol.metrics();
    results_.group_metric = protocol.group_metric();
    results_.samples.resize(num_samples);
    for (const Prediction& prediction : predictions) add_method(prediction.name, /*anchor=*/false);
    for (const std::string& name : protocol.anchors()) add_method(name, /*anchor=*/true);
  }

  Results run() {
    require_folders();
    make_picture_folders();
    score_all();
    for (size_t m = 0; m < predictions_.size(); ++m) {
      results_.methods[m].num_resized = resized_[m];
      check_failures(results_.methods[m]);
    }
    return std::move(results_);
  }

 private:
  void add_method(const std::string& name, bool anchor) {
    for (const MethodResults& other : results_.methods) {
      if (other.name != name) continue;
      throw usage_error(str("method '", name, "' appears twice",
                            anchor ? "; this name belongs to an anchor row" : "",
                            "; give each --pred NAME=DIR another NAME"));
    }
    results_.methods.push_back({name, anchor, 0, std::vector<Outcome>(results_.samples.size())});
  }

  void require_folders() const try {
    for (const Prediction& prediction : predictions_) {
      if (fs::is_directory(prediction.folder)) continue;
      throw data_error(
          str("predictions of '", prediction.name, "': no folder ", prediction.folder.string(),
              "; make one with: reasonbrain edit --model DIR --data RECORDS.jsonl --out ",
              prediction.folder.string()));
    }
  } catch (const fs::filesystem_error& problem) {
    throw io::unreadable(problem);
  }

  void make_picture_folders() const {
    if (pictures_.empty()) return;
    for (const Prediction& prediction : predictions_) {
      fs::create_directories(pictures_ / prediction.name);
    }
  }

  void score_all() {
    Progress progress("scored", source_.size(), "samples");
    parallel_for(source_.size(), options_.num_threads, [&](int64_t i) {
      score_sample(i);
      progress.add();
    });
  }

  void score_sample(int64_t index) {
    const data::Sample sample = source_.get(index);
    if (sample.target.empty()) {
      throw data_error(str("record '", sample.record.id, "': no tgt_image, which protocol ",
                           protocol_.name(), " compares with"));
    }
    const auto i = static_cast<size_t>(index);
    results_.samples[i] = sample_info(sample);
    std::set<std::string> nearest;  // the alternatives that the gallery will show
    for (size_t m = 0; m < results_.methods.size(); ++m) {
      MethodResults& method = results_.methods[m];
      Outcome& outcome = method.outcomes[i];
      if (method.anchor) {
        const io::Image picture = protocol_.anchor(method.name, sample, options_.seed);
        outcome.score = protocol_.score(sample, picture);
      } else if (const std::optional<io::Image> picture = read_prediction(m, sample, outcome)) {
        outcome.score = protocol_.score(sample, *picture);
        write_picture(fs::path(method.name) / (sample.record.id + ".png"), *picture);
        nearest.insert(outcome.score.nearest);
      }
      if (outcome.failed()) outcome.score.values.assign(results_.metrics.size(), std::nullopt);
    }
    write_picture(sample.record.id + "_src.png", sample.source);
    write_picture(sample.record.id + "_tgt.png", sample.target);
    for (size_t k = 0; k < sample.alternatives.size(); ++k) {
      if (nearest.count(sample.alternatives[k].name) == 0) continue;
      write_picture(str(sample.record.id, "_alt", k, ".png"), sample.alternatives[k].image);
    }
  }

  std::optional<io::Image> read_prediction(size_t method, const data::Sample& sample,
                                           Outcome& outcome) {
    const fs::path& folder = predictions_[method].folder;
    try {
      io::Image picture = io::read_image(folder / (sample.record.id + ".png"));
      const io::Image& target = sample.target;
      if (picture.width != target.width || picture.height != target.height) {
        ++resized_[method];
        picture = io::resize(picture, target.width, target.height, io::Filter::kBicubic);
      }
      return picture;
    } catch (const Error& error) {
      outcome.problem = error.what();
      return std::nullopt;
    }
  }

  void write_picture(const fs::path& name, const io::Image& picture) const {
    if (!pictures_.empty()) io::write_png(pictures_ / name, picture);
  }

  void check_failures(const MethodResults& method) const {
    if (method.num_resized > 0) {
      log::warning(str("method '", method.name, "': ", method.num_resized,
                       " pictures had another size than their target and were resized"));
    }
    const auto failed = [](const Outcome& outcome) { return outcome.failed(); };
    const auto num_failed = std::count_if(method.outcomes.begin(), method.outcomes.end(), failed);
    if (num_failed == 0) return;
    const auto first = std::find_if(method.outcomes.begin(), method.outcomes.end(), failed);
    const std::string text =
        str("method '", method.name, "': ", num_failed, " of ", method.outcomes.size(),
            " pictures failed; the first: ", first->problem);
    const double share =
        static_cast<double>(num_failed) / static_cast<double>(method.outcomes.size());
    if (share > options_.max_fail) {
      throw data_error(str(text, " (--max-fail ", options_.max_fail, " allows fewer)"));
    }
    log::warning(text);
  }

  const data::SampleSource& source_;
  const Protocol& protocol_;
  const std::vector<Prediction>& predictions_;
  const EvaluateOptions& options_;
  const fs::path pictures_;
  std::vector<std::atomic<int64_t>> resized_;  // per prediction
  Results results_;
};

}  // namespace

Prediction parse_prediction(const std::string& text) {
  const size_t equals = text.find('=');
  const std::string name = text.substr(0, equals);
  constexpr const char* kAllowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
  if (equals == std::string::npos || equals + 1 == text.size() || name.empty() || name[0] == '.' ||
      name.find_first_not_of(kAllowed) != std::string::npos) {
    throw usage_error(
        str("--pred '", text,
            "': expected NAME=DIR, where NAME has letters, digits, '_', '.' and '-' only"));
  }
  if (ends_with(name, ".png")) {  // its folder of pictures stands beside those of the samples
    throw usage_error(str("--pred '", text, "': NAME ends in .png, as the report's own pictures ",
                          "do; choose another NAME"));
  }
  return {name, text.substr(equals + 1)};
}

Results evaluate(const data::SampleSource& source, const Protocol& protocol,
                 const std::vector<Prediction>& predictions, const EvaluateOptions& options,
                 const fs::path& picture_folder) {
  return Evaluator(source, protocol, predictions, options, picture_folder).run();
}

}  // namespace reasonbrain::eval
