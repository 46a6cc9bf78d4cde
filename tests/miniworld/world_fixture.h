// Worlds for the tests, and a name for every picture.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/rng.h"
#include "core/str.h"
#include "miniworld/world.h"

namespace reasonbrain::miniworld {

inline MiniWorld make_world(const std::string& split, int64_t seed, int64_t size = 64,
                            std::vector<std::string> scenarios = {}) {
  MiniWorldOptions options;
  options.split = split;
  options.seed = seed;
  options.size = size;
  options.scenarios = std::move(scenarios);
  return MiniWorld(options);
}

inline uint64_t picture_hash(const io::Image& image) {
  return hash_key({reinterpret_cast<const char*>(image.pixels.data()), image.pixels.size()});
}

inline std::vector<uint64_t> picture_hashes(const data::Sample& sample) {
  std::vector<uint64_t> hashes = {picture_hash(sample.source), picture_hash(sample.target)};
  for (const auto& alternative : sample.alternatives)
    hashes.push_back(picture_hash(alternative.image));
  return hashes;
}

// One number for all that a sample holds.
inline uint64_t sample_hash(const data::Sample& sample) {
  const data::Record& r = sample.record;
  std::string text = r.id + "|" + r.instruction + "|" + r.instruction_explicit + "|" +
                     r.source_caption + "|" + r.target_caption + "|" + r.outcome + "|" + r.probe +
                     "|" + r.extra_json;
  for (const std::string& word : r.answer) text += "|" + word;
  for (const std::string& phrase : r.objects) text += "|" + phrase;
  for (const auto& instance : r.instances)
    for (const std::string& word : instance.words) text += "|" + word;
  for (const auto& alternative : sample.alternatives) text += "|" + alternative.name;
  for (const uint64_t hash : picture_hashes(sample)) text += "|" + std::to_string(hash);
  return hash_key(text + "|" + std::to_string(picture_hash(sample.instance_map)));
}

}  // namespace reasonbrain::miniworld
