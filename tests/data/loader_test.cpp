#include "data/loader.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>
#include <string>

#include "core/rng.h"

namespace reasonbrain::data {
namespace {

class Numbers : public SampleSource {
 public:
  explicit Numbers(int64_t size, int64_t broken = -1) : size_(size), broken_(broken) {}
  int64_t size() const override { return size_; }
  Sample get(int64_t index) const override {
    if (index == broken_) throw data_error("record " + std::to_string(index) + " is damaged");
    Rng rng(static_cast<uint64_t>(index));
    std::this_thread::sleep_for(std::chrono::microseconds(rng.below(300)));  // out of order
    Sample sample;
    sample.record.id = std::to_string(index);
    return sample;
  }
  std::string fingerprint() const override { return "numbers"; }

 private:
  int64_t size_, broken_;
};

using Batch = std::vector<std::string>;

Batch ids_and_keys(std::vector<Sample>&& samples, const BatchKeys& info) {
  Batch batch;
  for (size_t i = 0; i < samples.size(); ++i) {
    const SampleKey& key = info.keys[i];
    EXPECT_EQ(samples[i].record.id, std::to_string(key.index));
    batch.push_back(std::to_string(key.position) + ":" + std::to_string(key.epoch) + ":" +
                    samples[i].record.id);
  }
  return batch;
}

LoaderOptions options(int64_t workers, int64_t batch_size = 4) {
  LoaderOptions out;
  out.batch_size = batch_size;
  out.workers = workers;
  out.prefetch = 3;
  out.seed = 11;
  return out;
}

std::vector<Batch> draw(int64_t workers, int count, int64_t start = 0) {
  Loader<Batch> loader(std::make_shared<Numbers>(37), options(workers), ids_and_keys, start);
  std::vector<Batch> batches;
  for (int i = 0; i < count; ++i) batches.push_back(loader.next());
  return batches;
}

TEST(Permutation, IsABijectionThatDependsOnSeedAndEpoch) {
  for (int64_t size : {1, 2, 3, 4, 5, 17, 64, 1000, 1025}) {
    std::set<int64_t> seen;
    const Permutation permutation(size, 5, 2);
    for (int64_t i = 0; i < size; ++i) {
      EXPECT_GE(permutation(i), 0);
      EXPECT_LT(permutation(i), size);
      seen.insert(permutation(i));
    }
    EXPECT_EQ(static_cast<int64_t>(seen.size()), size);
  }
  const Permutation a(1000, 5, 2), b(1000, 5, 3), c(1000, 6, 2);
  int same_epoch = 0, same_seed = 0, fixed = 0;
  for (int64_t i = 0; i < 1000; ++i) {
    same_epoch += a(i) == b(i);
    same_seed += a(i) == c(i);
    fixed += a(i) == i;
  }
  EXPECT_LT(same_epoch, 10);
  EXPECT_LT(same_seed, 10);
  EXPECT_LT(fixed, 10);
}

TEST(Permutation, FirstPlaceIsUniform) {
  std::vector<int> counts(8, 0);
  for (uint64_t epoch = 0; epoch < 8000; ++epoch)
    ++counts[static_cast<size_t>(Permutation(8, 1, epoch)(0))];
  for (int count : counts) EXPECT_NEAR(count, 1000, 150);
}

TEST(Loader, OrderAndContentDoNotDependOnWorkers) {
  const auto expected = draw(0, 25);
  for (int64_t workers : {1, 2, 5}) EXPECT_EQ(draw(workers, 25), expected) << workers;
}

TEST(Loader, EveryEpochHoldsEverySampleOnce) {
  std::multiset<std::string> seen;
  for (const Batch& batch :
       draw(2, 37)) {  // 4 * 37 samples: four epochs, batches reach across their ends
    for (const std::string& text : batch) seen.insert(text.substr(text.find(':') + 1));
  }
  EXPECT_EQ(seen.size(), 4 * 37u);
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 4 * 37u);
}

TEST(Loader, ResumesAtAnyPosition) {
  const auto whole = draw(2, 20);
  const auto rest = draw(3, 13, /*start=*/28);
  EXPECT_TRUE(std::equal(rest.begin(), rest.end(), whole.begin() + 7));
  Loader<Batch> loader(std::make_shared<Numbers>(37), options(2), ids_and_keys);
  EXPECT_EQ(loader.position(), 0);
  loader.next();
  EXPECT_EQ(loader.position(), 4);
  EXPECT_GT(loader.wait_seconds(), 0);
}

TEST(Loader, WithoutShuffleTheOrderIsThatOfTheSource) {
  LoaderOptions in_order = options(2, 3);
  in_order.shuffle = false;
  Loader<Batch> loader(std::make_shared<Numbers>(4), in_order, ids_and_keys);
  EXPECT_THAT(loader.next(), ::testing::ElementsAre("0:0:0", "1:0:1", "2:0:2"));
  EXPECT_THAT(loader.next(), ::testing::ElementsAre("3:0:3", "4:1:0", "5:1:1"));
}

TEST(Loader, ErrorsAreThrownAtTheirPlace) {
  for (int64_t workers : {0, 3}) {
    LoaderOptions in_order = options(workers, 2);
    in_order.shuffle = false;
    Loader<Batch> loader(std::make_shared<Numbers>(10, /*broken=*/5), in_order, ids_and_keys);
    EXPECT_EQ(loader.next().size(), 2u);
    EXPECT_EQ(loader.next().size(), 2u);
    EXPECT_THROW(loader.next(), Error);
    EXPECT_EQ(loader.next().front(), "6:0:6");
  }
}

TEST(Loader, CollateErrorsAndEarlyEnd) {
  int calls = 0;
  Loader<int> loader(std::make_shared<Numbers>(10), options(1),
                     [&](std::vector<Sample>&&, const BatchKeys&) -> int {
                       if (calls++ == 0) throw std::runtime_error("collate");
                       return 7;
                     });
  EXPECT_THROW(loader.next(), std::runtime_error);
  EXPECT_EQ(loader.next(), 7);  // destroyed with batches still in work
}

TEST(Loader, RefusesEmptySources) {
  EXPECT_THROW(Loader<Batch>(std::make_shared<Numbers>(0), options(1), ids_and_keys), Error);
  EXPECT_THROW(Loader<Batch>(std::make_shared<Numbers>(3), options(1, 0), ids_and_keys), Error);
}

}  // namespace
}  // namespace reasonbrain::data
