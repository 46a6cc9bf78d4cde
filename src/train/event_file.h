// TensorBoard event files: scalars and pictures that `tensorboard --logdir` shows.
//
// The format is a sequence of records [length, masked CRC of it, bytes, masked CRC of them], each a
// protocol buffer `Event` with a wall time, a step and a summary of named values.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace reasonbrain::train {

// CRC-32C (Castagnoli) as the format masks it: rotated right by 15 bits, plus a constant.
uint32_t masked_crc32c(std::string_view bytes);

class EventFile {
 public:
  // A new file FOLDER/events.out.tfevents.TIME.HOST.PID, written with the first event. Events of
  // earlier files of the folder after `first_step` are obsolete: the reader is told so.
  EventFile(std::filesystem::path folder, int64_t first_step);

  // Error(kRuntime) when they cannot be written; the file then ends with the last whole record.
  void add_scalars(int64_t step, const std::map<std::string, double>& values);
  // An encoded PNG picture of the given size in pixels.
  void add_picture(int64_t step, const std::string& tag, std::string_view png, int64_t width,
                   int64_t height);

 private:
  void write_event(int64_t step, std::string_view payload);
  void append(std::string_view record);

  std::filesystem::path folder_, path_;
  int64_t first_step_;
};

}  // namespace reasonbrain::train
