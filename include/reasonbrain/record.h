// One editing sample: the line of a JSONL file (Record) and the same with its pictures loaded
// (Sample).
#pragma once

#include <string>
#include <vector>

#include "reasonbrain/image.h"

namespace reasonbrain::data {

struct RecordAlternative {
  std::string name;
  std::string image;  // path, relative to the JSONL file
};

struct RecordStep {  // a later turn of a chain
  std::string instruction, tgt_image, target_caption;
};

// What is known of one instance of the instance map: one word a slot (place, hue, kind, state,
// extra).
struct InstanceLabel {
  int label = 0;                   // value in the instance map, 1..255
  std::vector<std::string> words;  // one per slot; "" where the slot does not apply
};

// The fields of a JSONL line (the published Reason50K schema and its optional extensions).
struct Record {
  std::string id;
  std::string category;              // physical | temporal | causal | story
  std::string src_image, tgt_image;  // paths, relative to the JSONL file; tgt_image may be ""
  std::string instruction;
  std::string target_caption;
  std::vector<std::string> objects;  // referent first
  std::string source_caption, instruction_explicit, instance_map, scenario, split, probe, group,
      outcome;
  std::vector<RecordStep> steps;
  std::vector<RecordAlternative> alternatives;
  std::vector<std::string> answer;  // the outcome in <= r words
  std::vector<InstanceLabel> instances;
  std::vector<int> object_instances;  // per entry of objects: label of its instance, 0 if none
  std::string regions_json;           // the "regions" value as JSON text, "" when absent
  std::string extra_json;             // unknown fields and "checks", an object as JSON text or ""
  int line = 0;                       // line of the file, 1-based; 0 when generated
};

struct Alternative {
  std::string name;
  io::Image image;
};

struct Sample {
  Record record;
  io::Image source, target;               // RGB, same size; target empty when there is none
  io::Image instance_map;                 // 1 channel, 0 = background; empty when there is none
  std::vector<Alternative> alternatives;  // every outcome of the rule but the true one
};

}  // namespace reasonbrain::data
