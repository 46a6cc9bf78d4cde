#include "miniworld/shape.h"

#include <algorithm>
#include <cstdlib>

namespace reasonbrain::miniworld {
namespace {

// sin of 0, 15, ..., 90 degrees in 1/65536.
constexpr int64_t kSine[] = {0, 16962, 32768, 46341, 56756, 63303, 65536};

int64_t sine(int degrees) {
  const int64_t value = kSine[std::abs(degrees) / 15];
  return degrees < 0 ? -value : value;
}

int64_t doubled_area(const Shape& shape) {
  int64_t area = 0;
  for (int i = 0; i < shape.num_corners; ++i) {
    const Point a = shape.corners[i], b = shape.corners[(i + 1) % shape.num_corners];
    area += static_cast<int64_t>(a.x) * b.y - static_cast<int64_t>(b.x) * a.y;
  }
  return area;
}

}  // namespace

int64_t integer_sqrt(int64_t value) {
  int64_t root = 0;
  for (int64_t bit = int64_t{1} << 30; bit > 0; bit >>= 1)
    if ((root + bit) * (root + bit) <= value) root += bit;
  return root;
}

Shape polygon(const std::vector<Point>& corners) {
  Shape shape;
  shape.num_corners = static_cast<int>(corners.size());
  std::copy(corners.begin(), corners.end(), shape.corners.begin());
  if (doubled_area(shape) < 0)
    std::reverse(shape.corners.begin(), shape.corners.begin() + shape.num_corners);
  return shape;
}

Shape rect(Fixed left, Fixed top, Fixed right, Fixed bottom) {
  Shape shape;
  shape.num_corners = 4;
  shape.corners = {Point{left, top}, Point{right, top}, Point{right, bottom}, Point{left, bottom}};
  return shape;
}

Shape ellipse(Point centre, Fixed radius_x, Fixed radius_y) {
  Shape shape;
  shape.centre = centre;
  shape.radius = {radius_x, radius_y};
  return shape;
}

Shape disc(Point centre, Fixed radius) {
  return ellipse(centre, radius, radius);
}

Shape rotated(const Shape& polygon, Point pivot, int degrees) {
  const int64_t sin = sine(degrees), cos = sine(90 - std::abs(degrees));
  Shape shape = polygon;
  for (int i = 0; i < shape.num_corners; ++i) {
    const int64_t x = shape.corners[i].x - pivot.x, y = shape.corners[i].y - pivot.y;
    shape.corners[i] = {pivot.x + static_cast<Fixed>((x * cos - y * sin) >> 16),
                        pivot.y + static_cast<Fixed>((x * sin + y * cos) >> 16)};
  }
  return shape;
}

std::vector<Shape> polyline(const std::vector<Point>& points, Fixed width) {
  std::vector<Shape> shapes;
  for (size_t i = 0; i < points.size(); ++i) {
    shapes.push_back(disc(points[i], width / 2));
    if (i == 0) continue;
    const Point a = points[i - 1], b = points[i];
    const int64_t dx = b.x - a.x, dy = b.y - a.y;
    const int64_t length = std::max<int64_t>(integer_sqrt(dx * dx + dy * dy), 1);
    const Fixed nx = static_cast<Fixed>(-dy * width / (2 * length));
    const Fixed ny = static_cast<Fixed>(dx * width / (2 * length));
    shapes.push_back(polygon(
        {{a.x + nx, a.y + ny}, {b.x + nx, b.y + ny}, {b.x - nx, b.y - ny}, {a.x - nx, a.y - ny}}));
  }
  return shapes;
}

void Scene::add(Shape shape, Paint paint, int instance) {
  shape.paint = paint;
  shape.instance = instance;
  shapes.push_back(shape);
}

void Scene::add(const std::vector<Shape>& parts, Paint paint, int instance) {
  for (const Shape& part : parts) add(part, paint, instance);
}

void Scene::add_tag(Fixed left, Fixed top, Texture tag, int instance) {
  add(rect(left, top, left + 8_u, top + 8_u), {kGrey, tag}, instance);
}

}  // namespace reasonbrain::miniworld
