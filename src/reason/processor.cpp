#include "reason/processor.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "core/str.h"
#include "io/resize.h"
#include "reasonbrain/error.h"
#include "text/instruction.h"

namespace reasonbrain::reason {
namespace {

struct RegionShape {
  int label = 0;
  int64_t area = 0;
  int64_t sum_x = 0, sum_y = 0;
  int x0 = 1 << 30, y0 = 1 << 30, x1 = -1, y1 = -1;
};

// Shapes of all labels, largest first; ties by label.
std::vector<RegionShape> measure(const io::Image& map) {
  std::array<RegionShape, 256> shapes;
  for (int y = 0; y < map.height; ++y) {
    for (int x = 0; x < map.width; ++x) {
      RegionShape& shape = shapes[map.at(x, y)];
      ++shape.area;
      shape.sum_x += x;
      shape.sum_y += y;
      shape.x0 = std::min(shape.x0, x);
      shape.y0 = std::min(shape.y0, y);
      shape.x1 = std::max(shape.x1, x);
      shape.y1 = std::max(shape.y1, y);
    }
  }
  std::vector<RegionShape> out;
  for (int label = 1; label < 256; ++label) {
    shapes[static_cast<size_t>(label)].label = label;
    if (shapes[static_cast<size_t>(label)].area > 0)
      out.push_back(shapes[static_cast<size_t>(label)]);
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a.area > b.area; });
  return out;
}

// Labels without the background.
int64_t count_regions(const io::Image& map) {
  std::array<bool, 256> seen{};
  for (uint8_t label : map.pixels) seen[label] = true;
  return std::count(seen.begin() + 1, seen.end(), true);
}

torch::Tensor pad_ids(const std::vector<std::vector<int64_t>>& rows, int64_t width, bool left,
                      int64_t pad, torch::Tensor& mask) {
  const auto count = static_cast<int64_t>(rows.size());
  torch::Tensor ids = at::full({count, width}, pad, torch::kInt64);
  mask = at::zeros({count, width}, torch::kBool);
  for (int64_t i = 0; i < count; ++i) {
    const auto& row = rows[static_cast<size_t>(i)];
    const auto length = static_cast<int64_t>(row.size());
    const int64_t start = left ? width - length : 0;
    for (int64_t j = 0; j < length; ++j)
      ids.data_ptr<int64_t>()[i * width + start + j] = row[static_cast<size_t>(j)];
    mask[i].narrow(0, start, length).fill_(true);
  }
  return ids;
}

// Tokens with the reference's special ones, cut to `limit` as CLIP and T5 do: the end token stays.
std::vector<int64_t> encode_cut(const text::Tokenizer& tokenizer, const std::string& text,
                                int64_t limit) {
  std::vector<int64_t> ids = tokenizer.encode(text, /*add_special=*/true);
  if (static_cast<int64_t>(ids.size()) <= limit) return ids;
  ids[static_cast<size_t>(limit - 1)] = ids.back();
  ids.resize(static_cast<size_t>(limit));
  return ids;
}

int64_t padding_id(const text::Tokenizer& tokenizer) {
  return tokenizer.pad_id().value_or(tokenizer.eos_id().value_or(0));
}

int64_t longest(const std::vector<std::vector<int64_t>>& rows) {
  size_t length = 1;
  for (const auto& row : rows) length = std::max(length, row.size());
  return static_cast<int64_t>(length);
}

}  // namespace

std::vector<int> region_order(const io::Image& instance_map) {
  std::vector<int> labels;
  for (const RegionShape& shape : measure(instance_map)) labels.push_back(shape.label);
  return labels;
}

torch::Tensor to_tensor(const std::vector<const io::Image*>& images) {
  const auto count = static_cast<int64_t>(images.size());
  const int64_t height = images[0]->height, width = images[0]->width;
  torch::Tensor out = at::empty({count, 3, height, width}, torch::kFloat32);
  float* data = out.data_ptr<float>();
  for (const io::Image* image : images) {
    for (int c = 0; c < 3; ++c) {
      for (int64_t i = 0; i < height * width; ++i) {
        *data++ = static_cast<float>(image->pixels[static_cast<size_t>(i * 3 + c)]) / 127.5f - 1.0f;
      }
    }
  }
  return out;
}

io::Image to_image(const torch::Tensor& pixels) {
  const torch::Tensor levels = ((pixels.to(torch::kCPU, torch::kFloat32).clamp(-1, 1) + 1) * 127.5)
                                   .round()
                                   .to(torch::kUInt8);
  const torch::Tensor rows = levels.permute({1, 2, 0}).contiguous();
  io::Image image(static_cast<int>(rows.size(1)), static_cast<int>(rows.size(0)), 3);
  std::copy_n(rows.data_ptr<uint8_t>(), image.pixels.size(), image.pixels.begin());
  return image;
}

Processor::Processor(const ReasonOptions& reason, const DenoiserOptions& denoiser,
                     const VisionProcessing& vision, int64_t max_clip_tokens,
                     std::shared_ptr<const text::Tokenizer> llm_tokenizer,
                     std::shared_ptr<const text::Tokenizer> clip_tokenizer, PromptProcessing prompt)
    : reason_(reason),
      denoiser_(denoiser),
      vision_(vision),
      max_clip_tokens_(max_clip_tokens),
      llm_tokenizer_(std::move(llm_tokenizer)),
      clip_tokenizer_(std::move(clip_tokenizer)),
      prompt_(std::move(prompt)) {}

std::vector<int64_t> Processor::instruction_tokens(const std::string& instruction) const {
  text::check_instruction(instruction);
  std::string text;
  for (const std::string& part :
       {reason_.prompt.after_vision, instruction, reason_.prompt.suffix}) {
    if (!text.empty() && !part.empty()) text += " ";
    text += part;
  }
  std::vector<int64_t> ids = llm_tokenizer_->encode(text, /*add_special=*/false);
  const int64_t limit = reason_.prompt.max_instruction_tokens;
  if (static_cast<int64_t>(ids.size()) > limit) {
    throw usage_error(str("the instruction has ", ids.size(), " tokens, this model takes at most ",
                          limit, "; shorten it"));
  }
  return ids;
}

std::vector<int64_t> Processor::answer_ids(const std::vector<std::string>& words) const {
  const int64_t r = reason_.num_guidance_tokens;
  if (static_cast<int64_t>(words.size()) > r) {
    throw data_error(
        str("an answer has ", words.size(), " words, the model has ", r, " guidance tokens"));
  }
  std::vector<int64_t> ids(static_cast<size_t>(r), llm_tokenizer_->eos_id().value_or(2));
  for (size_t i = 0; i < words.size(); ++i) {
    const std::vector<int64_t> one = llm_tokenizer_->encode(words[i], /*add_special=*/false);
    if (one.size() != 1) {
      throw data_error(str("answer word '", words[i], "' is ", one.size(),
                           " tokens of the LLM's tokenizer, expected 1"));
    }
    ids[i] = one[0];
  }
  return ids;
}

std::vector<std::string> Processor::answer_words(const std::vector<int64_t>& ids) const {
  std::vector<std::string> words;
  for (int64_t id : ids) {
    if (id == llm_tokenizer_->eos_id().value_or(2)) break;
    words.push_back(trim(llm_tokenizer_->decode({id}, /*skip_special=*/true)));
  }
  return words;
}

void Processor::fill_regions(const io::Image& map, int64_t row, EncoderInputs& out) const {
  const int64_t grid = vision_.grid();
  const int64_t side = denoiser_.picture_side;
  std::vector<RegionShape> shapes = measure(map);
  shapes.resize(std::min(shapes.size(), static_cast<size_t>(out.region_mask.size(1))));
  std::array<int, 256> slot;
  slot.fill(-1);
  for (size_t k = 0; k < shapes.size(); ++k)
    slot[static_cast<size_t>(shapes[k].label)] = static_cast<int>(k);

  torch::Tensor weights = out.region_weights[row];  // [K, N]
  float* data = weights.data_ptr<float>();
  std::vector<float> cell_area(static_cast<size_t>(grid * grid), 0.0f);
  for (int64_t y = 0; y < side; ++y) {
    for (int64_t x = 0; x < side; ++x) {
      const int64_t cell = (y * grid / side) * grid + x * grid / side;
      cell_area[static_cast<size_t>(cell)] += 1.0f;
      const int k = slot[map.at(static_cast<int>(x), static_cast<int>(y))];
      if (k >= 0) data[k * grid * grid + cell] += 1.0f;
    }
  }
  for (size_t k = 0; k < shapes.size(); ++k) {
    for (int64_t cell = 0; cell < grid * grid; ++cell) {
      data[static_cast<int64_t>(k) * grid * grid + cell] /=
          std::max(cell_area[static_cast<size_t>(cell)], 1.0f);
    }
    const RegionShape& shape = shapes[k];
    const auto unit = static_cast<float>(side);
    const auto area = static_cast<float>(shape.area);
    const float values[kNumGeometry] = {
        static_cast<float>(shape.x0) / unit,
        static_cast<float>(shape.y0) / unit,
        static_cast<float>(shape.x1 + 1) / unit,
        static_cast<float>(shape.y1 + 1) / unit,
        static_cast<float>(shape.sum_x) / area / unit,
        static_cast<float>(shape.sum_y) / area / unit,
        std::sqrt(area) / unit,
        area / static_cast<float>((shape.x1 + 1 - shape.x0) * (shape.y1 + 1 - shape.y0))};
    float* geometry = out.region_geometry[row][static_cast<int64_t>(k)].data_ptr<float>();
    std::copy_n(values, kNumGeometry, geometry);
    out.region_mask[row][static_cast<int64_t>(k)] = true;
  }
}

void Processor::read_pictures(const std::vector<Picture>& pictures, EncoderInputs& out) const {
  const int64_t side = denoiser_.picture_side;
  const int size = static_cast<int>(vision_.image_size);
  std::vector<const io::Image*> canvases, vision;
  std::vector<io::Image> resized;
  resized.reserve(pictures.size());
  for (const Picture& picture : pictures) {
    if (picture.canvas.width != side || picture.canvas.height != side ||
        picture.canvas.channels != 3) {
      throw data_error(str("a picture of ", picture.canvas.width, "x", picture.canvas.height, "x",
                           picture.canvas.channels, " was given to a model of ", side, "x", side,
                           "x3"));
    }
    canvases.push_back(&picture.canvas);
    if (size == side) {
      vision.push_back(&picture.canvas);
    } else {
      resized.push_back(io::resize(picture.canvas, size, size, io::Filter::kBicubic));
      vision.push_back(&resized.back());
    }
  }
  out.pixels = to_tensor(canvases);
  const torch::Tensor mean = at::tensor(vision_.mean, torch::kFloat32).view({1, 3, 1, 1});
  const torch::Tensor std = at::tensor(vision_.std, torch::kFloat32).view({1, 3, 1, 1});
  out.vision_pixels = ((to_tensor(vision) + 1) * 0.5 - mean) / std;
}

void Processor::encode_words(const std::vector<Picture>& pictures, EncoderInputs& out) const {
  std::vector<std::vector<int64_t>> instructions, clip, t5;
  for (const Picture& picture : pictures) {
    instructions.push_back(instruction_tokens(picture.instruction));
    clip.push_back(encode_cut(*clip_tokenizer_, picture.instruction, max_clip_tokens_));
    if (prompt_.tokenizer) {
      t5.push_back(
          encode_cut(*prompt_.tokenizer, picture.instruction, prompt_.max_sequence_length));
    }
  }
  std::vector<int64_t> prefix = llm_tokenizer_->encode(reason_.prompt.prefix, /*add_special=*/true);
  out.prefix_ids = at::tensor(prefix, torch::kInt64);
  out.instruction_ids = pad_ids(instructions, longest(instructions), /*left=*/true,
                                llm_tokenizer_->pad_id().value_or(0), out.instruction_mask);
  out.clip_ids =
      pad_ids(clip, longest(clip), /*left=*/false, padding_id(*clip_tokenizer_), out.clip_mask);
  if (prompt_.tokenizer) {
    torch::Tensor unused;
    out.t5_ids = pad_ids(t5, prompt_.max_sequence_length, /*left=*/false,
                         prompt_.tokenizer->pad_id().value_or(0), unused);
  }
}

void Processor::encode_objects(const std::vector<Picture>& pictures, EncoderInputs& out) const {
  const auto count = static_cast<int64_t>(pictures.size());
  int64_t num_objects = 0;
  for (const Picture& picture : pictures)
    num_objects = std::max(num_objects, static_cast<int64_t>(picture.objects.size()));
  num_objects = std::min(num_objects, reason_.idc.max_objects);
  std::vector<std::vector<int64_t>> phrases;
  out.object_mask = at::zeros({count, num_objects}, torch::kBool);
  for (int64_t i = 0; i < count; ++i) {
    const auto& objects = pictures[static_cast<size_t>(i)].objects;
    for (int64_t j = 0; j < num_objects; ++j) {
      const bool there = j < static_cast<int64_t>(objects.size());
      phrases.push_back(encode_cut(*clip_tokenizer_, there ? objects[static_cast<size_t>(j)] : "",
                                   max_clip_tokens_));
      if (there) out.object_mask[i][j] = true;
    }
  }
  torch::Tensor unused;
  const int64_t width = longest(phrases);
  out.object_ids = pad_ids(phrases, width, /*left=*/false, padding_id(*clip_tokenizer_), unused)
                       .view({count, num_objects, width});
}

void Processor::encode_regions(const std::vector<Picture>& pictures, EncoderInputs& out) const {
  const auto count = static_cast<int64_t>(pictures.size());
  const int64_t side = denoiser_.picture_side;
  int64_t num_regions = 0;
  for (const Picture& picture : pictures)
    num_regions = std::max(num_regions, count_regions(picture.instance_map));
  num_regions = std::min(num_regions, reason_.frce.max_regions);
  const int64_t cells = vision_.grid() * vision_.grid();
  out.region_weights = at::zeros({count, num_regions, cells}, torch::kFloat32);
  out.region_geometry = at::zeros({count, num_regions, kNumGeometry}, torch::kFloat32);
  out.region_mask = at::zeros({count, num_regions}, torch::kBool);
  for (int64_t i = 0; i < count; ++i) {
    const io::Image& map = pictures[static_cast<size_t>(i)].instance_map;
    if (map.empty()) continue;
    if (map.width != side || map.height != side || map.channels != 1) {
      throw data_error(str("an instance map of ", map.width, "x", map.height,
                           " does not fit the picture of ", side, "x", side));
    }
    fill_regions(map, i, out);
  }
}

EncoderInputs Processor::operator()(const std::vector<Picture>& pictures) const {
  EncoderInputs out;
  read_pictures(pictures, out);
  encode_words(pictures, out);
  encode_objects(pictures, out);
  encode_regions(pictures, out);
  return out;
}

}  // namespace reasonbrain::reason
