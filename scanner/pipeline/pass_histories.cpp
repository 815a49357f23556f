#include "scanner/pipeline/pass_histories.h"

#include <bit>

#include "scanner/process/system_error.h"

namespace echoscan {
namespace {

constexpr unsigned kByteBits = 8;

MappedMemory zeros_for_histories(std::uint64_t bytes) {
  MappedMemory memory = MappedMemory::zeros(bytes, MAP_NORESERVE);
  if (!memory) throw_system_error("map the histories of passes");
  return memory;
}

std::uint64_t groups_of(const LabelMap& labels) {
  return labels.empty() ? 0 : labels.label_count();
}

}  // namespace

PassHistories::Counts::Counts(std::uint64_t groups, unsigned passes)
    : groups_(groups),
      histories_(1U << passes),
      counts_(zeros_for_histories((groups * histories_ + 1) * sizeof(std::uint64_t))) {}

void PassHistories::Counts::move(std::uint64_t group, unsigned from, unsigned to) {
  std::uint64_t* counts = counts_.as<std::uint64_t>() + group * histories_;
  if (from != 0) --counts[from];
  ++counts[to];
}

std::vector<std::uint64_t> PassHistories::Counts::of_group(std::uint64_t group) const {
  const std::uint64_t* counts = counts_.as<std::uint64_t>() + group * histories_;
  return {counts, counts + histories_};
}

std::vector<std::vector<std::uint64_t>> PassHistories::Counts::of_groups() const {
  std::vector<std::vector<std::uint64_t>> all;
  for (std::uint64_t group = 0; group < groups_; ++group) all.push_back(of_group(group));
  return all;
}

PassHistories::PassHistories(std::uint64_t target_count, unsigned passes, const LabelMap& labels,
                             const LabelMap& ways)
    : passes_(passes),
      bits_(std::bit_ceil(passes)),
      labels_(labels),
      ways_(ways),
      histories_(zeros_for_histories(target_count * bits_ / kByteBits + 1)),
      all_(1, passes),
      by_label_(groups_of(labels), passes),
      by_way_(groups_of(ways), passes) {}

unsigned PassHistories::history_of(std::uint64_t index) const {
  const std::uint64_t bit = index * bits_;
  return histories_.as<std::uint8_t>()[bit / kByteBits] >> bit % kByteBits & ((1U << bits_) - 1);
}

bool PassHistories::add(Ipv4 target, std::uint64_t index, unsigned pass) {
  if (pass >= passes_) return false;
  const std::uint64_t bit = index * bits_;
  std::uint8_t& byte = histories_.as<std::uint8_t>()[bit / kByteBits];
  const unsigned place = bit % kByteBits;
  const unsigned before = byte >> place & ((1U << bits_) - 1);
  const unsigned after = before | 1U << pass;
  if (after == before) return false;
  byte = static_cast<std::uint8_t>(byte | 1U << (place + pass));
  all_.move(0, before, after);
  if (!labels_.empty()) by_label_.move(labels_.label_of(target), before, after);
  if (!ways_.empty()) by_way_.move(ways_.label_of(target), before, after);
  return true;
}

}  // namespace echoscan
