#include "miniworld/miniworld_protocol.h"

#include "core/rng.h"
#include "core/str.h"
#include "miniworld/score.h"
#include "reasonbrain/error.h"

namespace reasonbrain::miniworld {
namespace {

void require_target(const data::Sample& sample) {
  if (sample.target.empty()) {
    throw data_error("record '" + sample.record.id +
                     "' has no target picture; the miniworld protocol needs one");
  }
  for (const auto& alternative : sample.alternatives) {
    if (!alternative.image.same_shape(sample.target)) {
      throw data_error("record '" + sample.record.id + "': alternative '" + alternative.name +
                       "' and the target differ in size");
    }
  }
}

io::Image blend(const data::Sample& sample) {
  io::Image image = sample.target;
  const int count = 1 + static_cast<int>(sample.alternatives.size());
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    int sum = sample.target.pixels[i];
    for (const auto& alternative : sample.alternatives) sum += alternative.image.pixels[i];
    image.pixels[i] = static_cast<uint8_t>((2 * sum + count) / (2 * count));
  }
  return image;
}

const io::Image& random_outcome(const data::Sample& sample, uint64_t seed) {
  Rng rng(seed, {hash_key("random"), hash_key(sample.record.id)});
  const uint64_t pick = rng.below(1 + sample.alternatives.size());
  return pick == 0 ? sample.target : sample.alternatives[pick - 1].image;
}

}  // namespace

std::vector<eval::Metric> MiniWorldProtocol::metrics() const {
  return {
      {"rule", true, "share of pictures nearer to the true outcome than to every other"},
      {"rule_confident", true, str("share of pictures with a margin above ", kConfidentMargin)},
      {"margin", true, "how much nearer to the true outcome than to the next, from -1 to 1"},
      {"attr", true, "share of the typed checks that hold"},
      {"keep", true, "how well the unchanged part is kept, from 0 to 10"},
      {"progress", true, "share of the way from the source to the target"},
  };
}

std::vector<std::string> MiniWorldProtocol::anchors() const {
  return {"copy", "oracle", "blend", "random"};
}

io::Image MiniWorldProtocol::anchor(const std::string& name, const data::Sample& sample,
                                    uint64_t seed) const {
  require_target(sample);
  if (name == "copy") return sample.source;
  if (name == "oracle") return sample.target;
  if (name == "blend") return blend(sample);
  if (name == "random") return random_outcome(sample, seed);
  throw usage_error("no anchor '" + name + "'; there are " + join(anchors(), ", "));
}

eval::Score MiniWorldProtocol::score(const data::Sample& sample, const io::Image& edited) const {
  const Verdict verdict = judge(sample, edited);
  const auto above = [&](double limit) -> std::optional<double> {
    if (!verdict.margin) return std::nullopt;
    return *verdict.margin > limit ? 1.0 : 0.0;
  };
  return {{above(0.0), above(kConfidentMargin), verdict.margin, verdict.attr, verdict.keep,
           verdict.progress},
          verdict.nearest};
}

}  // namespace reasonbrain::miniworld
