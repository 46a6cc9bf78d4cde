// Validation and previews of ReasonBrainTask: fixed samples, fixed noise, no dropout.
#include <algorithm>
#include <cmath>
#include <iterator>

#include "core/rng_tensor.h"
#include "core/str.h"
#include "reason/paint.h"
#include "reasonbrain/image_io.h"
#include "tasks/reasonbrain_task.h"

namespace reasonbrain::tasks {
namespace {

constexpr double kTimeBins[] = {0.25, 0.6, 1.0};  // noise levels of the validation loss

train::BatchInfo fixed_info(int64_t begin, int64_t count) {
  train::BatchInfo info;
  for (int64_t i = 0; i < count; ++i) info.indices.push_back(begin + i);
  return info;
}

// Pictures side by side, rows below each other, with a white gutter.
io::Image contact_sheet(const std::vector<std::vector<const io::Image*>>& rows) {
  constexpr int kGutter = 2;
  const int width = rows[0][0]->width + kGutter, height = rows[0][0]->height + kGutter;
  io::Image sheet(static_cast<int>(rows[0].size()) * width - kGutter,
                  static_cast<int>(rows.size()) * height - kGutter, 3, 255);
  for (size_t r = 0; r < rows.size(); ++r) {
    for (size_t c = 0; c < rows[r].size(); ++c) {
      const io::Image& image = *rows[r][c];
      for (int y = 0; y < image.height; ++y) {
        const size_t to =
            sheet.index(static_cast<int>(c) * width, static_cast<int>(r) * height + y);
        std::copy_n(image.pixels.begin() + static_cast<long>(image.index(0, y)), 3 * image.width,
                    sheet.pixels.begin() + static_cast<long>(to));
      }
    }
  }
  return sheet;
}

}  // namespace

std::string ReasonBrainTask::best_metric() const {
  if (!data_.validation) return "";
  if (stage_ == Stage::kReasoner) return "val_answer";
  if (data_.protocol) return "val_" + data_.protocol->group_metric();
  return loss().dm > 0 || loss().l1 > 0 ? "val_loss_dm" : "val_loss_mllm";
}

bool ReasonBrainTask::best_is_highest() const {
  return !starts_with(best_metric(), "val_loss");
}

std::vector<data::Sample> ReasonBrainTask::load_validation(int64_t begin, int64_t end) const {
  const auto side = static_cast<int>(pipeline_->processor().picture_side());
  std::vector<data::Sample> samples;
  for (int64_t i = begin; i < end; ++i)
    samples.push_back(on_canvas(data_.validation->get(i), side));
  return samples;
}

std::vector<io::Image> ReasonBrainTask::edit(const std::vector<data::Sample>& samples) {
  torch::NoGradGuard no_grad;
  const torch::Device device = pipeline_->placement().device;
  std::vector<reason::Picture> pictures;
  for (const auto& sample : samples) pictures.push_back(plain_collator_->plain_picture(sample));
  const reason::EncoderInputs encoder_inputs = pipeline_->processor()(pictures).to(device);
  reason::Guidance guidance;
  if (reasons()) {
    guidance = pipeline_->reason(pipeline_->encode(encoder_inputs), /*want_logits=*/false).guidance;
  } else {
    std::vector<int64_t> ids;
    for (const auto& sample : samples) {
      const auto one = pipeline_->processor().answer_ids(sample.record.answer);
      ids.insert(ids.end(), one.begin(), one.end());
    }
    guidance.context = answers_(
        at::tensor(ids, torch::kInt64).view({static_cast<int64_t>(samples.size()), -1}).to(device));
  }
  auto& denoiser = pipeline_->denoiser();
  const torch::Tensor source =
      denoiser.encode(encoder_inputs.pixels.to(pipeline_->placement().dtype));
  std::vector<Rng> streams;
  for (const auto& sample : samples) {
    streams.emplace_back(
        seed_, std::initializer_list<uint64_t>{hash_key("validation"), hash_key(sample.record.id)});
  }
  const diffusion::NoiseSource noise = diffusion::keyed_noise(std::move(streams));
  const auto& options = pipeline_->options();
  reason::PaintSettings settings;
  settings.steps = options.inference.steps;
  settings.text_scale = options.inference.guidance;
  settings.image_scale = options.inference.image_guidance;
  const torch::Tensor latent =
      reason::paint(denoiser, options.scheduler, guidance, source,
                    noise(source.sizes().vec()).to(device), settings, noise);
  const torch::Tensor edited = denoiser.decode(latent);
  std::vector<io::Image> images;
  for (int64_t i = 0; i < edited.size(0); ++i) images.push_back(reason::to_image(edited[i]));
  return images;
}

void ReasonBrainTask::add_validation_losses(const std::vector<data::Sample>& samples, int64_t begin,
                                            std::map<std::string, Mean>& means) {
  torch::NoGradGuard no_grad;
  const auto count = static_cast<int64_t>(samples.size());
  const auto measure = [&](const std::string& suffix, double time) {
    ReasonBatch batch = (*plain_collator_)(samples, fixed_info(begin, count));
    batch.is_validation = true;
    batch.time.fill_(time);
    const auto batch_counts = counts(batch);
    const auto terms = losses(batch);
    for (size_t i = 0; i < terms.size(); ++i) {
      const auto add = [&](const std::string& name) {
        means[name].sum += terms[i].sum.item<double>();
        means[name].count += batch_counts[i].count;
      };
      const bool at_each_level = terms[i].name == "dm" || terms[i].name == "remaining";
      add("val_loss_" + terms[i].name + (at_each_level ? suffix : ""));
      if (paints() && terms[i].name == "dm") add("val_loss_dm");  // over all levels
    }
  };
  if (paints()) {
    for (double time : kTimeBins) measure(str("_t", time), time);
  } else {
    measure("", 1.0);
  }
}

double ReasonBrainTask::answer_accuracy(const std::vector<data::Sample>& samples) {
  torch::NoGradGuard no_grad;
  std::vector<reason::Picture> pictures;
  std::vector<int64_t> ids;
  for (const auto& sample : samples) {
    pictures.push_back(plain_collator_->plain_picture(sample));
    const auto one = pipeline_->processor().answer_ids(sample.record.answer);
    ids.insert(ids.end(), one.begin(), one.end());
  }
  const torch::Device device = pipeline_->placement().device;
  const auto outputs =
      pipeline_->reason(pipeline_->encode(pipeline_->processor()(pictures).to(device)),
                        /*want_logits=*/true, /*paint=*/false);
  const torch::Tensor wanted =
      at::tensor(ids, torch::kInt64).view({static_cast<int64_t>(samples.size()), -1}).to(device);
  return outputs.logits.argmax(-1).eq(wanted).all(1).sum().item<double>();
}

std::map<std::string, double> ReasonBrainTask::evaluate() {
  std::map<std::string, double> metrics;
  if (!data_.validation) return metrics;
  const bool words = pipeline_->options().reason.mllm_scope == reason::MllmScope::kAnswerWords;
  const int64_t total = std::min(options_.evaluation.samples, data_.validation->size());
  std::map<std::string, Mean> means;
  const int64_t batch_size = options_.evaluation.batch_size;
  for (int64_t begin = 0; begin < total; begin += batch_size) {
    const auto samples = load_validation(begin, std::min(begin + batch_size, total));
    add_validation_losses(samples, begin, means);
    if (reasons() && words)
      metrics["val_answer"] += answer_accuracy(samples) / static_cast<double>(total);
    if (!paints() || !data_.protocol) continue;
    const auto edited = edit(samples);
    const auto names = data_.protocol->metrics();
    for (size_t i = 0; i < samples.size(); ++i) {
      const eval::Score score = data_.protocol->score(samples[i], edited[i]);
      for (size_t m = 0; m < names.size(); ++m) {
        if (!score.values[m]) continue;
        for (const std::string& key :
             {"val_" + names[m].name, "val_" + names[m].name + "_" + samples[i].record.scenario}) {
          means[key].sum += *score.values[m];
          ++means[key].count;
        }
      }
    }
  }
  for (const auto& [name, mean] : means) {
    if (mean.count > 0) metrics[name] = mean.sum / mean.count;
  }
  return metrics;
}

void ReasonBrainTask::preview(const std::filesystem::path& folder) {
  if (!data_.validation || !paints()) return;
  const int64_t total = std::min(options_.evaluation.previews, data_.validation->size());
  const int64_t batch_size = options_.evaluation.batch_size;
  std::vector<data::Sample> samples;
  std::vector<io::Image> edited;
  for (int64_t begin = 0; begin < total; begin += batch_size) {
    auto some = load_validation(begin, std::min(begin + batch_size, total));
    std::ranges::move(edit(some), std::back_inserter(edited));
    std::ranges::move(some, std::back_inserter(samples));
  }
  std::vector<std::vector<const io::Image*>> rows;
  for (size_t i = 0; i < samples.size(); ++i)
    rows.push_back({&samples[i].source, &edited[i], &samples[i].target});
  io::write_png(folder / "preview.png", contact_sheet(rows));
}

}  // namespace reasonbrain::tasks
