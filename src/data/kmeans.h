// k-means (Lloyd 1982) with a start that needs no random numbers.
#pragma once

#include <array>
#include <vector>

namespace reasonbrain::data {

constexpr int kKmeansDims = 5;
using KmeansPoint = std::array<float, kKmeansDims>;

struct Clusters {
  std::vector<KmeansPoint> centres;
  std::vector<int> assignment;  // one a point
};

// The first centre starts at `seed`, each further one at the point farthest
// from all centres, until every point has one nearer than `reach` or there are max_clusters.
Clusters kmeans(const std::vector<KmeansPoint>& points, const KmeansPoint& seed, float reach,
                int max_clusters);

}  // namespace reasonbrain::data
