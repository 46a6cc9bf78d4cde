#include "reasonbrain/editor.h"

#include <algorithm>
#include <thread>

#include "core/placement.h"
#include "core/str.h"
#include "data/regions.h"
#include "edit/backend.h"
#include "edit/geometry.h"
#include "edit/turn.h"
#include "reasonbrain/error.h"
#include "segment/regions.h"

namespace reasonbrain::edit {
namespace {

// Below this size one picture does not keep several cores busy: pictures are edited in parallel
// instead.
constexpr int64_t kSmallModelParameters = 30'000'000;
constexpr int64_t kCudaBatch = 16;
constexpr int64_t kCudaParallel = 2;  // one call computes while the other reads and writes pictures

Placement make_placement(const std::string& device_name, const std::string& dtype) {
  const torch::Device device = parse_device(device_name);
  return {device, parse_dtype(dtype, device)};
}

void check_range(const std::string& name, double value, double min, double max) {
  if (value >= min && value <= max) return;
  throw usage_error(str(name, " is ", value, ", expected ", min, " to ", max));
}

// `whose` tells where the name stands, an error of `kind` that it is none.
data::RegionSource parse_region_source(const std::string& source, const std::string& whose = "",
                                       ErrorKind kind = ErrorKind::kUsage) {
  const std::vector<std::string> names = data::region_source_names();
  const auto found = std::find(names.begin(), names.end(), source);
  if (found == names.end()) {
    throw Error(kind,
                str(whose, "region source '", source, "', expected one of: ", join(names, ", ")));
  }
  return static_cast<data::RegionSource>(found - names.begin());
}

// One picture of a request on its way through the chain.
struct Job {
  size_t request;
  int64_t picture;
};

// The picture that the job's next turn edits.
const io::Image& image_of(const Job& job, const std::vector<EditRequest>& requests,
                          const std::vector<EditResult>& results) {
  const auto& turns = results[job.request].pictures[static_cast<size_t>(job.picture)];
  return turns.empty() ? requests[job.request].image : turns.back();
}

}  // namespace

struct Editor::Impl {
  std::unique_ptr<Backend> model;
  std::unique_ptr<segment::MaskGenerator> sam;  // nullptr without

  bool on_cpu() const { return model->placement().device.is_cpu(); }
  int side() const { return static_cast<int>(model->picture_side()); }

  io::Image find_regions(const io::Image& image, const Geometry& geometry, const io::Image& canvas,
                         const std::string& region_source) const;
  reason::Picture make_picture(const io::Image& image, const EditRequest& request, size_t turn,
                               const EditOptions& options) const;
  void run(const std::vector<EditRequest>& requests, const EditOptions& options, size_t turn,
           const std::vector<Job>& jobs, int64_t batch_size,
           std::vector<EditResult>& results) const;
};

// On the canvas, S x S; empty without regions.
io::Image Editor::Impl::find_regions(const io::Image& image, const Geometry& geometry,
                                     const io::Image& canvas,
                                     const std::string& region_source) const {
  const data::RegionSource source = parse_region_source(region_source);
  if (source != data::RegionSource::kSam) return data::make_regions(canvas, {}, source);
  const auto masks =
      segment::choose_regions(sam->masks(image), image.width, image.height, /*options=*/{});
  const io::Image map = segment::region_map(masks, image.width, image.height);
  return map.empty() ? map : geometry.labels_to_canvas(map);
}

reason::Picture Editor::Impl::make_picture(const io::Image& image, const EditRequest& request,
                                           size_t turn, const EditOptions& options) const {
  const Geometry geometry(image.width, image.height, side());
  reason::Picture picture;
  picture.canvas = geometry.to_canvas(image);
  picture.instruction = request.instructions[turn];
  picture.objects = request.objects.empty()
                        ? model->find_objects(picture.instruction, options.objects_by_rules)
                        : request.objects;
  if (!model->reads_regions()) return picture;
  // A map describes the picture that was given: later turns look at what is there then.
  const bool given = turn == 0 && !request.instance_map.empty();
  picture.instance_map =
      given ? geometry.labels_to_canvas(request.instance_map)
            : find_regions(image, geometry, picture.canvas, *options.region_source);
  return picture;
}

void Editor::Impl::run(const std::vector<EditRequest>& requests, const EditOptions& options,
                       size_t turn, const std::vector<Job>& jobs, int64_t batch_size,
                       std::vector<EditResult>& results) const {
  std::vector<reason::Picture> pictures;
  std::vector<SampleJob> sample_jobs;
  std::vector<size_t> where;            // of each sample job in `jobs`
  std::vector<size_t> picture_request;  // of each picture
  for (size_t j = 0; j < jobs.size(); ++j) {
    const EditRequest& request = requests[jobs[j].request];
    if (turn >= request.instructions.size()) continue;
    // All pictures of a request start from the same one.
    const bool same =
        turn == 0 && !picture_request.empty() && picture_request.back() == jobs[j].request;
    if (!same) {
      pictures.push_back(
          make_picture(image_of(jobs[j], requests, results), request, turn, options));
      picture_request.push_back(jobs[j].request);
    }
    sample_jobs.push_back(
        {{request.seed, jobs[j].picture}, static_cast<int64_t>(pictures.size()) - 1});
    where.push_back(j);
  }
  const reason::PaintSettings settings{*options.steps, *options.guidance, *options.image_guidance};
  TurnResult turn_result =
      model->run_turn(pictures, sample_jobs, settings, batch_size, options.explain);
  for (size_t k = 0; k < sample_jobs.size(); ++k) {
    const Job& job = jobs[where[k]];
    const auto row = static_cast<size_t>(sample_jobs[k].row);
    const io::Image& image = image_of(job, requests, results);
    const Geometry geometry(image.width, image.height, side());
    io::Image edited = geometry.from_canvas(image, pictures[row].canvas, turn_result.edited[k]);
    EditResult& result = results[job.request];
    result.pictures[static_cast<size_t>(job.picture)].push_back(std::move(edited));
    if (options.explain && job.picture == 0)
      result.turns.push_back(std::move(turn_result.turns[row]));
  }
}

Editor::Editor(const std::filesystem::path& model, const std::string& device,
               const std::string& dtype)
    : impl_(std::make_unique<Impl>()) {
  impl_->model = load_backend(model, make_placement(device, dtype));
  parse_region_source(impl_->model->defaults().region_source,
                      model.string() + ": the model's default ", ErrorKind::kData);
}

Editor::~Editor() = default;
Editor::Editor(Editor&&) noexcept = default;

EditOptions Editor::resolved(const EditOptions& options) const {
  const reason::InferenceOptions defaults = impl_->model->defaults();
  EditOptions out = options;
  out.steps = options.steps.value_or(defaults.steps);
  out.guidance = options.guidance.value_or(defaults.guidance);
  out.image_guidance = options.image_guidance.value_or(defaults.image_guidance);
  out.region_source =
      options.region_source.value_or(impl_->sam != nullptr ? "sam" : defaults.region_source);
  return out;
}

void Editor::check_instruction(const std::string& instruction) const {
  impl_->model->check_instruction(instruction);
}

void Editor::check_options(const EditOptions& options) const {
  const EditOptions all = resolved(options);
  check_range("steps", static_cast<double>(*all.steps), 1, kMaxSteps);
  check_range("guidance", *all.guidance, 0, kMaxGuidance);
  check_range("image guidance", *all.image_guidance, 0, kMaxGuidance);
  check_range("num", static_cast<double>(all.num), 1, kMaxPictures);
  const data::RegionSource source = parse_region_source(*all.region_source);
  if (source == data::RegionSource::kSam && impl_->sam == nullptr) {
    throw usage_error("region source 'sam' needs SAM's weights; give their folder with --sam DIR");
  }
}

void Editor::use_sam(const std::filesystem::path& folder) {
  impl_->sam = std::make_unique<segment::MaskGenerator>(folder, segment::MaskOptions(),
                                                        impl_->model->placement());
}

std::string Editor::sam_sha256() const {
  return impl_->sam == nullptr ? "" : impl_->sam->sha256();
}

void Editor::check(const EditRequest& request, const EditOptions& options) const {
  check_options(options);
  if (request.instructions.empty()) throw usage_error("no instruction was given");
  for (const std::string& instruction : request.instructions) check_instruction(instruction);
  for (const std::string& object : request.objects) {
    if (trim(object).empty() || !is_valid_utf8(object)) {
      throw usage_error(str("object '", object, "': expected words, in UTF-8"));
    }
  }
  if (request.image.empty() || request.image.channels != 3)
    throw data_error("the image has no RGB pixels");
  const io::Image& map = request.instance_map;
  if (!map.empty() && (map.width != request.image.width || map.height != request.image.height)) {
    throw data_error(str("the region map is ", map.width, "x", map.height, ", the picture ",
                         request.image.width, "x", request.image.height,
                         "; both must have one size"));
  }
}

std::vector<EditResult> Editor::edit(const std::vector<EditRequest>& requests,
                                     const EditOptions& options) const {
  for (const EditRequest& request : requests) check(request, options);
  const EditOptions all = resolved(options);
  std::vector<EditResult> results(requests.size());
  std::vector<Job> jobs;
  size_t num_turns = 0;
  for (size_t i = 0; i < requests.size(); ++i) {
    results[i].pictures.resize(static_cast<size_t>(all.num));
    num_turns = std::max(num_turns, requests[i].instructions.size());
    for (int64_t n = 0; n < all.num; ++n) jobs.push_back({i, n});
  }
  for (size_t turn = 0; turn < num_turns; ++turn)
    impl_->run(requests, all, turn, jobs, batch_size(), results);
  return results;
}

int64_t Editor::batch_size() const {
  return impl_->on_cpu() ? 1 : kCudaBatch;
}

int64_t Editor::num_parallel() const {
  if (!impl_->on_cpu()) return kCudaParallel;
  if (impl_->model->num_parameters() > kSmallModelParameters) return 1;
  return std::max<int64_t>(1, std::thread::hardware_concurrency());
}

int64_t Editor::picture_side() const {
  return impl_->side();
}

std::string Editor::dtype() const {
  return dtype_name(impl_->model->placement().dtype);
}

const std::string& Editor::model_sha256() const {
  return impl_->model->sha256();
}

}  // namespace reasonbrain::edit
