// A protocol and samples whose scores can be worked out by hand.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/atomic_file.h"
#include "core/temp_dir.h"
#include "eval/evaluate.h"
#include "reasonbrain/error.h"
#include "reasonbrain/image_io.h"

namespace reasonbrain::eval {

// Pictures of one colour. "right": exactly the target; "closeness": 1 - |difference of greys| /
// 255, undefined where the target is black.
class GreyProtocol : public Protocol {
 public:
  std::string name() const override { return "grey"; }
  std::vector<Metric> metrics() const override {
    return {{"right", true, ""}, {"closeness", true, ""}};
  }
  std::vector<std::string> anchors() const override { return {"copy", "oracle"}; }
  io::Image anchor(const std::string& name, const data::Sample& sample, uint64_t) const override {
    return name == "copy" ? sample.source : sample.target;
  }
  Score score(const data::Sample& sample, const io::Image& edited) const override {
    EXPECT_TRUE(edited.same_shape(sample.target));
    const double difference = std::abs(edited.at(0, 0) - sample.target.at(0, 0)) / 255.0;
    const bool black = sample.target.at(0, 0) == 0;
    return {{difference == 0 ? 1.0 : 0.0, black ? std::nullopt : std::optional(1.0 - difference)},
            sample.alternatives.empty() ? "" : sample.alternatives[0].name};
  }
  std::string group_metric() const override { return "right"; }
};

inline io::Image grey(uint8_t value, int side = 4) {
  return io::Image(side, side, 3, value);
}

inline data::Sample make_sample(const std::string& id, const std::string& category, uint8_t target,
                                const std::string& group = "") {
  data::Sample sample;
  sample.record.id = id;
  sample.record.category = category;
  sample.record.scenario = category + "_scene";
  sample.record.instruction = "What if </script> \"" + id + "\"?";
  sample.record.group = group;
  sample.source = grey(10);
  sample.target = grey(target);
  sample.alternatives.push_back({"other", grey(200)});
  return sample;
}

class ListSource : public data::SampleSource {
 public:
  explicit ListSource(std::vector<data::Sample> samples) : samples_(std::move(samples)) {}
  int64_t size() const override { return static_cast<int64_t>(samples_.size()); }
  data::Sample get(int64_t index) const override { return samples_[static_cast<size_t>(index)]; }
  std::string fingerprint() const override { return "0123456789abcdef"; }

 private:
  std::vector<data::Sample> samples_;
};

// Three physical samples and one causal one; the first two are a minimal pair.
inline ListSource four_samples() {
  return ListSource({make_sample("a", "physical", 100, "pair"),
                     make_sample("b", "physical", 120, "pair"), make_sample("c", "physical", 140),
                     make_sample("d", "causal", 0)});
}

// Writes folder/ID.png for each (id, grey).
inline std::filesystem::path write_predictions(
    const std::filesystem::path& folder,
    const std::vector<std::pair<std::string, uint8_t>>& greys) {
  std::filesystem::create_directories(folder);
  for (const auto& [id, value] : greys) io::write_png(folder / (id + ".png"), grey(value));
  return folder;
}

inline ErrorKind kind_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.kind();
  }
  ADD_FAILURE() << "no error";
  return ErrorKind::kRuntime;
}

}  // namespace reasonbrain::eval
