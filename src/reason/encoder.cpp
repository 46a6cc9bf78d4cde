#include "reason/encoder.h"

#include <algorithm>

#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::reason {

EncoderImpl::EncoderImpl(const ReasonOptions& options, models::clip::VisionModel vision_,
                         models::clip::TextModel text_, models::t5::T5Encoder text_2_)
    : layers_(options.frce.layers) {
  vision = register_module("vision", std::move(vision_));
  text = register_module("text", std::move(text_));
  if (!text_2_.is_empty()) text_2 = register_module("text_2", std::move(text_2_));
  const int64_t depth = vision->config().num_hidden_layers;
  const int64_t select = options.image_adapter.select_layer;
  select_layer_ = select < 0 ? depth + 1 + select : select;
  num_layers_ = select_layer_;
  for (int64_t layer : layers_) num_layers_ = std::max(num_layers_, layer);
  if (select_layer_ < 0 || num_layers_ > depth) {
    throw config_error(
        str("reason.frce.layers or reason.image_adapter.select_layer names hidden state ",
            select_layer_ < 0 ? select : num_layers_, " of a CLIP tower with ", depth, " layers"));
  }
}

void EncoderImpl::train_towers(bool vision_learns, bool text_learns) {
  nn::set_requires_grad(*vision, vision_learns);
  nn::set_requires_grad(*vision->vision_model->post_layernorm, false);
  if (!vision->visual_projection.is_empty())
    nn::set_requires_grad(*vision->visual_projection, false);
  nn::set_requires_grad(*text, text_learns);
  if (text->has_projection()) nn::set_requires_grad(*text->text_projection, false);
}

Inputs EncoderImpl::forward(const EncoderInputs& inputs) {
  Inputs out;
  const auto dtype = vision->vision_model->embeddings->class_embedding.scalar_type();
  const std::vector<torch::Tensor> states =
      vision->hidden_states(inputs.vision_pixels.to(dtype), num_layers_);
  const auto patches = [&](int64_t layer) {  // without the class token
    const torch::Tensor& state = states[static_cast<size_t>(layer)];
    return state.narrow(1, 1, state.size(1) - 1);
  };
  for (int64_t layer : layers_) out.scales.push_back(patches(layer));
  out.vision = patches(select_layer_);
  // Causal, padded on the right: padding cannot reach a token, so no mask is needed.
  const auto words = text->forward(inputs.clip_ids);
  out.text = words.last_hidden_state;
  out.pooled_prompt_embeds = words.pooler_output;
  // Padding is read too: FLUX was trained with T5's states so.
  if (!text_2.is_empty()) out.prompt_embeds = text_2(inputs.t5_ids);

  const int64_t batch = inputs.object_ids.size(0), count = inputs.object_ids.size(1);
  if (count > 0) {
    const torch::Tensor ids = inputs.object_ids.reshape({batch * count, inputs.object_ids.size(2)});
    out.objects = text->forward(ids).pooler_output.view({batch, count, -1});
  } else {
    out.objects = at::zeros({batch, 0, text->config().hidden_size}, out.text.options());
  }
  out.object_mask = inputs.object_mask;
  out.text_mask = inputs.clip_mask;
  out.prefix_ids = inputs.prefix_ids;
  out.instruction_ids = inputs.instruction_ids;
  out.instruction_mask = inputs.instruction_mask;
  out.region_weights = inputs.region_weights;
  out.region_geometry = inputs.region_geometry;
  out.region_mask = inputs.region_mask;
  return out;
}

}  // namespace reasonbrain::reason
