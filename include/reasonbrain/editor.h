// Edits pictures by hypothetical instructions with a trained model.
//
//   edit::Editor editor("models/mini");
//   edit::EditRequest request;
//   request.image = io::read_image("in.png");
//   request.instructions = {"What if the ice cube was left in the sun?"};
//   io::Image out = editor.edit({request}, {})[0].pictures[0][0];
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "reasonbrain/image.h"

namespace reasonbrain::edit {

// The largest values that a request may ask for.
inline constexpr int64_t kMaxSteps = 1000;
inline constexpr int64_t kMaxPictures = 256;
inline constexpr double kMaxGuidance = 100;

struct EditRequest {
  io::Image image;                        // RGB, any size but empty
  std::vector<std::string> instructions;  // at least one; each edits the result of the one before
  std::vector<std::string> objects;       // what the instructions speak of; empty: found as the
                                          // model does, or by EditOptions::objects_by_rules
  io::Image instance_map;  // regions, of the image's size, 1 channel, 0 = background; empty: by
                           // region_source
  uint64_t seed = 0;       // of the noise
};

// Unset values are the model's own defaults.
struct EditOptions {
  std::optional<int64_t> steps;          // 1 .. kMaxSteps
  std::optional<double> guidance;        // 0 .. kMaxGuidance, of the text; 1: none
  std::optional<double> image_guidance;  // 0 .. kMaxGuidance; 1: none
  std::optional<std::string>
      region_source;  // kmeans, grid, none, sam (or file): regions of requests without a map
  bool objects_by_rules = false;  // of requests without objects, whatever the model's own way
  int64_t num = 1;                // pictures per request, 1 .. kMaxPictures
  bool explain = false;           // fill EditResult::turns
};

// What one turn of the chain looked at and did, for the first picture. S: the model's picture side.
// Of an InstructPix2Pix without regions, attention and answer.
struct Turn {
  std::string instruction;
  std::vector<std::string> objects;
  io::Image canvas, edited;          // RGB, S x S
  io::Image instance_map;            // S x S; empty without regions
  std::vector<io::Image> denoising;  // the predicted picture after each step, S x S
  int64_t num_guidance_tokens = 0;   // r
  int64_t attention_grid = 0;        // g: image tokens on a side
  std::vector<float> attention;  // [r, g, g]: of each guidance token over the image tokens, mean
                                 // over layers and heads; each map sums to at most 1
  std::vector<std::string>
      answer;  // the expected outcome in words, where the model was trained for it
  std::vector<double> answer_confidence;  // probability of each word, in [0, 1]
};

struct EditResult {
  // pictures[n][t]: picture n after instruction t, of the request's size.
  std::vector<std::vector<io::Image>> pictures;
  std::vector<Turn> turns;  // with EditOptions::explain
};

class Editor {
 public:
  // A model folder, a checkpoint or a run folder, or a diffusers folder of InstructPix2Pix. device:
  // auto, cpu, cuda, cuda:N; dtype: auto, float32, bfloat16, float16. Throws Error(kUsage) for
  // another device or dtype, Error(kData) for a model that is missing or damaged, and
  // Error(kRuntime) without the CUDA asked for.
  explicit Editor(const std::filesystem::path& model, const std::string& device = "auto",
                  const std::string& dtype = "auto");
  ~Editor();
  Editor(Editor&&) noexcept;

  // Error(kUsage) for no instruction or one that is empty, not UTF-8 or longer than the model's
  // context, for an object that is empty or not UTF-8, and for options outside their range (region
  // source sam without use_sam() among them); Error(kData) for an image without RGB pixels or a map
  // of another size.
  void check(const EditRequest& request, const EditOptions& options) const;
  void check_instruction(const std::string& instruction) const;  // this part alone
  void check_options(const EditOptions& options) const;          // and this

  // Finds regions with SAM unless the options name another source. `folder`: config.json of a
  // transformers SamModel beside its weights or those of segment-anything. On the model's device.
  // Call it before edit(). Error(kData) when the folder is missing or damaged or its model does not
  // take RGB pictures; the editor is then as it was.
  void use_sam(const std::filesystem::path& folder);
  std::string sam_sha256() const;  // of its config.json and weights; "" without

  // Results in the order of the requests. A picture depends on its request, the options and its
  // index alone, never on its neighbours: the noise is keyed by them, and on the CPU pictures are
  // computed one by one, so that even the last bit is the same. Safe to call from several threads.
  //
  // Throws what check() throws for any of the requests, before the first is edited; Error(kData)
  // when the model gives values that are not finite; in the program `reasonbrain`,
  // Error(kInterrupted) after a signal. LibTorch's own exceptions, such as c10::OutOfMemoryError,
  // pass through.
  std::vector<EditResult> edit(const std::vector<EditRequest>& requests,
                               const EditOptions& options) const;

  // How edit() is called best for many pictures: requests per call, and calls at the same time.
  // When calls are parallel on the CPU, LibTorch should have one thread in each
  // (at::set_num_threads).
  int64_t batch_size() const;
  int64_t num_parallel() const;

  int64_t picture_side() const;                            // S
  std::string dtype() const;                               // float32, bfloat16, float16
  EditOptions resolved(const EditOptions& options) const;  // with the model's defaults filled in
  const std::string& model_sha256() const;                 // of its weights

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace reasonbrain::edit
