#include "segment/small_regions.h"

#include <algorithm>

#include "data/pixel_groups.h"

namespace reasonbrain::segment {
namespace {

// Pieces of the pixels that equal `value`.
data::Pieces pieces_of(const std::vector<uint8_t>& mask, uint8_t value, int width, int height) {
  std::vector<int> kinds(mask.size());
  std::transform(mask.begin(), mask.end(), kinds.begin(),
                 [&](uint8_t pixel) { return pixel == value ? 0 : -1; });
  return data::connected_pieces(kinds, width, height, data::Neighbours::kEight);
}

bool flip(std::vector<uint8_t>& mask, const data::Pieces& pieces, const std::vector<bool>& which) {
  for (size_t i = 0; i < mask.size(); ++i) {
    const int piece = pieces.of_pixel[i];
    if (piece >= 0 && which[static_cast<size_t>(piece)]) mask[i] = mask[i] == 0;
  }
  return std::find(which.begin(), which.end(), true) != which.end();
}

std::vector<bool> smaller_than(const data::Pieces& pieces, int64_t min_area) {
  std::vector<bool> small;
  for (const data::Piece& piece : pieces.list) small.push_back(piece.area < min_area);
  return small;
}

}  // namespace

bool remove_small_regions(std::vector<uint8_t>& mask, int width, int height, int64_t min_area) {
  const data::Pieces holes = pieces_of(mask, 0, width, height);
  const bool filled = flip(mask, holes, smaller_than(holes, min_area));

  const data::Pieces islands = pieces_of(mask, 1, width, height);
  std::vector<bool> small = smaller_than(islands, min_area);
  if (small.empty()) return filled;
  const bool any_small = std::find(small.begin(), small.end(), true) != small.end();
  if (std::find(small.begin(), small.end(), false) == small.end()) {
    const auto largest =
        std::max_element(islands.list.begin(), islands.list.end(),
                         [](const auto& a, const auto& b) { return a.area < b.area; });
    small[static_cast<size_t>(largest - islands.list.begin())] = false;
  }
  flip(mask, islands, small);
  return filled || any_small;  // as the reference: a lone small island counts as changed
}

}  // namespace reasonbrain::segment
