#include "miniworld/score.h"

#include <algorithm>

#include "core/str.h"
#include "miniworld/checks.h"
#include "miniworld/pixels.h"
#include "reasonbrain/error.h"

namespace reasonbrain::miniworld {
namespace {

constexpr double kKeepScale = 0.10;  // mean difference, in [0, 1], at which Keep is 0

void require_same_size(const data::Sample& sample, const io::Image& edited) {
  const auto check = [&](const io::Image& image, const std::string& what) {
    if (!image.empty() && image.same_shape(edited) && image.channels == 3) return;
    throw data_error(str("record '", sample.record.id, "': ", what, " is ", image.width, "x",
                         image.height, "x", image.channels, " but the edited picture is ",
                         edited.width, "x", edited.height, "x", edited.channels,
                         "; all must be RGB of one size"));
  };
  check(sample.target, "the target");
  check(sample.source, "the source");
  for (const auto& alternative : sample.alternatives)
    check(alternative.image, "alternative '" + alternative.name + "'");
}

struct Comparison {
  int64_t gain = 0;   // how much nearer the edited picture is to the target
  int64_t total = 0;  // how far apart target and alternative are
  double value() const { return static_cast<double>(gain) / static_cast<double>(total); }
};

Comparison compare(const io::Image& edited, const io::Image& target, const io::Image& other) {
  Comparison sum;
  for (size_t i = 0; i < target.pixels.size() / 3; ++i) {
    if (largest_difference(other, target, i) <= kVisibleLevels) continue;
    sum.gain += difference(edited, other, i) - difference(edited, target, i);
    sum.total += difference(other, target, i);
  }
  return sum;
}

// Pixels where the target or an alternative differs from the source.
std::vector<uint8_t> changeable_pixels(const data::Sample& sample) {
  std::vector<uint8_t> changes(sample.source.pixels.size() / 3, 0);
  const auto mark = [&](const io::Image& outcome) {
    for (size_t i = 0; i < changes.size(); ++i)
      changes[i] |= largest_difference(outcome, sample.source, i) > 0;
  };
  mark(sample.target);
  for (const auto& alternative : sample.alternatives) mark(alternative.image);
  return changes;
}

std::optional<double> keep_score(const data::Sample& sample, const io::Image& edited,
                                 const std::vector<uint8_t>& changes) {
  const int width = edited.width, height = edited.height;
  int64_t sum = 0, count = 0;
  for (int y = 1; y + 1 < height; ++y) {
    for (int x = 1; x + 1 < width; ++x) {
      bool inside = true;
      for (int dy = -1; dy <= 1 && inside; ++dy)
        for (int dx = -1; dx <= 1; ++dx)
          inside = inside && !changes[static_cast<size_t>(y + dy) * width + x + dx];
      if (!inside) continue;
      sum += difference(edited, sample.target, static_cast<size_t>(y) * width + x);
      ++count;
    }
  }
  if (count == 0) return std::nullopt;
  const double mean = static_cast<double>(sum) / (3.0 * count * 255.0);
  return 10.0 * std::clamp(1.0 - mean / kKeepScale, 0.0, 1.0);
}

std::optional<double> progress_score(const data::Sample& sample, const io::Image& edited,
                                     const std::vector<uint8_t>& changes) {
  int64_t left = 0, whole = 0;
  for (size_t i = 0; i < changes.size(); ++i) {
    if (!changes[i]) continue;
    left += difference(edited, sample.target, i);
    whole += difference(sample.source, sample.target, i);
  }
  if (whole == 0) return std::nullopt;
  return 1.0 - static_cast<double>(left) / static_cast<double>(whole);
}

}  // namespace

Verdict judge(const data::Sample& sample, const io::Image& edited) {
  require_same_size(sample, edited);
  Verdict verdict;
  // A picture of one outcome may also show all that sets a lesser one apart: the greater one is
  // meant.
  int64_t nearest_total = 0;
  for (const auto& alternative : sample.alternatives) {
    const Comparison comparison = compare(edited, sample.target, alternative.image);
    if (comparison.total == 0) continue;
    const double value = comparison.value();
    const bool tie = verdict.margin && value == *verdict.margin;
    if (verdict.margin && value > *verdict.margin) continue;
    if (tie && comparison.total <= nearest_total) continue;
    verdict.margin = value;
    verdict.nearest = alternative.name;
    nearest_total = comparison.total;
  }
  const auto changes = changeable_pixels(sample);
  verdict.attr = check_share(sample, edited);
  verdict.keep = keep_score(sample, edited, changes);
  verdict.progress = progress_score(sample, edited, changes);
  return verdict;
}

}  // namespace reasonbrain::miniworld
