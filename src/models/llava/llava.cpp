#include "models/llava/llava.h"

#include <algorithm>

#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::models::llava {
namespace {

Error wrong_count(int64_t tokens, int64_t pictures, const char* unit) {
  return data_error(
      str("input_ids hold ", tokens, " image tokens, but the pictures have ", pictures, " ", unit));
}

// int64 [T] on the CPU -> a vector
std::vector<int64_t> to_vector(const torch::Tensor& row) {
  const torch::Tensor plain = row.contiguous();
  return {plain.data_ptr<int64_t>(), plain.data_ptr<int64_t>() + plain.numel()};
}

}  // namespace

ProjectorImpl::ProjectorImpl(const LlavaConfig& config, const nn::Build& build)
    : activation_(nn::parse_activation(config.projector_act)) {
  const nn::Build normal = build.normal(config.text.initializer_range);
  const int64_t width = config.text.hidden_size;
  const auto num_layers = static_cast<int64_t>(config.feature_layers.size());
  for (int64_t i = 0; i < config.projector_linears; ++i) {
    const int64_t inputs = i == 0 ? config.vision.hidden_size * num_layers : width;
    linears_.push_back(register_module(reasonbrain::str("linear_", i + 1),
                                       nn::Linear(inputs, width, config.projector_bias, normal)));
  }
}

torch::Tensor ProjectorImpl::forward(torch::Tensor features) {
  for (size_t i = 0; i < linears_.size(); ++i) {
    if (i > 0) features = nn::activate(features, activation_);
    features = linears_[i](features);
  }
  return features;
}

LlavaImpl::LlavaImpl(const LlavaConfig& config, const nn::Build& build, clip::VisionModel tower)
    : config_(config) {
  language_model = register_module("language_model", llama::Llama(config.text, build));
  vision_tower = register_module(
      "vision_tower", tower.is_empty()
                          ? clip::VisionModel(config.vision, /*with_projection=*/false, build)
                          : std::move(tower));
  multi_modal_projector = register_module("multi_modal_projector", Projector(config, build));
}

torch::Tensor LlavaImpl::image_features(const torch::Tensor& pixel_values) {
  const int64_t num_layers = config_.vision.num_hidden_layers;
  std::vector<int64_t> wanted;
  for (const int64_t layer : config_.feature_layers) {
    wanted.push_back(layer < 0 ? layer + num_layers + 1 : layer);
  }
  const auto states =
      vision_tower->hidden_states(pixel_values, *std::max_element(wanted.begin(), wanted.end()));
  std::vector<torch::Tensor> features;  // each [I, N, W]
  for (const int64_t layer : wanted) {
    const torch::Tensor& state = states.at(static_cast<size_t>(layer));
    features.push_back(config_.keep_class_token ? state : state.narrow(1, 1, state.size(1) - 1));
  }
  return multi_modal_projector(at::cat(features, -1));
}

Sequence LlavaImpl::sequence(const torch::Tensor& input_ids, const torch::Tensor& features,
                             const torch::Tensor& attention_mask) {
  const int64_t image_token = config_.image_token_index;
  const torch::Tensor is_image = input_ids == image_token;
  if (!features.defined()) {  // the token is text, where the vocabulary has it
    const bool is_text = image_token >= 0 && image_token < config_.text.vocab_size;
    const int64_t tokens = is_text ? 0 : is_image.sum().item<int64_t>();
    if (tokens > 0) throw wrong_count(tokens, 0, "features");
    return {language_model->embed(input_ids), attention_mask};
  }
  if (config_.is_original()) return expanded(input_ids, features, attention_mask);
  const int64_t tokens = is_image.sum().item<int64_t>();
  const int64_t available = features.size(0) * features.size(1);
  if (tokens != available) throw wrong_count(tokens, available, "features");
  // The image token may lie beyond the vocabulary: its row is never read.
  const torch::Tensor embeddings = language_model->embed(input_ids.masked_fill(is_image, 0));
  return {embeddings.masked_scatter(is_image.unsqueeze(-1), features.to(embeddings.scalar_type())),
          attention_mask};
}

Sequence LlavaImpl::expanded(const torch::Tensor& input_ids, const torch::Tensor& features,
                             const torch::Tensor& attention_mask) {
  const int64_t batch = input_ids.size(0), width = config_.text.hidden_size;
  const torch::Tensor ids = input_ids.to(torch::kCPU);
  const torch::Tensor keep =
      attention_mask.defined() ? (attention_mask != 0).to(torch::kCPU) : at::ones_like(ids) != 0;
  const torch::Tensor counts = ((ids == kPictureToken) & keep).sum(1);
  const int64_t pictures = features.size(0);
  // The original code hands a picture to texts without image token as well, and does not show it.
  const bool one_each = counts.clamp_min(1).sum().item<int64_t>() == pictures;
  const int64_t tokens = counts.sum().item<int64_t>();
  if (!one_each && tokens != pictures) throw wrong_count(tokens, pictures, "pictures");

  std::vector<torch::Tensor> rows;  // each [T_b, D]
  int64_t next = 0, longest = 0;
  for (int64_t b = 0; b < batch; ++b) {
    const std::vector<int64_t> row = to_vector(ids[b].masked_select(keep[b]));
    std::vector<torch::Tensor> pieces;
    std::vector<int64_t> text;
    const auto flush = [&] {
      if (!text.empty()) {
        pieces.push_back(language_model->embed(at::tensor(text, input_ids.options())));
      }
      text.clear();
    };
    for (const int64_t id : row) {
      if (id != kPictureToken) {
        text.push_back(id);
        continue;
      }
      flush();
      pieces.push_back(features[next++]);
    }
    flush();
    if (one_each && counts[b].item<int64_t>() == 0) ++next;
    torch::Tensor joined =
        pieces.empty()
            ? at::zeros({0, width}, language_model->model->embed_tokens->weight.options())
            : at::cat(pieces, 0);
    if (config_.max_length > 0) {
      joined = joined.narrow(0, 0, std::min(joined.size(0), config_.max_length));
    }
    longest = std::max(longest, joined.size(0));
    rows.push_back(joined);
  }
  if (longest == 0) throw data_error("input_ids are masked out throughout; expected some text");

  Sequence out;
  torch::Tensor mask = at::zeros({batch, longest}, torch::kInt64);
  std::vector<torch::Tensor> padded;
  for (int64_t b = 0; b < batch; ++b) {
    const torch::Tensor& row = rows[static_cast<size_t>(b)];
    const int64_t length = row.size(0), fill = longest - length;
    const torch::Tensor zeros = at::zeros({fill, width}, row.options().requires_grad(false));
    padded.push_back(config_.pad_left ? at::cat({zeros, row}) : at::cat({row, zeros}));
    mask[b].narrow(0, config_.pad_left ? fill : 0, length).fill_(1);
  }
  out.embeddings = at::stack(padded);
  if (attention_mask.defined()) out.attention_mask = mask.to(input_ids.device());
  return out;
}

torch::Tensor LlavaImpl::forward(const torch::Tensor& input_ids, const torch::Tensor& pixel_values,
                                 const torch::Tensor& attention_mask) {
  const torch::Tensor features =
      pixel_values.defined() ? image_features(pixel_values) : torch::Tensor();
  const Sequence in = sequence(input_ids, features, attention_mask);
  return language_model->head(
      language_model->forward(in.embeddings, in.attention_mask).last_hidden_state);
}

}  // namespace reasonbrain::models::llava
