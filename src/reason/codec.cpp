#include "reason/codec.h"

#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::reason {

torch::Tensor Codec::encode(const torch::Tensor& pixels) {
  if (has_blocks()) return at::pixel_unshuffle(pixels, options_.pixel_block);
  return vae_->scale(vae_->encode(pixels).mean);
}

torch::Tensor Codec::decode(const torch::Tensor& latent) {
  if (has_blocks()) return at::pixel_shuffle(latent, options_.pixel_block);
  return vae_->decode(vae_->unscale(latent));
}

std::vector<int64_t> Codec::latent_shape(int64_t side) const {
  const int64_t f = has_blocks() ? options_.pixel_block : vae_->config().downscale();
  if (side % f != 0) {
    throw config_error(str("model.denoiser.picture_side is ", side, "; expected a multiple of ", f,
                           ", which a latent's place stands for"));
  }
  const int64_t vae_channels = has_blocks() ? 0 : vae_->config().latent_channels;
  return {channels(options_, vae_channels), side / f, side / f};
}

torch::Tensor Codec::weight_map(const torch::Tensor& pixels) const {
  if (has_blocks()) {
    return at::pixel_unshuffle(pixels, options_.pixel_block).repeat({1, 3, 1, 1});
  }
  const int64_t f = vae_->config().downscale();
  return at::avg_pool2d(pixels, {f, f});
}

torch::Tensor Codec::source(const torch::Tensor& latent) const {
  return options_.scale_source || has_blocks() ? latent : vae_->unscale(latent);
}

int64_t Codec::channels(const DenoiserOptions& options, int64_t vae_channels) {
  return options.codec == LatentCodec::kPixelBlocks ? 3 * options.pixel_block * options.pixel_block
                                                    : vae_channels;
}

}  // namespace reasonbrain::reason
