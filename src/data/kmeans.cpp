#include "data/kmeans.h"

#include <algorithm>
#include <limits>

namespace reasonbrain::data {
namespace {

constexpr int kMaxIterations = 12;

float squared_distance(const KmeansPoint& a, const KmeansPoint& b) {
  float sum = 0;
  for (int i = 0; i < kKmeansDims; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

std::vector<KmeansPoint> spread_centres(const std::vector<KmeansPoint>& points,
                                        const KmeansPoint& seed, float reach, int max_clusters) {
  std::vector<KmeansPoint> centres = {seed};
  std::vector<float> nearest(points.size(), std::numeric_limits<float>::max());
  while (static_cast<int>(centres.size()) < max_clusters && !points.empty()) {
    for (size_t i = 0; i < points.size(); ++i) {
      nearest[i] = std::min(nearest[i], squared_distance(points[i], centres.back()));
    }
    const auto farthest = std::max_element(nearest.begin(), nearest.end());
    if (*farthest < reach * reach) break;
    centres.push_back(points[static_cast<size_t>(farthest - nearest.begin())]);
  }
  return centres;
}

// True when an assignment changed.
bool assign(const std::vector<KmeansPoint>& points, Clusters& clusters) {
  bool changed = false;
  for (size_t i = 0; i < points.size(); ++i) {
    int best = 0;
    float best_distance = std::numeric_limits<float>::max();
    for (size_t k = 0; k < clusters.centres.size(); ++k) {
      const float distance = squared_distance(points[i], clusters.centres[k]);
      if (distance < best_distance) {
        best_distance = distance;
        best = static_cast<int>(k);
      }
    }
    changed |= clusters.assignment[i] != best;
    clusters.assignment[i] = best;
  }
  return changed;
}

void move_centres(const std::vector<KmeansPoint>& points, Clusters& clusters) {
  std::vector<std::array<double, kKmeansDims>> sums(clusters.centres.size());
  std::vector<int64_t> counts(clusters.centres.size(), 0);
  for (size_t i = 0; i < points.size(); ++i) {
    const auto k = static_cast<size_t>(clusters.assignment[i]);
    for (int d = 0; d < kKmeansDims; ++d) sums[k][d] += points[i][d];
    ++counts[k];
  }
  for (size_t k = 0; k < sums.size(); ++k) {
    if (counts[k] == 0) continue;  // keeps its place
    for (int d = 0; d < kKmeansDims; ++d) {
      clusters.centres[k][d] = static_cast<float>(sums[k][d] / static_cast<double>(counts[k]));
    }
  }
}

}  // namespace

Clusters kmeans(const std::vector<KmeansPoint>& points, const KmeansPoint& seed, float reach,
                int max_clusters) {
  Clusters clusters{spread_centres(points, seed, reach, max_clusters),
                    std::vector<int>(points.size(), -1)};
  for (int i = 0; i < kMaxIterations && assign(points, clusters); ++i)
    move_centres(points, clusters);
  return clusters;
}

}  // namespace reasonbrain::data
