#include "edit/explain_pictures.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "io/resize.h"

namespace reasonbrain::edit {
namespace {

using Colour = std::array<int, 3>;

// Hues a golden angle apart, so that neighbouring labels differ.
Colour label_colour(int label) {
  constexpr double kGoldenAngle = 2.399963229728653;
  constexpr double kThirdTurn = 2.0943951023931953;
  Colour colour;
  for (size_t c = 0; c < 3; ++c) {
    colour[c] = static_cast<int>(std::lround(
        127.5 + 127.5 * std::cos(label * kGoldenAngle - static_cast<double>(c) * kThirdTurn)));
  }
  return colour;
}

}  // namespace

io::Image draw_regions(const io::Image& canvas, const io::Image& instance_map) {
  io::Image out = canvas;
  for (size_t i = 0; i < instance_map.pixels.size(); ++i) {
    const int label = instance_map.pixels[i];
    const Colour colour = label == 0 ? Colour{0, 0, 0} : label_colour(label);
    for (size_t c = 0; c < 3; ++c) {
      out.pixels[i * 3 + c] = static_cast<uint8_t>((canvas.pixels[i * 3 + c] + colour[c]) / 2);
    }
  }
  return out;
}

io::Image draw_attention(const io::Image& canvas, const std::vector<float>& weights, int64_t grid) {
  const float largest = std::max(*std::max_element(weights.begin(), weights.end()), 1e-12f);
  const int side = static_cast<int>(grid);
  io::Image map(side, side, 1);
  for (size_t i = 0; i < map.pixels.size(); ++i) {
    map.pixels[i] = static_cast<uint8_t>(std::lround(255.0f * weights[i] / largest));
  }
  map = io::resize(map, canvas.width, canvas.height, io::Filter::kBilinear);
  io::Image out = canvas;
  constexpr Colour kShine = {255, 200, 0};
  for (size_t i = 0; i < map.pixels.size(); ++i) {
    const int a = map.pixels[i];
    for (size_t c = 0; c < 3; ++c) {
      const int dark = canvas.pixels[i * 3 + c] / 3;
      out.pixels[i * 3 + c] = static_cast<uint8_t>(
          (dark * (255 - a) + (canvas.pixels[i * 3 + c] + kShine[c]) / 2 * a) / 255);
    }
  }
  return out;
}

std::vector<float> attention_map(const Turn& turn, int64_t token) {
  const auto size = static_cast<size_t>(turn.attention_grid * turn.attention_grid);
  std::vector<float> map(size, 0.0f);
  const int64_t first = token < 0 ? 0 : token;
  const int64_t last = token < 0 ? turn.num_guidance_tokens : token + 1;
  for (int64_t k = first; k < last; ++k) {
    for (size_t i = 0; i < size; ++i) {
      map[i] +=
          turn.attention[static_cast<size_t>(k) * size + i] / static_cast<float>(last - first);
    }
  }
  return map;
}

}  // namespace reasonbrain::edit
