#include "edit/instruct_pix2pix_backend.h"

#include "core/interrupt.h"
#include "text/instruction.h"

namespace reasonbrain::edit {
namespace {

class InstructPix2PixBackend : public Backend {
 public:
  InstructPix2PixBackend(const std::filesystem::path& folder, const Placement& placement)
      : model_(folder, placement) {}

  TurnResult run_turn(const std::vector<reason::Picture>& pictures,
                      const std::vector<SampleJob>& jobs, const reason::PaintSettings& settings,
                      int64_t batch_size, bool explain) override {
    const c10::InferenceMode inference;  // cheaper than NoGradGuard: no version counters
    TurnResult result;
    result.edited.resize(jobs.size());
    if (explain) {
      for (const reason::Picture& picture : pictures) result.turns.push_back(begin_turn(picture));
    }
    const auto count = static_cast<int64_t>(jobs.size());
    for (int64_t first = 0; first < count; first += batch_size) {
      run_batch(pictures, jobs, settings, first, std::min(count, first + batch_size), result);
    }
    return result;
  }

  void check_instruction(const std::string& instruction) const override {
    text::check_instruction(instruction);
    model_.tokens(instruction);
  }

  int64_t picture_side() const override { return model_.picture_side(); }
  std::vector<std::string> find_objects(const std::string&, bool) const override { return {}; }
  bool reads_regions() const override { return false; }
  reason::InferenceOptions defaults() const override {  // those of the reference's pipeline
    return {.steps = 100, .guidance = 7.5, .image_guidance = 1.5, .region_source = "none"};
  }
  const Placement& placement() const override { return model_.placement(); }
  int64_t num_parameters() const override { return model_.num_parameters(); }
  const std::string& sha256() const override { return model_.sha256(); }

 private:
  // Jobs [first, end).
  void run_batch(const std::vector<reason::Picture>& pictures, const std::vector<SampleJob>& jobs,
                 const reason::PaintSettings& settings, int64_t first, int64_t end,
                 TurnResult& result) {
    const std::vector<SampleJob> own(jobs.begin() + first, jobs.begin() + end);
    std::vector<const io::Image*> canvases;
    std::vector<std::string> instructions;
    for (const SampleJob& job : own) {
      const reason::Picture& picture = pictures[static_cast<size_t>(job.row)];
      canvases.push_back(&picture.canvas);
      instructions.push_back(picture.instruction);
    }
    const torch::Tensor source = model_.encode_picture(reason::to_tensor(canvases));
    const diffusion::NoiseSource noise = job_noise(own);
    const auto on_step = [&](int64_t /*step*/, const diffusion::SampledStep& step) {
      throw_if_interrupted();
      if (result.turns.empty()) return;
      const torch::Tensor pixels = model_.decode(step.x0);
      for (size_t j = 0; j < own.size(); ++j) {
        if (own[j].key.picture != 0) continue;
        result.turns[static_cast<size_t>(own[j].row)].denoising.push_back(
            reason::to_image(pixels[static_cast<int64_t>(j)]));
      }
    };
    const torch::Tensor pixels = model_.decode(
        model_.sample(model_.encode_text(instructions), source,
                      noise(source.sizes().vec()).to(source.device()), settings, noise, on_step));
    require_finite_pixels(pixels);
    for (size_t j = 0; j < own.size(); ++j) {
      io::Image& edited = result.edited[static_cast<size_t>(first) + j];
      edited = reason::to_image(pixels[static_cast<int64_t>(j)]);
      if (!result.turns.empty() && own[j].key.picture == 0)
        result.turns[static_cast<size_t>(own[j].row)].edited = edited;
    }
  }

  InstructPix2Pix model_;
};

}  // namespace

std::unique_ptr<Backend> load_instruct_pix2pix(const std::filesystem::path& folder,
                                               const Placement& placement) {
  return std::make_unique<InstructPix2PixBackend>(folder, placement);
}

}  // namespace reasonbrain::edit
