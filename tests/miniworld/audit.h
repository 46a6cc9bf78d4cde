// Statistics for the leak rules.
#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace reasonbrain::miniworld {

// Mutual information in bits between two words per sample, less the bias of the plug-in estimate.
inline double mutual_information(const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::map<std::string, double> left, right;
  std::map<std::pair<std::string, std::string>, double> both;
  const double n = static_cast<double>(pairs.size());
  for (const auto& pair : pairs) {
    left[pair.first] += 1;
    right[pair.second] += 1;
    both[pair] += 1;
  }
  double bits = 0;
  for (const auto& [pair, count] : both)
    bits += count / n * std::log2(count * n / (left[pair.first] * right[pair.second]));
  const double bias = (left.size() - 1.0) * (right.size() - 1.0) / (2 * n * std::log(2.0));
  return bits - bias;
}

// Naive Bayes with add-one smoothing: fitted on even samples, its accuracy on odd ones.
inline double naive_bayes_accuracy(const std::vector<std::vector<std::string>>& features,
                                   const std::vector<std::string>& labels) {
  std::map<std::string, double> classes;
  std::map<std::string, std::map<std::string, double>> counts;
  for (size_t i = 0; i < labels.size(); i += 2) {
    classes[labels[i]] += 1;
    for (const std::string& feature : features[i]) counts[labels[i]][feature] += 1;
  }
  int right = 0, total = 0;
  for (size_t i = 1; i < labels.size(); i += 2, ++total) {
    std::string best;
    double best_score = -1e300;
    for (const auto& [label, count] : classes) {
      double score = std::log(count);
      for (const std::string& feature : features[i]) {
        const auto& seen = counts[label];
        const auto at = seen.find(feature);
        score += std::log(((at == seen.end() ? 0 : at->second) + 1) / (count + 2));
      }
      if (score > best_score) best = label, best_score = score;
    }
    right += best == labels[i];
  }
  return static_cast<double>(right) / total;
}

// The share of the commonest label among odd samples.
inline double majority_share(const std::vector<std::string>& labels) {
  std::map<std::string, int> counts;
  int total = 0, most = 0;
  for (size_t i = 1; i < labels.size(); i += 2, ++total) most = std::max(most, ++counts[labels[i]]);
  return static_cast<double>(most) / total;
}

}  // namespace reasonbrain::miniworld
