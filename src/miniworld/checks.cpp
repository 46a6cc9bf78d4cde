#include "miniworld/checks.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "miniworld/pixels.h"

namespace reasonbrain::miniworld {
namespace {

using nlohmann::json;

constexpr int kUnchangedLevels = 8;
constexpr int kMeanLevels = 10;
constexpr int kSmallestBlob = 8;  // pixels; a smaller one has no meaningful centroid

double hundredths(double value) {
  return std::round(value * 100) / 100;
}

std::array<double, 3> mean_colour(const io::Image& image, const PixelBox& box) {
  std::array<int64_t, 3> sum{};
  for (int y = box.top; y < box.bottom; ++y)
    for (int x = box.left; x < box.right; ++x)
      for (int c = 0; c < 3; ++c) sum[c] += image.at(x, y, c);
  const int64_t count = static_cast<int64_t>(box.right - box.left) * (box.bottom - box.top);
  return {hundredths(static_cast<double>(sum[0]) / count),
          hundredths(static_cast<double>(sum[1]) / count),
          hundredths(static_cast<double>(sum[2]) / count)};
}

json to_json(const PixelBox& box) {
  return {box.left, box.top, box.right, box.bottom};
}

// The blob of a changed instance, inside the box of where it was and where it is.
void add_blob_checks(json& checks, const io::Image& target, const PixelBox& box, Colour key) {
  const Blob blob = largest_blob(target, box, key);
  const json where = {{"color", {key.r, key.g, key.b}}, {"box", to_json(box)}};
  json area = where;
  area.update({{"type", "area"}, {"expect", blob.area}, {"tol", 6 + blob.area * 15 / 100}});
  checks.push_back(area);
  if (blob.area < kSmallestBlob) return;
  json centroid = where;
  centroid.update({{"type", "centroid"},
                   {"expect", {hundredths(blob.x), hundredths(blob.y)}},
                   {"tol", hundredths(target.width * 2.0 / 64 + 0.5)}});
  checks.push_back(centroid);
}

double mean_difference(const io::Image& a, const io::Image& b, const PixelBox& box) {
  int64_t sum = 0;
  for (int y = box.top; y < box.bottom; ++y)
    for (int x = box.left; x < box.right; ++x)
      sum += difference(a, b, static_cast<size_t>(y) * a.width + x);
  return static_cast<double>(sum) / (3.0 * (box.right - box.left) * (box.bottom - box.top));
}

bool is_near(const std::array<double, 3>& mean, const std::array<double, 3>& expected,
             double tolerance) {
  for (int c = 0; c < 3; ++c)
    if (std::abs(mean[c] - expected[c]) > tolerance) return false;
  return true;
}

// The whole of the change, by a check that the untouched source fails.
json change_check(const io::Image& source, const io::Image& target, const PixelBox& change) {
  const auto expected = mean_colour(target, change);
  if (is_near(mean_colour(source, change), expected, kMeanLevels)) {
    const double tolerance = mean_difference(source, target, change) / 2;
    return {{"type", "match"}, {"box", to_json(change)}, {"tol", hundredths(tolerance)}};
  }
  return {
      {"type", "mean_color"}, {"box", to_json(change)}, {"expect", expected}, {"tol", kMeanLevels}};
}

// The whole picture where the check names no box.
PixelBox box_of(const json& check, const io::Image& image) {
  if (!check.contains("box")) return {0, 0, image.width, image.height};
  const auto sides = check.at("box").get<std::array<int, 4>>();
  const PixelBox box{std::max(sides[0], 0), std::max(sides[1], 0), std::min(sides[2], image.width),
                     std::min(sides[3], image.height)};
  if (box.empty()) throw std::out_of_range("empty box");
  return box;
}

Blob blob_of(const json& check, const io::Image& edited) {
  const auto colour = check.at("color").get<std::array<int, 3>>();
  for (const int level : colour)
    if (level < 0 || level > 255) throw std::out_of_range("no 8-bit colour");
  const Colour key{static_cast<uint8_t>(colour[0]), static_cast<uint8_t>(colour[1]),
                   static_cast<uint8_t>(colour[2])};
  return largest_blob(edited, box_of(check, edited), key);
}

bool is_unchanged(const json& check, const data::Sample& sample, const io::Image& edited) {
  const int label = check.at("instance").get<int>();
  const auto& map = sample.instance_map;
  if (map.width != edited.width || map.height != edited.height || !sample.source.same_shape(edited))
    return false;
  int64_t sum = 0, count = 0;
  for (size_t i = 0; i < map.pixels.size(); ++i) {
    if (map.pixels[i] != label) continue;
    sum += difference(edited, sample.source, i);
    ++count;
  }
  return count > 0 && static_cast<double>(sum) <= 3.0 * count * check.at("tol").get<double>();
}

bool holds(const json& check, const data::Sample& sample, const io::Image& edited) {
  const auto type = check.at("type").get<std::string>();
  if (type == "unchanged") return is_unchanged(check, sample, edited);
  const double tolerance = check.at("tol").get<double>();
  if (type == "area")
    return std::abs(blob_of(check, edited).area - check.at("expect").get<double>()) <= tolerance;
  if (type == "centroid") {
    const auto expected = check.at("expect").get<std::array<double, 2>>();
    const Blob blob = blob_of(check, edited);
    return blob.area > 0 && std::hypot(blob.x - expected[0], blob.y - expected[1]) <= tolerance;
  }
  if (type == "mean_color") {
    const auto expected = check.at("expect").get<std::array<double, 3>>();
    return is_near(mean_colour(edited, box_of(check, edited)), expected, tolerance);
  }
  if (type == "match") {
    return sample.target.same_shape(edited) &&
           mean_difference(edited, sample.target, box_of(check, edited)) <= tolerance;
  }
  return false;
}

}  // namespace

std::string make_checks(const data::Sample& sample, const io::Image& target_instances,
                        const std::vector<Colour>& keys) {
  const io::Image &source = sample.source, &target = sample.target;
  std::vector<PixelBox> boxes(keys.size());  // of each instance, before and after
  std::vector<bool> changed(keys.size(), false);
  PixelBox change;
  for (int y = 0; y < source.height; ++y) {
    for (int x = 0; x < source.width; ++x) {
      const size_t i = static_cast<size_t>(y) * source.width + x;
      const bool differs = largest_difference(source, target, i) > 0;
      if (differs) change.include(x, y);
      for (const int label : {sample.instance_map.pixels[i], target_instances.pixels[i]}) {
        if (label == 0) continue;
        boxes[label - 1].include(x, y);
        if (differs) changed[label - 1] = true;
      }
    }
  }
  json checks = json::array();
  for (size_t k = 0; k < keys.size(); ++k) {
    if (boxes[k].empty()) continue;
    if (changed[k])
      add_blob_checks(checks, target, boxes[k], keys[k]);
    else
      checks.push_back({{"type", "unchanged"}, {"instance", k + 1}, {"tol", kUnchangedLevels}});
  }
  if (!change.empty()) checks.push_back(change_check(source, target, change));
  return json{{"checks", checks}}.dump();
}

std::optional<double> check_share(const data::Sample& sample, const io::Image& edited) {
  const json extra = json::parse(sample.record.extra_json, nullptr, /*allow_exceptions=*/false);
  if (!extra.is_object() || !extra.contains("checks")) return std::nullopt;
  const json& checks = extra["checks"];
  if (!checks.is_array() || checks.empty()) return std::nullopt;
  int passed = 0;
  for (const json& check : checks) {
    try {
      passed += holds(check, sample, edited);
    } catch (const std::exception&) {
      // Malformed: it cannot be evaluated, which counts as failed.
    }
  }
  return static_cast<double>(passed) / static_cast<double>(checks.size());
}

}  // namespace reasonbrain::miniworld
