// Finding objects in front of an even background.
//
// Colours are compared in opponent channels (red - green, yellow - blue), which a texture of
// lighter and darker levels leaves alone. Pieces of one colour that stand over one another are
// parts of one object (a roof and its walls); neutral pieces join the coloured object they belong
// to, or are shared between the objects that they touch. Without an even background every
// colour-and-place cluster is a region.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/str.h"
#include "data/kmeans.h"
#include "data/pixel_groups.h"
#include "data/regions.h"
#include "io/resize.h"
#include "reasonbrain/error.h"

namespace reasonbrain::data {
namespace {

constexpr int kWorkSide = 128;  // pixels of the longer side of the picture that is looked at
constexpr double kMinAreaShare =
    12. / 4096;                     // of the picture: an object smaller than this is noise
constexpr double kEvenShare = 0.3;  // of the picture that one colour must cover to be a background
constexpr int kBackgroundLevels = 12;  // largest channel difference that still is background
constexpr float kColourReach = 40;     // levels; more is another colour
constexpr float kNeutralReach = 28;    // levels; less is grey
constexpr int kMaxColours = 10;
constexpr int kNeutral = 0;  // kind of grey pixels
constexpr float kLightnessWeight = 0.15f;
constexpr double kStackedOverlap = 0.6;  // of the columns: parts of one object
constexpr double kStripThickness =
    2.6 / 64;                        // of the width: an edge between colours, a thread, a frame
constexpr double kLineLength = 0.6;  // of the width: a ground or a shelf, no object
constexpr double kLineThickness = 1. / 16;  // of the height
constexpr int kLineLevels = 24;

struct Picture {
  const io::Image& rgb;
  int width, height;
  explicit Picture(const io::Image& image) : rgb(image), width(image.width), height(image.height) {}

  const uint8_t* pixel(int i) const { return &rgb.pixels[static_cast<size_t>(i) * 3]; }
  int count() const { return width * height; }
  int64_t min_area() const { return std::max<int64_t>(1, std::llround(count() * kMinAreaShare)); }
};

int difference(const uint8_t* a, const uint8_t* b) {
  return std::max({std::abs(a[0] - b[0]), std::abs(a[1] - b[1]), std::abs(a[2] - b[2])});
}

KmeansPoint opponent(const uint8_t* p) {
  const float lightness = (p[0] + p[1] + p[2]) / 3.f;
  return {static_cast<float>(p[0] - p[1]), (p[0] + p[1]) / 2.f - p[2], kLightnessWeight * lightness,
          0, 0};
}

bool is_neutral(const KmeansPoint& colour) {
  return std::hypot(colour[0], colour[1]) < kNeutralReach;
}

// The pixel whose colour stands for the largest bin of 16 levels a channel; {index, its share}.
std::pair<int, double> dominant_colour(const Picture& picture) {
  std::map<int, int> counts;
  const auto bin = [&](int i) {
    const uint8_t* p = picture.pixel(i);
    return (p[0] >> 4) << 8 | (p[1] >> 4) << 4 | p[2] >> 4;
  };
  for (int i = 0; i < picture.count(); ++i) ++counts[bin(i)];
  const auto best =
      std::max_element(counts.begin(), counts.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  std::map<std::array<uint8_t, 3>, std::pair<int, int>> exact;  // colour -> count, first index
  for (int i = 0; i < picture.count(); ++i) {
    if (bin(i) != best->first) continue;
    const uint8_t* p = picture.pixel(i);
    auto& [count, first] = exact[{p[0], p[1], p[2]}];
    if (count++ == 0) first = i;
  }
  const auto top = std::max_element(exact.begin(), exact.end(), [](const auto& a, const auto& b) {
    return a.second.first < b.second.first;
  });
  const int index = top->second.second;
  int near = 0;
  for (int i = 0; i < picture.count(); ++i) {
    near += difference(picture.pixel(i), picture.pixel(index)) <= kBackgroundLevels;
  }
  return {index, near / static_cast<double>(picture.count())};
}

// Length of the run of like-coloured foreground through each pixel, along rows or columns.
std::vector<int> run_lengths(const Picture& picture, const std::vector<uint8_t>& foreground,
                             bool rows) {
  std::vector<int> lengths(foreground.size(), 0);
  const int lines = rows ? picture.height : picture.width,
            length = rows ? picture.width : picture.height;
  for (int line = 0; line < lines; ++line) {
    const auto at = [&](int k) {
      return rows ? line * picture.width + k : k * picture.width + line;
    };
    for (int start = 0; start < length;) {
      int end = start + 1;
      while (end < length && foreground[at(end)] == foreground[at(start)] &&
             difference(picture.pixel(at(end)), picture.pixel(at(start))) <= kLineLevels) {
        ++end;
      }
      for (int k = start; k < end; ++k) lengths[at(k)] = end - start;
      start = end;
    }
  }
  return lengths;
}

void remove_long_lines(const Picture& picture, std::vector<uint8_t>& foreground) {
  const std::vector<int> along = run_lengths(picture, foreground, /*rows=*/true);
  const std::vector<int> across = run_lengths(picture, foreground, /*rows=*/false);
  const double thickness = std::max(2., picture.height * kLineThickness);
  for (size_t i = 0; i < foreground.size(); ++i) {
    if (along[i] >= picture.width * kLineLength && across[i] <= thickness) foreground[i] = 0;
  }
}

// Colour cluster of each foreground pixel, -1 elsewhere; kNeutral for greys.
std::vector<int> colour_kinds(const Picture& picture, const std::vector<uint8_t>& foreground) {
  std::vector<KmeansPoint> points;
  for (int i = 0; i < picture.count(); ++i) {
    if (foreground[i]) points.push_back(opponent(picture.pixel(i)));
  }
  const KmeansPoint grey = {0, 0, kLightnessWeight * 128, 0, 0};
  const Clusters clusters = kmeans(points, grey, kColourReach, kMaxColours);
  std::vector<int> kinds(foreground.size(), -1);
  for (size_t i = 0, next = 0; i < kinds.size(); ++i) {
    if (!foreground[i]) continue;
    const int cluster = clusters.assignment[next++];
    kinds[i] = is_neutral(clusters.centres[static_cast<size_t>(cluster)]) ? kNeutral : cluster + 1;
  }
  return kinds;
}

enum class Role {
  kObject,
  kAddition,
  kStrip
};  // an object's body; what joins one; what touches one

std::vector<Role> roles_of(const Pieces& pieces, const std::vector<int>& component,
                           const Picture& picture) {
  std::vector<Role> roles;
  std::set<int> has_object;
  for (size_t i = 0; i < pieces.list.size(); ++i) {
    const Piece& piece = pieces.list[i];
    const bool strip = piece.thickness() <= picture.width * kStripThickness;
    const bool object = piece.kind != kNeutral && piece.area >= picture.min_area() && !strip;
    roles.push_back(object ? Role::kObject : strip ? Role::kStrip : Role::kAddition);
    if (object) has_object.insert(component[i]);
  }
  for (size_t i = 0; i < roles.size(); ++i) {  // without a body there is nothing to touch
    if (has_object.count(component[i]) == 0) roles[i] = Role::kAddition;
  }
  return roles;
}

struct Grouping {
  std::vector<int> group;    // one a piece
  std::vector<bool> shared;  // its pixels go to the nearest group
};

// Joins the pieces of a component into objects. An addition joins the one object that it stands
// over or under; without one, it joins the other additions; with several, they share it.
Grouping group_pieces(const Pieces& pieces, const std::vector<int>& component,
                      const std::vector<Role>& roles) {
  const int count = static_cast<int>(pieces.list.size());
  const auto stacked = [&](int a, int b) {
    return component[a] == component[b] &&
           column_overlap(pieces.list[a], pieces.list[b]) >= kStackedOverlap;
  };
  UnionFind groups(pieces.list.size());
  for (int a = 0; a < count; ++a) {
    for (int b = a + 1; b < count; ++b) {
      if (roles[a] == Role::kObject && roles[b] == Role::kObject && stacked(a, b))
        groups.join(a, b);
    }
  }
  Grouping result{std::vector<int>(pieces.list.size()),
                  std::vector<bool>(pieces.list.size(), false)};
  std::map<int, int> homeless;  // component -> its first addition without an object
  for (int a = 0; a < count; ++a) {
    result.shared[a] = roles[a] == Role::kStrip;
    if (roles[a] != Role::kAddition) continue;
    std::set<int> owners;
    for (int b = 0; b < count; ++b) {
      if (roles[b] == Role::kObject && stacked(a, b)) owners.insert(groups.find(b));
    }
    if (owners.empty()) groups.join(homeless.emplace(component[a], a).first->second, a);
    if (owners.size() == 1) groups.join(*owners.begin(), a);
    result.shared[a] = owners.size() > 1;
  }
  for (int a = 0; a < count; ++a) result.group[a] = groups.find(a);
  return result;
}

std::vector<int> objects_on_background(const Picture& picture, const uint8_t* background) {
  std::vector<uint8_t> foreground(static_cast<size_t>(picture.count()));
  for (int i = 0; i < picture.count(); ++i) {
    foreground[i] = difference(picture.pixel(i), background) > kBackgroundLevels;
  }
  remove_long_lines(picture, foreground);
  std::vector<int> everything(foreground.size());
  std::transform(foreground.begin(), foreground.end(), everything.begin(),
                 [](uint8_t inside) { return inside ? 0 : -1; });
  const Pieces components = connected_pieces(everything, picture.width, picture.height);
  const Pieces pieces =
      connected_pieces(colour_kinds(picture, foreground), picture.width, picture.height);
  std::vector<int> component(pieces.list.size());
  for (size_t i = 0; i < foreground.size(); ++i) {
    if (foreground[i]) component[pieces.of_pixel[i]] = components.of_pixel[i];
  }
  const Grouping groups = group_pieces(pieces, component, roles_of(pieces, component, picture));
  std::vector<int> labels(foreground.size(), -1);
  for (size_t i = 0; i < labels.size(); ++i) {
    const int piece = pieces.of_pixel[i];
    if (foreground[i] && !groups.shared[piece]) labels[i] = groups.group[piece];
  }
  grow_labels(labels, foreground, picture.width, picture.height);
  return labels;
}

// Connected clusters of colour and place; small ones go to what surrounds them.
std::vector<int> colour_and_place(const Picture& picture) {
  std::vector<KmeansPoint> points;
  const float scale =
      160.f / std::max(picture.width, picture.height);  // a picture is 160 levels wide
  for (int i = 0; i < picture.count(); ++i) {
    const uint8_t* p = picture.pixel(i);
    points.push_back({p[0] * 0.577f, p[1] * 0.577f, p[2] * 0.577f, scale * (i % picture.width),
                      scale * (i / picture.width)});
  }
  const Clusters clusters = kmeans(points, points[0], kColourReach, kMaxColours);
  const Pieces pieces = connected_pieces(clusters.assignment, picture.width, picture.height);
  std::vector<int> labels(points.size(), -1);
  for (size_t i = 0; i < labels.size(); ++i) {
    if (pieces.list[pieces.of_pixel[i]].area >= 4 * picture.min_area())
      labels[i] = pieces.of_pixel[i];
  }
  grow_labels(labels, std::vector<uint8_t>(labels.size(), 1), picture.width, picture.height);
  return labels;
}

// Labels 1.. by falling area; what is too small or comes after kMaxRegions becomes 0.
io::Image by_area(const std::vector<int>& labels, const Picture& picture) {
  std::map<int, int64_t> areas;
  for (int label : labels) {
    if (label >= 0) ++areas[label];
  }
  std::vector<std::pair<int, int64_t>> order(areas.begin(), areas.end());
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::map<int, uint8_t> rank;
  for (const auto& [label, area] : order) {
    if (static_cast<int>(rank.size()) == kMaxRegions || area < picture.min_area()) break;
    rank.emplace(label, static_cast<uint8_t>(rank.size() + 1));
  }
  io::Image map(picture.width, picture.height, 1);
  for (size_t i = 0; i < labels.size(); ++i) {
    const auto found = rank.find(labels[i]);
    if (found != rank.end()) map.pixels[i] = found->second;
  }
  return map;
}

}  // namespace

io::Image kmeans_regions(const io::Image& rgb) {
  if (rgb.channels != 3 || rgb.empty()) {
    throw data_error(str("regions are found in RGB pictures, got ", rgb.width, "x", rgb.height,
                         " with ", rgb.channels, " channels"));
  }
  const int longer = std::max(rgb.width, rgb.height);
  io::Image small = rgb;
  if (longer > kWorkSide) {
    const auto scaled = [&](int64_t side) {
      return static_cast<int>(std::max<int64_t>(1, side * kWorkSide / longer));
    };
    small = io::resize(rgb, scaled(rgb.width), scaled(rgb.height), io::Filter::kBox);
  }
  const Picture picture(small);
  const auto [background, share] = dominant_colour(picture);
  const std::vector<int> labels = share >= kEvenShare
                                      ? objects_on_background(picture, picture.pixel(background))
                                      : colour_and_place(picture);
  const io::Image map = by_area(labels, picture);
  return longer > kWorkSide ? io::resize(map, rgb.width, rgb.height, io::Filter::kNearest) : map;
}

}  // namespace reasonbrain::data
