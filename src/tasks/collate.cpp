#include "tasks/collate.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <stdexcept>

#include "core/rng_tensor.h"
#include "core/str.h"
#include "data/regions.h"
#include "edit/geometry.h"
#include "reasonbrain/error.h"
#include "text/objects.h"

namespace reasonbrain::tasks {
namespace {

constexpr double kUsualContrast = 0.3;       // of pixels where two outcomes differ, in [0, 1]
constexpr double kLeastContrast = 1.0 / 16;  // less is taken for this: it may be noise

// Where the sample's outcomes (source, target, alternatives) part: `mask` is 1 where any of them
// differs from the source. `density`: see ReasonBatch.
void mark_edit(const data::Sample& sample, float* mask, float* density) {
  const auto difference = [](const io::Image& a, const io::Image& b, size_t pixel) {
    int sum = 0;
    for (size_t i = 3 * pixel; i < 3 * pixel + 3; ++i) sum += std::abs(a.pixels[i] - b.pixels[i]);
    return sum;
  };
  const size_t num_pixels = sample.source.pixels.size() / 3;
  std::vector<const io::Image*> others{&sample.source};
  for (const auto& alternative : sample.alternatives) {
    if (alternative.image.pixels != sample.source.pixels) others.push_back(&alternative.image);
  }
  struct Apart {
    std::vector<size_t> pixels;
    double contrast;  // their mean difference, in [0, 1]
  };
  std::vector<Apart> apart;  // of each outcome that differs
  for (const io::Image* other : others) {
    Apart from{{}, 0};
    for (size_t i = 0; i < num_pixels; ++i) {
      const int away = difference(*other, sample.target, i);
      if (away > 0) from.pixels.push_back(i);
      from.contrast += away / (3 * 255.0);
      if (difference(*other, sample.source, i) > 0 ||
          difference(sample.target, sample.source, i) > 0) {
        mask[i] = 1;
      }
    }
    if (from.pixels.empty()) continue;
    from.contrast /= static_cast<double>(from.pixels.size());
    apart.push_back(std::move(from));
  }
  for (const Apart& from : apart) {
    const double each = static_cast<double>(num_pixels) / static_cast<double>(from.pixels.size()) /
                        static_cast<double>(apart.size()) * kUsualContrast /
                        std::max(from.contrast, kLeastContrast);
    for (const size_t pixel : from.pixels) density[pixel] += static_cast<float>(each);
  }
}

}  // namespace

data::Sample on_canvas(data::Sample sample, int side) {
  if (!sample.target.same_shape(sample.source)) {
    throw data_error(str("record '", sample.record.id,
                         "' has no target of the source's size; training needs one"));
  }
  if (sample.source.width == side && sample.source.height == side) return sample;
  const edit::Geometry geometry(sample.source.width, sample.source.height, side);
  for (auto& alternative : sample.alternatives)
    alternative.image = geometry.to_canvas(alternative.image);
  if (!sample.instance_map.empty())
    sample.instance_map = geometry.labels_to_canvas(sample.instance_map);
  sample.target = geometry.to_canvas(sample.target);
  sample.source = geometry.to_canvas(sample.source);
  return sample;
}

Collator::Collator(const TaskOptions& options, const reason::Processor& processor,
                   std::vector<int64_t> latent_shape, int64_t max_objects, bool answer_words,
                   std::vector<std::vector<std::string>> label_slots)
    : options_(options),
      processor_(processor),
      latent_shape_(std::move(latent_shape)),
      max_objects_(static_cast<int>(max_objects)),
      answer_words_(answer_words) {
  for (const auto& words : label_slots) {
    auto& ids = label_ids_.emplace_back();
    for (const std::string& word : words) ids.emplace(word, static_cast<int64_t>(ids.size()));
  }
}

reason::Picture Collator::plain_picture(const data::Sample& sample) const {
  return {sample.source, sample.record.instruction, sample.record.objects, sample.instance_map};
}

reason::Picture Collator::draw_picture(const data::Sample& sample, Rng& rng) const {
  reason::Picture picture = plain_picture(sample);
  const MixOptions& mix = options_.mix;
  const double region = rng.uniform();
  if (region < mix.drop_regions) {
    picture.instance_map = {};
  } else if (region < mix.drop_regions + mix.grid_regions) {
    picture.instance_map =
        data::grid_regions(sample.source.width, sample.source.height, data::kGridCells);
  } else if (region < mix.drop_regions + mix.grid_regions + mix.kmeans_regions) {
    picture.instance_map = data::kmeans_regions(sample.source);
  }
  if (rng.chance(mix.rule_objects)) {
    picture.objects = text::extract_objects(sample.record.instruction, max_objects_);
  }
  return picture;
}

void Collator::write_words(const data::Sample& sample, int label, torch::Tensor row) const {
  for (const data::InstanceLabel& instance : sample.record.instances) {
    if (instance.label != label) continue;
    for (size_t slot = 0; slot < label_ids_.size() && slot < instance.words.size(); ++slot) {
      const auto found = label_ids_[slot].find(instance.words[slot]);
      if (found != label_ids_[slot].end()) row[static_cast<int64_t>(slot)] = found->second;
    }
  }
}

// A found region stands for the instance that covers more than half of it.
void Collator::label_regions(const data::Sample& sample, const io::Image& used,
                             torch::Tensor row) const {
  if (used.empty() || sample.instance_map.empty()) return;
  const std::vector<int> order = reason::region_order(used);
  std::array<std::array<int, 256>, 256> overlap{};
  std::array<int, 256> area{};
  for (size_t i = 0; i < used.pixels.size(); ++i) {
    ++overlap[used.pixels[i]][sample.instance_map.pixels[i]];
    ++area[used.pixels[i]];
  }
  for (int64_t k = 0; k < std::min<int64_t>(row.size(0), static_cast<int64_t>(order.size())); ++k) {
    const auto label = static_cast<size_t>(order[static_cast<size_t>(k)]);
    for (int instance = 1; instance < 256; ++instance) {
      if (2 * overlap[label][static_cast<size_t>(instance)] > area[label])
        write_words(sample, instance, row[k]);
    }
  }
}

void Collator::label_objects(const data::Sample& sample, const std::vector<std::string>& used,
                             torch::Tensor row) const {
  const auto& known = sample.record.objects;
  for (size_t i = 0; i < used.size() && static_cast<int64_t>(i) < row.size(0); ++i) {
    const auto found = std::find(known.begin(), known.end(), used[i]);
    const auto index = static_cast<size_t>(found - known.begin());
    if (found == known.end() || index >= sample.record.object_instances.size()) continue;
    if (const int label = sample.record.object_instances[index]; label > 0) {
      write_words(sample, label, row[static_cast<int64_t>(i)]);
    }
  }
}

ReasonBatch Collator::operator()(const std::vector<data::Sample>& samples,
                                 const train::BatchInfo& info) const {
  const auto count = static_cast<int64_t>(samples.size());
  const int64_t side = processor_.picture_side();
  const auto stream = [&](int64_t i, std::string_view purpose) {
    return Rng(info.seed,
               {static_cast<uint64_t>(info.epoch),
                static_cast<uint64_t>(info.indices[static_cast<size_t>(i)]), hash_key(purpose)});
  };
  ReasonBatch batch;
  std::vector<reason::Picture> pictures;
  std::vector<const io::Image*> targets;
  std::vector<int64_t> answers;
  batch.edit_mask = at::zeros({count, 1, side, side}, torch::kFloat32);
  batch.edit_density = at::zeros({count, 1, side, side}, torch::kFloat32);
  for (int64_t i = 0; i < count; ++i) {
    const data::Sample& sample = samples[static_cast<size_t>(i)];
    if (sample.source.width != side || !sample.target.same_shape(sample.source)) {
      throw std::logic_error("Collator takes samples that were brought on_canvas()");
    }
    Rng rng = stream(i, "inputs");
    pictures.push_back(draw_picture(sample, rng));
    targets.push_back(&sample.target);
    batch.sample_ids.push_back(sample.record.id);
    mark_edit(sample, batch.edit_mask.data_ptr<float>() + i * side * side,
              batch.edit_density.data_ptr<float>() + i * side * side);
    if (answer_words_) {
      const std::vector<int64_t> ids = processor_.answer_ids(sample.record.answer);
      answers.insert(answers.end(), ids.begin(), ids.end());
    }
  }
  batch.inputs = processor_(pictures);
  batch.target = reason::to_tensor(targets);
  if (answer_words_) batch.answer_ids = at::tensor(answers, torch::kInt64).view({count, -1});

  const auto slots = static_cast<int64_t>(label_ids_.size());
  batch.region_labels =
      at::full({count, batch.inputs.region_mask.size(1), slots}, -1, torch::kInt64);
  batch.object_labels =
      at::full({count, batch.inputs.object_mask.size(1), slots}, -1, torch::kInt64);
  std::vector<torch::Tensor> noise;
  batch.time = at::empty({count}, torch::kFloat32);
  batch.keep_text = at::ones({count}, torch::kFloat32);
  batch.keep_image = at::ones({count}, torch::kFloat32);
  batch.open_gate = at::zeros({count, 1, side, side}, torch::kFloat32);
  for (int64_t i = 0; i < count; ++i) {
    const auto& picture = pictures[static_cast<size_t>(i)];
    const auto& sample = samples[static_cast<size_t>(i)];
    label_regions(sample, picture.instance_map, batch.region_labels[i]);
    label_objects(sample, picture.objects, batch.object_labels[i]);
    Rng noise_rng = stream(i, "noise"), time_rng = stream(i, "time"),
        drop_rng = stream(i, "dropout");
    noise.push_back(randn(noise_rng, latent_shape_));
    batch.time[i] = diffusion::draw_time(options_.time, time_rng);
    const MixOptions& mix = options_.mix;
    if (stream(i, "open_gate").chance(mix.open_gate)) {
      batch.open_gate[i].copy_((batch.inputs.pixels[i] != batch.target[i]).any(0, true));
    }
    const double drop = drop_rng.uniform();
    const double text_end = mix.drop_text, image_end = text_end + mix.drop_image,
                 both_end = image_end + mix.drop_both;
    if (drop < text_end || (drop >= image_end && drop < both_end)) batch.keep_text[i] = 0;
    if (drop >= text_end && drop < both_end) batch.keep_image[i] = 0;
  }
  batch.noise = at::stack(noise);
  return batch;
}

}  // namespace reasonbrain::tasks
