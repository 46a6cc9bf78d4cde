// Convex shapes in canvas units. All geometry is integer: 1/256 of a unit; the canvas is 64 x 64
// units whatever its size in pixels.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "miniworld/palette.h"
#include "miniworld/texture.h"

namespace reasonbrain::miniworld {

using Fixed = int32_t;  // 1/256 unit
inline constexpr Fixed kUnit = 256;
inline constexpr int kCanvasUnits = 64;
constexpr Fixed operator""_u(unsigned long long units) {
  return static_cast<Fixed>(units) * kUnit;
}

// The largest integer whose square is at most `value`, which lies in [0, 2^62).
int64_t integer_sqrt(int64_t value);

struct Point {
  Fixed x = 0, y = 0;
};

struct Paint {
  Colour colour;
  Texture texture = Texture::kPlain;
};

inline constexpr int kMaxCorners = 4;

// Either a convex polygon (corners in clockwise order on the screen) or an axis-aligned ellipse.
struct Shape {
  int num_corners = 0;  // 0: ellipse
  std::array<Point, kMaxCorners> corners{};
  Point centre, radius;  // of the ellipse
  Paint paint;
  int instance = 0;  // value in the instance map; 0 = background
};

Shape rect(Fixed left, Fixed top, Fixed right, Fixed bottom);
Shape polygon(const std::vector<Point>& corners);  // 3 or 4 corners, convex, either orientation
Shape ellipse(Point centre, Fixed radius_x, Fixed radius_y);
Shape disc(Point centre, Fixed radius);

// Turned clockwise about `pivot`; degrees is a multiple of 15 in [-90, 90].
Shape rotated(const Shape& polygon, Point pivot, int degrees);

// A line of the given width through the points, with round joints and ends.
std::vector<Shape> polyline(const std::vector<Point>& points, Fixed width);

// What is drawn, later shapes over earlier ones.
struct Scene {
  Colour background;
  std::vector<Shape> shapes;

  void add(Shape shape, Paint paint, int instance);
  void add(const std::vector<Shape>& shapes, Paint paint, int instance);
  // An 8x8 tile; (left, top) lies on the 8-unit lattice, which keeps its pattern whole.
  void add_tag(Fixed left, Fixed top, Texture tag, int instance);
};

}  // namespace reasonbrain::miniworld
