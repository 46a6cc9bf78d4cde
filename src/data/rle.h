// COCO run-length encoding: runs of 0 and 1 in turn, starting with 0, down the columns.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace reasonbrain::data {

// The printable form of pycocotools: 5 bits a character, runs from the fourth on as differences to
// the one two before. Error(kData) starting with `origin` when it is damaged.
std::vector<int64_t> decompress_runs(std::string_view text, const std::string& origin);
std::string compress_runs(const std::vector<int64_t>& runs);

// Pixels that are 1. Error(kData) when the runs do not cover the picture exactly.
int64_t runs_area(const std::vector<int64_t>& runs, int width, int height,
                  const std::string& origin);

// Rows from top to bottom, 0 or 1. Error(kData) as runs_area() throws it.
std::vector<uint8_t> runs_to_mask(const std::vector<int64_t>& runs, int width, int height,
                                  const std::string& origin);
std::vector<int64_t> mask_to_runs(const std::vector<uint8_t>& mask, int width, int height);

}  // namespace reasonbrain::data
