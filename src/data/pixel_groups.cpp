#include "data/pixel_groups.h"

#include <algorithm>
#include <numeric>

namespace reasonbrain::data {
namespace {

template <class Visit>
void for_each_neighbour(int pixel, int width, int height, Visit visit) {
  const int x = pixel % width, y = pixel / width;
  if (x > 0) visit(pixel - 1);
  if (x + 1 < width) visit(pixel + 1);
  if (y > 0) visit(pixel - width);
  if (y + 1 < height) visit(pixel + width);
}

template <class Visit>
void for_each_diagonal(int pixel, int width, int height, Visit visit) {
  const int x = pixel % width, y = pixel / width;
  for (const int row : {y - 1, y + 1}) {
    if (row < 0 || row >= height) continue;
    if (x > 0) visit(row * width + x - 1);
    if (x + 1 < width) visit(row * width + x + 1);
  }
}

}  // namespace

Pieces connected_pieces(const std::vector<int>& kinds, int width, int height,
                        Neighbours neighbours) {
  Pieces pieces{{}, std::vector<int>(kinds.size(), -1)};
  std::vector<int> stack;
  for (int start = 0; start < width * height; ++start) {
    if (kinds[start] < 0 || pieces.of_pixel[start] >= 0) continue;
    const int id = static_cast<int>(pieces.list.size());
    const int x = start % width, y = start / width;
    Piece piece{kinds[start], 0, x, x, y, y};
    stack.push_back(start);
    pieces.of_pixel[start] = id;
    while (!stack.empty()) {
      const int pixel = stack.back();
      stack.pop_back();
      ++piece.area;
      piece.left = std::min(piece.left, pixel % width);
      piece.right = std::max(piece.right, pixel % width);
      piece.top = std::min(piece.top, pixel / width);
      piece.bottom = std::max(piece.bottom, pixel / width);
      const auto visit = [&](int next) {
        if (kinds[next] != piece.kind || pieces.of_pixel[next] >= 0) return;
        pieces.of_pixel[next] = id;
        stack.push_back(next);
      };
      for_each_neighbour(pixel, width, height, visit);
      if (neighbours == Neighbours::kEight) for_each_diagonal(pixel, width, height, visit);
    }
    pieces.list.push_back(piece);
  }
  return pieces;
}

double column_overlap(const Piece& a, const Piece& b) {
  const int shared = std::min(a.right, b.right) - std::max(a.left, b.left) + 1;
  return std::max(shared, 0) / static_cast<double>(std::min(a.width(), b.width()));
}

void grow_labels(std::vector<int>& labels, const std::vector<uint8_t>& allowed, int width,
                 int height) {
  std::vector<int> front;
  for (int pixel = 0; pixel < width * height; ++pixel) {
    if (labels[pixel] >= 0) front.push_back(pixel);
  }
  for (size_t i = 0; i < front.size(); ++i) {
    for_each_neighbour(front[i], width, height, [&](int next) {
      if (!allowed[next] || labels[next] >= 0) return;
      labels[next] = labels[front[i]];
      front.push_back(next);
    });
  }
}

UnionFind::UnionFind(size_t count) : parents_(count) {
  std::iota(parents_.begin(), parents_.end(), 0);
}

int UnionFind::find(int item) {
  while (parents_[static_cast<size_t>(item)] != item) {
    int& parent = parents_[static_cast<size_t>(item)];
    parent = parents_[static_cast<size_t>(parent)];
    item = parent;
  }
  return item;
}

}  // namespace reasonbrain::data
