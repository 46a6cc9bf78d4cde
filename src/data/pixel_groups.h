// Connected pieces of a picture and groups of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace reasonbrain::data {

struct Piece {
  int kind = 0;             // of its pixels
  int64_t area = 0;         // pixels
  int left = 0, right = 0;  // columns, both included
  int top = 0, bottom = 0;  // rows, both included

  int width() const { return right - left + 1; }
  int height() const { return bottom - top + 1; }
  double thickness() const { return static_cast<double>(area) / std::max(width(), height()); }
};

struct Pieces {
  std::vector<Piece> list;
  std::vector<int> of_pixel;  // index in list, -1 where the kind is negative
};

enum class Neighbours { kFour, kEight };  // up, down, left and right; with the diagonals

// Neighbours of one kind hang together; a negative kind belongs to nothing. Pieces come in the
// order of their first pixels.
Pieces connected_pieces(const std::vector<int>& kinds, int width, int height,
                        Neighbours neighbours = Neighbours::kFour);

// Share of the narrower piece's columns that lie under or over the other one.
double column_overlap(const Piece& a, const Piece& b);

// Gives each unassigned pixel (-1) with allowed[pixel] the label of the assigned pixel that is
// fewest steps over allowed pixels away.
void grow_labels(std::vector<int>& labels, const std::vector<uint8_t>& allowed, int width,
                 int height);

class UnionFind {
 public:
  explicit UnionFind(size_t count);
  int find(int item);
  void join(int a, int b) { parents_[static_cast<size_t>(find(b))] = find(a); }

 private:
  std::vector<int> parents_;
};

}  // namespace reasonbrain::data
